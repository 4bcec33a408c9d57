"""Sessions over WebSockets: opening, sending, receiving, reconnecting, and their end with the client.

May use the call and its policies.
"""
