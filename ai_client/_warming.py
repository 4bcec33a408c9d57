"""Operations made ready at the start: modules imported, decoders and the TLS context built before the first call."""

import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence, Set as AbstractSet
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace
from typing import Any, NoReturn, cast

from ._call.call import Call, Reply
from ._call.protocols import View
from ._client.operation import Resource
from ._io import finish
from ._models.accessor import accessor
from ._models.decode import decoder, is_slow_to_build
from ._params.nearest import nearest
from ._resources import Resources
from .errors import ConfigError

THREAD = "ai-client-warm"
"""Name of the thread that builds; it ends when everything is built."""


def warm_up(
    names: Sequence[str],
    kinds: Iterable[bool],
    *,
    tls: Callable[[], object] | None,
    option: str = "warm",
) -> None:
    """Make operations ready: import what they need, and begin a thread that builds what decodes their results.

    Args:
        names: The operations, such as `responses.create`, or groups of them, such as `files`.
        kinds: Which clients will call them: the sync one (`True`), the async one (`False`), or both.
        tls: Builds the TLS context, too; `None` where no connection needs one.
        option: How messages name the option.

    Raises:
        ConfigError: There is no operation of a name.
    """
    given: Any = names
    is_list = isinstance(given, Sequence | AbstractSet) and not isinstance(given, str)
    if not is_list or not all(isinstance(name, str) for name in cast("Iterable[object]", given)):
        raise ConfigError(f"{option} must be a list of names of operations, such as ['responses.create'].")
    both = tuple(kinds)
    try:
        types = [each for name in names for sync in both for each in _types_of(name, sync=sync)]
    except ConfigError as error:
        raise ConfigError(f"{option}: {error}") from None
    import_module("encodings.idna")  # resolving the first host name would import it, on the event loop
    if types:
        threading.Thread(target=_build, args=(types, tls), name=THREAD, daemon=True).start()


def _build(types: Iterable[Any], tls: Callable[[], object] | None) -> None:
    """Build what can be built; whatever cannot be is said where it is used."""
    for each in types:
        with suppress(Exception):
            if is_slow_to_build(each):
                decoder(each)
    if tls is not None:
        with suppress(Exception):
            tls()


_NOTHING = "\0"
"""Stands for arguments: the path of no file."""


class _Described(Exception):  # noqa: N818 - it is no failure
    """The end of a call of `_Dry`: the types of its whole answer and of its stream's items."""

    def __init__(self, *types: Any) -> None:
        self.types = types


class _Dry(Resources[Any]):
    """A client whose calls end where they would be sent."""

    def __init__(self, *, sync: bool) -> None:
        self.io = cast("Any", SimpleNamespace(sync=sync))

    async def outcome(self, call: Call, view: View, /) -> NoReturn:
        del view
        raise _Described(call.cast_to)

    def perform(self, call: Call, /) -> Coroutine[Any, Any, Reply]:
        return self.outcome(call, "parsed")

    def result(self, *_: Any) -> NoReturn:
        raise NotImplementedError


async def _note(*call: Any, stream: Any = None, **_: Any) -> NoReturn:
    """Stand in for `Resource._call`, whose fifth argument is the type of the answer."""
    raise _Described(call[4], stream)


def _types_of(name: str, *, sync: bool) -> list[Any]:
    """Return the types that an operation decodes; a group, and a helper that is no operation, stand for their group's.

    Raises:
        ConfigError: There is no such operation.
    """
    place: Any = None
    found: Any = _Dry(sync=sync)
    parts = name.split(".")
    for at, part in enumerate(parts):
        place, names = found, _members(found)
        if part not in names:
            near = nearest(part, names)
            hint = f" Did you mean {'.'.join([*parts[:at], near, *parts[at + 1 :]])!r}?" if near else ""
            raise ConfigError(f"There is no operation {name!r}.{hint}")
        found = getattr(place, part)
    group = cast("Any", found) if isinstance(found, Resource) else place
    types = [] if group is found else _decoded(group, parts[-1])
    return types or [each for member in _members(group) for each in _decoded(group, member)]


def _decoded(group: Any, name: str) -> list[Any]:
    """Return the types that an operation decodes, by calling it without sending anything; of helpers there are none."""
    method = getattr(group, name)
    if isinstance(method, Resource) or not callable(method):
        return []
    group._call = _note
    try:
        required = [
            one.name
            for one in inspect.signature(method).parameters.values()
            if one.default is one.empty and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        result = method(**dict.fromkeys(required, _NOTHING))
        if inspect.isawaitable(result):
            finish(_awaited(result))
    except _Described as found:
        return [each for each in found.types if each is not None]
    except Exception:  # noqa: BLE001 - a helper that looks at its arguments
        return []
    return []


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _members(place: Any) -> list[str]:
    """Return the names of the groups and operations of a client or a group."""
    if isinstance(place, _Dry):
        return [name for name, member in vars(Resources).items() if isinstance(member, accessor)]
    names: list[str] = dir(place)
    return [name for name in names if not name.startswith("_")] if isinstance(place, Resource) else []
