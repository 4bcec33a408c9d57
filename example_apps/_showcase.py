"""The offline upstream's answer to the question that the page offers: all that the page can show."""

from pathlib import Path

from ai_client.testing import Recorded, Reply

QUESTION = "Show me what Markdown can do"
ANSWER = Path(__file__).parent / "_static" / "showcase.md"


def show(request: Recorded, delay: float = 0) -> Reply:
    """Answer the question of the page; leave every other to the upstream.

    Args:
        request: What was asked.
        delay: Seconds until the answer begins.
    """
    messages = request.json()["messages"]
    if messages[-1]["content"].strip() != QUESTION:
        return Reply(delay=delay)
    return Reply(content=ANSWER.read_text("utf-8"), delay=delay)
