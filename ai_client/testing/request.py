"""A request as the endpoints see it, and the exception that rejects it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any

from ai_client.testing.recording import Recorded
from ai_client.testing.reply import Reply, error_body
from ai_client.testing.shapes import is_list, is_object

from .._models.accessor import accessor


class Refused(Exception):  # noqa: N818 -- an answer to the client, not a failure of the upstream
    """Rejects a request with an error in the API's format."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.reply = Reply(status=status, json=error_body(status, message, param=param, code=code))


@dataclass(frozen=True)
class Request:
    """A request that is routed to an endpoint.

    Attributes:
        recorded: The request as received.
        number: Sequence number among the requests of this upstream; ids are derived from it.
        params: Values of the route's placeholders.
        content: The text to answer with, where a test has set one.
        pause: Seconds between the chunks of a streamed answer.
    """

    recorded: Recorded
    number: int
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    content: str | None = None
    pause: float = 0

    def id(self, prefix: str, index: int = 0) -> str:
        """Return an identifier in the API's format, unique among the requests of this upstream."""
        return f"{prefix}{self.number:024x}{index:05x}"

    @accessor
    def data(self) -> dict[str, Any]:
        """The body, decoded from JSON.

        Raises:
            Refused: The body is not a JSON object (400).
        """
        try:
            data = self.recorded.json()
        except (JSONDecodeError, UnicodeDecodeError):
            raise Refused(400, "We could not parse the JSON body of your request.") from None
        if not is_object(data):
            raise Refused(400, "The body of the request must be a JSON object.")
        return data

    def require(self, *names: str) -> None:
        """Validate that the body has each of these parameters.

        Raises:
            Refused: One is missing (400).
        """
        for name in names:
            if self.data.get(name) is None:
                raise Refused(
                    400,
                    f"Missing required parameter: '{name}'.",
                    param=name,
                    code="missing_required_parameter",
                )

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return the required parameter *name*, a non-empty list of objects.

        Raises:
            Refused: It is missing or something else (400).
        """
        self.require(name)
        value = self.data[name]
        if not is_list(value) or not value or not all(is_object(item) for item in value):
            message = f"Invalid type for '{name}': expected an array of objects with at least one item."
            raise Refused(400, message, param=name, code="invalid_type")
        return value

    def number_of(self, name: str) -> int | None:
        """Return the optional parameter *name*, an integer of at least 1.

        Raises:
            Refused: It is something else (400).
        """
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            message = f"Invalid value for '{name}': expected an integer of at least 1."
            raise Refused(400, message, param=name, code="invalid_value")
        return value

    @property
    def model(self) -> str:
        """The requested model: from the body, or the deployment in Azure's older paths."""
        if self.data.get("model") is None and "deployment" in self.params:
            return self.params["deployment"]
        self.require("model")
        return str(self.data["model"])
