"""A chat page in FastAPI whose answers appear word by word."""
