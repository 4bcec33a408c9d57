"""Configurations that are broken in one way each, on real sockets."""

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Upstream
from tests.support.certificates import Office, self_signed
from tests.support.ports import free_port
from tests.support.proxy_server import ProxyServer
from tests.support.raw_server import Answer, Exchange, RawServer

KEY = "sk-planted-key-0123456789"
LOGIN = "planted-user:planted-password"
MODELS = ("gpt-5.5", "gpt-4o-mini")
Options = dict[str, Any]


def answer(status: str, body: bytes | str = b"{}", *headers: str, kind: str = "application/json") -> bytes:
    """Return an answer of HTTP."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(content)}",
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + content


def listing(**dates: str | None) -> bytes:
    """Return an answer to `models.list`, with the dates on which models are switched off."""
    names = {**dict.fromkeys(MODELS), **{name.replace("_", "-"): day for name, day in dates.items()}}
    models = [
        {"id": name, "object": "model", "created": 1, "owned_by": "x", "shutdown_date": day}
        for name, day in names.items()
    ]
    return answer("200 OK", json.dumps({"object": "list", "data": models}))


class Scene:
    """What a broken configuration is made of; everything is stopped with the test."""

    def __init__(self, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.stack = stack
        self.patch = monkeypatch
        self.folder = folder

    def office(self) -> Office:
        """Return an authority of the scene's own."""
        folder = self.folder / f"office-{free_port()}"
        folder.mkdir()
        return Office(folder)

    def upstream(self) -> Upstream:
        """Return a server that has nothing wrong."""
        return self.stack.enter_context(Upstream())

    def good(self) -> Options:
        """Return options that have nothing wrong."""
        return {"base_url": self.upstream().base_url}

    def raw(self, content: bytes | Answer, **options: Any) -> RawServer:
        """Return a server that always gives the same answer."""
        given: Answer = content if callable(content) else lambda exchange: exchange.write(content)
        return self.stack.enter_context(RawServer(given, **options))

    def at(self, content: bytes | Answer, path: str = "/v1", **options: Any) -> Options:
        """Return the options for a server that always gives the same answer."""
        return {"base_url": f"{self.raw(content, **options).url}{path}"}

    def tls(self, context: Any, *, verify: Office | None = None) -> Options:
        """Return the options for a server with a certificate."""
        options = self.at(listing(), ssl_context=context)
        return options if verify is None else {**options, "verify": str(verify.authority)}

    def proxy(self, **options: Any) -> ProxyServer:
        """Return a proxy."""
        return self.stack.enter_context(ProxyServer(**options))

    def lookups(self, name: str, look_up: Callable[[], Any]) -> None:
        """Have the resolver do something else for one name."""
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **given: Any) -> Any:
            return look_up() if host == name else real(host, *args, **given)

        self.patch.setattr(socket, "getaddrinfo", getaddrinfo)

    def hang(self) -> Any:
        """Hang until the test is over, and then fail."""
        over = threading.Event()
        self.stack.callback(over.set)
        return lambda: _raise_after(over)


def _raise_after(over: threading.Event) -> None:
    over.wait()
    raise OSError("The test is over.")


def raising(error: Exception) -> Callable[[], Any]:
    """Return a function that fails."""

    def fail() -> Any:
        raise error

    return fail


def reset(exchange: Exchange) -> None:
    """Reset the connection."""
    exchange.info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange._connection.transport.abort()


def only(path: str, content: bytes) -> Answer:
    """Answer at one path, and with 404 elsewhere."""
    missing = answer("404 Not Found", '{"detail":"Not Found"}')
    return lambda exchange: exchange.write(content if exchange.target.partition("?")[0] == path else missing)


def dated(seconds: float) -> bytes:
    """Return a list of models from a server whose clock is ahead."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return listing().replace(b"Content-Type", f"Date: {date}\r\nContent-Type".encode(), 1)


def on(days: int) -> str:
    """Return a day from today."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d")


def certified(scene: Scene, *names: str, since: int = -10, until: int = 300) -> Options:
    """Return the options for a server whose certificate is for *names*, and valid from and until a day from today."""
    office = scene.office()
    now = datetime.now(UTC)
    issued = office.ca.issue_cert(
        *(names or ("127.0.0.1",)),
        not_before=now + timedelta(days=since),
        not_after=now + timedelta(days=until),
    )
    context = office.plain_server()
    issued.configure_cert(context)
    return scene.tls(context, verify=office)


def self_made(scene: Scene) -> Options:
    """Return the options for a server whose certificate nobody else has signed."""
    context = scene.office().plain_server()
    context.load_cert_chain(self_signed(scene.folder / "self-signed.pem", "127.0.0.1"))
    return scene.tls(context)


class Broken:
    """A configuration that is broken in one way.

    Args:
        name: Its name.
        make: Makes the options in a scene, and what belongs to them.
        said: What the doctor's message of the cause matches.
        status: How severe it is.
        takes_long: Whether a bound of the doctor's own is waited for.
        keyless: Whether it is to get no key.
        is_alone: Whether no other fault is named.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[Scene], Options],
        said: str,
        status: str = "fault",
        *,
        takes_long: bool = False,
        keyless: bool = False,
        is_alone: bool = True,
    ) -> None:
        self.name = name
        self.make = make
        self.said = re.compile(said)
        self.status = status
        self.takes_long = takes_long
        self.keyless = keyless
        self.is_alone = is_alone

    def options(self, scene: Scene) -> Options:
        """Return the options; a deadline keeps the limit of workers out of it."""
        common = {"deadline": 20} if self.keyless else {"api_key": KEY, "deadline": 20}
        return {**common, **self.make(scene)}

    def check(self, report: Mapping[str, Any]) -> None:
        """Assert that the cause is named, and nothing else is called a fault."""
        found = [one for one in report["checks"] if one["status"] == self.status]
        named = [one for one in found if self.said.search(one["message"])]
        assert named, [one["message"] for one in report["checks"] if one["status"] in ("fault", "warning")]
        others = [one["message"] for one in report["checks"] if one["status"] == "fault" and one not in named]
        assert not self.is_alone or not others
