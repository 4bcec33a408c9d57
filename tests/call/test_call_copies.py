"""Calls and their copies."""

import copy
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from ai_client._call.call import Call
from ai_client.control.pricing.estimates import size_of
from tests.support.policies import sync_io


def test_a_copy_has_every_attribute() -> None:
    """A changed copy differs in what was changed alone, and the call itself stays as it was."""
    names = [one.name for one in fields(Call)]
    call: Any = Call(sync_io(), *[object() for _ in names[1:]])
    before = [getattr(call, name) for name in names]
    new = call.changed(path="/other", deadline=1.0)
    differing = [name for name, value in zip(names, before, strict=True) if getattr(new, name) is not value]
    assert differing == ["io", "path", "deadline"]
    assert (new.path, new.deadline, new.io.deadline) == ("/other", 1.0, 1.0)
    assert [getattr(call, name) for name in names] == before


def test_a_copy_with_another_body_is_measured_anew() -> None:
    """What was made of the body does not go along to a copy with another one."""
    io: Any = None
    call = Call(io, "POST", "/x", None, body={"model": "a"})
    assert call.encoded() == b'{"model":"a"}'
    assert call.with_members({"model": "b"}).encoded() == b'{"model":"b"}'
    assert call.changed(path="/y").encoded() is call.encoded()


def _set(call: Call, body: Any) -> Call:
    call.body = body
    return call


def _copied(call: Call, body: Any) -> Call:
    return _set(copy.copy(call), body)


def _replaced(call: Call, body: Any) -> Call:
    return replace(call, body=body)


@pytest.mark.parametrize("give", [_set, _copied, _replaced])
@pytest.mark.parametrize(
    "body", [{"model": "b", "input": "as long as this"}, b'{"model":"b","input":"as long as this"}']
)
def test_another_body_is_read_however_a_call_got_it(give: Callable[[Call, Any], Call], body: Any) -> None:
    """What policies read of a call, and what it sends, is of the body that it has, also where none of ours made it."""
    call = Call(sync_io(), "POST", "/responses", None, body={"model": "a", "input": "x"})
    short = size_of(call).tokens()
    assert (call.members()["model"], call.encoded()) == ("a", b'{"model":"a","input":"x"}')
    new = give(call, body)
    assert size_of(new).tokens() > short
    assert new.members()["model"] == "b"
    assert new.encoded() == b'{"model":"b","input":"as long as this"}'
