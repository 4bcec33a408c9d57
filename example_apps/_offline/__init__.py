"""The demo without a key, on this machine alone: what its upstream answers, its policies, and traffic to look at."""
