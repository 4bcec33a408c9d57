"""Response cache: keep responses and replay them for equal requests."""
