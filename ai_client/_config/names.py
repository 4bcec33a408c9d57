"""Messages for invalid options: by the name that the user gave, with the nearest valid one."""

import os
import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any

import pydantic

from .._params.faults import said_of

OURS = "AI_CLIENT_"
OF_A_SERVICE = re.compile(r"(SERVICE_(HOST|PORT.*)|PORT(_\d+_.*)?)$")
"""Endings of the variables that Kubernetes sets for a service called `ai-client`."""
_NEAR = 0.75


class FaultError(ValueError):
    """An option that conflicts with other options."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def explain(
    error: pydantic.ValidationError, spell: Callable[[str], str], hint_for: Callable[[str], str]
) -> list[str]:
    """Format every fault of a validation error, without showing values.

    Args:
        error: The faults.
        spell: Returns an option's name as the user wrote it.
        hint_for: Returns a hint for an option that does not exist.
    """
    faults: list[str] = []
    found = error.errors(include_input=False, include_url=False)
    told = {fault["loc"][:1] for fault in found if fault["type"] != "callable_type"}
    for fault in found:
        if fault["type"] == "callable_type" and fault["loc"][:1] in told:
            continue  # it is no function, but it was not meant for one
        cause: object = fault.get("ctx", {}).get("error")
        place = fault["loc"]
        name = cause.option if isinstance(cause, FaultError) else str(place[0]) if place else "options"
        if fault["type"] == "extra_forbidden":
            said = f"unknown option.{hint_for(name)}"
        else:
            said = str(cause) if isinstance(cause, ValueError) else said_of(fault)
            said = said if said.endswith((".", "?")) else f"{said}."
        faults.append(f"{spell(name)}: {said}")
    return list(dict.fromkeys(faults))


def unread_variables(
    variables: Mapping[str, str], options: Collection[str], given: Mapping[str, Any]
) -> list[str]:
    """Return the environment variables that look like ours but are not read.

    Args:
        variables: The variable of each option that has one.
        options: The names of all options.
        given: The options that have a value; their variables are not missed.
    """
    faults: list[str] = []
    known = {variable.removeprefix(OURS): variable for variable in variables.values()}
    for name in sorted(os.environ):
        rest = name.removeprefix(OURS)
        if rest == name or rest in known or OF_A_SERVICE.match(rest):
            continue
        option = rest.lower()
        if option in options:
            if given.get(option) is None:
                other = variables.get(option)
                meant = f"Did you mean {other}?" if other else f"{option} cannot be set in the environment."
                faults.append(f"{name} in the environment: unknown variable. {meant}")
        elif near := get_close_matches(rest, known, n=1, cutoff=_NEAR):
            faults.append(f"{name} in the environment: unknown variable. Did you mean {known[near[0]]}?")
    return faults
