"""The endpoints, a module for each family: functions from a request to a reply."""
