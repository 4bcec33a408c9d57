"""The Flask extension: one client per app and process, as `ai.client`.

from ai_client_flask import AIClient

ai = AIClient()

def create_app():
    app = Flask(__name__)
    app.config.from_prefixed_env()
    ai.init_app(app)
    return app
"""

from ai_client.adapter import require

require("flask", "ai-client[flask]")

from ._current import (
    current_ai_client as current_ai_client,
    get_ai_client as get_ai_client,
    get_async_ai_client as get_async_ai_client,
)
from ._extension import AIClient as AIClient
from ._streaming import stream_response as stream_response

__all__ = ["AIClient", "current_ai_client", "get_ai_client", "get_async_ai_client", "stream_response"]
