"""What both clients are made of: operations, pages, the HTTP request of a call, and how a call is performed.

May use policies, answers and the call; it knows no provider and no process.
"""
