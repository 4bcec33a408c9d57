"""What every adapter must do about policies: its tests derive from `PolicyContract` as from `AdapterContract`."""

import json
import re
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ai_client import ConfigError, current_labels
from ai_client.control.accounting.cost import Cost
from ai_client.testing import Upstream
from ai_client.testing.adapter_contract import Options, Site
from tests.support.own_policies import MADE, Watch, make
from tests.support.policies import running_redis
from tests.support.servers import ROOT

PAGES = sorted(
    path
    for path in (ROOT / "docs" / "controls").glob("*.md")
    if path.stem not in {"README", "which-control"}  # which have no example of all options
)
BLOCK = re.compile(r"^```python\n((?:(?!```).)*?^controls = .*?)^```$", re.DOTALL | re.MULTILINE)
told: list[Any] = []


def hear(details: object) -> None:
    """Take down what a hook is told."""
    told.append(details)


def controls_of(page: Path) -> dict[str, Any]:
    """Give the example that a page of the documentation begins with."""
    block = BLOCK.search(page.read_text())
    assert block is not None
    names: dict[str, Any] = {}
    exec(block[1], names)  # noqa: S102 - the documentation's own example
    controls: dict[str, Any] = names["controls"]
    return controls


class PolicyContract:
    """The tests; a derived class also derives from `AdapterContract`."""

    endpoint: str

    def start(self, options: Options, aliases: dict[str, Options]) -> AbstractContextManager[Site]:
        """Run an application with these options."""
        raise NotImplementedError

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
    def test_examples_of_the_documentation(
        self, page: Path, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The example that each page begins with is taken by the framework's settings, and serves and streams."""
        monkeypatch.chdir(tmp_path)
        controls = controls_of(page)
        controls["models"] = {**controls.get("models", {}), "m": "gpt-5.4-mini"}
        with self.start({**options, "controls": controls}, {}) as site:
            served = (
                400 if page.stem == "guardrails" else 200
            )  # the model of these tests is not allowed there
            assert [site.ask().status for _ in range(2)] == [served, served]
            assert site.stream().status == served

    @pytest.mark.parametrize("status", [429, 402])
    def test_a_budget_for_each_endpoint(
        self, options: dict[str, Any], ai_client_upstream: Upstream, status: int
    ) -> None:
        """What one endpoint has used up another still has; the refusal is shown with its status and a time."""
        budget = {"requests": 1, "scope": "endpoint", "status": status}
        with self.start({**options, "controls": {"budgets": [budget]}}, {}) as site:
            assert site.ask().status == 200
            refusal = site.ask()
            assert site.stream().status == 200
            assert site.stream().status == status
        assert refusal.status == status
        assert int(refusal.header("retry-after") or 0) > 0
        assert json.loads(refusal.text)["error"]["type"] == "budget"
        assert len(ai_client_upstream.requests) == 2

    def test_cost_of_each_endpoint(self, options: dict[str, Any]) -> None:
        """Cost is added up under the template of the route, whole and streamed."""
        controls = {"cost": True, "prices": {"m": {"input": 1, "output": 1}}}
        with self.start({**options, "controls": controls}, {}) as site:
            site.ask()
            site.ask()
            site.stream()
            (cost,) = [
                layer for layer in site.provider["default"]._assembly.layers() if isinstance(layer, Cost)
            ]
            rows = {row.labels["endpoint"]: row for row in cost.report(by=["endpoint"])}
        assert rows[self.endpoint].calls == 2
        assert all(row.usd and row.sums["reported"] == row.calls for row in rows.values())
        assert len(rows) == 2
        assert current_labels().endpoint is None

    def test_hooks_by_their_paths(self, options: dict[str, Any]) -> None:
        """A hook is named by its dotted path, and told of the endpoint."""
        told.clear()
        hooks = {"on_result": f"{__name__}.hear", "on_error": [f"{__name__}.hear"]}
        with self.start({**options, "controls": {"hooks": hooks}}, {}) as site:
            site.ask()
        (details,) = told
        assert details.call.endpoint == self.endpoint

    def test_own_policies(self, options: dict[str, Any]) -> None:
        """Policies of one's own in every form and place see each call and stream of the views, once made a process."""
        del MADE[1:]
        shared = Watch()
        policies = [
            shared,
            {"policy": "tests.support.own_policies.Watch", "place": "target"},
            {"policy": make, "place": "innermost"},
        ]
        with self.start(
            {**options, "controls": {"policies": policies, "cache": {"scope": "all"}}}, {}
        ) as site:
            assert len(MADE) == 2
            assert [site.ask().status for _ in range(2)] == [200, 200]
            assert site.stream().text.endswith("data: [DONE]\n\n")
            assert site.provider.client is not None
            assert site.provider.async_client is not None
        made = MADE[1:]
        assert made[0] is shared
        assert [(watch.calls, watch.replies) for watch in made] == [(3, 3)] * 3
        assert [[end.complete for end in watch.ends] for watch in made] == [[True]] * 3

    @pytest.mark.parametrize("faulty", ["raises", "raises_after", "returns_nothing"])
    def test_own_policy_that_is_broken(
        self, options: dict[str, Any], ai_client_upstream: Upstream, faulty: str
    ) -> None:
        """A fault of a policy is shown as one of the application, without detail, and leaves no connection in use."""
        policy = f"tests.call.test_own_policy.{faulty}"
        with self.start({**options, "controls": {"policies": [policy]}}, {}) as site:
            for answer in (site.ask(), site.stream()):
                assert answer.status == 500
                assert json.loads(answer.text)["error"]["type"] == "internal_error"
                assert "Lookup" not in answer.text
            ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 0)

    @pytest.mark.parametrize(
        ("controls", "message"),
        [
            ({"policies": ["no_such_module.Trail"]}, "policies[0]: cannot import"),
            (
                {"policies": ["tests.support.own_policies.Wach"]},
                "Did you mean 'tests.support.own_policies.Watch'?",
            ),
            ({"policies": [make, 5]}, "policies[1]: a policy is called with"),
            (
                {"policies": [{"policy": make, "place": "inmost"}]},
                "policies[0].place: Input should be 'outermost'",
            ),
            ({"layers": [make]}, "layers: unknown option. Did you mean 'policies'?"),
            ({"budget": []}, "budget: unknown option. Did you mean 'budgets'?"),
            ({"budgets": [{"usd": 1, "per": "dya"}]}, "budgets[0].per"),
            (
                {"fallback": {"clients": {"x": {"base_ulr": "y"}}}},
                "fallback.clients.x.base_ulr: unknown option. Did you mean 'base_url'?",
            ),
            ({"guardrails": {"endpoints": {"/x": {"timeout": "soon"}}}}, "guardrails.endpoints./x.timeout"),
        ],
    )
    def test_faulty_policies_stop_the_start(
        self, options: dict[str, Any], controls: dict[str, Any], message: str
    ) -> None:
        """A wrong option of a policy fails at the start, with its whole name and the nearest valid one."""
        with pytest.raises(ConfigError) as caught, self.start({**options, "controls": controls}, {}):
            pass
        assert message in str(caught.value)

    def test_policies_as_layers(self, options: dict[str, Any]) -> None:
        """Who gives policies as `layers` is told where they go."""
        expected = r"(?i)layers.*: unknown option\. .*\{'policies': \[\.\.\.\]\} in .*controls"
        with pytest.raises(ConfigError, match=expected), self.start({**options, "layers": [make]}, {}):
            pass

    def test_a_store_that_stops(self, options: dict[str, Any], tmp_path: Path) -> None:
        """Where the store is down and calls are refused then, the application says 503, and recovers by itself."""
        with running_redis(tmp_path) as redis:
            controls = {
                "store": redis.url,
                "on_store_failure": "closed",
                "budgets": [{"requests": 100}],
            }
            with self.start({**options, "controls": controls}, {}) as site:
                assert site.ask().status == 200
                redis.stop()
                refusal = site.ask()
                assert refusal.status == 503
                assert int(refusal.header("retry-after") or 0) > 0
                redis.start()
                give_up = time.monotonic() + 10
                while (status := site.ask().status) == 503 and time.monotonic() < give_up:
                    time.sleep(0.02)
                assert status == 200
