"""Models near retirement: the API is asked aside, once, and without policies."""

from datetime import UTC, datetime, timedelta

from ai_client import ClientProvider
from ai_client.dashboard import retirement
from ai_client.testing import Upstream
from tests.support.waiting import until

TODAY = datetime.now(UTC).date()


def model(name: str, days: int | None = None) -> dict[str, object]:
    """Return a model as an API lists it."""
    end = {} if days is None else {"shutdown_date": (TODAY + timedelta(days=days)).isoformat()}
    return {"id": name, "object": "model", "created": 1, "owned_by": "x", **end}


def test_models_are_asked_for_once_and_aside(upstream: Upstream) -> None:
    """Of the models that are configured or used, those that end within 60 days, are gone or missing are named."""
    found = [model("ends", 20), model("ended", -3), model("later", 90), model("stays"), model("unused", 1)]
    upstream.always(path="/v1/models", json={"object": "list", "data": found})
    provider = ClientProvider(
        base_url=upstream.base_url,
        api_key="sk-test",
        controls={"metrics": True, "models": {"small": ["ends", "missing"]}},
    )
    used = ["ended", "later", "stays", "answered-by-another-api"]
    assert retirement.retiring_models(provider, used) is None
    until(lambda: retirement.retiring_models(provider, used) is not None)
    retiring = retirement.retiring_models(provider, used)
    assert retiring is not None
    assert [(one.model, one.is_over) for one in retiring] == [
        ("ended", True),
        ("ends", False),
        ("missing", False),
    ]
    assert [one.shutdown_date for one in retiring] == [TODAY - timedelta(3), TODAY + timedelta(20), None]
    assert len(upstream.requests) == 1
    assert provider.process.built == 0


def test_an_api_without_a_list_is_no_fault(upstream: Upstream) -> None:
    """An API that answers with an error is asked again later; meanwhile nothing is known of its models."""
    upstream.always(path="/v1/models", status=500)
    provider = ClientProvider(
        base_url=upstream.base_url, api_key="sk-test", controls={"models": {"a": ["b"]}}
    )
    assert retirement.retiring_models(provider, ["c"]) is None
    until(lambda: upstream.requests and not retirement._lists()._asking.get(provider))
    assert retirement.retiring_models(provider, ["c"]) is None
    assert len(upstream.requests) == 1
