"""What users may name of the helpers that are written by hand beside the generated resources."""
