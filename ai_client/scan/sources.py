"""The Python files below a directory, read as text."""

import ast
import io
import os
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_TEST_FOLDERS = frozenset({"test", "tests"})
_TEST_FILE = re.compile(r"test_.*\.py|.*_tests?\.py|tests?\.py|conftest\.py")
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be examined.

    Attributes:
        path: The file.
        line: The line that is at fault; `None` where no line is.
        reason: Why it could not be read.
    """

    path: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python file.

    Attributes:
        path: Where it is, as users see it.
        parts: The names of its folders from the scanned directory down, and its own without the suffix.
    """

    path: Path
    parts: tuple[str, ...]

    def read(self) -> bytes:
        """Return its bytes.

        Raises:
            OSError: It cannot be read.
        """
        return self.path.read_bytes()


def sources(roots: Sequence[Path]) -> Iterator[SourceFile]:
    """Yield the Python files of directories, and those named, each once; tests and installed packages are left out.

    Links are followed; a folder that is reached again over another link is not entered again.
    """
    seen = set[tuple[int, int]]()
    for root in roots:
        if not root.is_dir():
            yield SourceFile(root, (root.stem,))
            continue
        left: list[tuple[Path, tuple[str, ...]]] = [(root, ())]
        while left:
            folder, parts = left.pop()
            yield from _in_folder(folder, parts, seen, left)


def _in_folder(
    folder: Path, parts: tuple[str, ...], seen: set[tuple[int, int]], left: list[tuple[Path, tuple[str, ...]]]
) -> Iterator[SourceFile]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries) and parts:
        return
    for entry in entries:
        try:
            is_folder, found = entry.is_dir(), entry.stat()
        except OSError:  # a link to nowhere, or one of a loop
            continue
        if entry.name.startswith(".") or (found.st_dev, found.st_ino) in seen:
            continue
        if is_folder:
            if entry.name not in _SKIPPED | _TEST_FOLDERS:
                seen.add((found.st_dev, found.st_ino))
                left.append((Path(entry.path), (*parts, entry.name)))
        elif entry.name.endswith(".py") and not _TEST_FILE.fullmatch(entry.name):
            seen.add((found.st_dev, found.st_ino))
            yield SourceFile(Path(entry.path), (*parts, entry.name.removesuffix(".py")))


def parsed(source: SourceFile, content: bytes) -> "tuple[ast.Module, list[str]] | Unread":
    """Return the syntax tree of a file and its lines, or why there is none."""
    path = str(source.path)
    if len(content) > _LARGEST:
        return Unread(path, None, f"larger than {_LARGEST // 1024 // 1024} MB")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own escapes and the like
            return ast.parse(text, path), text.splitlines()
    except SyntaxError as error:
        return Unread(path, error.lineno, f"syntax error, {error.msg}")
    except (UnicodeDecodeError, LookupError):
        return Unread(path, None, "its bytes are not in its encoding")
    except (ValueError, RecursionError, MemoryError) as error:
        return Unread(path, None, f"cannot be parsed, {type(error).__name__}")
