"""Webhooks: genuine ones are told from others."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import openai
import pytest

from ai_client import ConfigError, InvalidWebhookSignatureError, OpenAI
from tests.conftest import KEY, Invoke

SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook").decode()
PAYLOAD = json.dumps(
    {
        "id": "evt_1",
        "created_at": 1,
        "type": "response.completed",
        "object": "event",
        "data": {"id": "resp_ä"},
    },
    ensure_ascii=False,
)


def sign(
    payload: str | bytes = PAYLOAD, *, secret: str = SECRET, age: float = 0, prefix: str = "v1,"
) -> dict[str, str]:
    """Give the headers of a webhook, as the standard describes them."""
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    body = payload.encode() if isinstance(payload, str) else payload
    signed_at = str(int(time.time() - age))
    digest = hmac.digest(key, b"evt_1." + signed_at.encode() + b"." + body, hashlib.sha256)
    signature = prefix + base64.b64encode(digest).decode()
    return {"webhook-id": "evt_1", "webhook-timestamp": signed_at, "webhook-signature": signature}


@pytest.mark.parametrize("payload", [PAYLOAD, PAYLOAD.encode()])
def test_a_genuine_webhook(invoke: Invoke, payload: str | bytes) -> None:
    """Text and bytes that were signed are given as an event, by both clients alike and without a request."""
    client = invoke.client(webhook_secret=SECRET)
    event = client.webhooks.unwrap(payload, sign())
    assert (event.id, event.type, event.data.id) == ("evt_1", "response.completed", "resp_ä")
    assert not invoke.upstream.requests


def test_the_official_client_agrees() -> None:
    """What these tests sign is genuine to the official SDK too."""
    openai.OpenAI(api_key=KEY, webhook_secret=SECRET).webhooks.unwrap(PAYLOAD, sign())


@pytest.fixture
def client() -> OpenAI:
    """Give a client that knows the secret."""
    return OpenAI(api_key=KEY, webhook_secret=SECRET)


@pytest.mark.parametrize(
    "wrap",
    [
        httpx.Headers,
        lambda headers: {name.title(): value for name, value in headers.items()},
        lambda headers: {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: list(headers.items()),
    ],
)
def test_headers_of_every_framework(client: OpenAI, wrap: Any) -> None:
    """Mappings in any case, WSGI environments and ASGI's pairs of bytes are all read."""
    client.webhooks.verify_signature(PAYLOAD, wrap(sign()))


def test_one_of_several_signatures_is_enough(client: OpenAI) -> None:
    """While a secret is being replaced, a webhook carries a signature of each."""
    headers = sign()
    headers["webhook-signature"] = f"v1,{'A' * 43}= v1,é {headers['webhook-signature']} v2,x"
    client.webhooks.verify_signature(PAYLOAD, headers)
    bare = sign(prefix="")
    client.webhooks.verify_signature(PAYLOAD, bare)


@pytest.mark.parametrize(
    ("payload", "wrong", "message"),
    [
        (PAYLOAD + " ", {}, "None of the webhook's signatures"),
        (PAYLOAD, {"webhook-id": "evt_2"}, "None of the webhook's signatures"),
        (PAYLOAD, {"webhook-signature": "v1,"}, "None of the webhook's signatures"),
        (PAYLOAD, {"webhook-signature": "ä"}, "None of the webhook's signatures"),
        (PAYLOAD, {"webhook-timestamp": "soon"}, "timestamp is not a number"),
        (PAYLOAD, {"age": 10**6}, r"\d+ seconds old, more than 300"),
        (PAYLOAD, {"age": -(10**6)}, "seconds ahead, more than 300"),
        (PAYLOAD, {"webhook-id": ""}, "no header webhook-id"),
        (PAYLOAD, {"secret": "another"}, "None of the webhook's signatures"),
    ],
)
def test_all_others_are_refused(client: OpenAI, payload: str, wrong: dict[str, Any], message: str) -> None:
    """A changed payload, another's signature, an old or a headless webhook is refused with the reason."""
    signing = {name: value for name, value in wrong.items() if not name.startswith("webhook-")}
    headers = {name: value for name, value in wrong.items() if name.startswith("webhook-")}
    with pytest.raises(InvalidWebhookSignatureError, match=message):
        client.webhooks.unwrap(payload, {**sign(**signing), **headers})


def test_the_tolerance_can_be_chosen(client: OpenAI) -> None:
    """A caller may accept older webhooks."""
    client.webhooks.verify_signature(PAYLOAD, sign(age=400), tolerance=500)


def test_a_secret_of_the_call_wins(client: OpenAI) -> None:
    """`secret` takes the place of the client's; a plain text secret is used as it is."""
    client.webhooks.unwrap(PAYLOAD, sign(secret="plain"), secret="plain")


def test_a_secret_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret nothing can be checked, nor with a broken one."""
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET", raising=False)
    client = OpenAI(api_key=KEY)
    with pytest.raises(ValueError, match="OPENAI_WEBHOOK_SECRET"):
        client.webhooks.unwrap(PAYLOAD, sign())
    with pytest.raises(ConfigError, match="not base64"):
        client.webhooks.unwrap(PAYLOAD, sign(), secret="whsec_x")
