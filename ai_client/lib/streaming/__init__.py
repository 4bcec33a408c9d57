"""Events and states of streams that are accumulated."""
