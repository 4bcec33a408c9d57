"""What an editor offers while one writes a call."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SERVER = Path(sys.executable).with_name("pyright-langserver")
PATIENCE = 120
BEGINNING = "from ai_client import AsyncOpenAI, OpenAI\n\nclient = OpenAI()\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER.exists(), reason="there is no language server"),
]


class Editor:
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

    def signatures(self, call: str) -> list[str]:
        """Give the signatures shown after an opening bracket."""
        found = self._at_the_end_of(call, "textDocument/signatureHelp")
        return [signature["label"] for signature in found["signatures"]]

    def completions(self, text: str) -> set[str]:
        """Give the names offered at the end of a text."""
        found = self._at_the_end_of(text, "textDocument/completion")
        return {item["label"] for item in (found["items"] if isinstance(found, dict) else found)}

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


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    """Yield an editor with a language server, which is stopped at the latest when patience ends."""
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen([SERVER, "--stdio"], stdin=pipe, stdout=pipe, stderr=nowhere) as server:
        watchdog = threading.Timer(PATIENCE, server.kill)
        watchdog.start()
        try:
            yield Editor(server)
        finally:
            watchdog.cancel()
            server.kill()


def test_signature_of_an_overloaded_method(editor: Editor) -> None:
    """An overloaded method shows its parameters, and a result for each way to stream."""
    whole, streamed, *_ = editor.signatures("client.chat.completions.create(")
    assert "messages: Iterable[ChatCompletionMessageParam]" in whole
    assert whole.endswith("-> ChatCompletion")
    assert "stream: Literal[True]" in streamed
    assert streamed.endswith("-> Stream[ChatCompletionChunk]")


def test_signature_of_a_plain_method(editor: Editor) -> None:
    """A plain method shows its parameters and its result, the async client's one to await."""
    (signature,) = editor.signatures("client.files.retrieve(")
    assert signature.startswith("(file_id: str, *, ")
    assert signature.endswith("-> FileObject")
    (signature,) = editor.signatures("AsyncOpenAI().files.retrieve(")
    assert "Coroutine[Any, Any, FileObject]" in signature


def test_signature_of_a_list(editor: Editor) -> None:
    """A method that lists shows its parameters and a page of what it lists."""
    (signature,) = editor.signatures("client.batches.list(")
    assert "after: str" in signature
    assert signature.endswith("-> SyncCursorPage[Batch]")


def test_completion(editor: Editor) -> None:
    """Resources, methods, keywords and the fields of results are offered."""
    assert {"chat", "responses", "files", "vector_stores"} <= editor.completions("client.")
    assert {"create", "list", "retrieve", "with_raw_response"} <= editor.completions("client.batches.")
    assert {"messages=", "model=", "stream=", "timeout="} <= editor.completions(
        "client.chat.completions.create("
    )
    assert {"output", "usage"} <= editor.completions('client.responses.create(model="m").')
