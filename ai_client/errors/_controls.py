"""Errors that policies raise instead of sending a call."""

import copyreg
from collections.abc import Mapping
from typing import Any

from ._base import OpenAIError


class StoreError(OpenAIError):
    """Shared state is unreachable, and a policy is configured not to go on without it.

    Attributes:
        retry_after: Seconds until the store is called again, where known.
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
    """A call that the application's rules reject, for its model or size. It was not sent.

    Attributes:
        param: The parameter that violates a rule.
        status: The HTTP status with which an application reports it.
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
    """A call that one of the application's own limits rejected before it was sent.

    Attributes:
        message: The limit that was reached.
        retry_after: Seconds until a retry may succeed, where known.
        details: Figures behind the rejection.
        status: The HTTP status with which an application reports it.
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
    """More requests or tokens than a rate limit allows. Details: `limit`, `unit`, `scope`, `per` (seconds)."""

    type = "rate_limit"


class QueueFull(LimitExceeded):
    """More concurrent calls than the application allows. Details: `queue_length`, `in_flight`, `waited` (seconds)."""

    status = 503
    type = "overloaded"

    @property
    def queue_length(self) -> int:
        """Callers that were waiting in the queue."""
        return int(self.details["queue_length"] or 0)


class BudgetExceeded(LimitExceeded):
    """More money, tokens or requests than a budget has left. Details: `limit`, `used`, `held`, `unit`, `scope`."""

    type = "budget"


class CircuitOpen(LimitExceeded):
    """A target that failed too often lately, to which no call is sent for a while. Details: `target`."""

    status = 503
    type = "unavailable"
