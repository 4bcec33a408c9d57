"""A process whose calls use up a budget: `python -m tests.support.alert_worker UPSTREAM RECEIVER STORE CALLS CLAIM`."""

import sys
import time

from ai_client import ClientProvider
from ai_client.control.alerts import claims, outbox
from tests.support.alert_receiver import SECRET
from tests.support.alerting import ask, soft


def main(upstream: str, receiver: str, store: str, calls: int, claim: float) -> None:
    """Make some calls, a moment apart, and end."""
    for module in (claims, outbox):
        vars(module)["CLAIM"] = claim  # shorter, so that a test need not wait for long
    rules = [
        {"on": "budget", "at": [50, 100], "to": receiver, "secret": SECRET},
        {"on": "errors", "minimum": 1, "share": 0.01, "to": receiver, "secret": SECRET},
    ]
    controls = {"alerts": rules, "store": store, "budgets": soft(1000)}
    provider = ClientProvider(base_url=upstream, api_key="sk-test", max_retries=0, controls=controls)
    for _ in range(calls):
        ask(provider)
        time.sleep(0.02)
    provider.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
