"""Benchmarks: this package, raw HTTP libraries and the official SDK, interleaved in one run, as ratios."""
