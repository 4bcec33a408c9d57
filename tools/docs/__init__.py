"""Tables and build hooks of the documentation."""
