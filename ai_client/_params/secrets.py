"""Credentials as they may be sent."""

import base64
import re

from ..errors import ConfigError


def check_secret(name: str, value: str) -> str:
    """Validate a credential; messages do not show it.

    Raises:
        ConfigError: *value* is no string, has blanks around it, or a character that no header may hold.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"{name} must be a string, not {type(value).__name__}.")
    if value != value.strip():
        raise ConfigError(f"{name} has blanks or line breaks around it: strip them where the key is read.")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{name} holds a line break or another character that no HTTP header may hold.")
    return value


def shown_address(url: str) -> str:
    """Return an address, well formed or not, without what may be secret in it: its user, its query and its fragment."""
    scheme, mark, rest = url.rpartition("://") if "://" in url else ("", "", url)
    rest = re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0]
    return f"{scheme}{mark}{rest}"


_FILE = re.compile(r"(?=.*[./\\])[\w ./\\~+:,()-]+")


def shown_file(path: str) -> str:
    """Return a path of the file system in quotes; what looks like none may be a secret, and is `***`."""
    return repr(path) if _FILE.fullmatch(path) and "://" not in path else "***"


_WEBHOOK_PREFIX = "whsec_"
_MASKED = re.compile(r"\*{3}|\.{3}|[•●…]|^<.*>$|^(.)\1{2,}$")
_MASKED_BASE64 = re.compile(r"[*<>•●…]|\.\.|^(.)\1{2,}$")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*|[A-Za-z0-9_\-]*")


def check_webhook_secret(name: str, secret: object) -> str:
    """Validate a webhook secret, rejecting empty and placeholder secrets; messages do not show it.

    Raises:
        ConfigError: *secret* is no text, blank or masked, or has blanks around it.
    """
    if not isinstance(secret, str):
        raise ConfigError(f"{name} must be a string, not {type(secret).__name__}.")
    encoded = secret.removeprefix(_WEBHOOK_PREFIX)
    if not encoded.strip(" \t\r\n="):
        raise ConfigError(f"{name} is empty: anybody could sign with it. Copy the webhook's secret again.")
    if secret != secret.strip():
        raise ConfigError(f"{name} has blanks or line breaks around it: strip them where it is read.")
    if (_MASKED if encoded == secret else _MASKED_BASE64).search(encoded):
        raise ConfigError(f"{name} is masked, not the secret itself. Copy the webhook's secret again.")
    return secret


def webhook_key(name: str, secret: object) -> bytes:
    """Return the key that a webhook's secret stands for: what follows `whsec_` is base64, of either alphabet.

    Raises:
        ConfigError: *secret* is refused by `check_webhook_secret`, or is not base64 where it must be.
    """
    secret = check_webhook_secret(name, secret)
    encoded = secret.removeprefix(_WEBHOOK_PREFIX)
    if encoded == secret:
        try:
            return secret.encode()
        except UnicodeEncodeError:
            raise ConfigError(f"{name} is not text: it holds half a character.") from None
    digits = encoded.rstrip("=")
    padding = -len(digits) % 4
    if (
        len(digits) % 4 == 1
        or len(encoded) - len(digits) not in {0, padding}
        or not _BASE64.fullmatch(digits)
    ):
        raise ConfigError(f"{name} begins with {_WEBHOOK_PREFIX} but is not base64 after that.")
    return base64.urlsafe_b64decode(digits.replace("+", "-").replace("/", "_") + "=" * padding)
