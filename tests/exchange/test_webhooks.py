"""Webhooks: genuine ones are told from others."""

import base64
import email.message
import hashlib
import hmac
import json
import time
import wsgiref.headers
from typing import Any

import django.http.request
import httpx
import openai
import pytest
import starlette.datastructures
import werkzeug.datastructures

from ai_client import ClientConfig, ConfigError, InvalidWebhookSignatureError, OpenAI
from ai_client.webhooks import verify_signature
from tests.support.invoke import KEY, Invoke

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


def message(headers: dict[str, str]) -> email.message.Message:
    """Give headers as a mail has them."""
    mail = email.message.Message()
    for name, value in headers.items():
        mail[name.title()] = value
    return mail


def environ(headers: dict[str, str]) -> dict[str, str]:
    """Give headers as WSGI has them."""
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


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
        environ,
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: list(headers.items()),
        message,
        lambda headers: {name: [value] for name, value in headers.items()},
        lambda headers: [
            (memoryview(name.encode()), bytearray(value.encode())) for name, value in headers.items()
        ],
        starlette.datastructures.Headers,
        werkzeug.datastructures.Headers,
        lambda headers: werkzeug.datastructures.EnvironHeaders(environ(headers)),
        lambda headers: django.http.request.HttpHeaders(environ(headers)),
        wsgiref.headers.Headers,
    ],
)
def test_headers_of_every_framework(client: OpenAI, wrap: Any) -> None:
    """Mappings in any case, WSGI environments, mails and ASGI's pairs of bytes are all read."""
    signed = sign()
    client.webhooks.verify_signature(
        PAYLOAD, wrap(list(signed.items()) if wrap is wsgiref.headers.Headers else signed)
    )


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_payloads_of_every_framework(invoke: Invoke, wrap: Any) -> None:
    """Whatever holds bytes is a payload, and what is no body as it came is named."""
    webhooks = invoke.client(webhook_secret=SECRET).webhooks
    assert webhooks.unwrap(wrap(PAYLOAD.encode()), sign()).id == "evt_1"
    with pytest.raises(TypeError, match="text or bytes, not dict"):
        webhooks.unwrap(json.loads(PAYLOAD), sign())


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
        (PAYLOAD, {"webhook-timestamp": "9" * 400}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-timestamp": "9" * 5000}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-timestamp": "9" * 15}, "seconds ahead"),
        (PAYLOAD, {"webhook-timestamp": "\uff11\uff12"}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-timestamp": "1_0"}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-timestamp": "nan"}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-timestamp": "\ud800"}, "timestamp is not a number"),
        (PAYLOAD, {"webhook-id": "\ud800"}, "id is not ASCII"),
        (PAYLOAD, {"webhook-id": "é"}, "id is not ASCII"),
        (PAYLOAD, {"webhook-signature": "v1,\ud800"}, "None of the webhook's signatures"),
        (PAYLOAD, {"webhook-signature": " "}, "None of the webhook's signatures"),
        (PAYLOAD + "\ud800", {}, "payload is not the text"),
        (PAYLOAD, {"Webhook-Id": "evt_1"}, "more than one header webhook-id"),
        (PAYLOAD, {"HTTP_WEBHOOK_TIMESTAMP": "1"}, "more than one header webhook-timestamp"),
    ],
)
def test_all_others_are_refused(client: OpenAI, payload: str, wrong: dict[str, Any], message: str) -> None:
    """A changed payload, another's signature, an old or a headless webhook is refused with the reason."""
    signing = {name: value for name, value in wrong.items() if "webhook" not in name.lower()}
    headers = {name: value for name, value in wrong.items() if "webhook" in name.lower()}
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


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        5,
        "text",
        b"bytes",
        [("webhook-id",)],
        [*sign().items(), ("Webhook-Id", "evt_1")],
        [*sign().items(), (b"webhook-signature", b"v1,x")],
        httpx.Headers([*sign().items(), ("webhook-signature", "v1,x")]),
        {**sign(), "webhook-id": ["evt_1", "evt_1"]},
        {**sign(), "webhook-id": []},
    ],
)
def test_headers_that_are_none(client: OpenAI, headers: Any) -> None:
    """What holds no header, or one twice, is no webhook, whatever it is."""
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(PAYLOAD, headers)


MASKED = [
    "",
    " ",
    "whsec_",
    "whsec_ ",
    "whsec_=",
    "whsec_====",
    "whsec_****",
    "whsec_<>",
    "whsec_<your-secret>",
    "whsec_...",
    "whsec_xxxxxxxx",
    "whsec_AAAA",
    "whsec_abc*def=",
    "whsec_QUJD\n",
    "********",
    "\u2022\u2022\u2022\u2022",
    "<secret>",
    "a secret\n",
]
BROKEN = [
    "whsec_QU JD",
    "whsec_QUJDR",
    "whsec_QUJD=",
    "whsec_QUJDRA=",
    "whsec_QUJD-_+/",
    "whsec_QUJ\u00e9",
    "whsec_\ud800AAA",
    "\ud800",
]
GOOD_SECRETS = {
    "whsec_QUJDRA==": b"ABCD",
    "whsec_QUJDRA": b"ABCD",
    "whsec_-_-_": b"\xfb\xff\xbf",
    "whsec_+/+/": b"\xfb\xff\xbf",
    "plain": b"plain",
    "a secret \u00e4": "a secret \u00e4".encode(),
}


@pytest.mark.parametrize("secret", [*MASKED, *BROKEN])
def test_a_secret_that_anybody_could_know_is_refused(client: OpenAI, secret: str) -> None:
    """A blank, masked or broken secret is refused where it is given, and no webhook is genuine by it."""
    genuine = sign(secret="plain")
    for key in (b"", b"\0", secret.encode("utf-8", "replace")):
        signed = b"evt_1." + genuine["webhook-timestamp"].encode() + b"." + PAYLOAD.encode()
        digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        with pytest.raises(ConfigError) as caught:
            verify_signature(PAYLOAD, {**genuine, "webhook-signature": f"v1,{digest}"}, secret)
        assert len(secret) < 8 or secret not in str(caught.value)
        with pytest.raises(ConfigError):
            client.webhooks.unwrap(PAYLOAD, genuine, secret=secret)
    with pytest.raises(ConfigError, match="from here: webhook_secret"):
        ClientConfig.make({"webhook_secret": secret}, source="from here: ")


@pytest.mark.parametrize("secret", MASKED)
def test_a_secret_that_says_nothing_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, client: OpenAI, secret: str
) -> None:
    """No client is made with a blank or masked secret, nor a copy, wherever it is from."""
    with pytest.raises(ConfigError, match="webhook_secret"):
        OpenAI(api_key=KEY, webhook_secret=secret)
    if secret:
        with pytest.raises(ConfigError, match="webhook_secret"):
            client.with_options(webhook_secret=secret)
        monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", secret)
        with pytest.raises(ConfigError, match="webhook_secret"):
            OpenAI(api_key=KEY)


@pytest.mark.parametrize(("secret", "key"), GOOD_SECRETS.items())
def test_what_a_secret_stands_for(secret: str, key: bytes) -> None:
    """After `whsec_` stands base64 of either alphabet, with its padding or without; any other secret is a text."""
    headers = sign(secret="plain")
    signed = b"evt_1." + headers["webhook-timestamp"].encode() + b"." + PAYLOAD.encode()
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    OpenAI(api_key=KEY, webhook_secret=secret).webhooks.unwrap(
        PAYLOAD, {**headers, "webhook-signature": f"v1,{digest}"}
    )


def test_an_empty_variable_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty environment variable counts as unset."""
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "")
    client = OpenAI(api_key=KEY)
    assert client.webhook_secret is None
    with pytest.raises(ConfigError, match="There is no webhook secret"):
        client.webhooks.unwrap(PAYLOAD, sign())
