"""An adapter for Quart, written outside of `integrations/`."""
