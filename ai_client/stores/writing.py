"""Values that whoever keeps them has to know are kept: calls go on without a store, administration does not."""

from .._io import IO
from .shared import SharedStore
from .store import Store


async def write(store: Store, io: IO, key: str, value: bytes, /, *, expires: float, now: float) -> None:
    """Keep a value until *expires*, like `Store.set`.

    Raises:
        StoreError: The store is down, whatever `on_failure` says; one of the application's own says so as it likes.
    """
    if isinstance(store, SharedStore):
        await store._do(io, store.backend.set, key, value, expires, now)
    else:
        await store.set(io, key, value, expires, now)
