"""Result models: their base, unions, construction without validation, lazy fields.

May use the parameters' encoding and errors.
"""
