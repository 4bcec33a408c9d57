"""`models.list` of a client: its latency, or the cause of its failure in plain words."""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from .._params.secrets import shown_address
from ..errors import APIConnectionError, APITimeoutError, ConfigError, OAuthError, OpenAIError
from .answers import ModelsAnswer, ask
from .bounds import Bound, within
from .check import Check, Status
from .handshakes import demands_certificate, speaks_tls
from .network import proxy_refusal
from .way import Way

_SKEW = 30.0
_LATE = 0.1
"""Seconds after its deadline in which a call says that it has passed."""
_FIELD = "/v1"
_CAUSES = {
    401: (
        "The API does not accept the key (401).",
        "Correct the key: revoked, mistyped, or of another place.",
    ),
    403: (
        "The key may not do this (403): its permissions, its project or this country are not allowed.",
        "Give the key the permission to list models, or use another one.",
    ),
    407: (
        "The proxy wants other credentials (407 Proxy Authentication Required).",
        "Put them into the proxy's address: http://user:password@host:port, percent-encoded.",
    ),
    429: ("Too many requests (429): a rate limit of the API.", "Wait, or send less."),
}
_FAILURES = (
    (
        socket.gaierror,
        "The name of {address} cannot be looked up.",
        "Correct the address, or see to the resolver.",
    ),
    (
        ConnectionRefusedError,
        "{address} refused the connection: nothing listens there.",
        "Correct host and port.",
    ),
    (
        ssl.SSLCertVerificationError,
        "The certificate of {address} is not trusted.",
        "See verify of the HTTP client.",
    ),
    (ssl.SSLError, "TLS with {address} failed.", "Is it the port of an https server?"),
    (
        (ConnectionResetError, BrokenPipeError),
        "{address} reset the connection instead of an answer.",
        "The server crashed or refuses this client; see its logs.",
    ),
)
"""Kinds of errors at the root of a call's, in plain words."""
_NAME = re.compile(r"[a-z_]{1,40}")
_MUTUAL = "Set the option cert to a certificate that it trusts, with its key."
_QUOTA = (
    "The quota is used up (429 insufficient_quota): the account has no credit, or its limit is reached.",
    "Add credit or raise the limit where the account is billed; retries do not help.",
)


def examine_api(client: Any, way: Way | None, bound: Bound) -> Iterator[tuple[Check, ModelsAnswer | None]]:
    """Yield what `models.list` finds, and the answer, if the models are in it.

    Args:
        client: The client to ask, without policies.
        way: The way to its server; `None` where the connections are those of an HTTP client of the application.
        bound: The time that is left.
    """
    start = monotonic()
    address = shown_address(str(client._base_url)).rstrip("/")
    try:
        answer = _asked(client, bound)
    except TimeoutError:
        message = (
            "There is no answer in time: the server is silent, or the function that gives the key hangs."
        )
        yield Check("api", "models.list", "fault", message, "", monotonic() - start), None
        return
    except OpenAIError as error:
        elsewhere = _token_server(error, client)
        message, hint = _no_answer(error, None if elsewhere else way, elsewhere or address)
        yield Check("api", "models.list", "fault", message, hint, monotonic() - start), None
        return
    if answer.skew is not None:
        yield _clock(answer.skew), None
    if answer.status == 200 and answer.models is not None:  # noqa: PLR2004 - OK
        message = f"{address} lists {len(answer.models)} models, in {answer.seconds * 1000:.0f} ms."
        details = {"models": len(answer.models), "latency": round(answer.seconds, 4)}
        yield Check("api", "models.list", "ok", message, seconds=answer.seconds, details=details), answer
        return
    status, message, hint = _refused(answer, client, way, bound, address)
    details = {"status": answer.status, "latency": round(answer.seconds, 4)}
    yield Check("api", "models.list", status, message, hint, monotonic() - start, details=details), None


def _asked(client: Any, bound: Bound) -> ModelsAnswer:
    """Ask for the models.

    Raises:
        OpenAIError: There is no answer.
        TimeoutError: What gives the key, which may block beyond the deadline of a call, hangs.
    """
    if client._fetches_key:
        return within(bound.left() + _LATE, lambda: ask(client, bound))
    return ask(client, bound)


def _token_server(error: OpenAIError, client: Any) -> str | None:
    """Return the server of the tokens of a workload's identity if the error is about that."""
    url = getattr(getattr(error, "request", None), "url", None)
    if client.workload_identity is None or url is None or url.host == client._base_url.host:
        return None
    return f"{url.scheme}://{url.host} (for the token of the workload's identity)"


def _clock(skew: float) -> Check:
    details = {"skew": round(skew, 1)}
    if abs(skew) <= _SKEW:
        return Check("api", "clock", "ok", "This machine's clock agrees with the server's.", details=details)
    where = "ahead of" if skew > 0 else "behind"
    message = f"This machine's clock is {abs(skew):.0f} s {where} the server's."
    hint = "Synchronize it (NTP): certificates, tokens and budgets depend on it."
    return Check("api", "clock", "warning", message, hint, details=details)


def _refused(
    answer: ModelsAnswer, client: Any, way: Way | None, bound: Bound, address: str
) -> tuple[Status, str, str]:
    """Return how severe an answer without models is, what it means, and what to do about it."""
    status = answer.status
    if status == 429 and answer.code == "insufficient_quota":  # noqa: PLR2004 - too many requests
        found = _QUOTA
    elif status in _CAUSES:
        found = _CAUSES[status]
    elif 300 <= status < 400:  # noqa: PLR2004 - redirects
        target = shown_address(answer.headers.get("location", "")).removesuffix("/models")
        found = (
            f"{address} redirects to {target or 'nowhere'} ({status}).",
            "Write the address that it leads to; another host would not be given the key.",
        )
    elif status >= 500:  # noqa: PLR2004 - of the server
        through = way is not None and way.route.forwarding is not None
        found = (
            f"The server{', or the proxy before it,' if through else ''} fails ({status}).",
            "See its logs or its status page; calls are retried meanwhile.",
        )
    elif status == 400 and way is not None and not way.route.secure and speaks_tls(way.tunnelled, way):  # noqa: PLR2004 - bad request
        found = _plain_to_tls(way)
    else:
        return _another(answer, address, _elsewhere(client, bound))
    return "fault", found[0], found[1]


def _another(answer: ModelsAnswer, address: str, other: str | None) -> tuple[Status, str, str]:
    """Return what answers in place of a list of models."""
    by = f" ({answer.server})" if answer.server else ""
    status: Status = "fault"
    if answer.status == 404 and other and not address.endswith(_FIELD):  # noqa: PLR2004 - not found
        wrong = (
            ": /v1 is missing"
            if other == f"{address}{_FIELD}"
            else f"{by}: the address has too much of a path"
        )
        message = f"404: there is no API at {address}{wrong}."
    elif answer.status == 404 and answer.code:  # noqa: PLR2004 - not found
        status, message = (
            "warning",
            f"The API at {address} knows no list of models (404 {_known(answer.code)}).",
        )
    elif answer.status == 404:  # noqa: PLR2004 - not found
        message = f"404: there is no API at {address}{by}."
    elif answer.is_html:
        message = f"{address} answers with a web page{by} instead of JSON: it is another web server."
    elif answer.body is None:
        message = f"{address} answers with something that is no JSON ({answer.status}){by}."
    else:
        message = f"{address} answers with no list of models ({answer.status}): it is another API."
    return status, message, f"Set the address to {other}, which answers." if other else "Correct the address."


def _known(code: str) -> str:
    """Return the API's code of an error where it is a name, which a server may have put anything into."""
    return code if _NAME.fullmatch(code) else "error"


def _elsewhere(client: Any, bound: Bound) -> str | None:
    """Return the address on the same server at which the API answers, `None` if none is found."""
    address = str(client._base_url).rstrip("/")
    path = urlsplit(address).path
    if path.endswith(_FIELD) or urlsplit(address).query or client._priced_as == "azure":
        return None
    before, found, _ = path.partition(f"{_FIELD}/")
    tried = address[: -len(path)] + before + _FIELD if found else f"{address}{_FIELD}"
    with suppress(OpenAIError, ValueError):
        answer = ask(client.with_options(base_url=tried), bound)
        if answer.status in {200, 401, 403, 429} and (answer.models is not None or answer.code):
            return shown_address(tried)
    return None


def _plain_to_tls(way: Way) -> tuple[str, str]:
    return f"{way.server} speaks TLS, and is asked in plain HTTP.", "Write https:// in the address."


def _no_answer(error: OpenAIError, way: Way | None, address: str) -> tuple[str, str]:
    """Return why there is no answer, in plain words, and what to do about it."""
    chain = [*_chain(error)]
    if not isinstance(error, APIConnectionError):
        return _no_call(error)
    if way is not None and len(chain) > 1 and not isinstance(error, APITimeoutError):
        proxied = next((each for each in chain if isinstance(each, way.library.http.ProxyError)), None)
        if isinstance(proxied, Exception):
            return proxy_refusal(proxied, way)
        if not way.route.secure and way.route.proxy is None and speaks_tls(way.tunnelled, way):
            return _plain_to_tls(way)
    if any(map(demands_certificate, chain)):
        return (
            f"{address} demands a certificate of its clients (mTLS), and takes none or not this one.",
            _MUTUAL,
        )
    for kind, message, hint in _FAILURES:
        if any(isinstance(each, kind) for each in chain):
            return message.format(address=address), hint
    return _cut_off(error, chain, way, address)


def _no_call(error: OpenAIError) -> tuple[str, str]:
    """Return why nothing was asked."""
    if isinstance(error, OAuthError):
        return f"The token of the workload's identity was refused ({error.status_code}).", (
            "Correct workload_identity, or what trusts it."
        )
    why = f": {error}" if isinstance(error, ConfigError) else ""
    return f"The call could not be made ({type(error).__name__}){why}.", (
        "See what gives the key: a function, a file, a workload's identity."
    )


def _cut_off(
    error: OpenAIError, chain: Sequence[BaseException], way: Way | None, address: str
) -> tuple[str, str]:
    """Return that there was no whole answer, for whatever reason."""
    if isinstance(error, APITimeoutError):
        return f"{address} is silent: connected, but there is no answer in time.", (
            "The server hangs or is overloaded, or something on the way swallows the answer."
        )
    root = type(chain[-1]).__name__
    hint = "Is it a web server? See its logs."
    if way is not None and way.route.secure and way.options.cert is None:
        hint += " One that demands a certificate of its clients (mTLS, the option cert) may also do so."
    return f"{address} broke the connection off without a whole answer of HTTP ({root}).", hint


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it."""
    each: BaseException | None = error
    for _ in range(10):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__
