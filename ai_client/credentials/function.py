"""The function of an application that returns the credentials of a tenant: found by its path, called, and watched."""

import inspect
import time
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .._call.labels import Labels
from .._call.own_policy import name_of
from .._io.deadline import is_over
from .._params.dotted import imported, shown_path
from ..errors import ConfigError, CredentialsError, OpenAIError
from . import Credentials, credentials_of

if TYPE_CHECKING:
    from .._io import IO

_LONGEST_NAME = 50
ASK_SECONDS = 60.0
"""Seconds that the function may take, whatever time its call has."""


def function_at(path: str) -> Callable[..., Any]:
    """Import the function at a dotted path.

    Raises:
        ConfigError: There is none, or importing it fails. What looks like no path is not shown: it may be a key.
    """
    parts = path.split(".")
    if len(parts) == 1 or not all(part.isidentifier() and len(part) <= _LONGEST_NAME for part in parts):
        raise ConfigError(
            "The credentials function must be a dotted path, such as 'myapp.tenants.credentials_of'."
        )
    found: object = imported(path, "credentials function")
    if not callable(found) or isinstance(found, type):
        raise ConfigError(f"The credentials function {shown_path(path)} is no function.")
    return found


class Question:
    """The function of an application, as a client of one kind asks it.

    Args:
        function: The function, or its dotted path.
        sync: Whether the client is the sync one.

    Raises:
        ConfigError: There is no such function, or it is a coroutine function, which the sync client cannot await.
    """

    def __init__(self, function: Callable[..., Any] | str, *, sync: bool) -> None:
        found = function_at(function) if isinstance(function, str) else function
        if isinstance(found, type) or not callable(found):
            raise ConfigError(
                f"credentials must be a function of a call's labels or its dotted path, not {name_of(found)}."
            )
        self._function: Callable[..., Any] = found
        self.name = name_of(found)
        self._is_awaited = _is_coroutine_function(found)
        if sync and self._is_awaited:
            raise ConfigError(
                f"credentials: {self.name} is a coroutine function, which only AsyncOpenAI can await."
                " Configure a plain function: both clients take one, and AsyncOpenAI calls it in a thread."
            )

    async def ask(self, io: "IO", labels: Labels) -> Credentials | None:
        """Ask for the credentials of *labels*.

        Errors come without the frames and the errors behind them, whose variables may hold keys.

        Raises:
            CredentialsError: The function failed, or took too long.
            ConfigError: It returned something else.
            OpenAIError: The function raised it.
            TimeoutError: The deadline of the call has passed.
        """
        asking = _Asking(self)
        before = _current.set(asking)
        end = time.monotonic() + ASK_SECONDS
        try:
            return await io.within(end, self._credentials(io, labels))
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failure = self._shown(error, late=is_over(io.deadline), slow=is_over(end))
        finally:
            _current.reset(before)
            asking.is_over = True
        try:
            raise failure
        finally:
            del failure

    def _shown(self, error: BaseException, *, late: bool, slow: bool) -> BaseException:
        """Return what a call raises where the function failed."""
        if isinstance(error, OpenAIError) or not isinstance(error, Exception):
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)
        if isinstance(error, TimeoutError) and late:
            return TimeoutError("The deadline has passed.")
        if isinstance(error, TimeoutError) and slow:
            return self.too_slow()
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return CredentialsError(
            f"The credentials function {self.name} failed: {type(error).__name__} at {frame.filename}:{frame.lineno}."
        )

    def too_slow(self) -> CredentialsError:
        """Return the error of a call that has waited for the function for too long."""
        return CredentialsError(
            f"The credentials function {self.name} was not over within {ASK_SECONDS:g} s."
        )

    async def _credentials(self, io: "IO", labels: Labels) -> Credentials | None:
        if self._is_awaited:
            return credentials_of(await self._function(labels), self.name)
        returned = await io.call_aside(self._called, labels)
        if inspect.isawaitable(returned):
            if io.sync:
                if inspect.iscoroutine(returned):
                    returned.close()
                raise ConfigError(
                    f"The credentials function {self.name} returned something to await, which only AsyncOpenAI can."
                )
            returned = await returned
        return credentials_of(returned, self.name)

    def _called(self, labels: Labels) -> object:
        try:
            return self._function(labels)
        except StopIteration:  # which no future can hold, so that its caller would wait in vain
            raise RuntimeError("StopIteration") from None

    def check(self) -> None:
        """Raise inside the function itself: it would wait for itself.

        Raises:
            ConfigError: The function uses the client that asks it.
        """
        asking = _current.get()
        if asking is not None and asking.question is self and not asking.is_over:
            raise ConfigError(
                f"The credentials function {self.name} uses the client that asks it for credentials: it needs"
                " client.with_options(credentials=None), or another client."
            )


class _Asking:
    """A question under way, known in its context and in what begins there."""

    __slots__ = ("is_over", "question")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.is_over = False


_current: ContextVar[_Asking | None] = ContextVar("ai_client_asking", default=None)


def _is_coroutine_function(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(function.__call__)
