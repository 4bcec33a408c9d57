"""`client.realtime.calls`: the generated methods, and the one whose form has parts of two kinds."""

from typing import Unpack

from ai_client._binary import BinaryResponse
from ai_client._operation import (
    AsyncRaw,
    AsyncStreaming,
    M,
    Raw,
    RawView,
    Streaming,
    StreamingView,
    operation,
)
from ai_client._request import encode
from ai_client.resources.realtime.calls import _generated
from ai_client.types.realtime.call import CallCreateParams


class Calls(_generated.Calls[M]):
    """`client.realtime.calls`."""

    with_raw_response: "RawView[Calls[Raw], Calls[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Calls[Streaming], Calls[AsyncStreaming]]" = StreamingView()

    @operation
    async def create(self, **params: Unpack[CallCreateParams]) -> BinaryResponse:
        """Create: `POST /realtime/calls`, the offer and the session each a part of a form."""
        form = dict(params)
        if isinstance(offer := form.get("sdp"), str):
            form["sdp"] = (None, offer.encode(), "application/sdp")
        if form.get("session") is not None:
            form["session"] = (None, encode(form["session"]), "application/json")
        return await self._post(
            "/realtime/calls",
            CallCreateParams,
            form,
            BinaryResponse,
            headers={"Accept": "application/sdp", "Content-Type": "multipart/form-data"},
            files=("sdp", "session"),
        )
