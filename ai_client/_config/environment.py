"""Options out of their environment variables."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .connections import out_of_the_way
from .options import environment_variables

NO_KEY = "none"
"""Placeholder key of a further client with its own address, whose server may need none."""
_OF_A_PLACE = frozenset(
    {
        "api_key",
        "api_key_file",
        "admin_api_key",
        "organization",
        "project",
        "base_url",
        "azure_endpoint",
        "azure_deployment",
        "webhook_secret",
        "websocket_base_url",
        "data_residency",
        "verify",
        "cert",
        "uds",
        "controls",
    }
)


class Origin(NamedTuple):
    """Where the options of a client come from.

    Attributes:
        further: Whether it is not an application's first client.
        variables: The environment variable of each option that was read from one.
    """

    further: bool
    variables: dict[str, str]


def completed(given: Mapping[str, Any], origin: Origin) -> tuple[dict[str, Any], bool]:
    """Return options with those that are missing read from the environment.

    Args:
        given: The options.
        origin: Receives the variables that were read.

    Returns:
        The options, and whether keys, names and addresses may be taken from the environment.
    """
    values = dict(given)
    variables = environment_variables()
    endpoint = values.get("azure_endpoint")
    asked = values.get("environment")
    elsewhere = values.get("base_url") or endpoint or values.get("data_residency")
    taken = asked if isinstance(asked, bool) else not (origin.further and elsewhere)
    ignored = out_of_the_way(values) | (frozenset[str]() if taken else _OF_A_PLACE)
    if endpoint or ("azure_endpoint" not in ignored and os.environ.get(variables["azure_endpoint"])):
        ignored |= {"api_key", "base_url"}  # of OpenAI; Azure's client knows the variables of its own
    if "api_key_file" not in ignored and os.environ.get(variables["api_key_file"]):
        ignored |= {"api_key"}  # one for the official SDK may be there for others
    for name, variable in variables.items():
        if name not in ignored and values.get(name) is None and os.environ.get(variable):
            values[name] = os.environ[variable]
            origin.variables[name] = variable
    alone = not any(map(values.get, ("api_key", "api_key_file", "workload_identity")))
    if not taken and values.get("base_url") and alone:
        values["api_key"] = NO_KEY
    return values, taken
