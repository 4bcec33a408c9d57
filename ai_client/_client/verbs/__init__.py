"""`client.get`, `post`, `put`, `patch` and `delete`: calls of paths that have no method of their own."""

from .async_verbs import AsyncVerbs as AsyncVerbs
from .base import FinalRequestOptions as FinalRequestOptions, RequestOptions as RequestOptions
from .sync_verbs import SyncVerbs as SyncVerbs
