"""The instruments: what each is called for Prometheus and OpenTelemetry, its unit, labels and meaning."""

from typing import Literal, NamedTuple

from ..control.observability.counting.names import (
    ATTEMPT,
    CACHE,
    CACHED,
    CALL,
    DURATION,
    ERROR,
    FIRST_ITEM,
    FOLDED,
    INPUT,
    NANO_USD,
    OUTPUT,
    REASONING,
    RETRIES,
    UNPRICED,
    USED,
)
from ..operations.figures import ALIVE, BUILT, EXTRA, IDLE, IN_FLIGHT, IN_USE, OPEN, OPENED, WAITING

Kind = Literal["counter", "gauge", "histogram"]


class Family(NamedTuple):
    """An instrument.

    Attributes:
        name: Its name for Prometheus; that of a counter ends with `_total`.
        kind: What it is.
        about: What it counts or shows.
        label: The label that it has beside those of every call; empty where it has none.
        counted: The name under which a policy adds it up, or the prefix of the names by the values of *label*.
        divisor: How many of the units in which it is added up make one of its own.
    """

    name: str
    kind: Kind
    about: str
    label: str = ""
    counted: str = ""
    divisor: int = 1


OF_CALLS: tuple[Family, ...] = (
    Family(
        "ai_client_calls_total",
        "counter",
        "Calls that have ended, a stream with its last event, by outcome: ok, error or cancelled.",
        "outcome",
        CALL,
    ),
    Family(
        "ai_client_errors_total", "counter", "Calls that failed, by the class of the error.", "error", ERROR
    ),
    Family(
        "ai_client_attempts_total",
        "counter",
        "Requests sent upstream: ok, the status that rejected one, the class of another error, or cancelled.",
        "result",
        ATTEMPT,
    ),
    Family(
        "ai_client_retries_total",
        "counter",
        "Attempts that another one followed at the same target.",
        "",
        RETRIES,
    ),
    Family("ai_client_cache_total", "counter", "Answered calls by what the cache did.", "cache", CACHE),
    Family(
        "ai_client_billed_attempts_total",
        "counter",
        "Attempts that were or may have been billed, by how their usage is known.",
        "usage",
        USED,
    ),
    Family("ai_client_input_tokens_total", "counter", "Tokens that went in.", "usage", INPUT),
    Family("ai_client_output_tokens_total", "counter", "Tokens that came out.", "usage", OUTPUT),
    Family(
        "ai_client_cached_input_tokens_total",
        "counter",
        "Those of the input that the provider read from its cache.",
        "usage",
        CACHED,
    ),
    Family(
        "ai_client_reasoning_output_tokens_total",
        "counter",
        "Those of the output that were spent on reasoning.",
        "usage",
        REASONING,
    ),
    Family(
        "ai_client_cost_usd_total",
        "counter",
        "Cost where it is known, with the control cost.",
        "",
        NANO_USD,
        10**9,
    ),
    Family(
        "ai_client_unpriced_attempts_total",
        "counter",
        "Billed attempts whose cost is unknown, with the control cost.",
        "",
        UNPRICED,
    ),
    Family(
        "ai_client_call_duration_seconds",
        "histogram",
        "Seconds from the beginning of a call to its end, retries and a stream included.",
        "",
        DURATION,
        10**6,
    ),
    Family(
        "ai_client_first_item_seconds",
        "histogram",
        "Seconds from the beginning of a call to the first event of its stream.",
        "",
        FIRST_ITEM,
        10**6,
    ),
    Family(
        "ai_client_folded_series_total",
        "counter",
        "Calls and targets that count under other, as there are max_series of them already.",
        "",
        FOLDED,
    ),
)
"""Instruments of what policies count, each by client and by the labels that `Metrics` tells apart."""
OF_PROCESSES: tuple[Family, ...] = (
    Family(
        "ai_client_clients_built_total",
        "counter",
        "Clients built, by kind: sync or async.",
        "kind",
        BUILT,
    ),
    Family("ai_client_connections_opened_total", "counter", "Connections that were opened.", "kind", OPENED),
    Family(
        "ai_client_extra_clients_total",
        "counter",
        "Clients built while requests were served, by class and line of code, as the detector finds them.",
        "class",
        EXTRA,
    ),
)
"""Instruments of what processes count of themselves."""
OF_MOMENTS: tuple[Family, ...] = (
    Family("ai_client_calls_in_flight", "gauge", "Calls that have begun and not ended.", "", IN_FLIGHT),
    Family("ai_client_clients_alive", "gauge", "Clients that there are now.", "kind", ALIVE),
    Family("ai_client_connections_open", "gauge", "Connections that are open, in use or idle.", "kind", OPEN),
    Family("ai_client_connections_idle", "gauge", "Connections that wait for a request.", "kind", IDLE),
    Family(
        "ai_client_connections_in_use",
        "gauge",
        "Requests that have a connection, or open one.",
        "kind",
        IN_USE,
    ),
    Family("ai_client_connections_waiting", "gauge", "Requests that wait for a connection.", "kind", WAITING),
)
"""Instruments of what processes are at, added up over all that share the store."""
PROCESSES = Family("ai_client_processes", "gauge", "Processes that the figures are of.")
STORE_UP = Family(
    "ai_client_store_up",
    "gauge",
    "Whether the shared store could be read: without it there are no counts, as they would seem to go back.",
)
BREAKERS = Family(
    "ai_client_breaker_state",
    "gauge",
    "1 for the state of a target's circuit: closed, open or half-open.",
    "state",
)
BUDGETS: tuple[Family, ...] = (
    Family(
        "ai_client_budget_limit",
        "gauge",
        "What may be spent of a budget in its window.",
        "",
        "limit",
    ),
    Family("ai_client_budget_used", "gauge", "What was spent of a budget.", "", "used"),
    Family("ai_client_budget_held", "gauge", "What calls under way have reserved of a budget.", "", "held"),
)
