"""Render Markdown to HTML that is safe to insert into a page, also while the text is still being written."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple

try:
    import nh3
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexer import Lexer
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound
except ImportError as error:
    raise ImportError(
        f"{error}. The chat renders Markdown with it: pip install markdown-it-py nh3 Pygments",
        name=error.name,
    ) from error

MAX_NESTING = 60  # lists and quotes deeper than this are cut off
MAX_HIGHLIGHTED = 10_000  # characters; longer code has no colours
MAX_LINE = 1000  # nor has code with a longer line, for which some lexers take the square of its length
SHARE_TO_RENDER = (
    8  # of the open part, so that a text costs as much per character however long its blocks are
)
HEADING_LEVELS_BELOW = 2  # the page's own headings are above those of an answer

_TAGS = {
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "span",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"data-language"},
    "span": {"class"},
    "td": {"align"},
    "th": {"align"},
}
_ADDED = {"a": {"target": "_blank"}}
_SCHEMES = {"http", "https", "mailto"}

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*\n", re.MULTILINE)
_formatter = HtmlFormatter(nowrap=True)


class _Block(NamedTuple):
    """A top-level element.

    Attributes:
        line: The number of its first line.
        closed_at: For code with a closing line, the number of the line after that.
        html: Its HTML.
    """

    line: int
    closed_at: int | None
    html: str


def to_html(text: str) -> str:
    """Return the HTML of a whole text."""
    return "".join(block.html for block in _blocks(text))


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the top-level elements of a text."""
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    for token in _parser.parse(text, env):
        _adapt(token)
        tokens.append(token)
        if token.level == 0 and token.nesting <= 0:
            html = _clean(_parser.renderer.render(tokens, _parser.options, env))
            line, end = tokens[0].map or (0, 0)
            lines_of_code = token.content.count("\n")
            closed = token.type == "fence" and lines_of_code == end - line - 2
            yield _Block(line, end if closed else None, html)
            tokens = []


class LiveHtml:
    """The HTML of a text that is still being written.

    Blocks that can no longer change are rendered once; the open one is rendered again as it grows.
    """

    def __init__(self) -> None:
        self._text = ""
        self._closed = list[str]()
        self._open = ""
        self._open_from = 0  # where the open block begins in the text
        self._rendered_to = 0

    def add(self, words: str) -> dict[str, Any] | None:
        """Append words; return what to change on the page, or `None` while they are few beside the open block.

        Returns:
            `html` to put in the place of all top-level elements but the first `kept`.
        """
        self._text += words.replace(
            "\r", ""
        )  # the parser counts lines by any line end, and the two may come apart
        if not words or not (self._has_grown() or self._has_a_fence()):
            return None
        return self._render()

    def end(self) -> dict[str, Any]:
        """Return what to change when the text is whole, empty where nothing is.

        Only the whole text shows what a reference such as `[name]` means whose address is given further below.
        """
        change = self._render() if self._rendered_to < len(self._text) else {}
        html = to_html(self._text)
        return change if html == "".join(self._closed) + self._open else {"kept": 0, "html": html}

    def _has_grown(self) -> bool:
        size = len(self._text)
        return (size - self._rendered_to) * SHARE_TO_RENDER >= size - self._open_from

    def _has_a_fence(self) -> bool:
        """Return whether code may have ended since: what follows would be shown as part of it."""
        line = self._text.rfind("\n", 0, self._rendered_to) + 1
        return _FENCE.search(self._text, line) is not None

    def _render(self) -> dict[str, Any]:
        self._rendered_to = len(self._text)
        kept = len(self._closed)
        blocks = list(_blocks(self._text[self._open_from :]))
        self._close(blocks)
        return {"kept": kept, "html": "".join(block.html for block in blocks)}

    def _close(self, blocks: Sequence[_Block]) -> None:
        """Close the blocks that no later text can change.

        Those are the ones before the last whose first line is whole, since it cannot join the one before any
        more, and code after its closing line.
        """
        lines = self._text[self._open_from :].split("\n")
        whole = len(lines) - 1
        count = max((index for index, block in enumerate(blocks) if block.line < whole), default=0)
        end = blocks[count].line if count else 0
        if blocks and (closed_at := blocks[-1].closed_at) is not None and closed_at <= whole:
            count, end = len(blocks), closed_at
        self._closed += [block.html for block in blocks[:count]]
        self._open_from += sum(len(line) + 1 for line in lines[:end])
        self._open = "".join(block.html for block in blocks[count:])


def _adapt(token: Token) -> None:
    """Move headings below those of the page, and turn the style of a cell into an attribute."""
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(int(token.tag[1:]) + HEADING_LEVELS_BELOW, 6)}"
    elif style := token.attrs.pop("style", None):
        token.attrs["align"] = str(style).removeprefix("text-align:")


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        set_tag_attribute_values=_ADDED,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    ).strip()


def _code(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
    """Render a block of code, with colours where its language is known."""
    token = tokens[index]
    words = token.info.split()
    language = words[0] if words else ""
    code = _coloured(token.content.removesuffix("\n"), language)
    return f'<pre data-language="{escape(language)}"><code>{code}</code></pre>'


def _coloured(code: str, language: str) -> str:
    lexer = _lexer(language) if _is_highlighted(code) else None
    if lexer is None:
        return escape(code)
    html = highlight(f"{code}\n", lexer(stripnl=False), _formatter)  # many lexers know whole lines only
    return html.removesuffix("\n")


def _is_highlighted(code: str) -> bool:
    return len(code) <= MAX_HIGHLIGHTED and all(len(line) <= MAX_LINE for line in code.splitlines())


@lru_cache(maxsize=64)
def _lexer(language: str) -> type[Lexer] | None:
    try:
        return find_lexer_class_by_name(language)
    except ClassNotFound:
        return None


def _image(_: object, tokens: Sequence[Token], index: int, *__: object) -> str:
    """Render an image as a link: to load what a model names would tell its server who reads."""
    token = tokens[index]
    source = str(token.attrs["src"])
    return f'<a href="{escape(source)}">{escape(token.content or source)}</a>'


_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}).enable(
    ["table", "strikethrough"]
)
_parser.add_render_rule("fence", _code)
_parser.add_render_rule("code_block", _code)
_parser.add_render_rule("image", _image)
