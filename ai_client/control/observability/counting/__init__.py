"""Parts of the policy `Metrics`: what a process has counted, by endpoint, model and tenant."""
