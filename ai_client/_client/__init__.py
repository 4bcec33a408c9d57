"""Parts of both clients: operations, pages, building the HTTP request and performing a call.

May use policies, answers and the call; it knows no provider and no process.
"""
