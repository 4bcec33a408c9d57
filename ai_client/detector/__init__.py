"""The pitfall detector: lines of code that build a client again and again while requests are served.

`warn_on_extra_clients` turns it on; `counts` returns what it has found in this process.
"""

from .detection import (
    Detector as Detector,
    Remedy as Remedy,
    is_detecting as is_detecting,
)
from .lines import (
    ExtraClients as ExtraClients,
    counts as counts,
)

__all__ = ["Detector", "ExtraClients", "Remedy", "counts", "is_detecting"]
