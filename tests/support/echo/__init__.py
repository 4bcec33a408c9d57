"""One small application for each framework, all with the same addresses, for the table of servers."""
