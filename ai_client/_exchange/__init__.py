"""One HTTP exchange: over a pool, over a transport, through a user's client, or on another event loop.

May use the pool and the HTTP library; it knows neither calls nor retries.
"""
