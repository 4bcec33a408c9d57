"""Parameters: keywords, query, JSON and uploads, validated and encoded before anything is sent.

May use errors only.
"""
