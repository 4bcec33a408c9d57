"""The contract of an adapter's health routes, for adapters that have them."""

import json
from contextlib import AbstractContextManager
from typing import Any

from ai_client.testing.adapter_contract.contract import KEY, Options, Site
from ai_client.testing.server import Upstream

_CLOSED: dict[str, Any] = {"breaker": {"failures": 1}}


class HealthContract:
    """Tests of the routes for probes; a derived class also derives from `AdapterContract`.

        class TestMyAdapter(AdapterContract, HealthContract):
            ...

    Attributes:
        live, ready: The paths of the two routes in the application under contract.
    """

    live = "/health/live"
    ready = "/health/ready"

    def start(self, options: Options, aliases: dict[str, Options]) -> AbstractContextManager[Site]:
        """See `AdapterContract`."""
        raise NotImplementedError

    def test_probes_send_nothing(self, site: Site, ai_client_upstream: Upstream) -> None:
        """Both probes are answered with 200 and JSON that no cache keeps, without a client and without a call."""
        for path, status in ((self.live, "live"), (self.ready, "ready")):
            answer = site.get(path)
            assert answer.status == 200
            assert answer.header("content-type") == "application/json"
            assert "no-store" in (answer.header("cache-control") or "")
            assert json.loads(answer.text) == {"status": status, "reasons": []}
        assert not site.provider["default"]._built
        assert not ai_client_upstream.connections_opened

    def test_drain_is_seen_at_once(self, site: Site) -> None:
        """From the signal on the application is not ready, and lives."""
        site.provider.drain()
        answer = site.get(self.ready)
        assert answer.status == 503
        assert [each["check"] for each in json.loads(answer.text)["reasons"]] == ["drain"]
        assert site.get(self.live).status == 200

    def test_open_circuits(self, options: dict[str, Any], ai_client_upstream: Upstream) -> None:
        """While the circuits of all targets are open the application is not ready, and says no secret."""
        ai_client_upstream.reply(status=500)
        with self.start({**options, "controls": _CLOSED}, {}) as site:
            assert site.get(self.ready).status == 200
            site.ask()
            answer = site.get(self.ready)
            assert answer.status == 503
            assert [each["check"] for each in json.loads(answer.text)["reasons"]] == ["breakers"]
            assert KEY not in answer.text
            assert site.get(self.live).status == 200
