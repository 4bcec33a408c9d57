"""Forms that cannot be taken apart, or that somebody else has made: they are sent as they are."""

from typing import Any

import httpx
import pytest

from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.interop import transport
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

FORM = b'--mine\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--mine--\r\n'
KIND = "multipart/form-data; boundary=mine"


@pytest.fixture(params=[False, True], ids=["no policies", "policies"])
def client(request: pytest.FixtureRequest, invoke: Invoke, upstream: Upstream) -> Any:
    """Return a client of ours, without policies and with one that reads bodies."""
    upstream.always(json={})
    return invoke.client(layers=[Cost(Prices({}, library=False))] if request.param else [])


def test_form_with_repeated_fields(invoke: Invoke, client: Any, upstream: Upstream) -> None:
    """A form whose fields repeat a name arrives with all of them, through the transport."""
    given = {"data": {"a": ["1", "2"]}, "files": {"f": ("n.txt", b"abc")}}
    kind = httpx.Client if invoke.sync else httpx.AsyncClient
    with invoke.within(kind(transport=transport(client), base_url=upstream.base_url)) as http:
        assert invoke(http.post, "/forms", **given).status_code == 200
    body = upstream.requests[-1].body
    assert body.count(b'name="a"') == 2
    assert b"abc" in body
    assert upstream.requests[-1].headers["content-type"].startswith("multipart/form-data; boundary=")


def test_form_in_bytes(invoke: Invoke, client: Any, upstream: Upstream) -> None:
    """A form that the caller has made is sent as it is, with the boundary of its header."""
    headers = {"Content-Type": KIND}
    invoke(client.post, "/forms", cast_to=object, content=FORM, options={"headers": headers})
    kind = httpx.Client if invoke.sync else httpx.AsyncClient
    with invoke.within(kind(transport=transport(client), base_url=upstream.base_url)) as http:
        assert invoke(http.post, "/forms", content=FORM, headers=headers).status_code == 200
    for request in upstream.requests:
        assert request.body == FORM
        assert request.headers["content-type"] == KIND
