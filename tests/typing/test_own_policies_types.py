"""What type checkers make of policies of one's own: every form is taken, and what is none is not."""

from collections.abc import Awaitable
from typing import assert_type

from ai_client import OpenAI
from ai_client.control import (
    IO,
    Call,
    Meter,
    Next,
    Policy,
    PolicyFactory,
    PolicyOptions,
    Reply,
    StreamEnd,
    answer,
    usage_meter,
)


class Trail:
    """A policy as a class, which makes one as well."""

    for_sessions = False

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Watch a call, however it is answered."""
        assert_type(call.io, IO)
        reply = await proceed(call.with_members({"temperature": 0}))
        assert_type(usage_meter(call, reply), Meter)

        async def at_end(end: StreamEnd) -> None:
            assert_type(end.complete, bool)

        def see(data: bytes) -> bool:
            return bool(data)

        reply.on_end.append(at_end)
        reply.on_event.append(see)
        return reply


async def refuse(call: Call, proceed: Next) -> Reply:
    """Answer a call."""
    del proceed
    return answer(call, {"choices": []})


def pass_on(call: Call, proceed: Next) -> Awaitable[Reply]:
    """Pass a call on."""
    return proceed(call)


def make() -> Trail:
    """Make a policy."""
    return Trail()


def forms(client: OpenAI) -> tuple[list[Policy], list[PolicyFactory], list[PolicyOptions]]:
    """Use each form where it is taken."""
    assert_type(client.with_options(layers=[Trail(), refuse, pass_on]), OpenAI)
    policies: list[Policy] = [Trail(), refuse, pass_on]
    factories: list[PolicyFactory] = [Trail, make]
    options: list[PolicyOptions] = [
        {"policy": Trail()},
        {"policy": Trail, "place": "target"},
        {"policy": "myapp.ai.Trail", "place": "innermost"},
    ]
    options.append({"policy": refuse, "place": "inmost"})  # type: ignore[typeddict-item]
    options.append({"place": "target"})  # type: ignore[typeddict-item]
    policies.append(5)  # type: ignore[arg-type]
    return policies, factories, options
