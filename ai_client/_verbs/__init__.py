"""`client.get`, `post`, `put`, `patch` and `delete`: calls of paths that have no method of their own."""

from .awaitable import AwaitableVerbs as AwaitableVerbs
from .base import RequestOptions as RequestOptions
from .blocking import BlockingVerbs as BlockingVerbs
