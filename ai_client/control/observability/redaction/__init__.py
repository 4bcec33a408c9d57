"""Masking of credentials and personal data."""
