"""Rules that an application sets for its own requests: models, sizes and time limits, by endpoint."""

import re
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import translate
from functools import partial
from typing import Any, Literal, cast

from pydantic_core import from_json

from .._call.call import Call, Reply
from .._call.pipeline import Next
from .._io.deadline import is_over
from .._params.encoding import encode
from .._params.omit import NotGiven
from ..errors import ConfigError, DeadlineExceededError, GuardrailError
from .asked import conversation_of, endpoint_of, given_in
from .body import library_of
from .options.amounts import check_amounts
from .output_cap import capped, is_text, session_in
from .pricing.estimates import message_tokens, prompt_tokens
from .record import record_of
from .session_rules import SessionRules
from .trim import trim_messages

_NOTHING = "(?!)"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits for requests; a rule that is not set does not apply.

    Args:
        allowed_models: Model names, `*` matching anything; an alias is matched by its own name.
        defaults: Body members added where the request lacks them, such as `{"temperature": 0}`; only for
            endpoints that
            generate text.
        max_output_tokens: Cap on the requested output tokens of all answers to a call together, and the value sent
            where the request sets none.
        max_input_tokens: Bound on the estimated tokens of the prompt.
        on_large: `refuse` a larger prompt, or `trim` its oldest turns.
        timeout: Upper bound, in seconds, for each read or write.
        deadline: Upper bound, in seconds, for a call with all its attempts.
    """

    allowed_models: Sequence[str] | None = None
    defaults: Mapping[str, Any] | None = None
    max_output_tokens: int | None = None
    max_input_tokens: int | None = None
    on_large: Literal["refuse", "trim"] = "refuse"
    timeout: float | None = None
    deadline: float | None = None
    _allowed: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _reads_body: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_amounts(
            "guardrails",
            above_zero=True,
            max_output_tokens=self.max_output_tokens,
            max_input_tokens=self.max_input_tokens,
            timeout=self.timeout,
            deadline=self.deadline,
        )
        if self.on_large not in {"refuse", "trim"}:
            raise ConfigError("guardrails: on_large must be 'refuse' or 'trim'.")
        allowed = None
        if self.allowed_models is not None:
            if isinstance(self.allowed_models, str):
                raise ConfigError("guardrails: allowed_models must be a list of names, not one text.")
            allowed = re.compile("|".join(translate(name) for name in self.allowed_models) or _NOTHING)
        object.__setattr__(self, "_allowed", allowed)
        rules = (self.allowed_models, self.defaults or None, self.max_output_tokens, self.max_input_tokens)
        object.__setattr__(self, "_reads_body", any(rule is not None for rule in rules))

    def applied(self, call: Call) -> Call:
        """Return the call with these rules applied to what it sends.

        Raises:
            GuardrailError: The model is not allowed, the prompt is too large, or the body cannot be checked.
        """
        if self._reads_body and call.body is not None:
            call = self.checked(call)
        if self.timeout is not None and (
            isinstance(call.timeout, NotGiven)
            or (isinstance(call.timeout, int | float) and call.timeout > self.timeout)
        ):
            call = call.timed(self.timeout)
        if self.deadline is not None:
            latest = time.monotonic() + self.deadline
            call = call.until(latest if call.deadline is None else min(call.deadline, latest))
        return call

    def checked(self, call: Call) -> Call:
        """Return a call with the rules for its body applied.

        Raises:
            GuardrailError: They forbid it, or its body cannot be read.
        """
        body = call.members()
        endpoint = endpoint_of(call.path)
        if not body:
            if _writes_text(call, endpoint) and not isinstance(call.body, Mapping):
                raise GuardrailError(
                    "The body of this call cannot be checked: pass a mapping, a model or the bytes of a JSON object."
                )
            return call
        changes: dict[str, Any] = {}
        if self.defaults and _writes_text(call, endpoint):
            changes.update((name, value) for name, value in self.defaults.items() if name not in body)
        sent = {**body, **changes} if changes else body
        if self._allowed is not None:
            self.check_model(sent)
            if session := session_in(endpoint, sent):
                self.check_model(session)
        if self.max_output_tokens is not None and call.method == "POST":
            limits = capped(endpoint, sent, self.max_output_tokens)
            if limits:
                changes.update(limits)
                (call.record or record_of(call)).output_capped = True
        if self.max_input_tokens is not None:
            size = prompt_tokens(sent, is_form=call.files is not None)
            if size > self.max_input_tokens:
                changes.update(self._smaller(endpoint, sent, size, self.max_input_tokens))
        return call.with_members(changes) if changes else call

    def check_model(self, body: Mapping[str, Any]) -> None:
        """Raise `GuardrailError` if the model in a body is not allowed."""
        model = given_in(body, "model")
        if self._allowed is None or model is None:
            return
        if not isinstance(model, str):
            model = from_json(encode(model))  # such as a member of an enumeration
        if not isinstance(model, str) or self._allowed.match(model) is None:
            raise GuardrailError(f"The model {model!r} is not allowed here.", "model")

    def _smaller(self, endpoint: str, body: Mapping[str, Any], size: int, limit: int) -> dict[str, Any]:
        """Return the conversation of a request trimmed to the limit; other lists are inputs that are each answered."""
        name = conversation_of(endpoint)
        if self.on_large == "refuse" or name is None or not isinstance(body.get(name), list | tuple):
            where = name or ("prompt" if "prompt" in body else "input")
            raise GuardrailError(f"The prompt has about {size} tokens, {limit} are allowed.", where)
        messages = cast("Sequence[Any]", body[name])
        rest = prompt_tokens({**body, name: ""})
        try:
            count = partial(message_tokens, model=body.get("model"))
            return {name: trim_messages(messages, limit - rest, count=count)}
        except GuardrailError:
            message = f"The prompt of about {size} tokens cannot be trimmed to the {limit} that are allowed."
            raise GuardrailError(message, name) from None


_RULES = tuple(one.name for one in fields(Rules) if one.init)


@dataclass(frozen=True, kw_only=True)
class Guardrails(Rules):
    """Rules for all calls, with overrides for single endpoints.

    Args:
        endpoints: Rules by endpoint label; what they leave unset is inherited from the rules for all.
    """

    endpoints: Mapping[str, Rules | Mapping[str, Any]] = field(default_factory=dict[str, Any])
    _rules: Mapping[str, Rules] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        base = {name: getattr(self, name) for name in _RULES}
        rules: dict[str, Rules] = {}
        for endpoint, given in self.endpoints.items():
            members = _given(given) if isinstance(given, Rules) else given
            try:
                rules[endpoint] = Rules(**{**base, **members})
            except TypeError:
                known = ", ".join(base)
                raise ConfigError(f"guardrails: endpoints: {endpoint}: rules are {known}.") from None
        object.__setattr__(self, "_rules", rules)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call with the rules of its endpoint applied.

        Raises:
            GuardrailError: The rules forbid the call.
            DeadlineExceededError: Its `deadline` passed.
        """
        rules = self._rules_of(call)
        allowed = rules.applied(call)
        if allowed.deadline is None or allowed.deadline == call.deadline:
            return proceed(allowed)
        return _in_time(allowed, allowed.deadline, proceed, rules)

    def _of_session(self, call: Call) -> SessionRules | None:
        """Return the rules for the events of a session, `None` where there are none."""
        rules = self._rules_of(call)
        return SessionRules(rules, call) if rules._reads_body else None

    def _rules_of(self, call: Call) -> Rules:
        endpoint = (call.record or record_of(call)).labels.endpoint
        return self._rules.get(endpoint, self) if endpoint is not None else self


def _writes_text(call: Call, endpoint: str) -> bool:
    return call.method == "POST" and is_text(endpoint)


async def _in_time(call: Call, deadline: float, proceed: Next, rules: Rules) -> Reply:
    try:
        reply: Reply = await call.io.within(deadline, cast("Any", proceed(call)))
    except TimeoutError as error:
        if not is_over(deadline):
            raise
        request = library_of(call.io).Request(call.method, call.path)
        message = f"The deadline of {rules.deadline:g} s has passed."
        raise DeadlineExceededError(request, message=message) from error
    if reply.deadline is None or reply.deadline > deadline:
        reply.deadline = deadline
    return reply


def _given(rules: Rules) -> dict[str, Any]:
    """Return the rules that were set, by name."""
    unset = Rules()
    return {name: value for name in _RULES if (value := getattr(rules, name)) != getattr(unset, name)}
