"""The policies of a configuration, as the clients of a process share them."""

import os
import threading
from collections.abc import Mapping
from typing import Any

from .._call.own_policy import is_ours
from .._fork import PerProcess
from .._http.certificates import checked_verify
from ..config import ClientConfig
from ..errors import ConfigError
from .factory import FurtherClients, arguments_of, client_of


class Assembly:
    """Builder of a configuration's clients; sync and async share one set of policies per process.

    Attributes:
        config: The configuration.
        alias: The first alias that it is of.
    """

    def __init__(self, config: ClientConfig, alias: str = "default") -> None:
        self.config = config
        self.alias = alias
        self._maker: tuple[int, int] | None = None
        self._layers: PerProcess[tuple[Any, ...]] = PerProcess(self._make_layers)

    def client(self, *, sync: bool) -> Any:
        """Build a client."""
        return client_of(self.config, sync=sync, layers=self.layers())

    def arguments(self) -> dict[str, Any]:
        """Return the arguments for `OpenAI` and `AsyncOpenAI`, policies included."""
        return {**arguments_of(self.config), "layers": self.layers()}

    def layers(self) -> tuple[Any, ...]:
        """Return the policies that `controls` asks for, the outermost first."""
        return self._layers() if self.config.controls else ()

    def made_layers(self) -> tuple[Any, ...]:
        """Return the policies, if this process has made them."""
        return self._layers() if self._layers.made() else ()

    def _make_layers(self) -> tuple[Any, ...]:
        from ..control.assembly import make_layers  # noqa: PLC0415 - only where policies are configured

        def connect(options: Mapping[str, Any], source: str) -> FurtherClients:
            del options  # which were checked when the configuration was made
            return FurtherClients(self.config.targets[source])

        maker = os.getpid(), threading.get_ident()
        if self._maker == maker:
            raise ConfigError(
                "controls.policies: what makes a policy uses the client that the policy is for."
            )
        self._maker = maker
        try:
            return make_layers(
                self.config.controls or {}, connect=connect, client=self.alias, network=self._network
            )
        except ConfigError as error:
            raise ConfigError(f"controls: {error}") from error
        finally:
            self._maker = None

    @property
    def _network(self) -> dict[str, Any]:
        """Whose certificates the client trusts, as options of a pool."""
        verify = self.config.verify
        trusted = {} if isinstance(verify, bool) else {"verify": checked_verify(verify)}
        return {"trust": self.config.trust, **trusted}

    def alerts(self) -> Any:
        """Return the alerts that `controls` asks for, `None` where there are none."""
        if not (self.config.controls or {}).get("alerts"):
            return None
        return next(one for one in self.layers() if is_ours(one) and hasattr(one, "extra_clients"))

    def close_store(self) -> None:
        """Close the store that `controls` names by its address, once alerts are delivered; a later call opens it again.

        One that is given as an object is its owner's to close; it gets what this process has recorded for it.
        """
        controls = self.config.controls
        if controls and self._layers.made():
            from ..stores.place import place_of  # noqa: PLC0415 - only where policies are configured
            from ..stores.recording import write_recorded  # noqa: PLC0415

            if (alerts := self.alerts()) is not None:
                alerts.close()
            is_given = hasattr(controls.get("store"), "close")
            found = [getattr(one, "store", None) for one in self._layers() if is_ours(one)]
            for store in {id(store): store for store in found if store is not None}.values():
                if not is_given:
                    store.close()
                else:
                    write_recorded(place_of(store))
