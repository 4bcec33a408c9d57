"""The HTTP library that is used, its TLS and the options of our pool: the only room that chooses between libraries.

May use the parameters and errors.
"""
