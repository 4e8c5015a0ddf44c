"""Read rendered HTML into a flat list of elements, refusing tags that do not balance (HTML Living Standard 13.1)."""

from __future__ import annotations

import html.parser

import msgspec

VOID = frozenset({"meta", "link", "input", "img", "br", "hr"})
BLOCKS = frozenset({"div", "p", "ol", "ul", "dl", "table", "form", "section", "figure", "pre", "h1", "h2", "h3"})


class Element(msgspec.Struct):
    """One element: its tag, attributes, the tags around it and the text inside it."""

    tag: str
    attributes: dict[str, str]
    around: tuple[str, ...]
    text: str = ""


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute: {names}"
        around = tuple(element.tag for element in self.open)
        assert not (tag in BLOCKS and "p" in around), f"<{tag}> inside <p>"
        assert not (tag in {"form", "a", "button"} and tag in around), f"<{tag}> inside <{tag}>"
        element = Element(tag, {name: value or "" for name, value in attrs}, around)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert [element.tag for element in self.open[-1:]] == [tag], f"</{tag}> closes {[e.tag for e in self.open]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def read(document: bytes) -> list[Element]:
    """Return all elements in document order; raises AssertionError if tags do not balance."""
    reader = _Reader()
    reader.feed(document.decode("utf-8"))
    reader.close()
    assert not reader.open, f"left open: {[element.tag for element in reader.open]}"
    return reader.elements


def by_id(elements: list[Element], name: str) -> Element:
    """Return the one element that has the id."""
    (found,) = [element for element in elements if element.attributes.get("id") == name]
    return found


def tagged(elements: list[Element], *tags: str) -> list[Element]:
    """Return the elements of the tags."""
    return [element for element in elements if element.tag in tags]
