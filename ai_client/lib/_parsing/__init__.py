"""Parsing of structured outputs of chat completions and responses."""
