"""A client and those of its fallback: the ways to their servers, what these answer, and their models."""

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from functools import cached_property, partial
from typing import Any

from ..config import ClientConfig
from ..errors import ConfigError, OpenAIError
from .api import examine_api
from .bounds import Bound
from .check import Check, Status
from .configuration import origin_of
from .models import examine_models, examine_prices, named_models, targets_of
from .network import examine_network
from .plain_client import plain_client
from .subject import Subject
from .threads import Examination
from .way import Way

_OF_CLIENTS = "fallback.clients."


class Reach:
    """The servers that the clients of one alias reach.

    Args:
        subject: The application.
        alias: The alias.
        config: Its options.
        bound: The time that is left.
    """

    def __init__(self, subject: Subject, alias: str, config: ClientConfig, bound: Bound) -> None:
        self._subject = subject
        self._alias = alias
        self._config = config
        self._bound = bound

    def examinations(self) -> Iterator[tuple[str, str, Examination]]:
        """Yield the area, the client's name and the work of each examination."""
        proxy = "" if self._config.proxy is None else str(self._origin_of_proxy)
        names = named_models(self._config, None)
        asked = [target.model for target in targets_of(self._config) if target.client is None]
        yield "network", self._alias, partial(self._reach, self._config, proxy, names, asked)
        for name, target in self._targets.items():
            proxy = "" if target.proxy is None else f"controls {_OF_CLIENTS}{name}.proxy"
            models = named_models(self._config, name)
            label = f"{self._alias} {_OF_CLIENTS}{name}"
            yield "network", label, partial(self._reach, target, proxy, models, models)
        if self._config.controls:
            yield "prices", self._alias, self._prices

    @cached_property
    def _origin_of_proxy(self) -> Any:
        return origin_of(self._subject, self._alias, "proxy", self._config)

    @property
    def _targets(self) -> Mapping[str, ClientConfig]:
        """The options of the clients of the fallback by name."""
        return {
            source.removeprefix(_OF_CLIENTS).removesuffix("."): config
            for source, config in self._config.targets.items()
        }

    def _reach(self, config: ClientConfig, proxy: str, names: list[str], asked: list[str]) -> Iterator[Check]:
        """Yield what is found on the way to a client's server, what that answers, and about its models."""
        if config.credentials and not config.api_key:
            yield Check(
                "api", "models.list", "skipped", "The keys are tenants' own, by the option credentials."
            )
            return
        if config.http_client is None and config.async_http_client is not None:
            yield Check(
                "api", "models.list", "skipped", "Only the async client has connections: async_http_client."
            )
            return
        try:
            client = plain_client(config)
        except OpenAIError as error:  # without a key, which is reported as such, no client can be built
            status: Status = "fault" if isinstance(error, ConfigError) else "skipped"
            yield Check("network", "client", status, f"No client can be built: {error}")
            return
        with closing(client):
            way = None
            if config.http_client is None:
                way = Way(client, self._bound)
                if not (yield from examine_network(way, proxy)):
                    return
            for check, answer in examine_api(client, way, self._bound):
                yield check
                if answer is not None and answer.models is not None and not config.azure_endpoint:
                    yield from examine_models(names, answer.models, asked=asked)

    def _prices(self) -> Iterator[Check]:
        configs: dict[str | None, ClientConfig] = {None: self._config}
        configs.update(self._targets)
        clients: dict[str | None, Any] = {}
        try:
            for name, config in configs.items():
                with suppress(OpenAIError):  # reported where the client's server is to be reached
                    clients[name] = plain_client(config)
            yield from examine_prices(self._config, clients, self._bound)
        finally:
            for client in clients.values():
                client.close()
