"""Structured outputs of chat completions and of responses, parsed."""
