"""`client.realtime.calls`: the generated methods, and the one whose form has parts of two kinds."""

from collections.abc import Mapping
from typing import Any, Unpack, cast

from ai_client.resources.realtime.calls import _generated
from ai_client.types.realtime.call import CallCreateParams

from ...._answers.binary import BinaryResponse
from ...._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ...._client.operation import RawView, StreamingView, operation
from ...._params.encoding import encode
from ...._params.keywords import check_keywords
from ...._params.omit import OPTIONS, NotGiven, Omit


class Calls(_generated.Calls[M]):
    """`client.realtime.calls`."""

    with_raw_response: "RawView[Calls[Raw], Calls[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Calls[Streaming], Calls[AsyncStreaming]]" = StreamingView()

    @operation
    async def create(self, **params: Unpack[CallCreateParams]) -> BinaryResponse:
        """Create: `POST /realtime/calls`, offer and session each a part of a form; an offer alone is the body."""
        check_keywords(params, CallCreateParams, "/realtime/calls")
        given = {**params, **cast("Mapping[str, Any]", params.get("extra_body") or {})}
        given.pop("extra_body", None)
        form = {name: value for name, value in given.items() if not isinstance(value, Omit | NotGiven)}
        offer = form.get("sdp")
        if not isinstance(offer, str):
            raise TypeError(f"`sdp` must be a string, not {type(offer).__name__}")
        headers = {"Accept": "application/sdp"}
        if form.keys() - OPTIONS == {"sdp"}:
            del form["sdp"]
            headers["Content-Type"] = "application/sdp"
            call = self._describe("POST", "/realtime/calls", form, BinaryResponse, headers=headers)
            call.body = offer.encode()
        else:
            form["sdp"] = (None, offer.encode(), "application/sdp")
            if "session" in form:
                form["session"] = (None, encode(form["session"]), "application/json")
            headers["Content-Type"] = "multipart/form-data"
            files = ("sdp", "session")
            call = self._describe(
                "POST", "/realtime/calls", form, BinaryResponse, headers=headers, files=files
            )
        return cast("BinaryResponse", await self._client.outcome(call, self._view))
