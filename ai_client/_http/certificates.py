"""Certificates in files: the authorities that a client trusts, and the certificate by which it is known (mTLS)."""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

from .._params.secrets import shown_file

Verify: TypeAlias = bool | str | Path | ssl.SSLContext
"""Whether certificates are checked, against which file or directory of authorities, or with which context."""
Cert: TypeAlias = str | Path | Sequence[str | Path | None]
"""A file with a certificate and its key, or two files, and perhaps the key's password."""
_MOST_PARTS = 3
_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


class TrustError(ValueError):
    """Certificates that cannot be used; the message names the option or the variable that names them."""


class CertificateError(TrustError):
    """Certificates of an option that cannot be used.

    Attributes:
        option: The option.
        fault: What is wrong, without a password.
    """

    def __init__(self, option: str, fault: str) -> None:
        super().__init__(f"{option}: {fault}.")
        self.option = option
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client's certificate in files; its password is in no repr.

    Attributes:
        chain: The file of the certificate and of those that vouch for it.
        key: The file of its key; `None` where that is in the same file.
        password: What the key is encrypted with.
    """

    chain: str
    key: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, given: object) -> "Certificate":
        """Read the option: a path, or a list of a certificate, its key and perhaps the key's password.

        Raises:
            ValueError: It is something else; the message shows no password.
        """
        if isinstance(given, Certificate):
            return given
        parts: list[object] = (
            [given]
            if isinstance(given, str | os.PathLike)
            else list(cast("Sequence[object]", given))
            if isinstance(given, list | tuple)
            else []
        )
        if not 1 <= len(parts) <= _MOST_PARTS:
            raise ValueError("must be a path, (certificate, key) or (certificate, key, password)")
        parts += [None] * (_MOST_PARTS - len(parts))
        chain, key, password = parts
        if not isinstance(password, str | None):
            raise ValueError(f"the key's password must be text, not {type(password).__name__}")  # noqa: TRY004 - for pydantic
        files = [_path(chain), _path(key)]
        if files[0] is None or (files[1] is None and key is not None):
            raise ValueError("the certificate and its key must be paths of files")
        return cls(files[0], files[1], password)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that it is read from."""
        return (self.chain,) if self.key is None else (self.chain, self.key)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have a context show this certificate to servers that ask for one.

        Raises:
            CertificateError: A file is missing or unreadable, or the key does not fit.
        """
        for file in self.files:
            if not os.path.isfile(file):  # noqa: PTH113 - as a path of pathlib raises, and shows, what is too long for one
                raise CertificateError("cert", f"there is no file {shown_file(file)}")
        asked: list[bool] = []

        def password() -> str:
            asked.append(True)
            return self.password or ""

        key, chain = shown_file(self.files[-1]), shown_file(self.chain)
        try:
            # without a function OpenSSL would ask the terminal
            context.load_cert_chain(self.chain, self.key, password)
        except (OSError, ValueError) as error:
            if asked and not self.password:
                fault = f"the key in {key} is encrypted: give its password as a third item"
            elif asked:
                fault = f"the key in {key} cannot be read with this password"
            elif getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
                fault = f"the key in {key} does not fit the certificate in {chain}"
            else:
                files = " and ".join(map(shown_file, self.files))
                fault = f"no certificate with its key can be read from {files} ({_reason(error)})"
        else:
            return
        raise CertificateError("cert", fault)  # outside, as frames of the other one hold the password


def checked_verify(given: object) -> bool | str | ssl.SSLContext:
    """Read the option that says which servers are trusted; text may be a path, or `true` or `false`.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(given, ssl.SSLContext) and given.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise ValueError(
            "is a context of servers, which trusts none: make one by ssl.create_default_context()"
        )
    if isinstance(given, bool | ssl.SSLContext):
        return given
    if isinstance(given, str) and given.lower() in _WORDS:
        return _WORDS[given.lower()]
    if (path := _path(given)) is None:
        raise ValueError("must be true, false, a path of certificates or an ssl.SSLContext")
    return path


def trust(context: ssl.SSLContext, path: str) -> None:
    """Have a context trust the authorities in a file, or in the files of a directory.

    Raises:
        CertificateError: There are none.
    """
    place = Path(path)
    if not os.path.exists(path):  # noqa: PTH110 - as a path of pathlib raises, and shows, what is too long for one
        raise CertificateError("verify", f"there is no file or directory {shown_file(path)}")
    if place.is_dir():
        try:
            found = [file for file in sorted(place.iterdir()) if file.is_file() and _loads(context, file)]
        except OSError as error:
            raise CertificateError(
                "verify", f"the directory {shown_file(path)} cannot be read ({_reason(error)})"
            ) from None
        if not found:
            raise CertificateError("verify", f"the directory {shown_file(path)} holds no certificates")
        return
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as error:
        raise CertificateError(
            "verify", f"no certificates can be read from {shown_file(path)} ({_reason(error)})"
        ) from None


def _loads(context: ssl.SSLContext, file: Path) -> bool:
    """Return whether a file of a directory holds certificates, which the context trusts then."""
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ValueError):
        return False
    return True


def _path(given: object) -> str | None:
    """Return a path as text, `None` for what is none."""
    text: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    return text if isinstance(text, str) and text.strip() and "\0" not in text else None


def _reason(error: Exception) -> str:
    """Return why a file cannot be read, in the words of OpenSSL or of the operating system."""
    said = getattr(error, "reason", None) or getattr(error, "strerror", None) or type(error).__name__
    return str(said)
