"""Credentials of tenants: the key, address and names with which a client performs a call in place of its own."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, NoReturn, Self, TypeAlias, cast

from .._call.labels import Labels
from .._params.nearest import nearest
from .._params.secrets import check_secret, shown_address
from .._params.sendable import address_fault, text_fault
from ..errors import ConfigError

__all__ = ["Credentials", "CredentialsFunction", "Label"]

Label: TypeAlias = Literal["endpoint", "tenant", "user"]
"""A label by which credentials are kept."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The key of a tenant, with the address and the account that it is for.

    They replace those of the client as a whole: what is not given is not taken from the client, but for the address.

    Args:
        api_key: The key.
        base_url: The URL of the API that takes the key; `None` for that of the client.
        organization: The organization to which requests are attributed.
        project: The project to which requests are attributed.

    Raises:
        ConfigError: One cannot be sent; the message does not show it.
    """

    api_key: str
    base_url: str | None = None
    organization: str | None = None
    project: str | None = None

    def __post_init__(self) -> None:
        if not check_secret("credentials: api_key", self.api_key):
            raise ConfigError(
                "credentials: api_key is empty. Return None for a tenant without a key of its own."
            )
        if self.base_url is not None:
            if not isinstance(self.base_url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(f"credentials: base_url must be text, not {type(self.base_url).__name__}.")
            if (fault := address_fault(self.base_url)) is not None:
                raise ConfigError(f"credentials: base_url {fault}.")
        for name in ("organization", "project"):
            value: object = getattr(self, name)
            if value is not None and (fault := text_fault(value)) is not None:
                raise ConfigError(f"credentials: {name}: {fault}.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Build credentials from a mapping of the same names.

        Raises:
            ConfigError: A name is unknown, the key is missing, or a value cannot be sent.
        """
        names = [one.name for one in fields(cls)]
        for name in given:
            if name not in names:
                near = nearest(name, names)
                hint = f"Did you mean {near!r}?" if near else f"The names are {', '.join(names)}."
                raise ConfigError(f"credentials: the mapping has an unknown name. {hint}")
        if "api_key" not in given:
            raise ConfigError("credentials: the mapping has no api_key.")
        return cls(**given)

    def __repr__(self) -> str:
        where = "" if self.base_url is None else f" at {shown_address(self.base_url)}"
        return f"<Credentials{where}>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "Credentials hold a key and cannot be pickled. Keep what finds them, such as the tenant's id."
        )


CredentialsFunction: TypeAlias = Callable[
    [Labels], Credentials | Mapping[str, Any] | Awaitable[Credentials | Mapping[str, Any] | None] | None
]
"""A function that returns the credentials for the labels of a call; `None` for those of the client."""


def credentials_of(returned: object, name: str) -> Credentials | None:
    """Return the credentials that the function *name* of the application returned.

    Raises:
        ConfigError: It returned something else.
    """
    if returned is None or isinstance(returned, Credentials):
        return returned
    if isinstance(returned, Mapping):
        return Credentials.of(cast("Mapping[str, Any]", returned))
    raise ConfigError(
        f"The credentials function {name} returned {type(returned).__name__}: return Credentials(api_key=...),"
        " a mapping of the same names, or None for the client's own."
    )
