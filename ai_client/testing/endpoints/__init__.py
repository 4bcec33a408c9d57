"""The built-in endpoints, one module per family: functions from a request to a reply."""
