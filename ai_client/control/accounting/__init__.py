"""Policies that count calls: budgets, cost and rate limits, and the reservation that a call holds of them."""
