"""The parts of rate limits: who waits for room in this process, and what the upstream announces."""
