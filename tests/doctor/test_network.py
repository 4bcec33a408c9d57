"""The ways to servers: proxies, sockets, certificates, and HTTP clients of the application's own."""

import re
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography import x509
from hypothesis import given, strategies as st

from ai_client import ClientProvider, auth
from ai_client.doctor import Check, Subject, examine_all, network
from ai_client.doctor.bounds import SECONDS, Bound
from ai_client.doctor.certificate import ShownCertificate
from tests.support.broken import KEY, LOGIN, Scene, answer, certified, listing, only
from tests.support.ports import free_port

IDENTITY = {
    "identity_provider_id": "idp",
    "service_account_id": "sa",
    "provider": {"token_type": "jwt", "get_token": lambda: "planted-token"},
}

pytestmark = pytest.mark.usefixtures("_patient")


@pytest.fixture
def _patient(patient: Callable[[], None]) -> None:
    """Grant more time."""
    patient()


def found(**options: Any) -> dict[str, Check]:
    """Return the checks of the network and the API by name."""
    checks = examine_all(Subject({"default": {"api_key": KEY, **options}}))
    return {check.name: check for check in checks if check.area in {"network", "api"}}


def test_a_proxy_of_the_environment(scene: Scene) -> None:
    """The proxy in use is named with its variable, without its login, and so is what NO_PROXY exempts."""
    proxy = scene.proxy(user=LOGIN)
    good = scene.good()
    scene.patch.setenv("HTTP_PROXY", f"http://{LOGIN}@localhost:{proxy.port}")
    checks = found(**good)
    assert checks["proxy"].message == f"Connections go through http://localhost:{proxy.port}, by HTTP_PROXY."
    assert checks["models.list"].status == "ok"
    assert proxy.seen
    scene.patch.setenv("NO_PROXY", "127.0.0.1")
    checks = found(**good)
    assert checks["proxy"].message == "None: NO_PROXY exempts 127.0.0.1 from HTTP_PROXY."
    assert checks["models.list"].status == "ok"
    checks = found(**good, proxy=f"http://{LOGIN}@localhost:{proxy.port}")
    assert checks["proxy"].message.endswith(", by keyword proxy=.")


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_tunnel(scene: Scene, kind: str) -> None:
    """Through a tunnel the certificate is the server's, and the API answers."""
    office = scene.office()
    options = scene.tls(office.plain_server(), verify=office)
    checks = found(**options, proxy=scene.proxy(kind=kind).address)
    assert {name: check.status for name, check in checks.items()} == dict.fromkeys(
        ["proxy", "dns", "tcp", "tunnel", "tls", "models.list"], "ok"
    )
    assert checks["tls"].details["names"] == ["localhost", "127.0.0.1"]


def test_a_proxy_whose_certificate_is_not_trusted(scene: Scene) -> None:
    """A proxy that speaks TLS with a certificate of an unknown authority is named, and the server is not reached."""
    office = scene.office()
    proxy = scene.proxy(ssl_context=office.plain_server())
    checks = found(base_url="https://127.0.0.1:9/v1", proxy=proxy.address)
    assert checks["tunnel"].status == "fault"
    assert "The certificate of the proxy" in checks["tunnel"].message
    assert "tls" not in checks


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_a_proxy_that_wants_a_password(scene: Scene, kind: str) -> None:
    """A proxy that refuses the credentials is named, of either kind."""
    proxy = scene.proxy(kind=kind, user=LOGIN)
    checks = found(base_url="https://127.0.0.1:9/v1", proxy=proxy.address)
    assert "wants other credentials" in checks["tunnel"].message


def test_a_server_behind_a_proxy_that_is_down(scene: Scene) -> None:
    """A forwarding proxy that answers for a server which it does not reach is named beside it."""
    proxy = scene.proxy(answer=answer("502 Bad Gateway"))
    checks = found(base_url="http://127.0.0.1:9/v1", proxy=proxy.address)
    assert checks["models.list"].message == "The server, or the proxy before it, fails (502)."


def test_a_unix_socket(scene: Scene) -> None:
    """A server behind a unix socket is reached without a name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s"
        scene.raw(listing(), path=path)
        checks = found(base_url="http://api.test/v1", uds=str(path))
        assert checks["dns"].status == "skipped"
        assert checks["models.list"].status == "ok"


def test_a_certificate_that_is_trusted(scene: Scene) -> None:
    """Whose certificate it is, from whom and until when is in the message, and for programs in the details."""
    checks = found(**certified(scene, "127.0.0.1", until=100))
    tls = checks["tls"]
    assert tls.status == "ok"
    day = (datetime.now(UTC) + timedelta(days=100)).strftime("%Y-%m-%d")
    assert f"until {day}" in tls.message
    assert tls.details["valid_until"].startswith(day)
    assert "trustme" in tls.message


def test_an_untrusted_server_never_sees_the_key(scene: Scene) -> None:
    """A server whose certificate is not trusted gets no request: what looks at its certificate sends nothing."""
    seen: list[bytes] = []
    server = scene.raw(lambda exchange: seen.append(exchange.head), ssl_context=scene.office().plain_server())
    checks = found(base_url=f"{server.url}/v1")
    assert checks["tls"].status == "fault"
    assert "It is of" in checks["tls"].message
    assert seen == []


def test_the_question_what_a_port_speaks_has_no_key(scene: Scene) -> None:
    """A plain port that is asked in TLS is asked again in plain HTTP, without the key."""
    seen: list[bytes] = []

    def note(exchange: Any) -> None:
        seen.append(exchange.head)
        exchange.write(answer("200 OK"))

    server = scene.raw(note)
    checks = found(base_url=f"https://127.0.0.1:{server.port}/v1")
    assert "speaks plain HTTP, not TLS" in checks["tls"].message
    assert seen
    assert not any(KEY.encode() in head or b"uthorization" in head for head in seen)


@pytest.mark.parametrize(
    ("content", "said", "status"),
    [
        (
            answer("404 Not Found", '{"error":{"code":"not_found"}}'),
            "knows no list of models (404 not_found)",
            "warning",
        ),
        (answer("404 Not Found", "<html>", kind="text/html"), "404: there is no API", "fault"),
        (answer("200 OK", "hello", kind="text/plain"), "something that is no JSON (200)", "fault"),
        (answer("200 OK", '{"data": 3}'), "another API", "fault"),
        (answer("200 OK", '{"data": [3, {"id": 4}, {"id": "gpt"}]}'), "lists 1 models", "ok"),
        (answer("418 I'm a teapot", "{}"), "another API", "fault"),
    ],
    ids=["unknown path", "page", "text", "no list", "odd list", "odd status"],
)
def test_odd_answers(scene: Scene, content: bytes, said: str, status: str) -> None:
    """Each odd answer is named for what it is."""
    check = found(**scene.at(content))["models.list"]
    assert said in check.message
    assert check.status == status


def test_the_address_that_answers_is_suggested(scene: Scene) -> None:
    """Where the API answers at another path of the same server, the hint has the whole address."""
    for path in ("", "/v1/chat/completions", "/v1/responses"):
        server = scene.raw(only("/v1/models", listing()))
        check = found(base_url=server.url + path)["models.list"]
        assert check.hint == f"Set the address to {server.url}/v1, which answers."


def test_azure(scene: Scene) -> None:
    """A resource of Azure is asked at its own path."""
    server = scene.raw(only("/openai/models", listing()))
    checks = examine_all(
        Subject({"default": {"azure_endpoint": server.url, "api_version": "2024-10-21", "api_key": KEY}})
    )
    assert [check.status for check in checks if check.name == "models.list"] == ["ok"]


def test_an_http_client_of_the_application(scene: Scene) -> None:
    """A client with an HTTP client of the application's is asked through that, which stays open."""
    with httpx.Client() as own:
        assert found(**scene.good(), http_client=own)["models.list"].status == "ok"
        refused = found(base_url=f"http://127.0.0.1:{free_port()}/v1", http_client=own)["models.list"]
        assert "refused the connection" in refused.message
        office = scene.office()
        checks = found(**scene.tls(office.plain_server()), http_client=own)
        assert "certificate" in checks["models.list"].message
        assert not own.is_closed


def test_keys_of_tenants(scene: Scene) -> None:
    """A client whose keys are its tenants' is not asked: there is no key to ask with."""
    upstream = scene.upstream()

    def credentials(_: object) -> dict[str, str]:
        return {"api_key": KEY}

    subject = Subject({"default": {"base_url": upstream.base_url, "credentials": credentials}})
    checks = [check for check in examine_all(subject) if check.area in {"key", "api"}]
    assert [(check.area, check.status) for check in checks] == [("key", "ok"), ("api", "skipped")]
    assert not upstream.requests


def test_aliases_and_fallbacks(scene: Scene) -> None:
    """Each alias and each client of a fallback is examined for itself, and told apart by its name."""
    fallback = {"clients": {"spare": {**scene.good(), "api_key": KEY}}}
    controls = {"models": {"a": ["gpt-5.5", "spare/gpt-9"]}, "fallback": fallback}
    clients = {
        "default": {**scene.good(), "api_key": KEY, "controls": controls},
        "eu": {"base_url": f"http://127.0.0.1:{free_port()}/v1", "api_key": KEY},
    }
    checks = list(examine_all(Subject(clients)))
    assert {check.client: check.status for check in checks if check.name in {"models.list", "tcp"}} == {
        "default": "ok",
        "default fallback.clients.spare": "ok",
        "eu": "fault",
    }
    (missing,) = (check for check in checks if check.area == "models" and check.status == "warning")
    assert (missing.name, missing.client) == ("gpt-9", "default fallback.clients.spare")


def test_the_same_fault_of_two_aliases() -> None:
    """What is wrong with two aliases is a fault of each."""
    options = {"base_url": f"http://127.0.0.1:{free_port()}/v1", "api_key": KEY}
    checks = examine_all(Subject({"default": options, "eu": options}))
    assert [check.client for check in checks if check.name == "tcp" and check.status == "fault"] == [
        "default",
        "eu",
    ]


def test_a_provider(scene: Scene) -> None:
    """A provider can be examined, with the origins of its options."""
    scene.patch.setenv("AI_CLIENT_DEADLINE", "7")
    scene.patch.setenv("AI_CLIENT_MAX_RETRIES", "4")
    provider = ClientProvider({**scene.good(), "api_key": KEY}, max_retries=3)
    again = ClientProvider(provider.config, timeout=5)
    for one, timeout in ((provider, "default"), (again, "keyword")):
        checks = {check.name: check for check in examine_all(one)}
        origins = {name: check.details.get("origin") for name, check in checks.items()}
        assert origins["deadline"] == "environment"
        assert origins["max_retries"] == "keyword"
        assert origins["timeout"] == timeout
        assert checks["models.list"].status == "ok"


def test_a_function_of_the_key_that_hangs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that waits for its key is left behind, and the reason is named."""

    def left(_: Bound, most: float = SECONDS) -> float:
        return 0.2 if most == SECONDS else 60.0  # for the call alone

    monkeypatch.setattr(Bound, "left", left)
    check = found(**scene.good(), api_key=scene.hang())["models.list"]
    assert (check.status, "gives the key hangs" in check.message) == ("fault", True)


def test_a_workload_s_identity(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the token of a workload's identity is not to be had, the API is not blamed."""
    options = {**scene.good(), "api_key": None, "workload_identity": IDENTITY}
    for url, said in (
        (scene.raw(answer("401 Unauthorized")).url, r"identity was refused \(401\)"),
        (f"http://localhost:{free_port()}", r"localhost \(for the token.*refused the connection"),
    ):
        monkeypatch.setattr(auth, "TOKEN_EXCHANGE_URL", url)
        check = found(**options)["models.list"]
        assert check.status == "fault"
        assert re.search(said, check.message), check.message


def test_a_slow_name(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that takes long to look up is a risk, as each new connection waits for it."""
    monkeypatch.setattr(network, "_SLOW", 0.0)
    check = found(**scene.good())["dns"]
    assert (check.status, "Looking it up took" in check.message) == ("warning", True)


def test_no_tokens_are_spent(scene: Scene) -> None:
    """Nothing is requested but lists of models."""
    upstream = scene.upstream()
    list(examine_all(Subject({"default": {"api_key": KEY, "base_url": upstream.base_url}})))
    assert [(request.method, request.path) for request in upstream.requests] == [("GET", "/v1/models")]


@given(
    names=st.lists(
        st.sampled_from(["a.test", "*.b.test", "192.0.2.7", "2001:db8::1"]), min_size=1, unique=True
    ),
    common=st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=15),
    day=st.integers(-4000, 9000),
)
def test_certificates_are_read(names: list[str], common: str, day: int) -> None:
    """A certificate is read as the cryptography library reads it."""
    until = datetime.now(UTC) + timedelta(days=day)
    since = until - timedelta(days=3000)
    issued = trustme.CA(organization_name="The Office").issue_cert(
        *names, common_name=common, organization_name="Us", not_before=since, not_after=until
    )
    data = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
    shown = ShownCertificate.read(data)
    assert shown is not None
    real = x509.load_der_x509_certificate(data)
    assert shown.subject == f"{common} of Us"
    assert "The Office" in shown.issuer
    assert (shown.since, shown.until) == (real.not_valid_before_utc, real.not_valid_after_utc)
    assert list(shown.names) == names


@given(data=st.binary(max_size=300), cut=st.integers(0, 800), flip=st.integers(0, 800))
def test_what_is_no_certificate(data: bytes, cut: int, flip: int) -> None:
    """Bytes that are no certificate, or a damaged one, raise nothing."""
    ShownCertificate.read(data)
    real = bytearray(_CERTIFICATE)
    ShownCertificate.read(bytes(real[:cut]))
    real[flip % len(real)] ^= 0x55
    ShownCertificate.read(bytes(real))


_CERTIFICATE = ssl.PEM_cert_to_DER_cert(trustme.CA().issue_cert("a.test").cert_chain_pems[0].bytes().decode())
