"""Models that compute some fields when they are first read."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from ai_client._models.lazy import LazyModel


class Lazy(LazyModel):
    """One plain field, one computed."""

    plain: int
    computed: int | None = None


class Holder(LazyModel):
    """Holds a lazy model."""

    inside: Lazy


def made(calls: list[str], value: int = 2) -> Lazy:
    """Make one that notes when it computes."""

    def compute() -> int:
        calls.append("computed")
        return value

    return Lazy.of({"plain": 1}, {"computed": compute})


def test_computed_once_when_read() -> None:
    """A field is computed on first use, and only then."""
    calls: list[str] = []
    model = made(calls)
    assert (model.plain, calls) == (1, [])
    assert (model.computed, model.computed, calls) == (2, 2, ["computed"])
    with pytest.raises(AttributeError, match="other"):
        model.other  # noqa: B018


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda model: model.model_dump(), {"plain": 1, "computed": 2}),
        (lambda model: model.to_dict(), {"plain": 1, "computed": 2}),
        (lambda model: model.model_dump_json(), '{"plain":1,"computed":2}'),
        (lambda model: Holder.of({"inside": model}, {}).to_dict(), {"inside": {"plain": 1, "computed": 2}}),
        (repr, "Lazy(plain=1, computed=2)"),
        (dict, {"plain": 1, "computed": 2}),
        (lambda model: model == Lazy(plain=1, computed=2), True),
        (lambda model: Lazy(plain=1, computed=2) == model, True),
        (lambda model: model == Lazy(plain=1, computed=3), False),
        (lambda model: copy.copy(model).computed, 2),
        (lambda model: copy.deepcopy(model).computed, 2),
        (lambda model: model.model_copy().computed, 2),
        (lambda model: pickle.loads(pickle.dumps(model)).computed, 2),  # noqa: S301
    ],
)
def test_whole_for_whole_uses(use: Callable[[Lazy], Any], expected: Any) -> None:
    """Whatever looks at all fields has all of them."""
    calls: list[str] = []
    assert use(made(calls)) == expected
    assert calls == ["computed"]


def test_unlike_other_things() -> None:
    """A lazy model is no number, and computes nothing to know that."""
    calls: list[str] = []
    assert made(calls) != 1
    assert calls == []


def test_errors_come_when_read() -> None:
    """An error in computing comes out where the field is read, each time."""

    def fail() -> int:
        raise ValueError("no")

    model = Lazy.of({"plain": 1}, {"computed": fail})
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            model.computed  # noqa: B018


def test_validated_ones() -> None:
    """Made the usual way it is a usual model."""
    model = Lazy.model_validate({"plain": 1, "more": 3})
    assert (model.computed, model.to_dict()) == (None, {"plain": 1, "more": 3})
    model.computed = 4
    assert model.computed == 4
