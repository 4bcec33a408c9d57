"""Alerts: a budget that is nearly used up, an open breaker, calls that fail, clients that are built per request."""
