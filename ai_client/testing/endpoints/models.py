"""Models."""

from ai_client.testing.endpoints.chat import CREATED
from ai_client.testing.reply import Reply
from ai_client.testing.request import Refused, Request

_MODELS = {
    name: {"id": name, "object": "model", "created": CREATED, "owned_by": "ai_client"}
    for name in (
        "gpt-5.5",
        "gpt-5.4-mini",
        "gpt-4o-mini",
        "text-embedding-3-small",
        "text-embedding-3-large",
        "omni-moderation-latest",
    )
}


def list_models(_request: Request) -> Reply:
    """Answer `GET /models`."""
    return Reply(json={"object": "list", "data": list(_MODELS.values())})


def retrieve(request: Request) -> Reply:
    """Answer `GET /models/{model}`."""
    name = request.params["model"]
    if name not in _MODELS:
        message = f"The model '{name}' does not exist or you do not have access to it."
        raise Refused(404, message, param="model", code="model_not_found")
    return Reply(json=_MODELS[name])
