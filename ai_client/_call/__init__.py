"""The call itself: what is asked, its record, size and usage, its labels, its retries and the pipeline of policies.

May use stores, waiting and what lies below; it knows neither clients nor single policies.
"""
