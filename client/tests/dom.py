"""Elements of a page as a browser would show it, by the standard library's parser."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

_VOID = {"meta", "link", "input", "br", "img", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        value = self.attributes[name]
        return "" if value is None else value

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    @property
    def text(self) -> str:
        """`<bdi>` is a part of its line; every other element stands alone."""
        parts = (child if isinstance(child, str) else child._in_line() for child in self.children)
        return " ".join("".join(parts).split())

    def _in_line(self) -> str:
        return self.text if self.tag == "bdi" else f" {self.text} "

    def all(self, tag: str, **wanted: str) -> list["Element"]:
        """cls: One of the element's classes. name_: The attribute `name`."""
        return [e for e in self._walk() if e.tag == tag and e._has(wanted)]

    def one(self, tag: str, **wanted: str) -> "Element":
        found = self.all(tag, **wanted)
        assert len(found) == 1, f"{len(found)} <{tag}> with {wanted} in: {self.text}"
        return found[0]

    def _has(self, wanted: dict[str, str]) -> bool:
        for name, value in wanted.items():
            if name == "cls":
                if value not in (self.attributes.get("class") or "").split():
                    return False
            elif self.attributes.get(name.rstrip("_")) != value:
                return False
        return True

    def _walk(self) -> Iterator["Element"]:
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child._walk()


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Handles a self-closing tag, as in SVG within HTML."""
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def parse(html: str) -> Element:
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


def page(response: httpx.Response) -> Element:
    """Parses a page, checks the rules of all pages: well nested, one h1, labelled fields, no inline code."""
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    root = parse(response.text)
    assert len(root.all("h1")) == 1
    assert root.one("main")["id"] == "main"
    assert root.one("html")["lang"] in ("en", "zh-Hans")
    ids = [e["id"] for e in root._walk() if "id" in e]
    assert len(ids) == len(set(ids))
    labelled = {label["for"] for label in root.all("label")}
    for element in root._walk():
        assert "style" not in element
        assert not any(name.startswith("on") for name in element.attributes)
        assert element.tag != "style"
        assert element.tag != "script" or "src" in element or element["type"] == "application/ld+json"
        if element.tag in ("input", "select") and element.attributes.get("type") != "hidden":
            assert element["id"] in labelled
        for described in (element.attributes.get("aria-describedby") or "").split():
            assert described in ids
    return root


def links(response: httpx.Response) -> dict[str, str]:
    return {a.text: a["href"] for a in page(response).all("a")}


def error_of(root: Element, name: str) -> str:
    """The message beside a field, by the attributes that a screen reader uses."""
    element = next(e for e in root._walk() if e.attributes.get("name") == name)
    assert element["aria-invalid"] == "true"
    described = element["aria-describedby"].split()
    return next(p.text for p in root.all("p", cls="error") if p["id"] in described)


def alerts(root: Element) -> list[str]:
    return [li.text for notice in root.all("div", role="alert") for li in notice.all("li")]
