"""What comes back from the server: events, items, streams, raw responses and results.

May use the call and everything below it; it sends nothing.
"""
