"""Write the tables of the README and the documentation from the code and the last run of the benchmarks.

`python -m tools.readme` writes them, `--check` only reports whether they are current.
"""

import re
import sys
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from ai_client import errors
from ai_client.config import ClientConfig
from ai_client.control.assembly import OPTIONS
from tools.docs.answers import answers
from tools.docs.figures import bars, cases, endpoints, figures
from tools.docs.policies import policy

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))

FRAMEWORKS = """```python
from ai_client_fastapi import ai_client_lifespan
from fastapi import FastAPI

app = FastAPI(lifespan=ai_client_lifespan({"controls": controls}))
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


def settings() -> str:
    """Return the table of all settings."""
    rows = ["| Setting | Type | Default | Environment | What it is |", "| --- | --- | --- | --- | --- |"]
    for name, field in ClientConfig.model_fields.items():
        extra = cast("dict[str, Any]", field.json_schema_extra or {})
        variable = f"`{extra['env']}`" if extra.get("env") else ""
        default = "" if field.default is None else f"`{field.default!r}`"
        rows.append(
            f"| `{name}` | {type_name(field.annotation)} | {default} | {variable} | {field.description} |"
        )
    return "\n".join(rows)


def controls() -> str:
    """Return the table of the options of `controls`."""
    rows = ["| Option | What it is |", "| --- | --- |"]
    return "\n".join([*rows, *(f"| `{name}` | {text} |" for name, text in OPTIONS.items())])


def frameworks() -> str:
    """Return the example that all pages about policies share."""
    return FRAMEWORKS


def tree() -> str:
    """Return the tree of errors from the docstring of `ai_client.errors`."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = [line.removeprefix("    ") for line in lines if line.startswith("    ")]
    return "\n".join(["```text", *drawn, "```"])


def type_name(annotation: Any) -> str:
    """Return a readable name of a type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return type_name(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f"`{value!r}`" for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        arms = [arm for arm in get_args(annotation) if arm is not type(None)]
        return " or ".join(dict.fromkeys(type_name(arm) for arm in arms))
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    if annotation in names:
        return names[annotation]
    kind = origin or annotation
    word = str(getattr(kind, "__name__", kind)).lower()
    return {
        "callable": "function",
        "mapping": "mapping",
        "sequence": "list",
        "list": "list",
        "dict": "mapping",
    }.get(word, f"`{getattr(kind, '__name__', kind)}`")


def rendered(text: str) -> str:
    """Return a page with its tables replaced by current ones."""
    text = re.sub(
        r"(<!-- policy (\w+) -->\n).*?(<!-- /policy \2 -->)",
        lambda match: f"{match[1]}{policy(match[2], type_name)}\n{match[3]}",
        text,
        flags=re.DOTALL,
    )
    for make in (settings, controls, frameworks, tree, answers, figures, bars, cases, endpoints):
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
