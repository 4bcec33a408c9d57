"""Tools for maintaining the project: the generator, the benchmarks, the documentation's tables."""
