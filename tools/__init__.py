"""What maintains the project: the generator, the benchmarks, the README's tables."""
