"""Requests of a WSGI application have their scopes until the response is closed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from ai_client import Labels, current_labels, labels
from ai_client._call.labels import requests_are_served
from ai_client.adapter import ScopedWSGI

Environ = dict[str, Any]


def serve(application: Callable[[Environ, Any], Iterable[bytes]], **environ: Any) -> Any:
    """Call an application as a server does; return the body."""
    return ScopedWSGI(application)(environ, lambda *_: None)


def told() -> bytes:
    """Return the endpoint and the tenant."""
    return str(tuple(current_labels()[:2])).encode()


def test_labels_last_while_the_body_is_made() -> None:
    """Each part of a body is made within the labels, and nothing of them is left outside."""

    def application(environ: Environ, _: Any) -> Iterator[bytes]:
        environ[ScopedWSGI.KEY].set_endpoint("/items/<pk>")
        labels(tenant="acme")
        return parts()

    def parts() -> Iterator[bytes]:
        yield told()
        labels(tenant="other")
        yield told()

    body = serve(application)
    seen = []
    for part in body:
        seen.append(part)
        assert current_labels() == Labels()
    assert seen == [b"('/items/<pk>', 'acme')", b"('/items/<pk>', 'other')"]
    assert requests_are_served()
    body.close()
    assert not requests_are_served()


def test_endpoint_within_a_block_of_labels() -> None:
    """A route that is matched inside of a middleware's labels is seen there, too."""

    def middleware(environ: Environ, _: Any) -> list[bytes]:
        with labels(tenant="acme"):
            environ[ScopedWSGI.KEY].set_endpoint("/items/<pk>")
            return [told()]

    body = serve(middleware)
    assert list(body) == [b"('/items/<pk>', 'acme')"]
    body.close()


def test_close_runs_within_the_labels() -> None:
    """The close of a body is run once, within the labels, by whoever closes the response."""
    seen: list[Labels] = []

    class Body(list[bytes]):
        def close(self) -> None:
            seen.append(current_labels())

    def application(environ: Environ, _: Any) -> Body:
        environ[ScopedWSGI.KEY].set_endpoint("/")
        return Body([b"a"])

    body = serve(application)
    assert list(body) == [b"a"]
    assert not seen
    body.close()
    assert seen == [Labels("/")]
    assert not requests_are_served()


def test_an_application_that_fails_ends_its_request() -> None:
    """A request ends with the error of its application, and with that of a body's close."""

    def fails(environ: Environ, _: Any) -> list[bytes]:
        raise LookupError(environ)

    class Body(list[bytes]):
        def close(self) -> None:
            raise LookupError

    with pytest.raises(LookupError):
        serve(fails)
    body = serve(lambda _, __: Body())
    with pytest.raises(LookupError):
        body.close()
    assert not requests_are_served()
    assert current_labels() == Labels()


def test_files_are_left_to_the_server(tmp_path: Any) -> None:
    """A file that the server sends by its own means is handed to it as it is."""
    (tmp_path / "file").write_bytes(b"a")
    with (tmp_path / "file").open("rb") as file:
        wrapped = FileWrapper(file)
        assert serve(lambda _, __: wrapped, **{"wsgi.file_wrapper": FileWrapper}) is wrapped
    assert not requests_are_served()


def test_a_response_that_is_dropped_ends_its_request() -> None:
    """A body that nobody closes ends its request when it is collected."""
    body = serve(lambda _, __: [b"a"])
    assert requests_are_served()
    del body
    assert not requests_are_served()
