"""Validation of the controls' options, and its error messages."""
