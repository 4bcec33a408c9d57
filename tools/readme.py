"""Write the tables of the README and the documentation from the code and the last run of the benchmarks.

`python -m tools.readme` writes them, `--check` only reports whether they are current.
"""

import re
import sys
from pathlib import Path

from ai_client import errors
from tools.docs.answers import answers
from tools.docs.failures import failures
from tools.docs.figures import bars, cases, endpoints, figures, gateways, missed, pitfall, threads
from tools.docs.instruments import instruments
from tools.docs.libraries import instrumentations, libraries
from tools.docs.policies import policy
from tools.docs.settings import controls, keywords, settings
from tools.docs.telemetry import attributes, metrics

ROOT = Path(__file__).parents[1]
MEASURED = (ROOT / "README.md", ROOT / "docs" / "index.md", ROOT / "docs" / "performance.md")
"""The pages with figures of the benchmarks."""
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

FRAMEWORKS = """```python
from ai_client_fastapi import ai_client_lifespan
from fastapi import FastAPI

app = FastAPI(lifespan=ai_client_lifespan(controls=controls))
```

```python
AI_CLIENT = {"controls": controls}  # Django: in settings.py
```

```python
from ai_client_flask import AIClient
from flask import Flask

flask_app = Flask(__name__)
flask_app.config["AI_CLIENT_CONTROLS"] = controls
AIClient(flask_app)
```"""


def frameworks() -> str:
    """Return the example that all pages about policies share."""
    return FRAMEWORKS


def tree() -> str:
    """Return the tree of errors from the docstring of `ai_client.errors`."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = [line.removeprefix("    ") for line in lines if line.startswith("    ")]
    return "\n".join(["```text", *drawn, "```"])


def rendered(text: str) -> str:
    """Return a page with its tables replaced by current ones."""
    for about in (policy, keywords):
        pattern = rf"(<!-- {about.__name__} ([\w.]+) -->\n).*?(<!-- /{about.__name__} \2 -->)"
        text = re.sub(
            pattern, lambda match, of=about: f"{match[1]}{of(match[2])}\n{match[3]}", text, flags=re.DOTALL
        )
    tables = (
        settings,
        controls,
        frameworks,
        tree,
        answers,
        failures,
        attributes,
        metrics,
        instruments,
        libraries,
        instrumentations,
    )
    for make in (*tables, figures, pitfall, bars, cases, endpoints, gateways, threads, missed):
        name = make.__name__
        pattern = rf"(<!-- {name} -->\n).*?(?:\n)?(<!-- /{name} -->)"
        text = re.sub(
            pattern, lambda match, make=make: f"{match[1]}{make()}\n{match[2]}", text, flags=re.DOTALL
        )
    return text


def main() -> None:
    """Write the tables, or check them."""
    stale = [page for page in PAGES if rendered(page.read_text()) != page.read_text()]
    if stale and "--check" in sys.argv:
        names = ", ".join(str(page.relative_to(ROOT)) for page in stale)
        sys.exit(f"Not current: {names}. Run python -m tools.readme.")
    for page in stale:
        page.write_text(rendered(page.read_text()))


if __name__ == "__main__":
    main()
