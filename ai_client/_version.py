"""The version of the package, its only copy."""

__version__ = "0.1.0"
