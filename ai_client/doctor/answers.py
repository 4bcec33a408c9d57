"""Asking an API for its models, which costs nothing, and its answer as it came."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any, cast

from pydantic_core import from_json

from ..errors import APIStatusError, OAuthError, members_of
from .bounds import Bound

_SHOWN = 60
_LARGEST = 16 * 1024 * 1024
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class ModelsAnswer:
    """The answer of a server to `models.list`.

    Attributes:
        status: The HTTP status.
        headers: The headers, by names in lower case.
        text: The body.
        seconds: How long it took.
        skew: Seconds by which this machine's clock is ahead of the server's; `None` where that says no time.
    """

    status: int
    headers: dict[str, str] = field(repr=False)
    text: str = field(repr=False)
    seconds: float
    skew: float | None

    @property
    def body(self) -> Any:
        """The body as JSON, `None` where it is none."""
        with suppress(ValueError):
            return from_json(self.text)
        return None

    @property
    def models(self) -> list[Mapping[str, Any]] | None:
        """The models, `None` where the body is no list of them."""
        found: Any = members_of(self.body).get("data")
        if not isinstance(found, list):
            return None
        each = map(members_of, cast("list[Any]", found))
        return [model for model in each if isinstance(model.get("id"), str)]

    @property
    def is_html(self) -> bool:
        """Whether the body is a page."""
        kind = self.headers.get("content-type", "")
        return "html" in kind or self.text.lstrip()[:1] == "<"

    @property
    def code(self) -> str:
        """The API's code of an error, empty where there is none."""
        error = members_of(members_of(self.body).get("error"))
        code = error.get("code") or error.get("type")
        return code if isinstance(code, str) else ""

    @property
    def server(self) -> str:
        """The name of the server's program, as it gives it."""
        name = self.headers.get("server", "")
        return name[:_SHOWN] if name.isprintable() and name.isascii() else ""


def ask(client: Any, bound: Bound) -> ModelsAnswer:
    """Ask a client's server for its models, once, following no redirect.

    Raises:
        OpenAIError: There is no answer.
    """
    seconds = bound.left()
    once = client.with_options(max_retries=0, timeout=seconds, deadline=seconds, max_response_bytes=_LARGEST)
    before, start = time(), monotonic()
    try:
        response = once.get(
            "/models", cast_to=client._library.http.Response, options={"follow_redirects": False}
        )
    except OAuthError:
        raise  # which the API has not answered
    except APIStatusError as error:
        response = error.response
    taken = monotonic() - start
    headers = {name.lower(): value for name, value in response.headers.items()}
    return ModelsAnswer(response.status_code, headers, response.text, taken, _skew(headers, before, taken))


def _skew(headers: dict[str, str], before: float, taken: float) -> float | None:
    """Return by how much the clock is ahead; 0 where the server's `Date` lies within the exchange."""
    try:
        said = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
    if said < before - 1:  # it counts in whole seconds
        return before - said
    return min(0.0, before + taken - said)
