"""The tests that every adapter passes, whoever writes it; for pytest.

An adapter's tests derive `AdapterContract`, and `ServedAdapterContract` for a real server in a thread, and implement
how an application under contract is started. It has three paths, whose views are here: `/items/{pk}` answers with
`ask`, `/stream` relays `stream`, `/generate` relays `generate`, or their counterparts for the async client.
"""

try:
    import pytest
except ModuleNotFoundError as error:
    raise ImportError('The contract of adapters is tested by pytest: pip install "pytest>=8"') from error

from ai_client.testing.adapter_contract.application import (
    ask as ask,
    ask_async as ask_async,
    generate as generate,
    generate_async as generate_async,
    stream as stream,
    stream_async as stream_async,
)
from ai_client.testing.adapter_contract.contract import (
    AdapterContract as AdapterContract,
    Answer as Answer,
    Options as Options,
    Site as Site,
)
from ai_client.testing.adapter_contract.health import HealthContract as HealthContract
from ai_client.testing.adapter_contract.served import ServedAdapterContract as ServedAdapterContract

del pytest

__all__ = [
    "AdapterContract",
    "Answer",
    "HealthContract",
    "Options",
    "ServedAdapterContract",
    "Site",
    "ask",
    "ask_async",
    "generate",
    "generate_async",
    "stream",
    "stream_async",
]
