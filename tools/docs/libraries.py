"""The tables of libraries that take an OpenAI client: of what `tests/interop` holds them to."""

from tools.interop import Library, libraries as known

CALLS = {
    "plain": "answers",
    "stream": "streams",
    "tools": "tools",
    "structured": "structured output",
    "embeddings": "embeddings",
}


def libraries() -> str:
    """Return the table of libraries that call the API."""
    rows = [
        "| Library | Tried | How to hand over the client | Works | Does not, or needs care |",
        "| --- | --- | --- | --- | --- |",
        *(_row(library) for library in known() if "records" not in library.about),
    ]
    return "\n".join(rows)


def instrumentations() -> str:
    """Return the table of libraries that record calls."""
    rows = ["| Instrumentation | Tried | How | Does not record |", "| --- | --- | --- | --- |"]
    for library in known():
        if "records" in library.about:
            about = library.about
            rows.append(f"| {about['name']} | {library.version} | {about['hand']} | {about['records']} |")
    return "\n".join(rows)


def _row(library: Library) -> str:
    about = library.about
    works = ", ".join(CALLS[call] for call in about["calls"])
    return f"| {about['name']} | {library.version} | {about['hand']} | {works} | {about.get('lacks', '')} |"
