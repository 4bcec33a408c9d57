"""`call`: ask one question, and show what it took."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from .command import CommandError, ExitCode, Load
from .rows import cell_of

if TYPE_CHECKING:
    from ..client import OpenAI
    from .output import Output

NAME = "call"
HELP = "ask one question, streamed, and show its tokens, seconds and cost"
LOADS = True
ENDPOINT = "ai-client call"
"""The endpoint under which the call counts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "question", help="the question; - reads it from standard input, where no list of processes shows it"
    )
    parser.add_argument("--model", required=True, help="the model, or an alias of the fallback")
    parser.add_argument("--alias", metavar="NAME", help="the clients of an alias (default: the default ones)")
    parser.add_argument("--tenant", metavar="NAME", help="the tenant for whom the call counts")
    parser.add_argument("--user", metavar="NAME", help="the user for whom the call counts")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, load: Load, out: "Output") -> int:
    """Ask, and show the answer as it comes.

    Raises:
        CommandError: There is no question, or it is no text.
    """
    from ..provider import DEFAULT_ALIAS  # noqa: PLC0415 - not needed for `--help`

    try:
        question: str = options.question
        if question == "-":
            question = sys.stdin.read() if sys.stdin else ""  # which a process may have none of
        f"{question}{options.model}".encode()
    except UnicodeError:
        raise CommandError("call: the question or the model is no text in UTF-8.", ExitCode.USAGE) from None
    if not question.strip():
        raise CommandError("call: the question is empty.", ExitCode.USAGE)
    client = load().provider()[options.alias or DEFAULT_ALIAS].client
    asked = _AskedQuestion(options.model)
    for piece in asked.pieces(client, question, options):
        if not options.json:
            out.piece(piece)
    facts = asked.facts(client)
    if options.json:
        from ..operations.export import json_of  # noqa: PLC0415

        out.raw(f"{json_of({'answer': asked.answer, **facts})}\n")
        return ExitCode.OK
    out.piece("\n")
    shown = {
        name.replace("_", " "): "unknown" if value is None else cell_of(value)
        for name, value in facts.items()
    }
    out.note(", ".join(f"{name} {value}" for name, value in shown.items()))
    return ExitCode.OK


class _AskedQuestion:
    """One question, and what became of it."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._answered_by: str | None = None
        self._stream: Any = None
        self._last: Any = None
        self._pieces: list[str] = []
        self._first: float | None = None
        self._seconds = 0.0

    @property
    def answer(self) -> str:
        """The answer, as far as it came."""
        return "".join(self._pieces)

    def pieces(self, client: "OpenAI", question: str, options: argparse.Namespace) -> Any:
        """Yield the pieces of the answer as they come."""
        from .._call.labels import labels  # noqa: PLC0415

        began = time.monotonic()
        with labels(endpoint=ENDPOINT, tenant=options.tenant, user=options.user):
            self._stream = client.chat.completions.create(
                model=self._model,
                messages=[{"role": "user", "content": question}],
                stream=True,
                stream_options={"include_usage": True},
            )
            with self._stream:
                for chunk in self._stream:
                    self._answered_by = chunk.model or self._answered_by
                    self._last = chunk if chunk.usage else self._last
                    piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
                    if piece:
                        self._first = time.monotonic() - began if self._first is None else self._first
                        self._pieces.append(piece)
                        yield piece
        self._seconds = time.monotonic() - began

    def facts(self, client: "OpenAI") -> dict[str, Any]:
        """Return what the call took: as the controls measured it, else as the answer says; `None` is unknown."""
        from ..control import call_record  # noqa: PLC0415
        from ..operations.export import usd  # noqa: PLC0415

        record = call_record(self._stream)
        usage = None if record is None else record.usage
        nano_usd = None if record is None else record.nano_usd
        if usage is None:
            usage, priced = self._reported(client)
            nano_usd = priced if nano_usd is None else nano_usd  # an answer of the cache costs nothing
        known = usage is not None and usage.source != "unknown"
        return {
            "model": self._answered_by or self._model,
            "input_tokens": usage.input if usage is not None and known else None,
            "output_tokens": usage.output if usage is not None and known else None,
            "seconds": round(self._seconds, 3),
            "first_token_seconds": None if self._first is None else round(self._first, 3),
            "usd": None if nano_usd is None else usd(nano_usd),
        }

    def _reported(self, client: "OpenAI") -> tuple[Any, int | None]:
        from .._call.report import reported_in  # noqa: PLC0415
        from ..control.pricing.prices import Prices  # noqa: PLC0415
        from ..control.pricing.terms import Terms  # noqa: PLC0415

        usage = None if self._last is None else reported_in(self._last, self._last.to_json().encode())
        if usage is None:
            return None, None
        terms = Terms(model=self._model, address=client._address, provider=client._priced_as)
        return usage, Prices().nano_usd(usage, self._answered_by, self._model, terms)
