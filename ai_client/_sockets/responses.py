"""Many responses over one WebSocket: `responses.connect`. Needs the extra `realtime`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .._client.modes import Async, M, Sync
from .._client.operation import Resource, operation
from .._models.accessor import accessor
from .channel import Channel
from .connecting import Connecting, EventSender, connects
from .opening import INITIAL_DELAY, MAX_DELAY, MAX_QUEUE_SIZE, MAX_RETRIES, OnReconnecting

if TYPE_CHECKING:
    from .._params.omit import Headers, Query
    from ..types.responses import ResponseCreateParamsBase, ResponseInputParam, ResponsesServerEvent  # noqa: F401 - in the type arguments below


class ResponsesSender(EventSender[M]):
    """Events about the model's answers."""

    @operation
    async def create(self, **params: "Unpack[ResponseCreateParamsBase]") -> None:
        """Request a response; the parameters are those of `responses.create`."""
        await self._send("response.create", **params)

    @operation
    async def steer(self, *, input: "ResponseInputParam", previous_response_id: str) -> None:  # noqa: A002 - the API's name
        """Add input to an answer that is being made."""
        await self._send("response.steer", input=input, previous_response_id=previous_response_id)


class ResponsesConnection(Channel[M, "ResponsesServerEvent"]):
    """An open connection for responses: iterate over it for the server's events."""

    @accessor
    def event_type(self) -> Any:
        """The type of the server's events."""
        from ..types.responses import ResponsesServerEvent  # noqa: PLC0415 - loaded on first use

        return ResponsesServerEvent

    @accessor
    def response(self) -> ResponsesSender[M]:
        """Events about the model's answers."""
        return ResponsesSender(self)


class ResponsesConnect(Resource[M]):
    """`responses.connect`."""

    @connects
    def connect(  # noqa: PLR0917 - as the official method
        self,
        websocket_connection_options: Mapping[str, Any] | None = None,
        on_reconnecting: OnReconnecting | None = None,
        max_retries: int = MAX_RETRIES,
        initial_delay: float = INITIAL_DELAY,
        max_delay: float = MAX_DELAY,
        max_queue_size: int = MAX_QUEUE_SIZE,
        *,
        extra_query: "Query | None" = None,
        extra_headers: "Headers | None" = None,
    ) -> Connecting[ResponsesConnection[Sync], ResponsesConnection[Async]]:
        """Open a connection for many responses, for use in a `with` block.

        Args:
            websocket_connection_options: Keywords for the websockets package's `connect`.
            on_reconnecting: A function that is called before each attempt to open a broken connection again.
                Without it there is none.
            max_retries: How many such attempts there are in a row, at most.
            initial_delay: Seconds before the first attempt; the delay doubles with each attempt.
            max_delay: Seconds between two attempts, at most.
            max_queue_size: Bytes of events that wait for the connection, at most.
            extra_query: Query parameters of the connection, laid over the client's.
            extra_headers: Headers of the connection, laid over the client's; the value `omit` removes one.
        """
        return Connecting(
            self,
            "/responses",
            ResponsesConnection,
            extra_query=extra_query,
            extra_headers=extra_headers,
            websocket_connection_options=websocket_connection_options,
            on_reconnecting=on_reconnecting,
            max_retries=max_retries,
            initial_delay=initial_delay,
            max_delay=max_delay,
            max_queue_size=max_queue_size,
        )
