"""Validation of the environment: the proxies and trusted authorities that an application's clients take from it."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .options import Options

_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
_AUTHORITIES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})


def surrounding_faults(config: "Options") -> list[str]:
    """Name what the environment says that cannot work."""
    faults: list[str] = []
    present = {name.upper() for name, value in os.environ.items() if value}
    if present & _PROXIES and config.proxy is None:
        from .._pool.proxy import Proxies  # noqa: PLC0415 - only where there is something to check

        try:
            Proxies(None, trust_env=True)
        except ValueError as error:
            faults.append(str(error))
    address = config.base_url or config.azure_endpoint or "https:"
    if present & _AUTHORITIES and config.verify is True and address.startswith("https:"):
        from .._http.certificates import TrustError  # noqa: PLC0415 - likewise
        from .._http.tls import tls_context  # noqa: PLC0415 - likewise

        try:
            tls_context(config.trust)
        except TrustError as error:
            faults.append(str(error))
    return faults
