"""Tables of the attributes and metrics that `Telemetry` records."""

from ai_client.control.observability.conventions import ATTRIBUTES, METRICS, RENAMED, VERSIONS, Name


def attributes() -> str:
    """Return the table of the attributes of spans, in the order in which they are listed."""
    rows = [
        f"| `{one.text}` | {_since(one)} | {'yes' if one.measured else ''} | {_about(one)} |"
        for one in ATTRIBUTES
    ]
    return "\n".join(["| Attribute | Since | In metrics | What it is |", "| --- | --- | --- | --- |", *rows])


def metrics() -> str:
    """Return the table of the metrics, with what the newest conventions have in their place."""
    rows = ["| Metric | Since | In `latest` | What it is |", "| --- | --- | --- | --- |"]
    for one in METRICS:
        newest = ", ".join(f"`{name}`" for name in RENAMED.get(one.text, ("the same",))).replace(
            "`the same`", "the same"
        )
        rows.append(f"| `{one.text}` | {_since(one)} | {newest} | {one.about} |")
    return "\n".join(rows)


def _since(name: Name) -> str:
    return "" if name.since == VERSIONS[0] else name.since


def _about(name: Name) -> str:
    older = [f"Before {version}: `{text}`." for version, text in name.older.items()]
    return " ".join([name.about, *older])
