"""The journal: the last calls, one by one, in the store."""
