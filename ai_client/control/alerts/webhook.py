"""Alerts as signed webhooks."""

import ssl
import time
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pydantic_core import to_json

from ..._http.library import DEADLINE, library
from ..._http.options import PoolOptions
from ..._params.secrets import shown_file, webhook_key
from ...errors import ConfigError
from ...webhooks import signed_headers
from .alert import Alert

SECONDS = 5.0
"""Seconds that a receiver has for its answer."""
_PAUSES = (0.5, 2.0)
"""Seconds before the second and the third attempt."""
_FIRST_SUCCESS, _FIRST_REDIRECT = 200, 300
_MAY_SUCCEED_LATER = frozenset({408, 409, 425, 429})
_FIRST_OF_SERVER = 500
Network = Mapping[str, Any]
"""Options of the pool: whose certificates are trusted."""


class DeliveryError(Exception):
    """An alert that its receiver did not take; the message shows no secret."""


class AlertWebhook:
    """Sends alerts to an address, signed as `ai_client.webhooks` verifies it.

    Args:
        url: The address.
        secret: What they are signed with.
        secret_file: A file that holds it.
        network: Options of the pool.

    Raises:
        ConfigError: The address is not of https, except on this machine, or there is no valid secret.
    """

    def __init__(
        self, url: str, secret: str | None, secret_file: str | Path | None, network: Network
    ) -> None:
        self._url = url
        self._parts = _checked(url)
        if (secret is None) == (secret_file is None):
            raise ConfigError(
                "an address needs exactly one of 'secret' and 'secret_file', to sign requests with."
            )
        self._secret = secret
        self._file = secret_file
        webhook_key("secret" if secret_file is None else "secret_file: the secret", self._current())
        self._network = network

    @property
    def name(self) -> str:
        """The receiver as logs show it: without its path, which may hold a secret."""
        return f"the webhook at {self._parts.scheme}://{self._parts.hostname}"

    def __call__(self, alert: Alert) -> None:
        """Send an alert, three times at most; block for 20 seconds at most.

        Raises:
            DeliveryError: It was not taken.
            ConfigError: The file of the secret cannot be read, or holds none.
        """
        body = to_json(alert.as_event())
        secret = self._current()
        from ..._pool.sync_pool import SyncPool  # noqa: PLC0415 - the first alert loads it

        options = PoolOptions(**self._network, max_connections=1, owner="alerts")
        with library().http.Client(transport=SyncPool(options), trust_env=False) as client:
            for pause in (*_PAUSES, None):
                fault, may_succeed = self._attempt(client, alert, body, secret)
                if fault is None:
                    return
                if pause is None or not may_succeed:
                    raise DeliveryError(fault)
                time.sleep(pause)

    def _attempt(self, client: Any, alert: Alert, body: bytes, secret: str) -> tuple[str | None, bool]:
        """Send it once; return why it was not taken, and whether a further attempt may succeed."""
        headers = {"content-type": "application/json", **signed_headers(body, secret, alert.id)}
        extensions = {DEADLINE: time.monotonic() + SECONDS}
        try:
            request = client.stream(
                "POST", self._url, content=body, headers=headers, timeout=SECONDS, extensions=extensions
            )
            with request as answer:
                status: int = answer.status_code
        except (library().http.HTTPError, OSError, ssl.SSLError) as error:
            return f"it did not answer ({type(error).__name__})", True
        if _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
            return None, False
        return f"it answered {status}", status in _MAY_SUCCEED_LATER or status >= _FIRST_OF_SERVER

    def _current(self) -> str:
        if self._file is None:
            return self._secret or ""
        try:
            return Path(self._file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise ConfigError(
                f"secret_file: the file {shown_file(str(self._file))} cannot be read ({reason})."
            ) from None


def _checked(url: str) -> SplitResult:
    """Return the parts of an address.

    Raises:
        ConfigError: It is none of https, nor one of http on this machine; the message does not show it.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("to: the address is malformed.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError("to: an address must begin with https:// and a host.")
    if parts.scheme == "http" and not _is_here(host):
        raise ConfigError(
            "to: alerts would be sent unencrypted; use an https address, or a function that sends them."
        )
    return parts


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
