"""The call: its description, record, size, usage, labels, retries and the pipeline of policies.

May use stores, waiting and what lies below; it knows neither clients nor single policies.
"""
