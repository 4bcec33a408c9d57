"""Management of the AI client."""
