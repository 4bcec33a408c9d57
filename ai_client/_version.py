"""The title and the version of the package, their only copy."""

__title__ = "ai_client"
__version__ = "0.1.0"
