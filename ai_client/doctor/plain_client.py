"""A client without policies, which asks once: nothing that it does is counted, limited or recorded."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from .._process.factory import client_of
from ..config import ClientConfig
from .answers import ask
from .bounds import Bound


def plain_client(config: ClientConfig) -> Any:
    """Return a client of these options without policies; the caller closes it.

    Raises:
        OpenAIError: No client can be built of them.
    """
    return client_of(config, sync=True, warm=None, credentials=None, max_retries=0, on_blocking_call="ignore")


def listed_models(config: ClientConfig, seconds: float) -> Sequence[Mapping[str, Any]] | None:
    """Return the models that the API of a client lists, asked once; `None` where it lists none.

    Raises:
        OpenAIError: There is no answer in time, or no client can be built.
    """
    with closing(plain_client(config)) as client:
        return ask(client, Bound(seconds)).models
