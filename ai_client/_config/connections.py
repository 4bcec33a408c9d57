"""Options of a configuration that say how its clients connect, checked against each other."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .._pool.checked import apart_fault, http2_fault
from .http_client import kind_of
from .names import FaultError

if TYPE_CHECKING:
    from .options import Options

OF_CONNECTIONS = ("verify", "cert", "proxy", "local_address", "uds")
"""Options of the connections that an HTTP client makes by itself."""
_OTHER_KEYS = ("workload_identity", "azure_ad_token", "azure_ad_token_provider")
"""Options that take the place of any key."""
_ADDRESSES = ("base_url", "azure_endpoint", "websocket_base_url")


def check_connections(config: "Options") -> None:
    """Validate how the clients connect.

    Raises:
        FaultError: An option excludes another, or names certificates that cannot be used.
    """
    own = config.http_client is not None or config.async_http_client is not None
    if own and (config.client_class or config.async_client_class):
        name = "async_http_client" if config.http_client is None else "http_client"
        raise FaultError(name, "excludes client_class and async_client_class")
    for name in OF_CONNECTIONS if own else ():
        if getattr(config, name) not in {None, True}:
            raise FaultError(name, apart_fault(name))
    if config.http2 and not own and (fault := http2_fault(None)):
        raise FaultError("http2", fault)
    if kind_of(config.http_client) is False:
        raise FaultError("http_client", "is an async HTTP client, which belongs in async_http_client")
    if kind_of(config.async_http_client) is True:
        raise FaultError("async_http_client", "is a sync HTTP client, which belongs in http_client")
    if config.http_backend != "httpx" and find_spec(config.http_backend) is None:
        raise FaultError("http_backend", 'httpx2 is not installed: pip install "ai-client[httpx2]"')
    _check_certificates(config)


def _check_certificates(config: "Options") -> None:
    if config.cert is None and not isinstance(config.verify, str):
        return
    from .._http.certificates import CertificateError  # noqa: PLC0415 - likewise
    from .._http.options import PoolOptions  # noqa: PLC0415 - likewise
    from .._pool.checked import check_certificates  # noqa: PLC0415 - only where there are some

    options: Any = {"trust": config.trust, "verify": config.verify, "cert": config.cert}
    try:
        check_certificates(PoolOptions(**options, places=(("https", "", 443),)))
    except CertificateError as error:
        raise FaultError(error.option, error.fault) from None


def check_addresses(config: "Options") -> None:
    """Validate what says where the API is, and who asks it, against each other.

    Raises:
        FaultError: An option excludes another.
    """
    for name in _ADDRESSES:
        if config.data_residency is not None and getattr(config, name):
            raise FaultError("data_residency", f"excludes {name}, set one of them")
    if config.workload_identity is not None and config.api_key:
        raise FaultError("workload_identity", "excludes api_key, set one of them")
    for name in (*_OTHER_KEYS, "api_key") if config.api_key_file is not None else ():
        if getattr(config, name):
            raise FaultError("api_key_file", f"excludes {name}, set one of them")
    if config.workload_identity is not None and config.azure_endpoint:
        raise FaultError("workload_identity", "not for Azure, which has azure_ad_token_provider")


def out_of_the_way(given: Mapping[str, Any]) -> set[str]:
    """Return the options that the environment is not asked for, as others are given that exclude them."""
    found: set[str] = set()
    if given.get("http_client") is not None or given.get("async_http_client") is not None:
        found.update(OF_CONNECTIONS)
    if given.get("data_residency") is not None:
        found.update(_ADDRESSES)
    elif any(given.get(name) for name in _ADDRESSES):
        found.add("data_residency")
    if given.get("workload_identity") is not None or given.get("api_key_file") is not None:
        found.add("api_key")
    if any(given.get(name) is not None for name in (*_OTHER_KEYS, "api_key")):
        found.add("api_key_file")
    return found
