"""Models that are switched off soon, as the API lists them: asked for aside, and at most every few hours."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

from .._fork import PerProcess
from ..doctor.models import examine_models, targets_of
from ..doctor.plain_client import listed_models
from ..errors import OpenAIError

logger = logging.getLogger("ai_client.dashboard")

_KEPT = 6 * 3600.0
_KEPT_FAILURE = 300.0
"""Seconds for which a list of models is used, and after which it is asked for again where there was none."""
_SECONDS = 10.0
Listed = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class RetiringModel:
    """A model that is configured or was called, and is switched off soon or is gone.

    Attributes:
        model: The model.
        client: The alias of the clients whose API it is.
        shutdown_date: The day on which it is switched off; `None` where the API does not list it.
        message: What is the matter, in plain words.
        is_over: Whether it is switched off already.
    """

    model: str
    client: str
    shutdown_date: date | None
    message: str
    is_over: bool


class _Lists:
    """The lists of models of a process's providers, by alias."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[Any, tuple[float, Mapping[str, Listed]]] = WeakKeyDictionary()
        self._asking: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    def of(self, provider: Any) -> Mapping[str, Listed] | None:
        """Return the lists; `None` until they have come. Lists that are too old are asked for again meanwhile."""
        with self._lock:
            until, lists = self._kept.get(provider, (0.0, None))
            if time.monotonic() < until or self._asking.get(provider):
                return lists
            self._asking[provider] = True
        try:
            threading.Thread(target=self._ask, args=(provider,), name="ai-client-models", daemon=True).start()
        except RuntimeError:  # the process can start no more threads
            self._ended(provider, {})
        return lists

    def _ask(self, provider: Any) -> None:
        lists: dict[str, Listed] = {}
        try:
            for alias in provider:
                config = provider[alias].config
                if (config.credentials and not config.api_key) or config.azure_endpoint:
                    continue  # the keys are tenants' own, or models are called by the names of deployments
                try:
                    lists[alias] = listed_models(config, _SECONDS) or ()
                except OpenAIError as error:
                    logger.info("The API of %r does not list its models (%s).", alias, type(error).__name__)
        except Exception:
            logger.exception("The dashboard cannot ask for models.")
        finally:
            self._ended(provider, lists)

    def _ended(self, provider: Any, lists: Mapping[str, Listed]) -> None:
        with self._lock:
            self._kept[provider] = time.monotonic() + (_KEPT if lists else _KEPT_FAILURE), lists
            self._asking[provider] = False


_lists = PerProcess(_Lists)


def retiring_models(provider: Any, used: Iterable[str]) -> list[RetiringModel] | None:
    """Return the models that are switched off soon, are gone, or were never there; `None` while no API lists any.

    The API is asked without policies, in a thread of its own; that costs nothing.

    Args:
        provider: The provider.
        used: Models that were called.
    """
    lists = _lists().of(provider)
    if lists is None or not any(lists.values()):
        return None
    found = [one for alias, listed in lists.items() for one in _of_alias(provider, alias, listed, used)]
    return sorted(
        found, key=lambda one: (one.shutdown_date is None, one.shutdown_date or date.max, one.model)
    )


def _of_alias(provider: Any, alias: str, listed: Listed, used: Iterable[str]) -> Iterator[RetiringModel]:
    asked = [target.model for target in targets_of(provider[alias].config) if target.client is None]
    known = {str(model["id"]) for model in listed}
    names = dict.fromkeys([*asked, *(name for name in used if name in known)])
    if not listed:
        return
    for check in examine_models(list(names), listed, asked=asked):
        if check.status != "ok":
            day = check.details.get("shutdown_date")
            yield RetiringModel(
                check.name,
                alias,
                None if day is None else date.fromisoformat(day),
                check.message,
                check.status == "fault",
            )
