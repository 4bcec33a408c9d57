"""Names and values of a client's options, their validation and its messages.

May use the parameters, pools, HTTP and errors.
"""
