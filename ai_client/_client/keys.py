"""The key of a call where a function, a workload identity or a tenant's credentials supply it, and may renew it."""

import inspect
from collections.abc import Callable
from typing import Any

from .._call.call import Call
from .._http.library import not_sent
from .._params.key_file import KeyFile
from .._params.secrets import check_secret
from ..auth import WorkloadKeys
from ..errors import OpenAIError
from .http_request import Header
from .tenants import Tenants

_AUTHENTICATES = frozenset({"authorization", "api-key"})


class Keys(Tenants):
    """Base of a client that may have to fetch the key of a call."""

    _api_key_source: Callable[[], Any] | None
    _workload_keys: WorkloadKeys | None
    _fetches_key: bool

    async def _new_key(self, call: Call) -> Header | None:
        """Fetch the key; a failure or interruption is marked as one of a call that costs nothing."""
        try:
            return await self._fetch_key(call)
        except BaseException as error:
            if isinstance(error, OpenAIError) or not isinstance(error, Exception):
                not_sent(error)
            raise

    async def _fetch_key(self, call: Call) -> Header | None:
        """Fetch the key from its function or workload identity; each request uses the key that it fetched."""
        if call.admin:
            return self._authorization(call)
        if self._workload_keys is not None:
            if self.admin_api_key is not None and self._is_admin(call):
                return self._authorization(call)
            return Header("Authorization", f"Bearer {await self._workload_keys.key(call.io, self._sender)}")
        assert self._api_key_source is not None  # noqa: S101 - as `_fetches_key` says
        key = await call.io.call(self._api_key_source)
        if inspect.iscoroutine(key):
            key.close()
            raise OpenAIError(
                "The api_key function is a coroutine function, which only AsyncOpenAI can await."
            )
        if not isinstance(key, str):
            raise OpenAIError(f"The api_key function gave {type(key).__name__}, not a string.")
        self.api_key = check_secret("api_key", key)
        return self._authorization(call, key)

    async def _renewed(self, call: Call, refused: Header) -> Any:
        """Return the client that has another key in place of one that the API rejected; `None` where none has."""
        if call.record is not None:
            call.record.reached += 1  # whatever becomes of the next request
        if self._workload_keys is not None:
            self._workload_keys.refuse(refused[1].removeprefix("Bearer "))
            return self
        if isinstance(self._api_key_source, KeyFile):
            key = refused[1].removeprefix("Bearer ")
            is_of_file = key != self.admin_api_key and _AUTHENTICATES.isdisjoint(
                map(str.lower, call.headers or ())
            )
            return self if is_of_file and self._api_key_source.renew(key) else None
        return None if self._account is None else await self._account.renewed(call)
