"""The seam: one interface with a sync and an async side, the only waiting in the house.

The async side is in `_io.async`, so that a process which only blocks never loads asyncio.
"""

from .deadline import closing as closing
from .interface import IO as IO, Waiter as Waiter
from .sync_io import SyncIO as SyncIO, finish as finish, in_event_loop as in_event_loop
