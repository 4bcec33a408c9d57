"""Names and values of a client's options: what is valid, and how a fault is told.

May use the parameters, HTTP and errors.
"""
