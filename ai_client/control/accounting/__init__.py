"""Policies that count: budgets, cost and rates, and the reservation that a call holds of them."""
