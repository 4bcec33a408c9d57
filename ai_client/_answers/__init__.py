"""Responses: server-sent events, stream items, streams, raw responses and results.

May use the call and everything below it; it sends nothing.
"""
