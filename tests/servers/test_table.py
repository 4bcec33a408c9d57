"""One client of each kind in each process, and every answer at the right call, under every server."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.servers.conftest import awake
from tests.support.hostile.wire import Wire
from tests.support.server_table import CELLS, REQUESTS, Cell, parameters
from tests.support.servers import serving

pytestmark = pytest.mark.slow
IN_FLIGHT = 8


def ask_all(url: str, paths: list[str], in_flight: int) -> list[httpx.Response]:
    """GET every path, so many at once, over a connection for each."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=url, limits=limits, timeout=60) as http:

        def ask(path: str) -> httpx.Response:
            return http.get(path)

        with ThreadPoolExecutor(in_flight) as pool:
            return list(pool.map(ask, paths))


@pytest.mark.parametrize("cell", parameters(CELLS))
def test_each_answer_at_its_call(upstream: Wire, cell: Cell) -> None:
    """Every call gets its own answer, and a process has one client of each kind, whatever was used before it forked."""
    kinds = cell.row.kinds
    paths = [f"/{kinds[number % len(kinds)]}/n{number}" for number in range(REQUESTS)]
    with serving(*cell.command(), **cell.variables(upstream.base_url)) as served:
        awake(served, cell.row)
        before = upstream.opened
        answers = ask_all(served.url, paths, IN_FLIGHT)
        opened = upstream.opened - before
        failed = [
            f"{path}: {answer.status_code} {answer.text[:200]}"
            for path, answer in zip(paths, answers, strict=True)
            if answer.status_code != 200
        ]
        assert not failed, failed[:3]
        bodies = [answer.json() for answer in answers]
    assert [body["text"] for body in bodies] == [path.rpartition("/")[2] for path in paths]
    clients: defaultdict[int, set[str]] = defaultdict(set)
    for body in bodies:
        clients[body["process"]].add(body["client"])
    assert len(clients) <= cell.row.workers
    for used in clients.values():
        assert len(used) == len({client.partition("-")[0] for client in used}) <= len(kinds)
    assert opened <= len(kinds) * len(clients) * IN_FLIGHT
