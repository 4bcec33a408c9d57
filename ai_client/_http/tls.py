"""The TLS contexts of a process: one for each choice of certificates, made at the first https connection."""

import os
import ssl
import sys
import threading
from collections.abc import Hashable
from importlib import import_module
from pathlib import Path
from typing import Literal, TypeAlias

from .._fork import PerProcess
from .certificates import Certificate, TrustError, trust as trust_in

Trust: TypeAlias = Literal["certifi", "system"]
_State: TypeAlias = tuple[tuple[int, ...], ...]
"""Times, sizes and numbers of files, which differ once they are replaced."""

_contexts: dict[Hashable, tuple[_State, ssl.SSLContext]] = {}


_building = PerProcess(threading.Lock)


def tls_context(
    trust: Trust = "certifi",
    *,
    verify: bool | str = True,
    cert: Certificate | None = None,
    trust_env: bool = True,
) -> ssl.SSLContext:
    """Return the process's TLS context for a choice; building one takes some 17 ms and 0.8 MB.

    Files that were replaced are read again; where they cannot be used, the context of the former ones remains.

    Args:
        trust: The trust store, where neither *verify* nor the environment names another.
        verify: Whether certificates are checked, or the file or directory of authorities.
        cert: The certificate of the client.
        trust_env: Whether `SSL_CERT_FILE` and `SSL_CERT_DIR` count.

    Raises:
        TrustError: What an option, or the environment, names cannot be used.
    """
    named = trust_env and verify is True
    file = os.environ.get("SSL_CERT_FILE", "") if named else ""
    directory = os.environ.get("SSL_CERT_DIR", "") if named else ""
    key = (trust if verify is True else "", verify, file, directory, cert)
    state = _state(file, verify, cert) if cert is not None or file or isinstance(verify, str) else ()
    kept = _contexts.get(key)
    if kept is None or kept[0] != state:
        with _building():
            kept = _contexts.get(key)
            if kept is None or kept[0] != state:
                try:
                    context = _build(trust, verify, file, directory, cert)
                except TrustError:
                    if kept is None:
                        raise
                    context = kept[1]
                kept = _contexts[key] = state, context
    return kept[1]


def _state(named: str, verify: bool | str, cert: Certificate | None) -> _State:
    """Return what differs once the files of options, or the one that the environment names, are replaced."""
    files = [*_files(named), *(_files(verify) if isinstance(verify, str) else ())]
    if cert is not None:
        files += cert.files
    return tuple(map(_file_state, files))


def _files(path: str) -> list[str]:
    """Return a file, or a directory with its files, which may be written anew in place."""
    try:
        return [path, *sorted(entry.path for entry in os.scandir(path))]
    except (OSError, ValueError):  # the latter where it is no Unicode
        return [path] if path else []


def _file_state(path: str) -> tuple[int, ...]:
    try:
        stat = Path(path).stat()
    except (OSError, ValueError):
        return ()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _build(
    trust: Trust, verify: bool | str, file: str, directory: str, cert: Certificate | None
) -> ssl.SSLContext:
    if isinstance(verify, str):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # what is named is trusted, a root or not
        trust_in(context, verify)
    elif not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif file or directory:
        context = _named_context(file, directory)
    elif trust == "system":
        context = _system_context()
    else:
        context = ssl.create_default_context(cafile=import_module("certifi").where())
    if cert is not None:
        cert.load_into(context)
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
    if directory and not any(map(os.path.isdir, directory.split(os.pathsep))):
        raise TrustError(f"SSL_CERT_DIR in the environment: there is no directory {directory!r}.")
    try:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except (OSError, ValueError) as error:
        raise TrustError(
            f"SSL_CERT_FILE in the environment: no certificates can be read from {file!r} ({error})."
        ) from error
