"""Credentials as they may be sent."""

from .errors import ConfigError


def check_secret(name: str, value: str) -> str:
    """Refuse a credential that cannot be sent as it is, without showing it.

    Raises:
        ConfigError: *value* has blanks around it, or a character that no header may hold.
    """
    if value != value.strip():
        raise ConfigError(f"{name} has blanks or line breaks around it: strip them where the key is read.")
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(f"{name} holds a line break or another character that no HTTP header may hold.")
    return value
