"""Names in the environment that look like options of this package and are none."""

import os
from collections.abc import Iterator

from .._config.names import OF_A_SERVICE, OURS, unread_variables
from .._config.options import environment_variables
from .._params.nearest import nearest
from ..config import ClientConfig
from .check import Check


def examine_environment() -> Iterator[Check]:
    """Yield each `AI_CLIENT_*` variable that nothing reads, with the nearest that something does."""
    variables = environment_variables()
    known = {name for name in variables.values() if name.startswith(OURS)}
    read = sorted(name for name in variables.values() if os.environ.get(name))
    faults = unread_variables(variables, ClientConfig.model_fields, {})
    told = {fault.partition(" ")[0] for fault in faults}
    for fault in faults:
        yield Check(
            "environment", "unknown", "fault", fault, "Correct the name: the client refuses to start."
        )
    for name in sorted(os.environ):
        rest = name.removeprefix(OURS)
        if rest in (name, "") or name in known or name in told or OF_A_SERVICE.match(rest):
            continue
        near = nearest(rest, (variable.removeprefix(OURS) for variable in known))
        hint = (
            f"Did you mean {OURS}{near}?"
            if near
            else "Remove it, or see the names of options in the documentation."
        )
        yield Check(
            "environment", "unknown", "warning", f"{name} in the environment is read by nothing.", hint
        )
    message = f"Read are {', '.join(read)}." if read else "No variable of it is set."
    yield Check("environment", "variables", "ok", message, details={"read": read})
