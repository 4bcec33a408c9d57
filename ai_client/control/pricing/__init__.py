"""What a call used and what that costs: reports, estimates, media and prices."""
