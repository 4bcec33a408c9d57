"""`client.webhooks`: the endpoints, and the requests that the provider sends to them."""

from typing import cast

from ai_client.resources.webhooks import _generated
from ai_client.types.webhooks.unwrap_webhook_event import UnwrapWebhookEvent
from ai_client.webhooks import Headers, Payload, WebhookMethods

from ..._client.modes import AsyncRaw, AsyncStreaming, M, Raw, Streaming
from ..._client.operation import RawView, StreamingView


class Webhooks(WebhookMethods, _generated.Webhooks[M]):
    """Requests that the provider sends, and where it sends them to."""

    with_raw_response: "RawView[Webhooks[Raw], Webhooks[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Webhooks[Streaming], Webhooks[AsyncStreaming]]" = StreamingView()

    _event_type = UnwrapWebhookEvent

    def unwrap(self, payload: Payload, headers: Headers, *, secret: str | None = None) -> UnwrapWebhookEvent:
        """Verify a webhook's signature and return its event.

        Args:
            payload: The request's body, exactly as received.
            headers: The request's headers.
            secret: Replaces the client's `webhook_secret`.

        Raises:
            InvalidWebhookSignatureError: The signature is missing, invalid or too old.
            ConfigError: There is no secret, or it is blank, masked or malformed.
            ValueError: The payload is not JSON.
        """
        return cast("UnwrapWebhookEvent", super().unwrap(payload, headers, secret=secret))
