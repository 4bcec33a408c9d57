"""A chat page in Flask that streams its answers."""
