"""Adapters of pydantic, which a fork waits for while they are built."""

from typing import Any

import pydantic

from .._fork import building_models


def adapter_of(annotation: Any, config: pydantic.ConfigDict | None = None) -> pydantic.TypeAdapter[Any]:
    """Build the adapter of a type."""
    with building_models():
        return pydantic.TypeAdapter(annotation, config=config)
