"""Policies around a call, one a file; each works alone and on both clients."""
