"""The fallback policy: sends a call to the targets of its model in order, until one succeeds."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._call.retry import retry_after
from ...errors import APIStatusError, CircuitOpen, ConfigError, OpenAIError, UnknownPriceError
from ...stores import Store, open_store
from ..breaker import Breaker
from ..circuits import OnOpen
from ..opening import read_opening
from ..options.amounts import check_amounts
from ..record import record_of
from .attempts import Attempts, retries_of
from .conclusion import Failed, conclude, shown
from .creators import Creators, Named, named_in
from .failures import DEFAULT_FAILURES, Choice, Failure
from .health import TargetCircuits
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
        store: Where it is kept which of *clients* created what later calls name, such as a background response; by
            default in the memory of the process.
        on_open: Called when a call opens the circuit of a target, see `Circuits`.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    models: Mapping[str, str | Sequence[str]] = field(default_factory=dict[str, "str | Sequence[str]"])
    default: Sequence[str] = ()
    clients: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    on: Sequence[Failure | int] = DEFAULT_FAILURES
    retries: int | None = 0
    breaker: Breaker | None = field(default_factory=Breaker)
    store: Store | None = field(default=None, repr=False)
    on_open: OnOpen | None = field(default=None, repr=False)
    _chains: Chains = field(init=False, repr=False, compare=False)
    _choice: Choice = field(init=False, repr=False, compare=False)
    _health: TargetCircuits | None = field(init=False, repr=False, compare=False)
    _creators: Creators | None = field(init=False, repr=False, compare=False)
    _unpriced: set[str] = field(init=False, repr=False, compare=False, default_factory=set[str])

    def __post_init__(self) -> None:
        object.__setattr__(self, "_choice", Choice(self.on))
        check_amounts("fallback", above_zero=False, retries=self.retries)
        chains = Chains(self.models, self.default, self.clients, keeps_all=self.breaker is not None)
        object.__setattr__(self, "_chains", chains)
        health = None if self.breaker is None else TargetCircuits(self.breaker, self._choice, self.on_open)
        object.__setattr__(self, "_health", health)
        creators = Creators(self.store or open_store("memory://"), self.clients) if self.clients else None
        object.__setattr__(self, "_creators", creators)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to its targets in order.

        Raises:
            OpenAIError: No target answered. It is the first failure of an upstream; where nothing was sent, the first
                refusal, such as `CircuitOpen` or `BudgetExceeded`. Its `failures` hold those of the other targets.
        """
        members = call.members()
        model = members.get("model")
        if self._creators is not None and (named := named_in(call, members)) is not None:
            return self._to_creator(call, proceed, self._creators, named, model)
        return self._to_chain(call, proceed, model, self._chain(model))

    def _chain(self, model: object) -> tuple[Target, ...]:
        return self._chains.of(model) if isinstance(model, str) else ()

    async def _to_creator(
        self, call: Call, proceed: Next, creators: Creators, named: Named, model: object
    ) -> Reply:
        """Send a call to the client that created what it names, as others know nothing of that."""
        client = await creators.client_of(call, named)
        chain = self._chain(model)
        if client is not None or named.is_continued:
            chain = tuple(target for target in chain if target.client == client) or chain
        if chain or client is None:
            return await self._to_chain(call, proceed, model, chain)
        record = call.record or record_of(call)
        sent = await self._through(call, client)
        record.account, record.target = sent.via._fingerprint, client
        record.server = sent.via._base_url, sent.via._priced_as
        return await proceed(sent.changed(max_retries=retries_of(call, sent.via)))

    def _to_chain(
        self, call: Call, proceed: Next, model: object, chain: tuple[Target, ...]
    ) -> Awaitable[Reply]:
        if not chain or not isinstance(model, str):
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
                except BaseException as error:
                    if not isinstance(error, OpenAIError):  # such as the cancellation at the deadline
                        record.failures = shown(failed)
                        raise
                    failed.append(Failed(target, error, record.server))
                    if not attempts.may_go_on(error, self._leads_on):
                        break
                self._log(call, failed[-1])
            found = conclude(failed)
            record.target, record.target_model = found.target.name, found.target.model
            record.server = found.server
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
        if (performer := call.via or call.client) is not None:
            record.server = performer._base_url, performer._priced_as
        account = record.account = None if call.via is None else call.via._fingerprint
        health = self._health
        permission = None if health is None else await health.admit(call.io, name, account)
        record.target, record.target_model = name, model
        try:
            reply = await proceed(self._made_for(call, asked, target, attempts))
            if client is not None or call.stream is not None:
                await self._look_at(call, reply, client)
        except BaseException as error:
            if health is not None and permission is not None:
                await health.failed(call.io, permission, error)
            raise
        if health is not None and permission is not None:
            try:
                await health.answered(call, permission, reply)
            except BaseException as error:
                await reply.abandon(call.io, error)
                raise
        return reply

    async def _look_at(self, call: Call, reply: Reply, client: str | None) -> None:
        """Wait for the first event of a stream, whose failure may lead on, and note what a further client created."""
        if call.stream is None and (client is None or self._creators is None or call.unread):
            return
        try:
            data = await read_opening(call, reply.answer) if call.stream is not None else reply.answer.content
            if client is not None and self._creators is not None:
                await self._creators.note(call, client, data)
        except BaseException as error:
            await reply.abandon(call.io, error)
            raise

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

    def _client(self, name: str, *, sync: bool) -> Any:
        given = self.clients[name]
        client = given if hasattr(given, "perform") else cast("Callable[[bool], Any]", given)(sync)
        if client.io.sync != sync:
            kind = "OpenAI" if sync else "AsyncOpenAI"
            raise ConfigError(
                f"fallback: clients: {name!r} must be an {kind} here, or a function that returns one."
            )
        return client

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
            failed.summary,
        )

    def _route(self, model: str, *, sync: bool) -> list[tuple[Any, str]]:
        """Return the client and the model of each target, for keys of cached answers; `None` is the call's own client.

        A client that is not built yet is described by its options, one that cannot be made by its name.
        """
        return [
            (None if target.client is None else self._described(target.client, sync=sync), target.model)
            for target in self._chains.of(model)
        ]

    def _described(self, name: str, *, sync: bool) -> Any:
        described = getattr(self.clients[name], "destination", None)
        if described is None:
            with suppress(Exception):  # it is raised where the target is asked, if ever
                described = self._client(name, sync=sync)
        return name if described is None else described

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
