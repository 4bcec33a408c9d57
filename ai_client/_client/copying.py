"""How a client is copied with some options changed, over the same connections."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from .._call.pipeline import Policy, together
from .._call.stream_ends import StreamEndPolicy
from .._http.options import PoolOptions
from .._libraries import httpx
from .._params.defaults import DEFAULT_CREDENTIALS_TTL
from .._params.omit import NotGiven, Omit, not_given, without_marks
from .._params.secrets import check_webhook_secret
from ..auth import WorkloadIdentity
from ..credentials import CredentialsFunction
from ..errors import ConfigError
from .arguments import (
    DataResidency,
    api_key_of,
    base_url_of,
    changed,
    check_headers,
    check_http_client,
    checked_deadline,
    checked_name,
    checked_retries,
    checked_socket_address,
    checked_stream_end,
    checked_timeout,
    library_of,
    merge_headers,
    merge_query,
    query_of,
)
from .perform import Calls


class Copies(Calls):
    """The part of a client that makes changed copies of it."""

    _accessors: ClassVar[frozenset[str]]
    """The attributes that hold the client's resources, of which a copy has its own."""
    _official: Any = None
    """The official SDK's client over this one, once somebody asked for it."""

    def _connect(self, http_client: Any, options: PoolOptions) -> None:
        """Set the sender and the IO."""
        raise NotImplementedError

    def _identify(self, workload_identity: WorkloadIdentity | None) -> None:
        """Set who the workload is, in place of a key."""
        raise NotImplementedError

    @without_marks
    def copy(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: WorkloadIdentity | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        websocket_base_url: "str | httpx.URL | None" = None,
        base_url: "str | httpx.URL | NotGiven | None" = None,
        data_residency: DataResidency | None = None,
        timeout: "float | Mapping[str, float | None] | httpx.Timeout | NotGiven | None" = not_given,
        http_client: Any = None,
        max_retries: int | NotGiven = not_given,
        deadline: float | NotGiven | None = not_given,
        stream_end: StreamEndPolicy | NotGiven = not_given,
        default_headers: Mapping[str, str | Omit] | None = None,
        set_default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        set_default_query: Mapping[str, object] | None = None,
        layers: Sequence[Policy] | None = None,
        max_response_bytes: int | NotGiven | None = not_given,
        max_event_bytes: int | NotGiven | None = not_given,
        credentials: CredentialsFunction | str | NotGiven | None = not_given,
    ) -> Self:
        """Return a copy with some options changed that shares this client's connections.

        An option that is not passed stays as it is. Closing the copy ends the copy and leaves the connections open;
        closing the original closes them.

        Args:
            api_key: Another key, or a function that returns it, called for each attempt.
                The copy then uses no `credentials`, unless they are passed too.
            admin_api_key: Another key for the organization's administration endpoints.
            workload_identity: Another workload's identity, instead of a key; the copy then uses no `credentials`.
            organization: Another organization to which requests are attributed.
            project: Another project to which requests are attributed.
            webhook_secret: Another secret with which webhooks are signed.
            base_url: Another URL of the API.
            websocket_base_url: Another URL for WebSockets.
            data_residency: Another region of OpenAI's API, such as `eu`, instead of `base_url`.
            timeout: Seconds to connect, to write, to wait for a connection and for each read; `None` waits for ever.
                A mapping of steps or a `Timeout` of the HTTP library sets each apart.
            http_client: A client or transport of httpx or httpx2 in place of this client's connections.
                It stays open when the copy is closed.
            max_retries: Retries after a transient failure; 0 turns them off.
            deadline: Seconds for a whole call: attempts, waits between them, bodies and streams. `None` turns it off.
            stream_end: Whether a stream without its protocol's end mark counts as interrupted or as complete.
                Interrupted with `required`, complete with `optional`.
            default_headers: Headers of every request, laid over this client's; the value `omit` removes one.
            set_default_headers: Headers of every request, in place of this client's.
            default_query: Query parameters of every request, laid over this client's.
            set_default_query: Query parameters of every request, in place of this client's.
            layers: Policies around every call, outermost first, in place of this client's; `()` for none.
            max_response_bytes: Bytes of a decoded response in memory, at most; `None` is no bound.
            max_event_bytes: Bytes of an event of a stream or WebSocket, at most; `None` is no bound.
            credentials: Another function of a call's labels that returns its tenant's key and address, or its path.
                `None` for none: every call then uses the client's own key.

        Raises:
            ConfigError: An option is ill-typed, or two exclude each other.
        """
        new = object.__new__(type(self))
        new.__dict__ = state = self.__dict__.copy()
        for name in self._accessors.intersection(state):
            del state[name]
        state["_owns_sender"] = False
        state["_keep_open"] = None
        state["_official"] = None
        state["_steps"] = state["_accounts"] = None  # they end at the client that made them
        if not (default_headers is set_default_headers is default_query is set_default_query is None):
            new._replace_defaults(default_headers, set_default_headers, default_query, set_default_query)
        if organization or project or webhook_secret or admin_api_key:
            new._replace_names(
                organization=organization,
                project=project,
                webhook_secret=webhook_secret,
                admin_api_key=admin_api_key,
            )
        if not isinstance(timeout, NotGiven):
            state["timeout"] = checked_timeout(timeout, self._library)
        if not isinstance(max_retries, NotGiven):
            state["max_retries"] = checked_retries(max_retries)
        if not (deadline is max_response_bytes is max_event_bytes is stream_end is not_given):
            new._replace_bounds(deadline, max_response_bytes, max_event_bytes, stream_end)
        if layers is not None:
            state["_layers"] = together(layers)
        if api_key is not None or workload_identity is not None or credentials is not not_given:
            new._replace_credentials(api_key, workload_identity, credentials)
        if base_url or data_residency is not None or websocket_base_url is not None:
            new._replace_addresses(base_url, data_residency, websocket_base_url)
            new._check_moved_from(self)
        if http_client is not None:
            new._replace_http_client(http_client)
        return new

    with_options = copy

    def __copy__(self) -> Self:
        return self.copy()

    def _replace_defaults(self, headers: Any, set_headers: Any, query: Any, set_query: Any) -> None:
        own = self._custom_headers, self._custom_query
        check_headers("default_headers", headers)
        check_headers("set_default_headers", set_headers)
        query_of(query)
        query_of(set_query, "set_default_query")
        self._custom_headers = changed("headers", own[0], headers, set_headers, merge_headers)
        self._custom_query = changed("query", own[1], query, set_query, merge_query)

    def _replace_bounds(
        self,
        deadline: float | NotGiven | None,
        max_response_bytes: int | NotGiven | None,
        max_event_bytes: int | NotGiven | None,
        stream_end: StreamEndPolicy | NotGiven,
    ) -> None:
        if not isinstance(deadline, NotGiven):
            self.deadline = checked_deadline(deadline)
        if not isinstance(stream_end, NotGiven):
            self.stream_end = checked_stream_end(stream_end)
        self._bounds = self._bounds.changed(max_response_bytes, max_event_bytes)

    def _replace_names(self, **names: str | None) -> None:
        if secret := names["webhook_secret"]:
            check_webhook_secret("webhook_secret", secret)
        for name, value in names.items():
            if value:
                setattr(self, name, checked_name(name, value))

    def _replace_credentials(
        self,
        api_key: str | Callable[[], Any] | None,
        workload_identity: WorkloadIdentity | None,
        credentials: CredentialsFunction | str | NotGiven | None = not_given,
    ) -> None:
        if api_key is not None and workload_identity is not None:
            raise ConfigError("api_key and workload_identity exclude each other: give one of them.")
        kept = self._credentials
        if api_key is not None or workload_identity is not None:
            self.api_key, self._api_key_source = ("", None) if api_key is None else api_key_of(api_key)
            self._identify(workload_identity)
            self._credentials = None
        if not isinstance(credentials, NotGiven):
            ttl, by = (DEFAULT_CREDENTIALS_TTL, None) if kept is None else (kept.ttl, kept.by)
            self._ask_for_credentials(credentials, ttl, by)

    def _take_key(self, key: str) -> None:
        """Use a tenant's key, and no other."""
        self.api_key, self._api_key_source, self.admin_api_key = key, None, None
        self._identify(None)

    def _replace_addresses(
        self,
        base_url: "str | httpx.URL | NotGiven | None",
        data_residency: DataResidency | None,
        websocket_base_url: "str | httpx.URL | None",
    ) -> None:
        address = base_url_of(base_url, data_residency, websocket_base_url)
        if address:
            self.base_url = address
        if websocket_base_url is not None or data_residency is not None:
            self.websocket_base_url = checked_socket_address(websocket_base_url)

    def _replace_http_client(self, http_client: Any) -> None:
        self._library = library_of(http_client, self._library.name)
        check_http_client(http_client, self._library, sync=self._sync)
        self.base_url = str(self.base_url)
        self._connect(http_client, PoolOptions(owner=type(self).__name__))
        if self._gate is not None:
            self.io = self._gate.io_over(self)
