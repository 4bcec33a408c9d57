"""The Python of README and documentation as type checkers see it: as strict as they can be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_docs import FENCE, name, padded
from tests.docs.test_projects_of_pages import DOCS, FILE, create
from tools.readme import PAGES, ROOT

pytestmark = pytest.mark.slow
WITH_BLOCKS = [page for page in PAGES if FENCE.search(page.read_text())]
FRAMEWORKS = ("fastapi", "starlette", "django", "flask", "python")
SETTINGS = 'SECRET_KEY = "x"\nINSTALLED_APPS = ["ai_client_django"]\nAI_CLIENT = {"timeout": 30}\n'
# Celery has no types; the alternatives that a page shows may have the same name, and stand in one program here
MYPY = f"""
[mypy]
strict = true
disable_error_code = no-redef
mypy_path = {ROOT / "integrations"}
plugins = mypy_django_plugin.main
disallow_untyped_decorators = false
[mypy-celery.*]
ignore_missing_imports = true
[mypy.plugins.django-stubs]
django_settings_module = settings_of_snippets
"""
PYRIGHT = {"typeCheckingMode": "standard", "reportRedeclaration": False, "pythonVersion": "3.11"}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Write each page's Python into a file of its own, with every line at its place."""
    for page in WITH_BLOCKS:
        program = name(page).replace("/", "__").replace("-", "_").replace(".md", ".py")
        text = padded(page)
        if text.count("\noptions = {") > 1:  # each of its blocks stands for itself
            text = f"from ai_client import ClientOptions; options: ClientOptions{text}"
        (tmp_path / program).write_text(text)
    (tmp_path / "settings_of_snippets.py").write_text(SETTINGS)
    return tmp_path


def files_of(page: str, directory: Path) -> list[str]:
    """Write the files that a page shows for a project, and return the names of those that it shows as a whole."""
    (directory / "settings_of_snippets.py").write_text(SETTINGS)
    found = FILE.findall((DOCS / page).read_text())
    for path, code in found:
        if not (directory / path).exists():
            (directory / path).parent.mkdir(exist_ok=True)
            (directory / path).write_text(code)
    return sorted({path for path, code in found if "+=" not in code and "(application)" not in code})


@pytest.fixture(params=["pages", *FRAMEWORKS, "deployment"])
def python(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str]]:
    """Return where Python of the documentation is, and the names of the files to check."""
    what = str(request.param)
    if what == "pages":
        return request.getfixturevalue("programs"), sorted(path.name for path in tmp_path.glob("*.py"))
    if what in FRAMEWORKS:
        create(what, tmp_path)
        return tmp_path, files_of(f"start/{what}.md", tmp_path)
    return tmp_path, files_of(f"{what}.md", tmp_path)


def test_mypy(python: tuple[Path, list[str]]) -> None:
    """Strict mypy with django-stubs finds nothing in the documentation's Python."""
    directory, files = python
    (directory / "mypy.ini").write_text(MYPY)
    check(directory, "mypy", "--config-file", "mypy.ini", *files)


def test_pyright(python: tuple[Path, list[str]]) -> None:
    """Pyright finds nothing in the documentation's Python."""
    directory, files = python
    options = {**PYRIGHT, "extraPaths": [str(ROOT), str(ROOT / "integrations")], "include": files}
    (directory / "pyrightconfig.json").write_text(json.dumps(options))
    check(directory, "pyright", "--pythonpath", sys.executable)


def check(directory: Path, *arguments: str) -> None:
    """Run a type checker, and fail with what it finds."""
    run = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
