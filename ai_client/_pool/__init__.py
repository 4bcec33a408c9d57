"""The connection pools of the clients: bounded, fair, of constant cost a request, unharmed by cancellation.

Plainly: `sync` serves threads, `async` the tasks of an event loop; both are transports of httpx.
Below them, `admission` says who may connect, `connection` and `wire` speak HTTP/1.1, `network` and
`loop_network` move the bytes, `proxy` finds the way, and `body` holds a response that is still arriving.
"""
