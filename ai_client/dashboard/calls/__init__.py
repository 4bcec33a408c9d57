"""The calls behind the figures: their list, and the page of each."""
