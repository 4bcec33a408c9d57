"""Policies that watch: logs, hooks, traces, and what they may not show."""
