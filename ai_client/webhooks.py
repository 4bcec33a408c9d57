"""Webhooks: was it the provider that sent this, and what does it say? The scheme is that of standard-webhooks.

`client.webhooks.unwrap(body, headers)` gives the event of a request that was signed with the client's
`webhook_secret`, and raises `InvalidWebhookSignatureError` for any other.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias, cast

from ._models import BaseModel, decode
from .errors import ConfigError, InvalidWebhookSignatureError

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE = 300
"""Seconds by which a webhook's timestamp may differ from now."""

Headers: TypeAlias = Mapping[Any, Any] | Iterable[tuple[Any, Any]]
"""Headers of any framework: a mapping or pairs, of text or bytes, in any case; WSGI's `HTTP_` names too."""


class WebhookEvent(BaseModel):
    """Something that happened, as told by a webhook."""

    id: str
    created_at: int
    type: str
    data: BaseModel


class WebhookMethods:
    """`unwrap` and `verify_signature`, for the resource of either client; they send nothing."""

    _event_type: ClassVar[Any] = WebhookEvent
    _client: Any

    def unwrap(self, payload: str | bytes, headers: Headers, *, secret: str | None = None) -> Any:
        """Check a webhook's signature and give its event.

        Args:
            payload: The request's body, exactly as it came.
            headers: The request's headers.
            secret: The secret in place of the client's `webhook_secret`.

        Raises:
            InvalidWebhookSignatureError: The signature is missing, wrong or too old.
            ValueError: There is no secret, or the payload is not JSON.
        """
        self.verify_signature(payload, headers, secret=secret)
        body = payload.encode() if isinstance(payload, str) else payload
        return decode(self._event_type, body)

    def verify_signature(
        self,
        payload: str | bytes,
        headers: Headers,
        *,
        secret: str | None = None,
        tolerance: int = TOLERANCE,
    ) -> None:
        """Check a webhook's signature; *tolerance* is in seconds.

        Raises:
            InvalidWebhookSignatureError: The signature is missing, wrong or too old.
            ValueError: There is no secret.
        """
        secret = self._client.webhook_secret if secret is None else secret
        if not secret:
            raise ValueError(
                "There is no webhook secret: set OPENAI_WEBHOOK_SECRET, or pass webhook_secret=... to the client or"
                " secret=... here."
            )
        verify_signature(payload, headers, secret, tolerance=tolerance)


def verify_signature(
    payload: str | bytes, headers: Headers, secret: str, *, tolerance: int = TOLERANCE
) -> None:
    """Check that *payload* was signed with *secret*, at most *tolerance* seconds ago.

    Raises:
        InvalidWebhookSignatureError: It was not.
    """
    found = _found(headers)
    signed_at = found["webhook-timestamp"]
    try:
        age = time.time() - int(signed_at)
    except ValueError:
        raise InvalidWebhookSignatureError("The webhook's timestamp is not a number.") from None
    if age > tolerance:
        raise InvalidWebhookSignatureError(f"The webhook is {age:.0f} seconds old, more than {tolerance}.")
    if -age > tolerance:
        raise InvalidWebhookSignatureError(f"The webhook is {-age:.0f} seconds ahead, more than {tolerance}.")
    body = payload.encode() if isinstance(payload, str) else payload
    signed = b"%b.%b.%b" % (found["webhook-id"].encode(), signed_at.encode(), body)
    expected = base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256))
    signatures = [part.removeprefix("v1,").encode() for part in found["webhook-signature"].split()]
    # Each is compared, so that the time taken tells nothing about which one failed.
    if not sum([hmac.compare_digest(expected, signature) for signature in signatures]):
        raise InvalidWebhookSignatureError("None of the webhook's signatures matches its payload.")


def _found(headers: Headers) -> dict[str, str]:
    wanted: dict[str, str] = dict.fromkeys(_HEADERS, "")
    pairs = cast("Mapping[Any, Any]", headers).items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        plain = _text(name).lower().replace("_", "-").removeprefix("http-")
        if plain in wanted:
            wanted[plain] = _text(value)
    missing = [name for name, value in wanted.items() if not value]
    if missing:
        raise InvalidWebhookSignatureError(
            f"The request has no header {', '.join(missing)}: it is no webhook."
        )
    return wanted


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"))
    except binascii.Error:
        raise ConfigError("The webhook secret begins with whsec_ but is not base64 after that.") from None
