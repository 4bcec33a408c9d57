"""Routes for probes of a load balancer or of Kubernetes: `path("health/", include("ai_client_django.health_urls"))`.

`live` and `ready` send nothing to the API, and touch neither a session nor the database.
"""

from ._health import health_pattern, live, live_async, ready, ready_async

app_name = "ai_client_health"
urlpatterns = [
    health_pattern("live", live, live_async),
    health_pattern("ready", ready, ready_async),
]
