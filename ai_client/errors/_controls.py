"""What the policies around a call raise instead of sending it."""

import copyreg
from collections.abc import Mapping
from typing import Any

from ._base import OpenAIError


class StoreError(OpenAIError):
    """Shared state that cannot be reached, where a policy may not go on without it.

    Attributes:
        retry_after: Seconds until the store is asked again, where known.
    """

    type = "unavailable"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.message = message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class PolicyError(OpenAIError):
    """A policy of the application that broke its contract; where it raised, its error is the `__cause__`.

    Attributes:
        policy: The name of the policy.
    """

    def __init__(self, message: str, policy: str | None = None) -> None:
        super().__init__(message, policy)
        self.message = message
        self.policy = policy

    def __str__(self) -> str:
        return self.message


class GuardrailError(OpenAIError, ValueError):
    """A call that the application's own rules forbid: a model, a size. It was not sent.

    Attributes:
        param: The parameter at fault.
        status: The HTTP status under which an application shows it.
    """

    status = 400
    type = "invalid_request"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message, param)
        self.message = message
        self.param = param

    def __str__(self) -> str:
        return self.message


class LimitExceeded(OpenAIError):  # noqa: N818 - names what happened, as the limits' own vocabulary does
    """A call that the application's own limits refused before it was sent.

    Attributes:
        message: What limit it was.
        retry_after: Seconds until a further try may succeed, where known.
        details: The figures behind the refusal.
        status: The HTTP status under which an application shows it.
    """

    status = 429
    type = "limit"

    def __init__(
        self, message: str, *, retry_after: float | None = None, **details: float | str | None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.details: Mapping[str, float | str | None] = details

    def __reduce__(self) -> tuple[Any, ...]:
        return (copyreg.__newobj__, (type(self), *self.args), self.__dict__.copy())  # type: ignore[attr-defined]


class RateLimitExceeded(LimitExceeded):
    """More requests or tokens than a rate allows. Details: `limit`, `unit`, `scope`, `per` (seconds)."""

    type = "rate_limit"


class QueueFull(LimitExceeded):
    """More calls at once than the application allows. Details: `queue_length`, `in_flight`, `waited` (seconds)."""

    status = 503
    type = "overloaded"

    @property
    def queue_length(self) -> int:
        """Callers that were waiting."""
        return int(self.details["queue_length"] or 0)


class BudgetExceeded(LimitExceeded):
    """More money, tokens or requests than a budget has left. Details: `limit`, `used`, `held`, `unit`, `scope`."""

    type = "budget"


class CircuitOpen(LimitExceeded):
    """A target that failed too often lately and is left alone for a while. Details: `target`."""

    status = 503
    type = "unavailable"
