"""The HTML that the examples make of Markdown: whole, and inert whatever the text."""

import random
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from example_apps._markdown import LiveHtml, to_html
from example_apps._showcase import ANSWER

ROOT = Path(__file__).parents[2]
TAGS = {
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
ATTRIBUTES = {"href", "title", "target", "rel", "start", "data-language", "class", "align"}
ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{display:none}</style>",
    "<form action=https://evil.example><input name=x></form>",
    "<div id=prompt name=prompt>x</div>",
    "<!-- <img src=x onerror=alert(1)> -->",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](blob:https://e.example/1)",
    "[x](/api/plan)",
    "[x](//evil.example)",
    '[x](https://e.example "a\\" onmouseover=\\"alert(1)")',
    "[x]\n\n[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](https://evil.example/pixel.png)",
    "![x](x){onerror=alert(1)}",
    '![" onerror="alert(1)](https://e.example/"onerror="alert(1))',
    '```"><img src=x onerror=alert(1)>\nx\n```',
    '```x" onload="alert(1)\nx\n```',
    "```html\n<script>alert(1)</script>\n```",
    "```python\n'<img src=x onerror=alert(1)>'\n```",
    "    <img src=x onerror=alert(1)>",
    "`<img src=x onerror=alert(1)>`",
    "| <img src=x onerror=alert(1)> |\n|:-:|\n| <b onclick=alert(1)>x</b> |",
    "# <img src=x onerror=alert(1)>",
    "> <img src=x onerror=alert(1)>",
    "- <img src=x onerror=alert(1)>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "\x00<img src=x onerror=alert(1)>",
]


class Reader(HTMLParser):
    """What a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.depth = self.top = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, dict(attrs)))
        self.top += not self.depth
        self.depth += tag not in {"br", "hr"}

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element."""
        self.depth -= tag not in {"br", "hr"}


def check_inert(html: str) -> None:
    """Check that all tags, attributes and addresses are ones that do nothing by themselves."""
    for tag, attributes in Reader(html).found:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES
        assert "align" not in attributes or tag in {"td", "th"}
        if tag == "a":
            assert attributes["target"] == "_blank"
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert (attributes.get("href") or "https:").startswith(("https:", "http:", "mailto:"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_inert(attack: str) -> None:
    """Nothing that a text holds becomes a script, a handler, a request or a link with another scheme."""
    check_inert(to_html(attack))
    check_inert(to_html(f"before {attack} after"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_inert_at_every_length(attack: str) -> None:
    """No part of a text that is still being written is anything else either."""
    live = LiveHtml()
    for character in attack:
        if change := live.add(character):
            check_inert(change["html"])
    check_inert(live.end().get("html", ""))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("# One", "<h3>One</h3>"),
        ("###### Six", "<h6>Six</h6>"),
        ("**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>"),
        ("- a\n  1. b", "<li>a\n<ol>\n<li>b</li>"),
        ("3. c", '<ol start="3">'),
        ("> a\n>\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>"),
        ("|a|\n|--:|\n|1|", '<td align="right">1</td>'),
        ("[a](https://b.example/?c=d&e=f)", '<a href="https://b.example/?c=d&amp;e=f" '),
        ("<https://b.example>", '<a href="https://b.example" '),
        ("![alt](https://b.example/i.png)", ">alt</a>"),
        ("```python\ndef f(): ...\n```", '<pre data-language="python"><code><span class="k">def</span>'),
        ("```made-up\na < b\n```", '<pre data-language="made-up"><code>a &lt; b</code></pre>'),
        ("```\n\n  a\n```", '<pre data-language=""><code>\n  a</code></pre>'),
        ("<b>a</b>", "&lt;b&gt;a&lt;/b&gt;"),
    ],
)
def test_markdown(text: str, part: str) -> None:
    """Each kind of Markdown becomes the element that it means."""
    assert part in to_html(text)


TEXTS = [
    ANSWER.read_text("utf-8"),
    "para\n# no\n#heading\n\nline\n-\nitem\n- x\n  - y\n\n    z\n1. a\n2. b\n",
    "a\n```x``` b\n```\ncode\n\n# not\n```\nafter\n***\n\n> q\nlazy\n\n|a|b|\n|-|-|\n|1|2|\ntext",
    "see [one] and [two][]\n\nmore\n\n[one]: https://one.example\n[two]: https://two.example 'Two'\n",
    "a\r\nb\r\n\r\n- c\x0c\u2028d\r\n\r\n# e",
    "```\na\n```\n```x\n``\n````\n~~~\n```\nb\n~~~\nc\n- ```\n  d\n  ```\n\n  e\n\n```\n```\nf\n```",
    "```\na\n```x\nb\n````\n````y z\nc\n````",
    "\n\n\n    code\n\n    more\n\ntext  \nbreak\n===\n",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("seed", range(8))
def test_live(text: str, seed: int) -> None:
    """However a text is cut, the changes together show the whole text's HTML, and `kept` counts elements."""
    pick = random.Random(seed)
    live, position = LiveHtml(), 0
    changes: list[dict[str, Any]] = []
    while position < len(text):
        size = pick.randint(1, 12)
        if change := live.add(text[position : position + size]):
            changes.append(change)
        position += size
    changes.append(live.end())
    kept = [change["kept"] for change in changes if change]
    assert kept == sorted(kept) or "[one]:" in text  # only a late address may change what was closed
    blocks: list[str] = []
    for change in filter(None, changes):
        assert change["kept"] <= len(blocks)
        blocks = blocks[: change["kept"]] + elements(change["html"])
    assert "".join(blocks) == to_html(text.replace("\r", ""))


def elements(html: str) -> list[str]:
    """Split HTML into its top-level elements."""
    found, start = list[str](), 0
    while start < len(html):
        end = next(
            end
            for end in range(start + 1, len(html) + 1)
            if html[end - 1] == ">" and (reader := Reader(html[start:end])).depth == 0 and reader.top == 1
        )
        found.append(html[start:end])
        start = end
    return found


def test_finished_blocks_are_sent_once() -> None:
    """A block that can no longer change is not sent again, not even at the end."""
    live = LiveHtml()
    changes = [live.add(word) for word in ("one\n", "\ntwo\n", "\nthree", " four")]
    assert [change and change["kept"] for change in changes] == [0, 0, 1, 1]
    assert live.end() == {}


def test_words_after_code() -> None:
    """As soon as code has its closing line it is closed, so that what follows does not count as code."""
    live = LiveHtml()
    live.add("```\n" + "a line of code\n" * 50)
    assert live.add("``") is None
    assert live.add("`") is None
    change = live.add("\n")
    assert change is not None
    assert change["html"].count("<pre") == 1
    assert live.add("\nwords") == {"kept": 1, "html": "<p>words</p>"}
    assert live.end() == {}


def test_long_blocks_are_rendered_seldom() -> None:
    """A block of a thousand lines is rendered a number of times that grows with the logarithm of its length."""
    live = LiveHtml()
    live.add("```python\n")
    lines = [live.add(f"value_{number} = {number}\n") for number in range(1000)]
    assert sum(change is not None for change in lines) < 100


@pytest.mark.parametrize("text", [">" * 1000, "- " * 1000, "[" * 3000, "*a " * 3000, "`" * 3000, "(" * 3000])
def test_deep_texts(text: str) -> None:
    """A text that is nothing but nesting is rendered like any other."""
    check_inert(to_html(text))


@pytest.mark.parametrize("missing", ["markdown_it", "nh3", "pygments"])
def test_missing_library(missing: str) -> None:
    """Without one of the libraries the error names it, and what to install."""
    code = f"import sys; sys.modules[{missing!r}] = None; import example_apps._markdown"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert missing in last
    assert last.endswith("pip install markdown-it-py nh3 Pygments")


@pytest.mark.parametrize(
    ("language", "code", "part"),
    [
        ("diff", "-one\n+two", '<span class="gd">-one</span>\n<span class="gi">+two</span></code>'),
        ("console", "$ ls", '<span class="gp">$ </span>ls</code>'),
        ("ini", "[a]\nb=1", "=</span>"),
    ],
)
def test_last_line_of_code(language: str, code: str, part: str) -> None:
    """The last line of code has its colours like the others, without a line end after it."""
    html = to_html(f"```{language}\n{code}\n```")
    assert part in html
    assert 'class="err"' not in html


@pytest.mark.parametrize("language", ["diff", "console", "makefile", "java", "ini", "scala"])
def test_long_lines_of_code(language: str) -> None:
    """Code with a line longer than people write has no colours: some lexers take the square of its length."""
    html = to_html(f"```{language}\nx\n{'a=' * 5000}\n```")
    assert "<span" not in html
