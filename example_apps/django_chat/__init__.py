"""A chat page in Django whose answers appear word by word."""
