"""The connection pools of the clients: bounded, fair, of constant cost a request, unharmed by cancellation.

`sync_pool` serves threads, `async_pool` the tasks of an event loop; both are transports of httpx, and say with
`permits` who may use a connection. Below them, `sync_transmission` and `async_transmission` send one request over a
connection and read its answer. A `wire` frames them: `usual_wire` what is usual (`request_head`, `response_head`,
`chunked_body`), and `h11_wire` all else, from the same bytes. `sync_connecting` and `async_connecting` open streams,
through a `proxy` where there is one; `sync_network` and `async_network` move bytes. A `response_body` still arrives.
`checked` holds what options must be like.
"""
