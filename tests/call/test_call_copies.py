"""Calls and their copies."""

from dataclasses import fields
from typing import Any

from ai_client._call.call import Call
from tests.support.policies import sync_io


def test_a_copy_has_every_attribute() -> None:
    """A changed copy differs in what was changed alone, and the call itself stays as it was."""
    names = [one.name for one in fields(Call)]
    call: Any = Call(sync_io(), *[object() for _ in names[1:]])
    before = [getattr(call, name) for name in names]
    copy = call.changed(path="/other", deadline=1.0)
    differing = [name for name, value in zip(names, before, strict=True) if getattr(copy, name) is not value]
    assert differing == ["io", "path", "deadline"]
    assert (copy.path, copy.deadline, copy.io.deadline) == ("/other", 1.0, 1.0)
    assert [getattr(call, name) for name in names] == before


def test_a_copy_with_another_body_is_measured_anew() -> None:
    """What was made of the body does not go along to a copy with another one."""
    io: Any = None
    call = Call(io, "POST", "/x", None, body={"model": "a"})
    assert call.encoded() == b'{"model":"a"}'
    assert call.with_members({"model": "b"}).encoded() == b'{"model":"b"}'
    assert call.changed(path="/y").encoded() is call.encoded()
