"""Broken configurations: the doctor names the cause of each, in each framework."""

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ai_client.doctor import process
from ai_client_django.store import opening
from tests.support import django_databases
from tests.support.broken import (
    KEY,
    LOGIN,
    Broken,
    Options,
    Scene,
    answer,
    certified,
    dated,
    listing,
    on,
    only,
    raising,
    reset,
    self_made,
)
from tests.support.policies import running_redis
from tests.support.ports import free_port

QUOTA = answer("429 Too Many Requests", '{"error":{"code":"insufficient_quota","message":"no"}}')
RATE = answer("429 Too Many Requests", '{"error":{"code":"rate_limit_exceeded","message":"no"}}')
PAGE = answer(
    "200 OK", "<!doctype html><title>Welcome to nginx!</title>", "Server: nginx/1.27", kind="text/html"
)


def key(value: str) -> Callable[[Scene], Options]:
    """Return what makes options with a key."""
    return lambda scene: {**scene.good(), "api_key": value}


def elsewhere(scene: Scene, look_up: Callable[[], Any]) -> Options:
    """Return the options for a host that the resolver knows nothing good of."""
    scene.lookups("api.broken.test", look_up)
    return {"base_url": "http://api.broken.test/v1"}


def variable(
    name: str, value: str, options: Callable[[Scene], Options] = Scene.good
) -> Callable[[Scene], Options]:
    """Return what sets an environment variable."""

    def make(scene: Scene) -> Options:
        scene.patch.setenv(name, value)
        return options(scene)

    return make


def controlled(**controls: Any) -> Callable[[Scene], Options]:
    """Return what makes options with controls."""
    return lambda scene: {**scene.good(), "controls": controls}


def with_plain_tls(scene: Scene) -> Options:
    """Return options that speak plainly to a TLS port."""
    server = scene.raw(listing(), ssl_context=scene.office().plain_server())
    return {"base_url": f"http://127.0.0.1:{server.port}/v1"}


def without_certificate(scene: Scene) -> Options:
    """Return the options for a server that demands a certificate."""
    office = scene.office()
    context = office.server()
    server = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    refused: list[socket.socket] = []  # which stay open: closing may overtake the reason
    scene.stack.callback(lambda: [one.close() for one in refused])

    def refuse_each() -> None:
        with suppress(OSError):
            while True:
                plain, _ = server.accept()
                tls = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
                refused.append(tls)
                with suppress(OSError):
                    tls.do_handshake()

    in_thread(scene, server, refuse_each)
    return {"base_url": f"https://127.0.0.1:{server.getsockname()[1]}/v1", "verify": str(office.authority)}


def in_thread(scene: Scene, server: socket.socket, work: Callable[[], None]) -> None:
    """Serve in a thread that ends with the scene."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    scene.stack.callback(thread.join)
    scene.stack.callback(server.shutdown, socket.SHUT_RDWR)


def silent_tls(scene: Scene) -> Options:
    """Return the options for a port that accepts connections and says nothing."""
    silent = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return {"base_url": f"https://127.0.0.1:{silent.getsockname()[1]}/v1"}


def closing(scene: Scene, scheme: str) -> Options:
    """Return the options for a port that closes each connection."""
    server = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def close_each() -> None:
        with suppress(OSError):
            while True:
                server.accept()[0].close()

    in_thread(scene, server, close_each)
    return {"base_url": f"{scheme}://127.0.0.1:{server.getsockname()[1]}/v1"}


def dropped(scene: Scene) -> Options:
    """Return the options for a port whose packets are dropped: the queue of those who connect is full."""
    if sys.platform != "linux":
        pytest.skip("other systems refuse such connections")
    server = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        waiting = scene.stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(server.getsockname())
    return {"base_url": f"http://127.0.0.1:{server.getsockname()[1]}/v1"}


def behind_a_tunnel(scene: Scene, **proxy: Any) -> Options:
    """Return the options for an https server behind a proxy."""
    office = scene.office()
    options = scene.tls(office.plain_server(), verify=office)
    return {**options, "proxy": scene.proxy(**proxy).address}


def behind_nothing(scene: Scene) -> Options:
    """Return options with a proxy that is not there."""
    return {**scene.good(), "proxy": f"http://127.0.0.1:{free_port()}"}


def behind_silence(scene: Scene) -> Options:
    """Return the options for an https server behind a proxy that says nothing."""
    silent = scene.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return {"base_url": "https://127.0.0.1:9/v1", "proxy": f"http://127.0.0.1:{silent.getsockname()[1]}"}


def no_redis(scene: Scene) -> Options:
    """Return options whose store is not there."""
    return controlled(store=f"redis://127.0.0.1:{free_port()}/0", cost=True)(scene)


def locked_redis(scene: Scene) -> Options:
    """Return options whose store has another password."""
    server = scene.stack.enter_context(running_redis(scene.folder))
    server.ask("CONFIG", "SET", "requirepass", "another")
    return controlled(store=f"redis://:planted-password@127.0.0.1:{server.port}/0", cost=True)(scene)


def without_tables(scene: Scene) -> Options:
    """Return options whose store is in a database without its tables."""
    scene.patch.setattr(opening, "_keeps_connections", lambda: True)
    database = django_databases.sqlite_options(scene.folder / "empty.db")
    scene.stack.enter_context(django_databases.database("empty", database))
    return controlled(store="django-db://empty", cost=True)(scene)


def damaged_file(scene: Scene) -> Options:
    """Return options whose store is a file of something else."""
    path = scene.folder / "damaged.db"
    path.write_bytes(b"This is no database." * 100)
    return controlled(store=f"sqlite:///{path}", cost=True)(scene)


def few_descriptors(scene: Scene) -> Options:
    """Return options with more connections than a process may have descriptors."""
    scene.patch.setattr(process, "descriptor_limit", lambda: 256)
    return scene.good()


def switched_off(day: str) -> Callable[[Scene], Options]:
    """Return what makes options with a model that is switched off on a day."""
    return lambda scene: {
        **scene.at(listing(gpt_3=day)),
        "controls": {"models": {"small": ["gpt-3", "gpt-4o-mini"]}},
    }


def refused_fallback(scene: Scene) -> Options:
    """Return options with a fallback at which nothing listens."""
    spare = {"base_url": f"http://127.0.0.1:{free_port()}/v1", "api_key": KEY}
    models = {"gpt-5.5": ["gpt-5.5", "spare/gpt-5.5"]}
    return controlled(models=models, fallback={"clients": {"spare": spare}})(scene)


BROKEN = [
    Broken("no key", Scene.good, "There is no API key", keyless=True),
    Broken("key with a line break", key(f"{KEY}\n"), "line break"),
    Broken("key with blanks around it", key(f" {KEY}"), "blanks"),
    Broken("key with blanks in it", key("sk-planted key-0123456789"), "has blanks in it", "warning"),
    Broken("key in quotes", key(f'"{KEY}"'), "has quotation marks around it"),
    Broken("key after Bearer", key(f"Bearer {KEY}"), "begins with 'Bearer '"),
    Broken("key that is no ASCII", key("sk\u2013planted-key-0123456789"), "no ASCII|no HTTP header may hold"),
    Broken("key with its variable", key(f"OPENAI_API_KEY={KEY}"), "begins with a name and '='"),
    Broken("placeholder for a key", key("your-api-key"), "looks like a placeholder", "warning"),
    Broken(
        "file without a key",
        lambda scene: {**scene.good(), "api_key_file": str(scene.folder / "none")},
        "(?i)api_key_file.*cannot be read",
        keyless=True,
        is_alone=False,
    ),
    Broken(
        "unknown host",
        lambda scene: elsewhere(scene, raising(socket.gaierror(socket.EAI_NONAME, "unknown"))),
        "The name api.broken.test does not exist",
    ),
    Broken(
        "resolver that is down",
        lambda scene: elsewhere(scene, raising(socket.gaierror(socket.EAI_AGAIN, "again"))),
        "the resolver does not answer",
    ),
    Broken(
        "slow resolver",
        lambda scene: elsewhere(scene, scene.hang()),
        "Looking up api.broken.test took longer",
        takes_long=True,
    ),
    Broken("refused", lambda _: {"base_url": f"http://127.0.0.1:{free_port()}/v1"}, "refused the connection"),
    Broken(
        "no unix socket",
        lambda scene: {**scene.good(), "uds": str(scene.folder / "no.sock")},
        "uds: nothing answers",
    ),
    Broken(
        "TLS to a plain port",
        lambda scene: {"base_url": f"https://{scene.upstream().base_url[7:]}"},
        "speaks plain HTTP, not TLS",
    ),
    Broken("plain to a TLS port", with_plain_tls, "speaks TLS, and is asked in plain HTTP"),
    Broken("expired certificate", lambda scene: certified(scene, until=-1), "expired on"),
    Broken("certificate of the future", lambda scene: certified(scene, since=1), "not yet valid"),
    Broken(
        "certificate that expires soon",
        lambda scene: certified(scene, until=5),
        "expires in 4 days",
        "warning",
    ),
    Broken(
        "wrong host",
        lambda scene: certified(scene, "other.test"),
        "not of the host 127.0.0.1, but of other.test",
    ),
    Broken(
        "unknown authority",
        lambda scene: scene.tls(scene.office().plain_server()),
        r"unknown authority \(CA\)",
    ),
    Broken("self-signed certificate", self_made, "is self-signed"),
    Broken(
        "bad file of authorities",
        lambda scene: {**scene.good(), "verify": __file__},
        "no certificates can be read from",
    ),
    Broken(
        "bad SSL_CERT_FILE",
        variable("SSL_CERT_FILE", __file__, lambda _: {"base_url": "https://127.0.0.1:9/v1"}),
        "SSL_CERT_FILE in the environment",
    ),
    Broken("no certificate of the client", without_certificate, "demands a certificate of its clients"),
    Broken("silent TLS", silent_tls, "is silent: no TLS handshake", takes_long=True),
    Broken("closed at once", lambda scene: closing(scene, "http"), "without a whole answer of HTTP|reset"),
    Broken("closed at once in TLS", lambda scene: closing(scene, "https"), "instead of a TLS handshake"),
    Broken("packets that are dropped", dropped, "no connection within", takes_long=True),
    Broken("401", lambda scene: scene.at(answer("401 Unauthorized")), r"does not accept the key \(401\)"),
    Broken("403", lambda scene: scene.at(answer("403 Forbidden")), r"may not do this \(403\)"),
    Broken("no /v1", lambda scene: scene.at(only("/v1/models", listing()), ""), "/v1 is missing"),
    Broken(
        "too much of a path",
        lambda scene: scene.at(only("/v1/models", listing()), "/v1/chat/completions"),
        "404: there is no API",
    ),
    Broken("page", lambda scene: scene.at(PAGE), "web page .*another web server"),
    Broken("another API", lambda scene: scene.at(answer("200 OK", "[]")), "another API"),
    Broken(
        "redirect",
        lambda scene: scene.at(answer("302 Found", b"", "Location: https://other.test/v1/models")),
        r"redirects to https://other.test/v1 \(302\)",
    ),
    Broken("quota", lambda scene: scene.at(QUOTA), "insufficient_quota"),
    Broken("rate limit", lambda scene: scene.at(RATE), r"Too many requests \(429\)"),
    Broken("500", lambda scene: scene.at(answer("500 Internal Server Error")), r"The server fails \(500\)"),
    Broken(
        "407 of a proxy",
        lambda scene: {**scene.good(), "proxy": scene.proxy(user=LOGIN).address},
        "407 Proxy Authentication Required",
    ),
    Broken(
        "407 of a tunnel",
        lambda scene: behind_a_tunnel(scene, user=LOGIN),
        "407 Proxy Authentication Required",
    ),
    Broken(
        "tunnel that is refused",
        lambda scene: behind_a_tunnel(scene, answer=answer("403 Forbidden")),
        "opens no tunnel",
    ),
    Broken("proxy that is down", behind_nothing, "the proxy 127.0.0.1:[0-9]+ refused the connection"),
    Broken("silent proxy", behind_silence, "is silent: it opened no tunnel", takes_long=True),
    Broken(
        "bad proxy in the environment",
        variable("HTTP_PROXY", f"ftp://{LOGIN}@proxy.test"),
        "HTTP_PROXY in the environment",
    ),
    Broken("silent server", lambda scene: scene.at(lambda _: None), "is silent", takes_long=True),
    Broken("reset", lambda scene: scene.at(reset), "reset the connection"),
    Broken("no HTTP", lambda scene: scene.at(b"SSH-2.0-OpenSSH_9.6\r\n"), "without a whole answer of HTTP"),
    Broken("store that is down", no_redis, "store redis://.*it is down"),
    Broken("wrong password of a store", locked_redis, "does not accept the user or the password"),
    Broken("missing tables", without_tables, "its tables are missing"),
    Broken(
        "store that is a directory",
        lambda scene: controlled(store=f"sqlite:///{scene.folder}", cost=True)(scene),
        "cannot be written",
    ),
    Broken("damaged file of a store", damaged_file, "is no database"),
    Broken(
        "unknown option", lambda scene: {**scene.good(), "timeot": 3}, "(?i)timeot.*(unknown|not an option)"
    ),
    Broken("bad value", lambda scene: {**scene.good(), "timeout": "soon"}, "(?i)timeout.*valid number"),
    Broken("unknown control", controlled(bugdets=[]), "bugdets"),
    Broken(
        "unknown variable",
        variable("AI_CLIENT_TIMEOT", "3"),
        "AI_CLIENT_TIMEOT in the environment: unknown variable. Did you mean AI_CLIENT_TIMEOUT",
    ),
    Broken(
        "variable that nothing reads",
        variable("AI_CLIENT_COLOUR", "red"),
        "AI_CLIENT_COLOUR in the environment is read by nothing",
        "warning",
    ),
    Broken("clock ahead", lambda scene: scene.at(dated(-600)), "clock is .* ahead of the server", "warning"),
    Broken("clock behind", lambda scene: scene.at(dated(600)), "clock is .* behind the server", "warning"),
    Broken("few descriptors", few_descriptors, "a process has 256 descriptors"),
    Broken(
        "short time of workers",
        lambda scene: {**scene.good(), "deadline": 90},
        "may take 90 s, but gunicorn kills a busy worker after 30 s",
        "warning",
    ),
    Broken("retired model", switched_off("2020-01-01"), "gpt-3 was switched off on 2020-01-01"),
    Broken("model that retires soon", switched_off(on(30)), "gpt-3 is switched off on", "warning"),
    Broken(
        "model that is not listed",
        controlled(models={"small": "gpt-none"}),
        "does not list the model gpt-none",
        "warning",
    ),
    Broken(
        "model without a price",
        controlled(models={"small": "gpt-5.5"}, cost=True),
        "price of gpt-5.5 is not known",
        "warning",
    ),
    Broken("fallback that is down", refused_fallback, "refused the connection"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_the_cause_is_named(
    broken: Broken, scene: Scene, examine: Callable[..., dict[str, Any]], patient: Callable[[], None]
) -> None:
    """The report of each framework's command names what is wrong, and calls nothing else a fault."""
    options = broken.options(scene)
    if not broken.takes_long:
        patient()
    report = examine(options)
    broken.check(report)


def test_nothing_is_wrong(
    scene: Scene, examine: Callable[..., dict[str, Any]], patient: Callable[[], None]
) -> None:
    """Where nothing is wrong the report has neither a fault nor a warning."""
    patient()
    report = examine({"api_key": KEY, "deadline": 20, **scene.good()})
    assert [one["message"] for one in report["checks"] if one["status"] in ("fault", "warning")] == []
