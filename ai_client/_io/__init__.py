"""The seam: one interface with a blocking and an awaitable side, the only waiting in the house.

The awaitable side is in `_io.awaitable`, so that a process which only blocks never loads asyncio.
"""

from .interface import IO as IO, Waiter as Waiter
from .sync_io import BlockingIO as BlockingIO, finish as finish, in_event_loop as in_event_loop
