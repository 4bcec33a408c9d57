"""The TLS contexts of a process: one for each trust store, made at the first https connection."""

import os
import ssl
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeAlias

from .._fork import PerProcess

Trust: TypeAlias = Literal["certifi", "system"]


_contexts: dict[tuple[str, ...], ssl.SSLContext] = {}


_building = PerProcess(threading.Lock)


class TrustError(ValueError):
    """Authorities to trust that cannot be read; the message names the variable of the environment that names them."""


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


def _named_context(file: str, directory: str) -> ssl.SSLContext:
    """Trust what the environment names."""
    if directory and not any(Path(part).is_dir() for part in directory.split(os.pathsep)):
        raise TrustError(f"SSL_CERT_DIR in the environment: there is no directory {directory!r}.")
    try:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except (OSError, ValueError) as error:
        raise TrustError(
            f"SSL_CERT_FILE in the environment: no certificates can be read from {file!r} ({error})."
        ) from error
