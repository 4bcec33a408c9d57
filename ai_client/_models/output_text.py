"""The text of a response."""

from typing import Any


class OutputText:
    """Fields of a response that are computed, not sent by the API."""

    @property
    def output_text(self: Any) -> str:
        """All texts of the output's messages, joined; empty where there is none."""
        return "".join(
            content.text or ""
            for item in self.output or ()
            if item.type == "message"
            for content in item.content or ()
            if content.type == "output_text"
        )
