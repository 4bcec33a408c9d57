"""A chat page in Flask whose answers appear word by word."""
