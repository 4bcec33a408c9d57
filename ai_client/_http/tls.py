"""The TLS contexts of a process: one for each trust store, made at the first https connection."""

import os
import ssl
import sys
import threading
from importlib import import_module
from typing import Literal, TypeAlias

from .._fork import PerProcess
from .library import _named_context

Trust: TypeAlias = Literal["certifi", "system"]


_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}


_building = PerProcess(threading.Lock)


def tls_context(trust: Trust = "certifi", *, verify: bool = True, trust_env: bool = True) -> ssl.SSLContext:
    """Return the process's TLS context for a trust store; building one takes some 17 ms and 0.8 MB.

    Raises:
        TrustError: `SSL_CERT_FILE` or `SSL_CERT_DIR` names nothing that can be read.
    """
    file = os.environ.get("SSL_CERT_FILE", "") if trust_env else ""
    directory = os.environ.get("SSL_CERT_DIR", "") if trust_env else ""
    key = (trust, file, directory) if verify else ()
    context = _contexts.get(key)
    if context is None:
        with _building():
            context = _contexts.get(key)
            if context is None:
                context = _contexts[key] = _build(trust, verify, file, directory)
    return context


def _build(trust: Trust, verify: bool, file: str, directory: str) -> ssl.SSLContext:
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif file or directory:
        context = _named_context(file, directory)
    elif trust == "system":
        context = _system_context()
    else:
        context = ssl.create_default_context(cafile=import_module("certifi").where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def _system_context() -> ssl.SSLContext:
    """Trust what the system trusts; outside Linux only the truststore package can ask its key store."""
    if sys.platform != "linux":
        try:
            context: ssl.SSLContext = import_module("truststore").SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        except ModuleNotFoundError:
            pass
        else:
            return context
    return ssl.create_default_context()
