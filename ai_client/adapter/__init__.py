"""Parts of an adapter of a web framework; the page "Write an adapter" shows how they fit together.

An adapter keeps a `ClientProvider` where its framework keeps such state. This package has the rest:

- requests: `RequestScope`, `ScopedWSGI`, `find_scopes_by`
- the times of a request's calls, for the header `Server-Timing`: `timings_of_request`, `CallTimings`
- errors as responses: `http_error`, `HTTPError`
- streams as server-sent events: `sync_events`, `async_events`, `EVENT_STREAM`, `EVENT_HEADERS`
- iteration from the other side: `SyncItems`, `AsyncItems`
- clients that are built for a request: `Detector`, `Remedy`
- settings, their checks and a report: `Settings`, `has_aliases`, `Finding`, `log_risks`, `shown`
- commands: `Application`, `find_applications_by`, `application_of`
- the framework itself: `require`
"""

from .._call.labels import find_scopes_by as find_scopes_by
from .._call.timings import CallTimings as CallTimings, timings_of_request as timings_of_request
from .._process.iteration import AsyncItems as AsyncItems, SyncItems as SyncItems
from ..checks import Finding as Finding, log_risks as log_risks
from ..detector import Detector as Detector, Remedy as Remedy
from ..doctor import shown as shown
from ..relay import (
    AsyncEvents as AsyncEvents,
    Events as Events,
    async_events as async_events,
    sync_events as sync_events,
)
from ..web import (
    EVENT_HEADERS as EVENT_HEADERS,
    EVENT_STREAM as EVENT_STREAM,
    HTTPError as HTTPError,
    http_error as http_error,
)
from .application import (
    Application as Application,
    application_of as application_of,
    find_applications_by as find_applications_by,
    spell_keyword as spell_keyword,
)
from .extras import require as require
from .request_scope import RequestScope as RequestScope
from .settings import Settings as Settings, has_aliases as has_aliases
from .wsgi import ScopedWSGI as ScopedWSGI

__all__ = [
    "EVENT_HEADERS",
    "EVENT_STREAM",
    "Application",
    "AsyncEvents",
    "AsyncItems",
    "CallTimings",
    "Detector",
    "Events",
    "Finding",
    "HTTPError",
    "Remedy",
    "RequestScope",
    "ScopedWSGI",
    "Settings",
    "SyncItems",
    "application_of",
    "async_events",
    "find_applications_by",
    "find_scopes_by",
    "has_aliases",
    "http_error",
    "log_risks",
    "require",
    "shown",
    "spell_keyword",
    "sync_events",
    "timings_of_request",
]
