"""The same chat in FastAPI, Django and Flask."""
