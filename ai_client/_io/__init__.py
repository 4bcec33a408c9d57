"""The seam: one interface with a blocking and an awaitable side, the only waiting in the house."""

from .awaitable import AsyncIO as AsyncIO, in_event_loop as in_event_loop
from .blocking import BlockingIO as BlockingIO, finish as finish
from .interface import IO as IO, Waiter as Waiter
