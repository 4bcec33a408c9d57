"""A chat page in FastAPI that streams its answers."""
