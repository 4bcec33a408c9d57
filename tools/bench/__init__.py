"""Benchmarks: ours beside raw HTTP libraries and the official SDK, interleaved in one run, as ratios."""
