"""`client.get`, `post`, `put`, `patch` and `delete`: calls of paths that have no method of their own."""

from .async_verbs import AwaitableVerbs as AwaitableVerbs
from .base import RequestOptions as RequestOptions
from .sync_verbs import BlockingVerbs as BlockingVerbs
