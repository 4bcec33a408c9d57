"""The metrics of a process and of all that share its store: for Prometheus as text, and for OpenTelemetry.

`MetricsPage` answers requests without a framework; the adapters mount it.
"""

from .families import Family as Family
from .following import follow as follow, leave as leave
from .page import MetricsPage as MetricsPage
from .samples import Sample as Sample, samples_of as samples_of

__all__ = ["Family", "MetricsPage", "Sample", "follow", "leave", "samples_of"]
