"""Handwritten helpers next to the generated resources."""
