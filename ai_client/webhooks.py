"""Webhooks: signature verification and decoding, by the standard-webhooks scheme.

`client.webhooks.unwrap(body, headers)` returns the event of a request that is signed with the client's
`webhook_secret`, and raises `InvalidWebhookSignatureError` for any other.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias, cast

from ._models.base import BaseModel
from ._models.decode import decode
from ._params.secrets import webhook_key
from .errors import ConfigError, InvalidWebhookSignatureError

_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE = 300
"""Seconds by which a webhook's timestamp may differ from now."""

Headers: TypeAlias = Mapping[Any, Any] | Iterable[Any]
"""Headers of any framework: a mapping or pairs, of text or bytes, in any case; also WSGI's `HTTP_` names."""
Payload: TypeAlias = str | bytes | bytearray | memoryview
"""A request's body, exactly as received."""
_TIMESTAMP = re.compile(r"[0-9]{1,15}")


class WebhookEvent(BaseModel):
    """An event sent by a webhook."""

    id: str
    created_at: int
    type: str
    data: BaseModel


class WebhookMethods:
    """`unwrap` and `verify_signature` for the resource of either client; neither sends a request."""

    _event_type: ClassVar[Any] = WebhookEvent
    _client: Any

    def unwrap(self, payload: Payload, headers: Headers, *, secret: str | None = None) -> Any:
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
        self.verify_signature(payload, headers, secret=secret)
        return decode(self._event_type, _bytes_of(payload))

    def verify_signature(
        self, payload: Payload, headers: Headers, *, secret: str | None = None, tolerance: int = TOLERANCE
    ) -> None:
        """Verify a webhook's signature; *tolerance* is in seconds.

        Raises:
            InvalidWebhookSignatureError: The signature is missing, invalid or too old.
            ConfigError: There is no secret, or it is blank, masked or malformed.
        """
        secret = self._client.webhook_secret if secret is None else secret
        if not secret:
            raise ConfigError(
                "There is no webhook secret. Set OPENAI_WEBHOOK_SECRET, or pass webhook_secret=... to the client or"
                " secret=... here."
            )
        verify_signature(payload, headers, secret, tolerance=tolerance)


def verify_signature(payload: Payload, headers: Headers, secret: str, *, tolerance: int = TOLERANCE) -> None:
    """Verify that *payload* was signed with *secret* at most *tolerance* seconds ago.

    Raises:
        InvalidWebhookSignatureError: It was not.
        ConfigError: The secret is blank, masked or malformed.
    """
    key = webhook_key("The webhook secret", secret)
    found = _found(headers)
    identifier, signed_at, signatures = (found[name] for name in _HEADERS)
    if not _TIMESTAMP.fullmatch(signed_at):
        raise InvalidWebhookSignatureError("The webhook's timestamp is not a number of seconds.")
    age = time.time() - int(signed_at)
    if age > tolerance:
        raise InvalidWebhookSignatureError(f"The webhook is {age:.0f} seconds old, more than {tolerance}.")
    if -age > tolerance:
        raise InvalidWebhookSignatureError(f"The webhook is {-age:.0f} seconds ahead, more than {tolerance}.")
    if not identifier.isascii():
        raise InvalidWebhookSignatureError("The webhook's id is not ASCII.")
    expected = _signature(key, identifier, signed_at, _bytes_of(payload))
    given = [part.removeprefix("v1,").encode() for part in signatures.split() if part.isascii()]
    # All signatures are compared, so that the time taken reveals nothing about them.
    if not sum([hmac.compare_digest(expected, signature) for signature in given]):
        raise InvalidWebhookSignatureError("None of the webhook's signatures matches its payload.")


def signed_headers(payload: Payload, secret: str, identifier: str) -> dict[str, str]:
    """Return the headers with which `verify_signature` accepts *payload*, signed now with *secret*.

    Args:
        payload: The request's body, exactly as it is sent.
        secret: The secret that both sides know.
        identifier: The webhook's id, in ASCII, equal for repeated deliveries of one event.

    Raises:
        ConfigError: The secret is blank, masked or malformed.
    """
    key, now = webhook_key("The webhook secret", secret), str(int(time.time()))
    signature = _signature(key, identifier, now, _bytes_of(payload)).decode()
    return dict(zip(_HEADERS, (identifier, now, f"v1,{signature}"), strict=True))


def _signature(key: bytes, identifier: str, timestamp: str, payload: bytes) -> bytes:
    signed = b"%b.%b.%b" % (identifier.encode(), timestamp.encode(), payload)
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256))


def _bytes_of(payload: object) -> bytes:
    if isinstance(payload, str):
        try:
            return payload.encode()
        except UnicodeEncodeError:
            raise InvalidWebhookSignatureError(
                "The webhook's payload is not the text that was received."
            ) from None
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(cast("bytes", payload))
    raise TypeError(
        f"The payload must be the request's body as received, text or bytes, not {type(payload).__name__}."
    )


def _found(headers: Headers) -> dict[str, str]:
    """Return the headers that a webhook is signed with. A duplicate is rejected: others may read another one."""
    found: dict[str, list[str]] = {name: [] for name in _HEADERS}
    try:
        for name, value in _pairs(headers):
            plain = _text(name).lower().replace("_", "-").removeprefix("http-")
            if plain in found:
                found[plain] += [_text(one) for one in _each(value)]
    except (TypeError, ValueError):
        raise InvalidWebhookSignatureError("The request's headers are neither a mapping nor pairs.") from None
    missing = [name for name, values in found.items() if not any(values)]
    if missing:
        raise InvalidWebhookSignatureError(
            f"The request has no header {', '.join(missing)}, so it is not a webhook."
        )
    for name, values in found.items():
        if len(values) > 1:
            raise InvalidWebhookSignatureError(f"The request has more than one header {name}.")
    return {name: values[0] for name, values in found.items()}


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    items: Any = getattr(headers, "multi_items", None) or getattr(headers, "items", None)
    return cast("Iterable[tuple[Any, Any]]", items() if callable(items) else headers)


def _each(value: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", value) if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast("bytes", value)).decode("latin-1")
    return str(value)
