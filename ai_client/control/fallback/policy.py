"""The fallback policy: sends a call to the targets of its model in order, until one succeeds."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._call.retry import retry_after
from ..._io import IO
from ...errors import (
    APIError,
    APIStatusError,
    CircuitOpen,
    ConfigError,
    OpenAIError,
    RateLimitExceeded,
    members_of,
)
from ..breaker import Breaker, Permission, circuit_of
from ..circuits import Circuits
from ..opening import read_opening
from ..options.amounts import check_amounts
from ..record import record_of
from .failures import FAILURES, Failure, failure_of
from .targets import Chains, Target


@dataclass(frozen=True)
class Fallback:
    """Sends a call to the targets of its model in order, until one succeeds.

    A stream can move to the next target until its first event has arrived, never after.

    Args:
        models: Targets by the `model` that callers pass: one, or several in order. A target is a model,
            `client/model` for one of *clients*, or another key of this mapping.
        default: Targets tried after those of every model; a model that is no key of *models* is tried first
            itself.
        clients: Other clients by name: a client, or a function that takes whether a sync client is wanted and
            returns it.
        on: Failures that lead to the next target; others are raised. `rate_limit` includes the limits that the
            upstream announces, `server_error` means statuses from 500 and an error as a stream's first event.
        retries: Retries at each target but the last; `None` uses the call's own number, as the last target
            does.
        breaker: Decides which targets are skipped for a while; `None` skips none.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    models: Mapping[str, str | Sequence[str]] = field(default_factory=dict[str, "str | Sequence[str]"])
    default: Sequence[str] = ()
    clients: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    on: Sequence[Failure] = ("connection", "timeout", "rate_limit", "server_error")
    retries: int | None = None
    breaker: Breaker | None = field(default_factory=Breaker)
    _chains: Chains = field(init=False, repr=False, compare=False)
    _on: frozenset[str] = field(init=False, repr=False, compare=False)
    _circuits: Circuits | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.on if kind not in FAILURES]
        if unknown:
            raise ConfigError(f"fallback: on: {unknown[0]!r} is none of {', '.join(FAILURES)}.")
        check_amounts("fallback", above_zero=False, retries=self.retries)
        chains = Chains(self.models, self.default, self.clients, keeps_all=self.breaker is not None)
        object.__setattr__(self, "_chains", chains)
        object.__setattr__(self, "_on", frozenset(self.on))
        object.__setattr__(self, "_circuits", None if self.breaker is None else Circuits(self.breaker))

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to its targets in order.

        Raises:
            CircuitOpen: Every target was skipped because its circuit is open.
            APIError: The last target failed, or one failed in a way that is not in `on`.
        """
        model = members_of(call.body).get("model")
        if not isinstance(model, str):
            return proceed(call)
        chain = self._chains.of(model)
        if not chain:
            return proceed(call)
        if call.files is not None:
            chain = chain[:1]  # an upload may be readable only once
        record = call.record or record_of(call)
        first = chain[0]
        if (first.model != model or first.client is not None) and model in self.models:
            record.alias = model
        if len(chain) == 1:
            return self._try(call, proceed, record, model, first, last=True)
        return self._try_each(call, proceed, record, model, chain)

    async def _try_each(
        self, call: Call, proceed: Next, record: Record, asked: str, chain: Sequence[Target]
    ) -> Reply:
        failure: OpenAIError | None = None
        for position, target in enumerate(chain):
            last = position == len(chain) - 1
            try:
                return await self._try(call, proceed, record, asked, target, last=last)
            except (APIError, CircuitOpen, RateLimitExceeded) as error:
                if last:
                    # a target's own error says more than an open circuit
                    raise (failure or error if isinstance(error, CircuitOpen) else error) from None
                if not isinstance(error, CircuitOpen):
                    if not self._matters(error):
                        raise
                    failure = error
        raise AssertionError("a chain is never empty")  # pragma: no cover - the loop returns or raises

    async def _try(
        self, call: Call, proceed: Next, record: Record, asked: str, target: Target, *, last: bool
    ) -> Reply:
        client, model, name = target
        if client is not None:
            call = await self._through(call, client)
        account = record.account = None if call.via is None else call.via._fingerprint
        circuits = self._circuits
        permission = None
        if circuits is not None:
            permission = await circuits.admit(call.io, circuit_of(name, account))
        record.target, record.target_model = name, model
        try:
            if model != asked:
                call = call.with_members({"model": model})
            if not last and self.retries is not None:
                call = call.changed(max_retries=self.retries)
            reply = await proceed(call)
            if call.stream is not None:
                await self._open(call, reply)
        except BaseException as error:
            if circuits is not None and permission is not None:
                answered = isinstance(error, APIStatusError)
                await self._report(circuits, call.io, permission, error, answered=answered)
            raise
        if circuits is not None and permission is not None:
            circuits.answered(permission, call.io.now())
            if call.stream is not None:
                await self._watch(circuits, call.io, permission, reply)
            else:
                await circuits.succeeded(call.io, permission)
        return reply

    async def _through(self, call: Call, name: str) -> Call:
        """Return a call for another client, and for the account that its tenant has there."""
        client = self._client(name, sync=call.io.sync)
        return cast("Call", await client._for_account(call.changed(via=client)))

    async def _report(
        self,
        circuits: Circuits,
        io: IO,
        permission: Permission,
        error: BaseException | None,
        *,
        answered: bool,
    ) -> None:
        """Report the outcome of a call to its circuit: a failure in `on`, an answer, or neither."""
        if isinstance(error, OpenAIError) and self._matters(error):
            response = error.response if isinstance(error, APIStatusError) else None
            await circuits.failed(io, permission, None if response is None else retry_after(response.headers))
        elif answered:
            await circuits.succeeded(io, permission)
        else:
            await circuits.left(io, permission)

    def _client(self, name: str, *, sync: bool) -> Any:
        given = self.clients[name]
        client = given if hasattr(given, "perform") else cast("Callable[[bool], Any]", given)(sync)
        if client.io.sync != sync:
            kind = "OpenAI" if sync else "AsyncOpenAI"
            raise ConfigError(
                f"fallback: clients: {name!r} must be an {kind} here, or a function that returns one."
            )
        return client

    async def _open(self, call: Call, reply: Reply) -> None:
        """Wait for the first event of a stream, so that a failure before it can still lead to the next target."""
        try:
            await read_opening(call, reply.response)
        except BaseException as error:
            await reply.abandon(call.io, error)
            raise

    async def _watch(self, circuits: Circuits, io: IO, permission: Permission, reply: Reply) -> None:
        """Report the outcome of a stream to its circuit at its end; until then others may try the target."""
        await circuits.left(io, permission)

        async def at_end(end: StreamEnd) -> None:
            await self._report(circuits, io, permission, end.error, answered=end.complete)

        reply.on_end.append(at_end)

    def _built_clients(self, *, sync: bool) -> list[Any]:
        """Return the clients of one kind that this policy built, to be closed together with its owner."""
        makers = [client for client in self.clients.values() if hasattr(client, "built")]
        return [client for maker in makers if (client := maker.built(sync=sync)) is not None]

    def _matters(self, error: OpenAIError) -> bool:
        """Return whether a failure is in `on`."""
        return failure_of(error) in self._on
