"""Programs that build a client per request, as they should not, and the same as they should, for each framework.

Each has the pages `/bad/ours`, `/bad/official`, `/good/ours` and `/good/official`, and `/bad/http` for a client of
httpx. `python -m tests.support.sites.per_request FRAMEWORK NUMBER` asks for each page so often, and prints what the
detector found.
"""

from typing import Any

ASK: dict[str, Any] = {"model": "gpt-5.4-mini", "messages": [{"role": "user", "content": "Hello?"}]}
PAGES = ("bad/ours", "bad/official", "bad/http", "good/ours", "good/official")
