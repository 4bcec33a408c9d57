"""What a caller gives: keywords, query, JSON, uploads, and what is checked of them before anything is sent.

May use errors only.
"""
