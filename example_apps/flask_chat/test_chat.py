"""Tests of the chat: an upstream on this machine takes the place of the API."""

import base64
import hmac
import json
import time

import pytest
from flask.testing import FlaskClient

from ai_client.testing import Upstream
from example_apps.flask_chat.app import create_app

EVENT = b'{"id":"evt_1","created_at":1,"type":"response.completed","data":{"id":"resp_1"}}'
SECRET = "a secret for webhooks"  # noqa: S105 - of this test alone
CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}
HOSTILE = "**a** <img src=x onerror=alert(1)> [b](javascript:alert(1))"
HARMLESS = "<p><strong>a</strong> &lt;img src=x onerror=alert(1)&gt; [b](javascript:alert(1))</p>"


@pytest.fixture
def http(ai_client_upstream: Upstream) -> FlaskClient:
    """Return a client of the application, which talks to the upstream."""
    return client_of(ai_client_upstream)


def client_of(upstream: Upstream) -> FlaskClient:
    """Return a client of an application that talks to this upstream."""
    return create_app(
        AI_CLIENT_BASE_URL=upstream.base_url,
        AI_CLIENT_API_KEY="any",
        AI_CLIENT_MAX_RETRIES=0,
        AI_CLIENT_WEBHOOK_SECRET=SECRET,
    ).test_client()


def test_page(http: FlaskClient) -> None:
    """The page is served, and is told who answers and which models there are to chat with."""
    with http.get("/") as page:
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'; script-src 'sha256-" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
    about = http.get("/api/about").get_json()
    assert about["framework"] == "Flask"
    assert about["model"] in about["models"]
    assert "text-embedding-3-small" not in about["models"]


def test_no_list_of_models(http: FlaskClient, ai_client_upstream: Upstream) -> None:
    """An API that does not list its models can be chatted with all the same."""
    ai_client_upstream.reply(status=404, path="/models")
    about = http.get("/api/about").get_json()
    assert about["models"] == [about["model"]]


def test_chat(http: FlaskClient) -> None:
    """An answer comes as server-sent events: its words, its usage, its cost and the end."""
    response = http.post("/api/chat", json=CHAT)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line for line in response.text.splitlines() if line]
    assert len(events) > 20
    assert '"total_tokens"' in events[-3]
    assert '"cost_usd"' in events[-2]
    assert events[-1] == "data: [DONE]"


def test_html_of_a_chat(http: FlaskClient, ai_client_upstream: Upstream) -> None:
    """The words of an answer are followed by their HTML, in which nothing that the model wrote is live."""
    ai_client_upstream.reply(content=HOSTILE)
    lines = http.post("/api/chat", json=CHAT).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    html = [event["html"] for event in events if "html" in event]
    assert html[-1] == HARMLESS
    assert not any("<img" in part or "href" in part for part in html)


def test_html(http: FlaskClient) -> None:
    """The page gets the HTML of what it has from earlier, of texts that are not too long."""
    assert http.post("/api/html", json={"markdown": [HOSTILE, ""]}).get_json() == {"html": [HARMLESS, ""]}
    assert http.post("/api/html", json={"markdown": ["a" * 100_001]}).status_code == 422


def test_ask(http: FlaskClient) -> None:
    """The JSON endpoint answers at once, and knows what it cost."""
    answer = http.post("/api/ask", json={"question": "Hello?", "model": "gpt-4o-mini"}).get_json()
    assert "Hello?" in answer["answer"]
    assert answer["model"] == "gpt-4o-mini"


def test_plan(http: FlaskClient, ai_client_upstream: Upstream) -> None:
    """The structured endpoint asks for the shape of a plan, and answers with one."""
    plan = {"goal": "Lisbon", "steps": [{"what": "Take the tram", "minutes": 40}]}
    ai_client_upstream.reply(content=json.dumps(plan))
    assert http.post("/api/plan", json={"question": "Plan a weekend in Lisbon"}).get_json() == plan
    asked = ai_client_upstream.requests[-1].json()["response_format"]
    assert "steps" in asked["json_schema"]["schema"]["properties"]


@pytest.mark.parametrize(("path", "body"), [("/api/chat", CHAT), ("/api/ask", {"question": "Hello?"})])
def test_failing_upstream(http: FlaskClient, ai_client_upstream: Upstream, path: str, body: object) -> None:
    """Where the upstream fails, the page gets a status and a message to show."""
    ai_client_upstream.reply(status=500)
    response = http.post(path, json=body)
    assert response.status_code == 502
    assert response.get_json()["error"]["message"]


def test_budget(monkeypatch: pytest.MonkeyPatch, ai_client_upstream: Upstream) -> None:
    """A day's budget that is used up is told to the page, and the upstream is not asked."""
    monkeypatch.setenv("CHAT_TOKENS_PER_DAY", "10")
    response = client_of(ai_client_upstream).post("/api/chat", json=CHAT)
    assert response.status_code == 429
    assert response.get_json()["error"]["type"] == "budget"
    assert not ai_client_upstream.requests


def test_nonsense(http: FlaskClient, ai_client_upstream: Upstream) -> None:
    """What is no conversation is refused before anything is spent."""
    assert http.post("/api/chat", json={"messages": []}).status_code == 422
    assert not ai_client_upstream.requests


def signed(payload: bytes) -> dict[str, str]:
    """Return the headers with which a provider sends *payload*."""
    now = str(int(time.time()))
    mac = hmac.digest(SECRET.encode(), b"msg_1.%b.%b" % (now.encode(), payload), "sha256")
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": signature}


def test_webhook(http: FlaskClient) -> None:
    """An event that the provider signed is taken, and one that somebody changed is not."""
    genuine = http.post("/api/webhook", data=EVENT, headers=signed(EVENT))
    assert genuine.get_json() == {"received": "response.completed"}
    assert http.post("/api/webhook", data=EVENT + b" ", headers=signed(EVENT)).status_code == 400
