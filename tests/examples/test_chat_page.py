"""The page in a browser, before each of the three back ends."""

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Gate, Upstream, sse
from example_apps._showcase import ANSWER
from tests.examples.conftest import Example, Tab, running

pytest.importorskip("playwright")
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def gated(gate: Gate, *more: str) -> Sequence[bytes | Gate]:
    """Make a stream that says a word, waits for the gate and goes on."""
    return [piece("First"), gate, *map(piece, more or (" second",)), sse("[DONE]")]


def piece(text: str) -> bytes:
    """Make a chunk that says something."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return sse(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


def test_stream(tab: Tab, example: Example) -> None:
    """Words appear while later ones are still to come, and the stop button is there until the last."""
    gate = Gate()
    example.upstream.reply(chunks=gated(gate), path="/chat/completions")
    tab.say("Hello?")
    expect(tab.answers).to_have_text("First")
    expect(tab.button("Stop")).to_be_visible()
    gate.set()
    expect(tab.answers).to_have_text("First second")
    expect(tab.button("Send")).to_be_visible()


MARKDOWN = """\
# Pools

They keep **open** connections, 2 * 3 of them, [as said](https://docs.example/pools):

- in `code`
  - nested
- <b>not as HTML</b>

1. once
2. *more*

> quoted

| pool | size |
| --- | --: |
| one | 10 |

```python
print("**as it is**")
```
"""


def test_markdown(tab: Tab, example: Example) -> None:
    """An answer's Markdown is shown as what it means, its HTML as text, and both again after a reload."""
    example.upstream.reply(content=MARKDOWN, path="/chat/completions")
    tab.say("**Hello?**")
    expect(tab.page.locator(".note")).to_be_visible()
    for _ in range(2):
        expect(tab.page.locator(".turn.user .text")).to_have_text("**Hello?**")
        expect(tab.answers.get_by_role("heading", name="Pools")).to_be_visible()
        expect(tab.answers.locator("strong")).to_have_text("open")
        expect(tab.answers.locator("p").first).to_have_text(
            "They keep open connections, 2 * 3 of them, as said:"
        )
        link = tab.answers.get_by_role("link", name="as said")
        expect(link).to_have_attribute("href", "https://docs.example/pools")
        expect(link).to_have_attribute("target", "_blank")
        expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
        expect(tab.answers.locator("ul ul > li")).to_have_text("nested")
        expect(tab.answers.locator("ul > li").last).to_have_text("<b>not as HTML</b>")
        expect(tab.answers.locator("ol > li")).to_have_text(["once", "more"])
        expect(tab.answers.locator("ol em")).to_have_text("more")
        expect(tab.answers.locator("blockquote")).to_have_text("quoted")
        expect(tab.answers.get_by_role("cell")).to_have_text(["one", "10"])
        expect(tab.answers.locator("pre > code")).to_have_text('print("**as it is**")')
        expect(tab.answers.locator("b")).to_have_count(0)
        tab.page.reload()


HOSTILE = """\
<img src=x onerror="window.harm = 1"> <script>window.harm = 1</script> [one](javascript:window.harm=1)
![two](https://elsewhere.example/pixel.png) [three](data:text/html,<script>window.harm=1</script>)
<javascript:window.harm=1>

```"><img/src=x/onerror=window.harm=1>
<img src=x onerror="window.harm = 1">
```

| <img src=x onerror="window.harm = 1"> |
| --- |
"""


def test_hostile_text(tab: Tab, example: Example) -> None:
    """What model and user write starts nothing and loads nothing, while it comes, when it is whole, after a reload."""
    requested: list[str] = []
    tab.page.on("request", lambda request: requested.append(request.url))
    gate = Gate()
    pieces = [piece(HOSTILE[start : start + 7]) for start in range(0, len(HOSTILE), 7)]
    middle = len(pieces) // 2
    example.upstream.reply(
        chunks=[*pieces[:middle], gate, *pieces[middle:], sse("[DONE]")], path="/chat/completions"
    )
    tab.say(HOSTILE)
    expect(tab.answers).to_contain_text("onerror")
    check_harmless(tab)
    gate.set()
    for _ in range(2):
        expect(tab.page.locator(".note")).to_be_visible()
        expect(tab.answers.get_by_role("link", name="two")).to_be_visible()
        check_harmless(tab)
        expect(tab.answers.locator(":is(img, script)")).to_have_count(0)
        tab.page.reload()
    assert [url for url in requested if not url.startswith((example.url, "data:"))] == []


def check_harmless(tab: Tab) -> None:
    """Check that nothing of a text has run, and that no element could."""
    assert tab.page.evaluate("window.harm") is None
    active = "elements => elements.filter(e => [...e.attributes].some(a => /^on|style|srcdoc/.test(a.name))).length"
    assert tab.page.locator(".text *").evaluate_all(active) == 0
    schemes = "links => links.map(link => link.protocol)"
    assert set(tab.answers.locator("a[href]").evaluate_all(schemes)) <= {"https:"}


def test_policy(tab: Tab, example: Example) -> None:
    """Should HTML ever get on the page by a fault, the browser runs and loads nothing of it."""
    page = tab.page.context.new_page()  # its console is not silent: it tells of all three
    page.goto(example.url)
    blocked = page.evaluate(
        """async () => {
          const blocked = [];
          document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
          const box = document.createElement("div");
          box.innerHTML = '<img src="/x.png"><b id="b" onclick="window.harm = 1" style="color: red">x</b>';
          document.body.append(box);
          document.getElementById("b").click();
          const later = () => new Promise((done) => setTimeout(done, 10));
          for (let turn = 0; turn < 1000 && blocked.length < 3; turn++) await later();
          return blocked.sort();
        }"""
    )
    assert blocked == ["img-src", "script-src-attr", "style-src-attr"]
    assert page.evaluate("window.harm") is None


def test_rendering_in_mid_stream(tab: Tab, example: Example) -> None:
    """Blocks that are complete are rendered while the next is being written, and the open one as far as it is."""
    gates = [Gate(), Gate()]
    example.upstream.reply(
        chunks=[
            piece("Say **this** and **th"),
            gates[0],
            piece("at**.\n\n```python\ndef f"),
            gates[1],
            piece("():\n    return 1\n```\n\nEnd [it][a].\n\n[a]: https://a.example"),
            sse("[DONE]"),
        ],
        path="/chat/completions",
    )
    tab.say("Hello?")
    expect(tab.answers).to_have_text("Say this and **th")
    expect(tab.answers.locator("strong")).to_have_text("this")
    gates[0].set()
    expect(tab.answers.locator("strong")).to_have_text(["this", "that"])
    expect(tab.answers.locator("pre")).to_have_text("def f")
    expect(tab.answers.locator("pre .k")).to_have_text("def")
    gates[1].set()
    expect(tab.answers.get_by_role("link", name="it")).to_have_attribute("href", "https://a.example")
    expect(tab.answers.locator("pre .k")).to_have_text(["def", "return"])


def test_few_words_after_a_long_block(tab: Tab, example: Example) -> None:
    """Words that are too few to render their long block again are there as text, and rendered when it is stopped."""
    gate = Gate()
    long = "word " * 200
    example.upstream.reply(
        chunks=[piece(long), piece("**bold**"), gate, sse("[DONE]")], path="/chat/completions"
    )
    tab.say("Hello?")
    expect(tab.answers).to_have_text(f"{long}**bold**")
    tab.button("Stop").click()
    expect(tab.answers.locator("strong")).to_have_text("bold")
    gate.set()


def test_code(open_tab: Callable[..., Tab], example: Example) -> None:
    """Code is coloured, names its language, and is copied as it was written, by mouse or keyboard."""
    tab = open_tab()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    code = 'def f(x):\n    """Add <b>one</b>."""\n    return x + 1\n'
    example.upstream.reply(content=f"Here:\n\n```python\n{code}```\n", path="/chat/completions")
    tab.say("Hello?")
    expect(tab.page.locator(".note")).to_be_visible()
    expect(tab.page.locator(".code .head span")).to_have_text("python")
    colours = "words => new Set(words.map(word => getComputedStyle(word).color)).size"
    assert tab.page.locator("pre span").evaluate_all(colours) >= 4
    tab.button("Copy").focus()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_role("status")).to_have_text("The code is copied.")
    assert tab.page.evaluate("navigator.clipboard.readText()") == code.rstrip()


def test_copy_without_clipboard(tab: Tab, example: Example) -> None:
    """Where a browser has no clipboard for pages without https, the code is copied as a selection."""
    example.upstream.reply(content="```\nas it is\n```", path="/chat/completions")
    tab.page.evaluate(
        """() => {
          Object.defineProperty(navigator, "clipboard", { value: undefined });
          document.addEventListener("copy", () => { window.copied = String(getSelection()).trim(); });
        }"""
    )
    tab.say("Hello?")
    tab.button("Copy").click()
    expect(tab.page.get_by_role("status")).to_have_text("The code is copied.")
    assert tab.page.evaluate("window.copied") == "as it is"


def test_regenerate(tab: Tab, example: Example) -> None:
    """The last answer, and no other, can be made anew: the old one is not sent, but what it cost still counts."""
    tab.say("One")
    expect(tab.page.locator(".note")).to_have_count(1)
    gate = Gate()
    example.upstream.reply(chunks=gated(gate), path="/chat/completions")
    tab.say("Two")
    expect(tab.answers.nth(1)).to_have_text("First")
    expect(tab.button("Regenerate")).to_have_count(0)
    gate.set()
    expect(tab.page.locator(".note")).to_have_count(2)
    before = tab.page.locator("#total").inner_text()
    expect(tab.button("Regenerate")).to_have_count(1)
    tab.button("Regenerate").click()
    expect(tab.answers.nth(1)).to_contain_text("You wrote: “Two”")
    expect(tab.page.locator(".note")).to_have_count(2)
    sent = example.upstream.requests[-1].json()["messages"]
    assert [(turn["role"], turn["content"]) for turn in sent[::2]] == [("user", "One"), ("user", "Two")]
    assert tab.page.locator("#total").inner_text() != before
    after = tab.page.locator("#total").inner_text()
    tab.page.reload()
    expect(tab.answers).to_have_count(2)
    expect(tab.answers.nth(1)).to_contain_text("You wrote: “Two”")
    expect(tab.page.locator("#total")).to_have_text(after)
    tab.say("Three")
    expect(tab.answers.nth(2)).to_contain_text("You wrote: “Three”")
    assert len(example.upstream.requests[-1].json()["messages"]) == 5


def test_regenerate_that_fails(tab: Tab, example: Example) -> None:
    """A regeneration that fails can be tried again, also after a reload."""
    tab.say("One")
    expect(tab.page.locator(".note")).to_be_visible()
    example.upstream.reply(status=500, path="/chat/completions")
    tab.button("Regenerate").click()
    expect(tab.problem).to_contain_text("The AI service failed.")
    tab.page.reload()
    expect(tab.problem).to_contain_text("interrupted")
    tab.button("Try again").click()
    expect(tab.answers).to_contain_text("You wrote: “One”")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme(open_tab: Callable[..., Tab], scheme: str) -> None:
    """The theme is that of the system until one is chosen, which is remembered, in other tabs too."""
    tab = open_tab(scheme=scheme)
    ground = {"light": "rgb(246, 246, 249)", "dark": "rgb(19, 19, 24)"}
    other = "dark" if scheme == "light" else "light"
    body = tab.page.locator("body")
    expect(body).to_have_css("background-color", ground[scheme])
    tab.page.get_by_label("Theme").select_option(other)
    expect(body).to_have_css("background-color", ground[other])
    tab.page.reload()
    expect(body).to_have_css("background-color", ground[other])
    second = open_tab(context=tab.page.context)
    expect(second.page.locator("body")).to_have_css("background-color", ground[other])
    second.page.get_by_label("Theme").select_option("System")
    expect(second.page.locator("body")).to_have_css("background-color", ground[scheme])


def test_conversation(tab: Tab, example: Example) -> None:
    """A second message is sent with what was said before, to the model that was chosen, and tokens and cost add up."""
    tab.page.get_by_label("Model").select_option("gpt-4o-mini")
    tab.say("One")
    expect(tab.page.locator(".note").first).to_contain_text(re.compile(r"\d+ tokens · \$0\.0"))
    tab.say("Two")
    expect(tab.page.locator(".note")).to_have_count(2)
    last = example.upstream.requests[-1].json()
    assert [turn["role"] for turn in last["messages"]] == ["user", "assistant", "user"]
    assert last["model"] == "gpt-4o-mini"
    notes = tab.page.locator(".note").all_inner_texts()
    tokens = sum(int(note.split(" ")[0]) for note in notes)
    expect(tab.page.locator("#total")).to_have_text(re.compile(rf"{tokens} tokens · \$0\.0\d+\.$"))


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop(tab: Tab, example: Example, how: str) -> None:
    """Stopping closes the call to the upstream, keeps what was said, and the chat goes on."""
    example.upstream.reply(chunks=[piece("First"), *([0.05, piece(" more")] * 600)], path="/chat/completions")
    tab.say("Hello?")
    expect(tab.answers).to_contain_text("First")
    if how == "button":
        tab.button("Stop").click()
    else:
        tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".note")).to_contain_text("Stopped")
    example.upstream.wait_for(lambda: example.upstream.requests[-1].aborted, 15)
    tab.say("Again")
    expect(tab.answers.nth(1)).to_contain_text("You wrote: “Again”")


def test_error_and_retry(tab: Tab, example: Example) -> None:
    """A failure says so and offers a retry, which puts the answer in its place."""
    example.upstream.reply(status=500, path="/chat/completions")
    tab.say("Hello?")
    expect(tab.problem).to_contain_text("The AI service failed.")
    tab.button("Try again").click()
    expect(tab.answers).to_contain_text("You wrote: “Hello?”")
    expect(tab.problem).to_have_count(0)


def test_error_in_mid_stream(tab: Tab, example: Example) -> None:
    """A stream that breaks off keeps its words on the page, says so and can be tried again."""
    example.upstream.reply(chunks=[piece("First")], path="/chat/completions", close_after=200)
    tab.say("Hello?")
    expect(tab.problem).to_be_visible()
    tab.button("Try again").click()
    expect(tab.answers).to_contain_text("You wrote: “Hello?”")


def test_upstream_at_its_limit(tab: Tab, example: Example) -> None:
    """A limit of the upstream is told as one, with the time after which it may work."""
    example.upstream.reply(status=429, headers={"retry-after": "120"}, path="/chat/completions")
    tab.say("Hello?")
    expect(tab.problem).to_contain_text("Too many requests.")
    expect(tab.problem).to_contain_text("in 2 minutes")


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_budget(open_tab: Callable[..., Tab], framework: str, size: str) -> None:
    """A budget that is used up is told as such; what was said before stays, and the upstream is not asked."""
    with (
        Upstream() as upstream,
        running(framework, upstream, CHAT_TOKENS_PER_DAY="4200") as poor,
    ):
        tab = open_tab(size, url=poor.url)
        tab.say("One")
        expect(tab.page.locator(".note")).to_be_visible()
        tab.say("Two")
        expect(tab.problem).to_contain_text("Budget reached.")
        expect(tab.problem).to_contain_text("4200 tokens per day")
        assert len([request for request in upstream.requests if request.method == "POST"]) == 1


def test_reload_in_mid_stream(tab: Tab, example: Example) -> None:
    """A reload ends the upstream's call; the page comes back with the conversation and can finish it."""
    tab.say("One")
    expect(tab.page.locator(".note")).to_have_count(1)
    example.upstream.reply(chunks=[piece("First"), *([0.05, piece(" more")] * 600)], path="/chat/completions")
    tab.say("Two")
    expect(tab.answers.nth(1)).to_contain_text("First")
    tab.page.reload()
    example.upstream.wait_for(lambda: any(request.aborted for request in example.upstream.requests), 15)
    expect(tab.answers).to_have_count(1)
    expect(tab.problem).to_contain_text("interrupted")
    tab.button("Try again").click()
    expect(tab.answers.nth(1)).to_contain_text("You wrote: “Two”")


def test_two_tabs(tab: Tab, open_tab: Callable[..., Tab], example: Example) -> None:
    """Two tabs hold conversations of their own, at the same time."""
    other = open_tab(context=tab.page.context)
    gates = [Gate(), Gate()]
    for gate, word in zip(gates, (" left", " right"), strict=True):
        example.upstream.reply(chunks=gated(gate, word), path="/chat/completions")
    tab.say("One")
    expect(tab.answers).to_have_text("First")
    other.say("Two")
    expect(other.answers).to_have_text("First")
    for gate in gates:
        gate.set()
    expect(tab.answers).to_have_text("First left")
    expect(other.answers).to_have_text("First right")


WIDE = f"""

| {"wide | " * 20}
| {"--- | " * 20}

{"https" * 60}

```
{"wide " * 80}
```
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_looks(
    open_tab: Callable[..., Tab], example: Example, size: str, scheme: str, tmp_path: Path
) -> None:
    """Nothing is cut off or scrolls sideways, welcome and conversation alike, and texts stand out from their ground."""
    tab = open_tab(size, scheme=scheme)
    check_layout(tab)
    tab.page.screenshot(path=tmp_path / "welcome.png")
    example.upstream.reply(content=ANSWER.read_text("utf-8") + WIDE, path="/chat/completions")
    tab.say("What is a connection pool, and " + "why" * 60 + "?")
    expect(tab.page.locator(".note")).to_be_visible()
    example.upstream.reply(status=500, path="/chat/completions")
    tab.say("And now?")
    expect(tab.problem).to_be_visible()
    check_layout(tab)
    tab.page.screenshot(path=tmp_path / "conversation.png")


def check_layout(tab: Tab) -> None:
    """Compare every visible element with the window, and its colours with each other."""
    sideways, outside, faint = tab.page.evaluate(LAYOUT)
    assert not sideways
    assert not outside
    assert not faint


LAYOUT = """() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [red, green, blue] = parts(colour).map(channel);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor, alpha = parts(colour)[3] ?? 1;
      if (alpha === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const outside = [], faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility() || element.closest(".sr, script, style, svg, option, :disabled")) continue;
    const scrolled = element.parentElement.closest(".code pre, .table");
    const box = element.getBoundingClientRect();
    if (!scrolled && (box.left < -0.5 || box.right > innerWidth + 0.5)) outside.push(element.outerHTML.slice(0, 80));
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [one, two] = [getComputedStyle(element).color, ground(element)].map(light);
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) faint.push([contrast, element.outerHTML.slice(0, 80)]);
  }
  return [document.documentElement.scrollWidth > innerWidth, outside, faint];
}"""


def test_keyboard_only(tab: Tab, example: Example) -> None:
    """Everything can be done with the keyboard alone: write, choose, stop, try again, begin anew."""
    keyboard = tab.page.keyboard
    expect(tab.page.get_by_label("Message")).to_be_focused()
    example.upstream.reply(status=500, path="/chat/completions")
    keyboard.type("Hello?")
    keyboard.press("Shift+Enter")
    keyboard.type("Are you there?")
    keyboard.press("Enter")
    expect(tab.problem).to_be_visible()
    expect(tab.page.get_by_label("Message")).to_be_focused()
    focus(tab, "Try again", backwards=True)
    keyboard.press("Enter")
    expect(tab.page.locator(".note")).to_be_visible()
    assert example.upstream.requests[-1].json()["messages"][0]["content"] == "Hello?\nAre you there?"
    keyboard.press("Tab")
    expect(tab.page.get_by_label("Model")).to_be_focused()
    chosen = tab.page.get_by_label("Model").input_value()
    keyboard.press("ArrowUp")
    assert tab.page.get_by_label("Model").input_value() != chosen
    focus(tab, "Regenerate", backwards=True)
    keyboard.press("Enter")
    expect(tab.answers).to_contain_text("You wrote: “Hello?")
    expect(tab.button("Send")).to_be_visible()
    expect(tab.page.get_by_label("Message")).to_be_focused()
    focus(tab, "New chat", backwards=True)
    keyboard.press("Enter")
    expect(tab.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(tab.page.get_by_label("Message")).to_be_focused()


def focus(tab: Tab, name: str, *, backwards: bool) -> None:
    """Press Tab until the button of that name has the focus."""
    for _ in range(10):
        tab.page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if tab.button(name).evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"The button {name!r} is not reached by Tab.")


def test_page_without_the_upstream(open_tab: Callable[..., Tab], framework: str) -> None:
    """Where the upstream cannot be reached, the page is there all the same and says so when asked."""
    with ExitStack() as stack:
        upstream = Upstream().start()
        lonely = stack.enter_context(running(framework, upstream))
        upstream.stop()
        tab = open_tab(url=lonely.url)
        tab.say("Hello?")
        expect(tab.problem).to_contain_text("could not be reached")


def test_thrift(tab: Tab, example: Example) -> None:
    """The page is one request for itself and one for what it shows, nothing from elsewhere."""
    requested: list[Any] = []
    tab.page.on("request", lambda request: requested.append(request))  # noqa: PLW0108 - Playwright marks its handlers
    tab.page.reload()
    expect(tab.page.locator("#model option")).not_to_have_count(0)
    urls = [request.url for request in requested if not request.url.startswith("data:")]
    assert urls == [f"{example.url}/", f"{example.url}/api/about"]
