"""A page as the standard library's parser sees it."""

import json
from html.parser import HTMLParser
from typing import Dict, List, NamedTuple

EMPTY = {"meta", "link", "input", "br", "img"}


class Element(NamedTuple):
    tag: str
    attributes: Dict[str, str]
    inside: List[str]  # tags, outermost first
    texts: List[str]  # directly within or further inside

    @property
    def text(self) -> str:
        return "".join(self.texts)


class Page(HTMLParser):
    """elements: in the order of the page. Fails for tags that are not closed in order."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.elements: List[Element] = []
        self._open: List[Element] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        element = Element(tag, dict(attributes), [one.tag for one in self._open], [])
        assert len(element.attributes) == len(attributes), f"{tag}: an attribute twice"
        self.elements.append(element)
        if tag not in EMPTY:
            self._open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append(Element(tag, dict(attributes), [one.tag for one in self._open], []))

    def handle_endtag(self, tag):
        assert self._open[-1].tag == tag, f"</{tag}> closes {self._open[-1].tag}"
        self._open.pop()

    def handle_data(self, data):
        for element in self._open:
            element.texts.append(data)

    def all(self, *tags: str) -> List[Element]:
        return [one for one in self.elements if one.tag in tags]

    def by_id(self, name: str) -> Element:
        (found,) = [one for one in self.elements if one.attributes.get("id") == name]
        return found

    def json(self, name: str):
        return json.loads(self.by_id(name).text)
