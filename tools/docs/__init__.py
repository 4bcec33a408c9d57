"""The documentation's tables and build."""
