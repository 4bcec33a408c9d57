"""Streams with accumulated state: their events and state objects."""
