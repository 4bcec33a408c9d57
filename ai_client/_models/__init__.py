"""What an answer becomes: the base of the models, unions, construction without validation, lazy fields.

May use the parameters' encoding and errors.
"""
