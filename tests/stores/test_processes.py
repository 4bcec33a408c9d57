"""Real processes that share a store, some of which are killed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ai_client.stores import Hold, Ledger, Refusal, Take, open_store
from tests.support import django_databases
from tests.support.store_worker import FAR, LEDGER, MOST, PERIOD, WINDOW, settlement

LIMIT = 1200
WORKERS = 6


def lines(journal: Path) -> list[str]:
    """Return the whole lines of a journal."""
    return journal.read_text().splitlines() if journal.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis", "redis_cluster", "django_sqlite", "django_postgres"])
def test_processes_lose_nothing_and_pass_no_limit(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Of six processes that spend up to a limit half are killed: each amount is counted once, and none passes it."""
    url = str(request.getfixturevalue(f"a_{kind}"))
    databases = ""
    if kind == "django_sqlite":
        databases = json.dumps({"lite": django_databases.sqlite_options(tmp_path / "django.db")})
    elif kind == "django_postgres":
        databases = json.dumps({"postgres": request.getfixturevalue("migrated_postgres").settings})
    journals = [tmp_path / f"journal-{number}" for number in range(WORKERS)]
    command = [sys.executable, "-m", "tests.support.store_worker", url, databases, str(LIMIT)]
    workers = [subprocess.Popen([*command, str(journal)]) for journal in journals]
    try:
        for victim, journal, after in zip(workers[:3], journals, (3, 7, 12), strict=False):
            give_up = time.monotonic() + 120
            while len(lines(journal)) < after and victim.poll() is None and time.monotonic() < give_up:
                time.sleep(0.002)
            victim.kill()
        for worker in workers:
            worker.wait(240)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in workers[3:]] == [0, 0, 0]
    noted = [line.split() for journal in journals for line in lines(journal)]
    backend, now = open_store(url).backend, time.time()
    before = backend.ledger(LEDGER, now)
    assert before.used + before.held <= LIMIT
    for ticket, amount, at in noted:  # what a killed process was at may be counted or not; the rest is
        backend.settle(*settlement(ticket, int(amount), float(at)))
    spent = sum(int(amount) for _, amount, _ in noted)
    balance = backend.ledger(LEDGER, now)
    assert balance.used == spent
    assert balance.held % MOST == 0  # reservations of processes that were killed before they noted them
    assert balance.held <= 3 * MOST
    assert LIMIT - WORKERS * MOST < balance.used + balance.held <= LIMIT
    assert backend.sums(PERIOD, PERIOD) == {PERIOD: {"k": {"calls": len(noted)}}}
    free = LIMIT - spent - balance.held
    for amount, fits in ((free + 1, False), (free, True)):
        refusal = backend.admit(f"last {amount}", (), [Take(WINDOW, amount, LIMIT, 86_400.0)], now, now)
        assert (refusal is None) is fits
    refusal = backend.admit("over", [Hold(LEDGER, free + 1, LIMIT, FAR)], (), now, now + 900)
    assert refusal == Refusal(0, balance.used, balance.held)
    assert backend.ledger(LEDGER, now + 1000) == Ledger(spent, 0)
    backend.close()
