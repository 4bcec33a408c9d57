"""Editors, as far as they show what can be written: one over pyright's language server, one over jedi."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]
SERVER = Path(sys.executable).with_name("pyright-langserver")
PATIENCE = 900
BEGINNING = "from ai_client import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI\n\nclient = OpenAI()\n"


class Editor(Protocol):
    """What an editor shows at the end of a text, below `BEGINNING`."""

    def completions(self, text: str) -> set[str]:
        """Return the names offered."""
        ...

    def signatures(self, call: str) -> list[str]:
        """Return the signatures shown after an opening bracket."""
        ...

    def described(self, call: str) -> str:
        """Return what is said of the call after an opening bracket."""
        ...

    def hover(self, text: str) -> str:
        """Return what is shown for the last name."""
        ...


class Pyright:
    """A client of the language server, as an editor is one."""

    def __init__(self, server: "subprocess.Popen[bytes]") -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        self._write, self._read = server.stdin, server.stdout
        self._asked = 0
        self._uri = (ROOT / "tests" / "unsaved.py").as_uri()
        folder = {"uri": ROOT.as_uri(), "name": "project"}
        self._ask(
            "initialize",
            {"processId": None, "rootUri": ROOT.as_uri(), "capabilities": {}, "workspaceFolders": [folder]},
        )
        self._say({"method": "initialized", "params": {}})

    def completions(self, text: str) -> set[str]:
        """Return the names offered."""
        found = self._at_the_end_of(text, "textDocument/completion")
        return {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}

    def signatures(self, call: str) -> list[str]:
        """Return the signatures shown after an opening bracket."""
        found = self._at_the_end_of(call, "textDocument/signatureHelp")
        return [signature["label"] for signature in found["signatures"]]

    def described(self, call: str) -> str:
        """Return what is said of the call after an opening bracket."""
        found = self._at_the_end_of(call, "textDocument/signatureHelp")["signatures"]
        parts = [each.get("documentation") for each in found]
        return "\n".join(part["value"] for part in parts if part)

    def hover(self, text: str) -> str:
        """Return what is shown for the last name."""
        found = self._at_the_end_of(text, "textDocument/hover")
        return str(found["contents"]["value"]) if found else ""

    def _at_the_end_of(self, text: str, question: str) -> Any:
        whole = BEGINNING + text
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": whole}
        self._say({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        line, character = whole.count("\n"), len(whole.rpartition("\n")[2])
        answer = self._ask(
            question,
            {"textDocument": {"uri": self._uri}, "position": {"line": line, "character": character}},
        )
        self._say({"method": "textDocument/didClose", "params": {"textDocument": {"uri": self._uri}}})
        return answer

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._asked += 1
        self._say({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._hear()
            if "method" not in message and message.get("id") == self._asked:
                return message["result"]
            if "method" in message and "id" in message:  # the server asks back
                python = {"pythonPath": sys.executable}
                wanted = message["params"].get("items", ()) if message["params"] else ()
                self._say({"id": message["id"], "result": [python for _ in wanted]})

    def _say(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._write.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._write.flush()

    def _hear(self) -> dict[str, Any]:
        length = 0
        while header := self._read.readline().strip():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._read.read(length))
        return message


class Jedi:
    """An editor over jedi, which most editors without a type checker use."""

    def __init__(self, cache: Path) -> None:
        import jedi

        jedi.settings.cache_directory = str(cache)
        self._project = jedi.Project(ROOT, sys_path=sys.path)
        self._environment = jedi.create_environment(sys.prefix, safe=False)
        self._script = jedi.Script

    def completions(self, text: str) -> set[str]:
        """Return the names offered."""
        return {each.name for each in self._at_the_end_of(text).complete()}

    def signatures(self, call: str) -> list[str]:
        """Return the signatures shown after an opening bracket."""
        return [each.to_string() for each in self._at_the_end_of(call).get_signatures()]

    def described(self, call: str) -> str:
        """Return what is said of the call after an opening bracket."""
        return "\n".join(each.docstring() for each in self._at_the_end_of(call).get_signatures())

    def hover(self, text: str) -> str:
        """Return what is shown for the last name."""
        return "\n".join(each.docstring() for each in self._at_the_end_of(text).help())

    def _at_the_end_of(self, text: str) -> Any:
        path = ROOT / "tests" / "unsaved.py"
        return self._script(BEGINNING + text, path=path, project=self._project, environment=self._environment)


@contextmanager
def pyright() -> Iterator[Pyright]:
    """Yield an editor with a language server, which is stopped at the latest when patience ends."""
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen([SERVER, "--stdio"], stdin=pipe, stdout=pipe, stderr=nowhere) as server:
        watchdog = threading.Timer(PATIENCE, server.kill)
        watchdog.start()
        try:
            yield Pyright(server)
        finally:
            watchdog.cancel()
            server.kill()
