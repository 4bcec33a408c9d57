"""Masking of credentials and of what tells of a person."""
