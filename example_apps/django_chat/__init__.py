"""A chat page in Django that streams its answers."""
