"""A request as the endpoints see it, and the error they raise to refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Any

from ai_client.testing.recording import Recorded
from ai_client.testing.reply import Reply, error_body
from ai_client.testing.shapes import is_list, is_object

from .._models.accessor import accessor


class Refused(Exception):  # noqa: N818 -- an answer to the client, not a fault of the upstream
    """A request that gets an error in the API's format."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.reply = Reply(status=status, json=error_body(status, message, param=param, code=code))


@dataclass(frozen=True)
class Request:
    """A request on its way to an endpoint.

    Attributes:
        recorded: The request as it arrived.
        number: Counts the requests of this upstream; ids are made of it.
        params: What the route's placeholders stand for.
        content: The text to answer with, where a test has given one.
        pause: Seconds between the chunks of a streamed answer.
    """

    recorded: Recorded
    number: int
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    content: str | None = None
    pause: float = 0

    def id(self, prefix: str, index: int = 0) -> str:
        """Return an identifier in the API's style that no other request of this upstream has."""
        return f"{prefix}{self.number:024x}{index:05x}"

    @accessor
    def data(self) -> dict[str, Any]:
        """The body, a JSON object; anything else is refused."""
        try:
            data = self.recorded.json()
        except (JSONDecodeError, UnicodeDecodeError):
            raise Refused(400, "We could not parse the JSON body of your request.") from None
        if not is_object(data):
            raise Refused(400, "The body of the request must be a JSON object.")
        return data

    def require(self, *names: str) -> None:
        """Refuse a body that lacks one of these parameters."""
        for name in names:
            if self.data.get(name) is None:
                raise Refused(
                    400,
                    f"Missing required parameter: '{name}'.",
                    param=name,
                    code="missing_required_parameter",
                )

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The required parameter `name`, a list of objects that is not empty; anything else is refused."""
        self.require(name)
        value = self.data[name]
        if not is_list(value) or not value or not all(is_object(item) for item in value):
            message = f"Invalid type for '{name}': expected an array of objects with at least one item."
            raise Refused(400, message, param=name, code="invalid_type")
        return value

    def number_of(self, name: str) -> int | None:
        """The optional parameter `name`, an integer of at least one; anything else is refused."""
        value = self.data.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            message = f"Invalid value for '{name}': expected an integer of at least 1."
            raise Refused(400, message, param=name, code="invalid_value")
        return value

    @property
    def model(self) -> str:
        """The model asked for: in the body, or on Azure's older paths the deployment."""
        if self.data.get("model") is None and "deployment" in self.params:
            return self.params["deployment"]
        self.require("model")
        return str(self.data["model"])
