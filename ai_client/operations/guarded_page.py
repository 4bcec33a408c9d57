"""Who may read a page of an application: whom its guard allows, who brings its token, or anyone."""

import hmac
import inspect
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .page import RenderedPage

_GENERATORS = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
_BEARER, _BASIC = "bearer", "basic"
_PLAIN = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_FORBIDDEN = RenderedPage(403, _PLAIN, b"forbidden\n")
_CHALLENGE = "Bearer"
_CHALLENGE_OF_BROWSERS = 'Basic realm="AI calls", charset="UTF-8", Bearer realm="AI calls"'
"""Basic comes first: a browser reads one challenge of a header."""


class GuardedPage:
    """A page for those who may read it.

    Exactly one of the arguments is given; what it shows of an application's tenants and spending is not for everyone.

    Args:
        name: The page's name in errors.
        guard: A function of the framework's request that returns whether it may read the page.
        token: What the request must bring as `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request, so that it may change.
        public: Whether anyone may read it.
        basic: Whether a browser may bring the token as the password of HTTP Basic, with any user name.

    Attributes:
        guard: As given; the adapter calls it.

    Raises:
        ConfigError: None of them, or several, are given, or one of them can never work.
    """

    def __init__(
        self,
        name: str,
        *,
        guard: Callable[[Any], Any] | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        public: bool = False,
        basic: bool = False,
    ) -> None:
        if not isinstance(public, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"{name}: public must be True or False, not {type(public).__name__}.")
        if sum((guard is not None, token is not None, token_file is not None, public)) != 1:
            raise ConfigError(
                f"{name}: set exactly one of guard, token, token_file and public=True, which decide who may read it."
            )
        _check(name, guard, token, token_file)
        self.guard = guard
        self._name = name
        self._token = token
        self._token_file = token_file
        self._basic = basic

    def refusal(self, authorization: str | None, allowed: object = True) -> RenderedPage | None:
        """Return the answer to a request that may not read the page; `None` where it may.

        Args:
            authorization: The request's header of that name.
            allowed: What `guard` has returned, where there is one.

        Raises:
            ConfigError: That is still to be awaited, which says nothing yet.
        """
        if inspect.isawaitable(allowed):
            if inspect.iscoroutine(allowed):
                allowed.close()
            raise ConfigError(
                f"{self._name}: guard has returned an awaitable, which would allow everybody. "
                "Pass a coroutine function itself, or await it in the guard."
            )
        if not allowed:
            return _FORBIDDEN
        if self._token is None and self._token_file is None:
            return None
        expected, given = self._expected(), self._given(authorization or "")
        is_equal = hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
        if expected and is_equal:
            return None
        challenge = _CHALLENGE_OF_BROWSERS if self._basic else _CHALLENGE
        return RenderedPage(401, {**_PLAIN, "www-authenticate": challenge}, b"unauthorized\n")

    def _given(self, authorization: str) -> str:
        """Return the token that a request brings; empty where it brings none."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == _BEARER:
            return value.strip()
        if scheme.lower() != _BASIC or not self._basic:
            return ""
        try:
            return b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2].strip()
        except ValueError:
            return ""

    def _expected(self) -> str:
        if self._token_file is None:
            return (self._token or "").strip()
        try:
            return Path(self._token_file).read_text("utf-8").strip()
        except (OSError, ValueError):
            return ""  # nobody may read the page before there is one


def _check(name: str, guard: object, token: object, token_file: object) -> None:
    """Raise `ConfigError` for what can never say who may read a page."""
    if guard is not None and not callable(guard):
        raise ConfigError(f"{name}: guard must be a function of the request, not {type(guard).__name__}.")
    if any(is_one(called) for called in _called(guard) for is_one in _GENERATORS):
        raise ConfigError(
            f"{name}: guard must return whether the request may read the page; a function that yields "
            "returns a generator, which would allow everybody."
        )
    if token is not None and not isinstance(token, str):
        raise ConfigError(f"{name}: token must be a text, not {type(token).__name__}.")
    if token is not None and not token.strip():
        raise ConfigError(f"{name}: token must not be empty.")
    if token_file is not None and not isinstance(token_file, str | PathLike):
        raise ConfigError(f"{name}: token_file must be a path, not {type(token_file).__name__}.")
    if token_file == "":
        raise ConfigError(f"{name}: token_file must not be empty.")


def _called(guard: object) -> tuple[Any, Any]:
    """Return what is called where a guard is: the function, or the method of an object."""
    while isinstance(guard, partial):
        guard = guard.func
    return guard, getattr(guard, "__call__", None)  # noqa: B004 - its function is looked at
