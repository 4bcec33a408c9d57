"""One client of each kind per process: assembly, the drain gate, signals, and clients of other SDKs.

May use the clients; nothing below knows of it.
"""
