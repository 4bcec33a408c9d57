"""Tests of the chat: `python -m example_apps.django_chat.manage test example_apps.django_chat`."""

import base64
import hmac
import json
import time
from typing import Any

from django.test import SimpleTestCase, override_settings

from ai_client.testing import Upstream
from example_apps import _chat

EVENT = b'{"id":"evt_1","created_at":1,"type":"response.completed","data":{"id":"resp_1"}}'
SECRET = "a secret for webhooks"  # noqa: S105 - of this test alone
CHAT = {"messages": [{"role": "user", "content": "Hello?"}]}
HOSTILE = "**a** <img src=x onerror=alert(1)> [b](javascript:alert(1))"
HARMLESS = "<p><strong>a</strong> &lt;img src=x onerror=alert(1)&gt; [b](javascript:alert(1))</p>"


def signed(payload: bytes) -> dict[str, str]:
    """Return the headers with which a provider sends *payload*."""
    now = str(int(time.time()))
    mac = hmac.digest(SECRET.encode(), b"msg_1.%b.%b" % (now.encode(), payload), "sha256")
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": signature}


class ChatTests(SimpleTestCase):
    """The chat, with an upstream on this machine in the place of the API."""

    def setUp(self) -> None:
        """Start the upstream, and have both clients talk to it."""
        self.upstream = self.enterContext(Upstream())
        self.configure(_chat.controls())

    def configure(self, controls: dict[str, Any]) -> None:
        """Replace the clients by ones with other policies."""
        options = {
            "base_url": self.upstream.base_url,
            "api_key": "any",
            "max_retries": 0,
            "webhook_secret": SECRET,
        }
        self.enterContext(override_settings(AI_CLIENT={**options, "controls": controls}))

    def post(self, path: str, body: object) -> Any:
        """Post JSON."""
        return self.client.post(path, body, content_type="application/json")

    def test_page(self) -> None:
        """The page is served, and is told who answers and which models there are to chat with."""
        page = self.client.get("/")
        self.assertContains(page, "<title>Chat</title>")
        self.assertIn("default-src 'none'; script-src 'sha256-", page.headers["content-security-policy"])
        self.assertNotIn("unsafe", page.headers["content-security-policy"])
        about = self.client.get("/api/about").json()
        self.assertEqual(about["framework"], "Django")
        self.assertIn(about["model"], about["models"])
        self.assertNotIn("text-embedding-3-small", about["models"])

    def test_no_list_of_models(self) -> None:
        """An API that does not list its models can be chatted with all the same."""
        self.upstream.reply(status=404, path="/models")
        about = self.client.get("/api/about").json()
        self.assertEqual(about["models"], [about["model"]])

    async def test_chat(self) -> None:
        """An answer comes as server-sent events: its words, its usage, its cost and the end."""
        response: Any = await self.async_client.post("/api/chat", CHAT, content_type="application/json")
        self.assertTrue(response.headers["content-type"].startswith("text/event-stream"))
        events = [part.decode().strip() async for part in response]
        self.assertGreater(len(events), 20)
        self.assertIn('"total_tokens"', events[-3])
        self.assertIn('"cost_usd"', events[-2])
        self.assertEqual(events[-1], "data: [DONE]")

    async def test_html_of_a_chat(self) -> None:
        """The words of an answer are followed by their HTML, in which nothing that the model wrote is live."""
        self.upstream.reply(content=HOSTILE)
        response: Any = await self.async_client.post("/api/chat", CHAT, content_type="application/json")
        lines = "".join([part.decode() async for part in response]).splitlines()
        events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        html = [event["html"] for event in events if "html" in event]
        self.assertEqual(html[-1], HARMLESS)
        self.assertFalse([part for part in html if "<img" in part or "href" in part])

    def test_html(self) -> None:
        """The page gets the HTML of what it has from earlier, of texts that are not too long."""
        earlier = self.post("/api/html", {"markdown": [HOSTILE, ""]})
        self.assertEqual(earlier.json(), {"html": [HARMLESS, ""]})
        self.assertEqual(self.post("/api/html", {"markdown": ["a" * 100_001]}).status_code, 422)

    def test_ask(self) -> None:
        """The JSON endpoint answers at once, and knows what it cost."""
        answer = self.post("/api/ask", {"question": "Hello?", "model": "gpt-4o-mini"}).json()
        self.assertIn("Hello?", answer["answer"])
        self.assertEqual(answer["model"], "gpt-4o-mini")

    def test_plan(self) -> None:
        """The structured endpoint asks for the shape of a plan, and answers with one."""
        plan = {"goal": "Lisbon", "steps": [{"what": "Take the tram", "minutes": 40}]}
        self.upstream.reply(content=json.dumps(plan))
        answer = self.post("/api/plan", {"question": "Plan a weekend in Lisbon"})
        self.assertEqual(answer.json(), plan)
        asked = self.upstream.requests[-1].json()["response_format"]
        self.assertIn("steps", asked["json_schema"]["schema"]["properties"])

    def test_failing_upstream(self) -> None:
        """Where the upstream fails, the page gets a status and a message to show."""
        for path, body in (("/api/chat", CHAT), ("/api/ask", {"question": "Hello?"})):
            self.upstream.reply(status=500)
            response = self.post(path, body)
            self.assertEqual(response.status_code, 502)
            self.assertTrue(response.json()["error"]["message"])

    def test_budget(self) -> None:
        """A day's budget that is used up is told to the page, and the upstream is not asked."""
        self.configure({"budgets": [{"tokens": 10, "per": "day"}]})
        response = self.post("/api/chat", CHAT)
        self.assertEqual(response.status_code, 429)
        self.assertEqual(response.json()["error"]["type"], "budget")
        self.assertFalse(self.upstream.requests)

    def test_nonsense(self) -> None:
        """What is no conversation is refused before anything is spent."""
        self.assertEqual(self.post("/api/chat", {"messages": []}).status_code, 422)
        self.assertFalse(self.upstream.requests)

    def test_webhook(self) -> None:
        """An event that the provider signed is taken, and one that somebody changed is not."""
        for body, status in ((EVENT, 200), (EVENT + b" ", 400)):
            response: Any = self.client.post(
                "/api/webhook", body, content_type="application/json", headers=signed(EVENT)
            )
            self.assertEqual(response.status_code, status)
