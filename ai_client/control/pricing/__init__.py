"""Usage and price of calls: reported usage, estimates, media and price tables."""
