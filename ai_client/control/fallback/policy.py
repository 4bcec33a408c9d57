"""The fallback policy: sends a call to the targets of its model in order, until one succeeds."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._call.retry import retry_after
from ..._io import IO
from ...errors import APIStatusError, CircuitOpen, ConfigError, OpenAIError, UnknownPriceError
from ..breaker import Breaker, Permission, circuit_of
from ..circuits import Circuits
from ..opening import read_opening
from ..options.amounts import check_amounts
from ..record import record_of
from .attempts import Attempts, retries_of
from .conclusion import Failed, conclude
from .failures import DEFAULT_FAILURES, Choice, Failure
from .targets import Chains, Target

_IDEMPOTENCY_KEY = "idempotency-key"
_WARNED_MAX = 1000

logger = logging.getLogger("ai_client")


@dataclass(frozen=True)
class Fallback:
    """Sends a call to the targets of its model in order, until one succeeds.

    A stream can move to the next target until its first event has arrived, never after. The targets of a call share
    its attempts: at most `max_retries` + 1 of them, or one for each target where there are more targets.

    Args:
        models: Targets by the `model` that callers pass: one, or several in order. A target is a model,
            `client/model` for one of *clients*, or another key of this mapping.
        default: Targets tried after those of every model; a model that is no key of *models* is tried first
            itself.
        clients: Other clients by name: a client, or a function that takes whether a sync client is wanted and
            returns it.
        on: Failures that lead to the next target, by name or HTTP status; others end the call.
        retries: Retries at a target after failures that lead to the next one, as far as the call has attempts for
            them; `None` makes as many as it has. The last target gets what is left.
        breaker: Decides which targets are skipped for a while; `None` skips none.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    models: Mapping[str, str | Sequence[str]] = field(default_factory=dict[str, "str | Sequence[str]"])
    default: Sequence[str] = ()
    clients: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    on: Sequence[Failure | int] = DEFAULT_FAILURES
    retries: int | None = 0
    breaker: Breaker | None = field(default_factory=Breaker)
    _chains: Chains = field(init=False, repr=False, compare=False)
    _choice: Choice = field(init=False, repr=False, compare=False)
    _circuits: Circuits | None = field(init=False, repr=False, compare=False)
    _unpriced: set[str] = field(init=False, repr=False, compare=False, default_factory=set[str])

    def __post_init__(self) -> None:
        object.__setattr__(self, "_choice", Choice(self.on))
        check_amounts("fallback", above_zero=False, retries=self.retries)
        chains = Chains(self.models, self.default, self.clients, keeps_all=self.breaker is not None)
        object.__setattr__(self, "_chains", chains)
        object.__setattr__(self, "_circuits", None if self.breaker is None else Circuits(self.breaker))

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to its targets in order.

        Raises:
            OpenAIError: No target answered. It is the first failure of an upstream; where nothing was sent, the first
                refusal, such as `CircuitOpen` or `BudgetExceeded`. Its `failures` hold those of the other targets.
        """
        model = call.members().get("model")
        if not isinstance(model, str):
            return proceed(call)
        chain = self._chains.of(model)
        if not chain:
            return proceed(call)
        record = call.record or record_of(call)
        record.model = record.model or model
        first = chain[0]
        if (first.model != model or first.client is not None) and model in self.models:
            record.alias = model
        if len(chain) == 1:
            return self._try(call, proceed, record, model, first)
        return self._try_each(call, proceed, record, model, chain)

    async def _try_each(
        self, call: Call, proceed: Next, record: Record, asked: str, chain: Sequence[Target]
    ) -> Reply:
        attempts = Attempts(call, record, len(chain))
        failed: list[Failed] = []
        try:
            for target in chain:
                attempts.turn()
                try:
                    return await self._try(call, proceed, record, asked, target, attempts=attempts)
                except OpenAIError as error:
                    failed.append(Failed(target, error))
                    if not attempts.may_go_on(error, self._leads_on):
                        break
                self._log(call, failed[-1])
            found = conclude(failed)
            record.target, record.target_model = found.target.name, found.target.model
            raise found.error
        finally:
            failed.clear()  # the errors hold this frame

    async def _try(
        self,
        call: Call,
        proceed: Next,
        record: Record,
        asked: str,
        target: Target,
        *,
        attempts: Attempts | None = None,
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
            reply = await proceed(self._made_for(call, asked, target, attempts))
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

    def _made_for(self, call: Call, asked: str, target: Target, attempts: Attempts | None) -> Call:
        """Return a call as it is sent to a target: its model, and its share of the attempts."""
        changes: dict[str, Any] = {}
        if attempts is not None:
            changes["max_retries"] = attempts.retries_at(None if target.client is None else call.via)
            if not attempts.is_last:
                changes["onward"] = self._is_done
            if attempts.position and call.headers:
                changes["headers"] = _with_own_key(call.headers, target)
        elif target.client is not None:
            changes["max_retries"] = retries_of(call, call.via)
        if target.model != asked:
            return call.with_members({"model": target.model}, **changes)
        return call.changed(**changes) if changes else call

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
        """Report the outcome of a call to its circuit: a failure of the target, an answer, or neither."""
        if error is not None and self._choice.is_of_the_target(error):
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

    def _leads_on(self, error: OpenAIError) -> bool:
        """Return whether a failure leads to the next target; an open circuit always does."""
        return isinstance(error, CircuitOpen) or self._choice.includes(error)

    def _is_done(self, error: BaseException, taken: int) -> bool:
        """Return whether a failure leads to the next target now, and not to another retry at the same one."""
        if not self._choice.includes(error):
            return False
        if self.retries is not None and taken >= self.retries:
            return True
        return isinstance(error, APIStatusError) and retry_after(error.response.headers) is not None

    def _log(self, call: Call, failed: Failed) -> None:
        """Log that the next target is asked, as a warning where this one can never be."""
        name, level = failed.target.name, logging.INFO
        if isinstance(failed.error, UnknownPriceError) and name not in self._unpriced:
            level = logging.WARNING
            if len(self._unpriced) < _WARNED_MAX:  # names come from callers
                self._unpriced.add(name)
        logger.log(
            level,
            "%s %s: %s failed, the next target is asked (%s)",
            call.method,
            call.shown_path,
            name,
            failed.shown,
        )

    def _built_clients(self, *, sync: bool) -> list[Any]:
        """Return the clients of one kind that this policy built, to be closed together with its owner."""
        makers = [client for client in self.clients.values() if hasattr(client, "built")]
        return [client for maker in makers if (client := maker.built(sync=sync)) is not None]


def _with_own_key(headers: Mapping[str, Any], target: Target) -> Mapping[str, Any]:
    """Return headers whose idempotency key is the target's own, as another body with the same key would be an error."""
    digest = hashlib.sha256(target.name.encode()).hexdigest()[:8]
    return {
        name: f"{value}-{digest}" if name.lower() == _IDEMPOTENCY_KEY and isinstance(value, str) else value
        for name, value in headers.items()
    }
