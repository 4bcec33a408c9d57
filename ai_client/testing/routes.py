"""The routing table, and the lookup of an endpoint by method and path."""

import re
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

from ai_client.testing.endpoints import chat, embeddings, models, moderations, responses
from ai_client.testing.reply import Reply
from ai_client.testing.request import Refused, Request

Endpoint: TypeAlias = Callable[[Request], Reply]

ROUTES: dict[tuple[str, str], Endpoint] = {
    ("POST", "/chat/completions"): chat.create,
    ("POST", "/embeddings"): embeddings.create,
    ("GET", "/models"): models.list_models,
    ("GET", "/models/{model}"): models.retrieve,
    ("POST", "/moderations"): moderations.create,
    ("POST", "/responses"): responses.create,
}

_ROOT = re.compile(r"/v1|/openai/v1|/openai/deployments/(?P<deployment>[^/]+)|/openai")


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


_TEMPLATES = [
    (method, _pattern(template), endpoint)
    for (method, template), endpoint in ROUTES.items()
    if "{" in template
]


def find(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """Return the endpoint for a path below `/v1` or one of Azure's roots, and the path parameters.

    Raises:
        Refused: There is no such path (404), or not for this method (405).
    """
    root = _ROOT.match(path)
    if root is not None:
        params = {key: unquote(value) for key, value in root.groupdict().items() if value}
        operation = path[root.end() :]
        endpoint = ROUTES.get((method, operation))
        if endpoint is not None:
            return endpoint, params
        for known_method, pattern, endpoint in _TEMPLATES:
            if known_method == method and (match := pattern.fullmatch(operation)):
                values = {key: unquote(value) for key, value in match.groupdict().items()}
                return endpoint, params | values
        if any(known == operation for _, known in ROUTES):
            raise Refused(405, f"Not allowed to {method} on {path}.", code="method_not_supported")
    raise Refused(404, f"Invalid URL ({method} {path})", code="unknown_url")
