"""The table of failures that lead to the next target of a fallback."""

from ai_client.control.fallback.failures import DEFAULT_FAILURES, FAILURES


def failures() -> str:
    """Return the table."""
    rows = ["| Failure | Leads on by default | What it is |", "| --- | --- | --- |"]
    for name, description in FAILURES.items():
        rows.append(f"| `{name}` | {'yes' if name in DEFAULT_FAILURES else ''} | {description} |")
    return "\n".join(rows)
