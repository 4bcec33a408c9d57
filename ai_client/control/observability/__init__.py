"""Policies that observe calls: logs, hooks and traces, and the redaction of what they show."""
