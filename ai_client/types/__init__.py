"""What goes over the wire, in Python types: parameters as typed dictionaries, results as models."""
