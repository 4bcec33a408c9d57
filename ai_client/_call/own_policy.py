"""Wrapper around a policy of the application: names it in errors, and releases replies that it does not return."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn

from .._io import finish
from .._io.deadline import is_over
from ..errors import OpenAIError, PolicyError
from .call import Call, Reply

_PACKAGE = __name__.partition(".")[0]
_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300


def is_ours(policy: object) -> bool:
    """Return whether a policy belongs to this package rather than to the application."""
    return str(getattr(policy, "__module__", "")).partition(".")[0] == _PACKAGE


def name_of(thing: object) -> str:
    """Return the dotted path of the function or class of a policy or factory."""
    named: Any = thing if hasattr(thing, "__qualname__") and hasattr(thing, "__module__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}".removeprefix("builtins.")


class OwnPolicy:
    """A step in the chain of policies: a policy of the application, and the inner steps.

    A fault of the policy becomes a `PolicyError`; errors of this package and of inner steps pass. A reply of an
    inner step that the policy does not return is abandoned, so that its connection is released and its usage
    counted.

    Args:
        policy: The policy.
        proceed: The inner steps.
    """

    def __init__(self, policy: Any, proceed: Callable[[Call], Awaitable[Reply]]) -> None:
        self._handle = policy.__call__
        self._name = name_of(policy)
        self._proceed = proceed

    async def __call__(self, call: Call) -> Reply:
        """Run the policy.

        Raises:
            PolicyError: The policy raised another error, or did not return a valid reply to the call.
        """
        got: list[Reply] = []
        raised: list[BaseException] = []
        over = asking = False

        async def proceed(inner: Call, /) -> Reply:
            nonlocal asking
            if asking:
                self._fail(
                    "passed a call on while it was waiting for another answer: wait for one after the other"
                )
            if not isinstance(inner, Call):  # pyright: ignore[reportUnnecessaryIsInstance]
                self._fail(f"passed on {name_of(inner)}, which is no call")
            if inner.record is None:
                inner.record = call.record  # else what it costs would be counted for nobody
            asking = True
            try:
                reply = await self._proceed(inner)
            except BaseException as error:
                raised.append(error)
                raise
            finally:
                asking = False
                if call.record is None:
                    call.record = inner.record
            reply.is_taken = True
            if over:
                await reply.abandon(call.io)
                self._fail("was answered after it had returned: it must wait for all that it passes on")
            got.append(reply)
            return reply

        try:
            reply = self._checked(await self._returned(call, proceed), call, got)
            over = True
            if others := [one for one in got if one is not reply]:
                await _let_go(others, call)
        except BaseException as error:
            over = True
            await _let_go(got, call, error)
            if isinstance(error, Exception) and not self._may_pass(error, call, raised):
                said = f"The policy {self._name} failed ({type(error).__name__}); its error is the cause of this one."
                raise PolicyError(said, self._name) from error
            raise
        finally:
            raised.clear()  # the errors hold the frame that holds them
        return reply

    async def _returned(self, call: Call, proceed: Callable[[Call], Awaitable[Reply]]) -> object:
        waited: Any = self._handle(call, proceed)
        if not inspect.isawaitable(waited):
            self._fail(f"returned {name_of(waited)}, which cannot be awaited: make it an `async def`")
        if not call.io.sync:
            return await waited
        try:
            return finish(waited if inspect.iscoroutine(waited) else _awaited(waited))
        except PolicyError as error:
            if error.policy is None:
                raise PolicyError(f"{self._name}: {error}", self._name) from None
            raise

    def _checked(self, returned: object, call: Call, got: list[Reply]) -> Reply:
        """Return an answer that fits a call."""
        if not isinstance(returned, Reply):
            self._fail(f"returned {name_of(returned)} instead of a Reply")
        if any(inspect.iscoroutinefunction(see) for see in returned.on_event):
            self._fail("put a coroutine function into `on_event`, which takes plain functions")
        if any(returned is one for one in got):
            return returned
        answer = returned.answer
        if returned.is_taken:
            self._fail("returned an answer that another call has had: make a new one for each call")
        if any(answer.is_of(one.answer) for one in got):
            self._fail(
                "put an answer into a Reply of its own: return the Reply that it got, changed in place"
            )
        response: Any = answer.response
        status = getattr(response, "status_code", None)
        if status is None or getattr(response, "_request", None) is None:
            self._fail("returned a Reply without a response to a request: make one with `answer`")
        if not _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
            self._fail(f"answered with status {status}: raise an error in its place")
        if call.is_whole and not response.is_closed:
            self._fail("answered a call that is not streamed with a body that is not read")
        returned.is_taken = returned.is_made = True
        return returned

    @staticmethod
    def _may_pass(error: Exception, call: Call, raised: list[BaseException]) -> bool:
        if isinstance(error, OpenAIError) or any(error is one for one in raised):
            return True
        return isinstance(error, TimeoutError) and is_over(call.deadline)

    def _fail(self, what: str) -> NoReturn:
        raise PolicyError(f"The policy {self._name} {what}.", self._name)


async def _let_go(answers: Sequence[Reply], call: Call, error: BaseException | None = None) -> None:
    """Close and settle answers that nobody gets, each of them whatever becomes of the others."""
    if answers:
        try:
            await answers[0].abandon(call.io, error)
        finally:
            await _let_go(answers[1:], call, error)


async def _awaited(waited: Awaitable[Any]) -> Any:
    return await waited


def show_event(observers: Sequence[Callable[[bytes], object]], data: bytes) -> bool:
    """Pass an event of a stream to the functions of `Reply.on_event`; return whether the reader may see it.

    Raises:
        OpenAIError: One of them refused the event.
        PolicyError: One of them failed.
    """
    shown = True
    try:
        for see in observers:
            if see(data) is False:
                shown = False
    except OpenAIError:
        raise
    except Exception as error:
        raise PolicyError(
            f"A policy failed at an event of a stream ({type(error).__name__}); its error is the cause of this one."
        ) from error
    return shown
