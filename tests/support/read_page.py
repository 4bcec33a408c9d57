"""Pages as tests read them: elements by id and class, their texts, figures and links."""

from html.parser import HTMLParser
from typing import Self

from ai_client.operations import RenderedPage

VOID = {"br", "hr", "img", "input", "link", "meta"}


class Element:
    """An element of a page.

    Args:
        name: Its name.
        attributes: Its attributes; those without a value have an empty one.
    """

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element | str] = []

    @property
    def text(self) -> str:
        """Its text, with those of its elements."""
        return "".join(each if isinstance(each, str) else each.text for each in self.children)

    @property
    def elements(self) -> "list[Element]":
        """The elements in it, at every depth, in order."""
        found: list[Element] = []
        for each in self.children:
            if isinstance(each, Element):
                found += [each, *each.elements]
        return found

    def all(self, name: str, **attributes: str) -> "list[Element]":
        """Return the elements in it of a name, with these attributes."""
        return [
            each
            for each in self.elements
            if each.name == name
            and all(each.attributes.get(key.rstrip("_")) == value for key, value in attributes.items())
        ]

    def by_id(self, name: str) -> "Element":
        """Return the one element with an id."""
        (found,) = [each for each in self.elements if each.attributes.get("id") == name]
        return found

    @property
    def links(self) -> list[str]:
        """The addresses that it leads to."""
        return [each.attributes["href"] for each in self.all("a")]

    @property
    def figures(self) -> list[str]:
        """The exact values of its figures."""
        return [each.attributes["value"] for each in self.all("data")]


class ReadPage(HTMLParser):
    """A page, whose elements must be closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    @classmethod
    def of(cls, answer: RenderedPage) -> Element:
        """Return a page that was answered."""
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        parser: Self = cls()
        parser.feed(answer.body.decode())
        parser.close()
        assert parser._open == [parser.root], "an element is not closed"
        return parser.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        """Add text."""
        self._open[-1].children.append(data)
