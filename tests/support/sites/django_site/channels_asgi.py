"""The site for ASGI servers, with consumers of Channels beside it."""

import json
from typing import Any

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.urls import path, re_path

from ai_client import current_labels
from ai_client_django import ai_client_asgi, get_ai_client, get_async_ai_client
from tests.support.sites.django_site.asgi import application as django_application
from tests.support.sites.django_site.urls import ASK


def _answer(content: Any) -> str:
    return json.dumps({"content": content, "endpoint": current_labels().endpoint})


class Asking(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Answers each message with what the async client says."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ask."""
        del text_data, bytes_data
        completion = await get_async_ai_client().chat.completions.create(**ASK)
        await self.send(_answer(completion.choices[0].message.content))


class SyncAsking(WebsocketConsumer):  # type: ignore[misc]
    """Answers each message with what the sync client says, in a thread of Channels."""

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ask."""
        del text_data, bytes_data
        completion = get_ai_client().chat.completions.create(**ASK)
        self.send(_answer(completion.choices[0].message.content))


class HttpAsking(AsyncHttpConsumer):  # type: ignore[misc]
    """Answers a request over HTTP."""

    async def handle(self, body: bytes) -> None:
        """Ask."""
        del body
        completion = await get_async_ai_client().chat.completions.create(**ASK)
        await self.send_response(200, _answer(completion.choices[0].message.content).encode())


rooms = URLRouter([path("ask/", Asking.as_asgi()), path("ask-sync/", SyncAsking.as_asgi())])
application = ai_client_asgi(
    ProtocolTypeRouter(
        {
            "http": URLRouter(
                [path("http/<slug:name>/", HttpAsking.as_asgi()), re_path("", django_application)]
            ),
            "websocket": OriginValidator(
                BaseMiddleware(
                    URLRouter(
                        [
                            re_path(r"^plain/(?P<pk>\d+)/$", Asking.as_asgi()),
                            path("rooms/<str:room>/", rooms),
                        ]
                    )
                ),
                ["*"],
            ),
        }
    )
)
