"""Generates `ai_client/types/` and `ai_client/resources/` from an OpenAPI description and the map in `tools/api/`."""
