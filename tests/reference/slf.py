"""A reader of HTK's standard lattice format by the HTK Book: fields NAME=VALUE, quotes, backslashes."""

from typing import Dict, List, NamedTuple


class Slf(NamedTuple):
    head: Dict[str, str]
    nodes: List[Dict[str, str]]
    links: List[Dict[str, str]]


def read_slf(text: str) -> Slf:
    """ValueError where sizes and numbers do not agree."""
    head, nodes, links = {}, [], []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        fields = _fields(line)
        rows = nodes if "I" in fields else links if "J" in fields else None
        if rows is None:
            head.update(fields)
        elif int(fields.get("I", fields.get("J"))) != len(rows):
            raise ValueError(line)
        else:
            rows.append(fields)
    if (int(head["N"]), int(head["L"])) != (len(nodes), len(links)):
        raise ValueError("sizes")
    return Slf(head, nodes, links)


def _fields(line: str) -> Dict[str, str]:
    fields, place = {}, 0
    while place < len(line):
        name, _, rest = line[place:].partition("=")
        value, used = _value(rest)
        fields[name] = value
        place += len(name) + 1 + used
        while line[place:place + 1] == " ":
            place += 1
    return fields


def _value(text: str):
    """The value at the start of the text, and the characters that it takes."""
    quote = text[0] if text[:1] in ("'", '"') else ""
    place, value = len(quote), ""
    while place < len(text) and text[place] != (quote or " "):
        if text[place] == "\\":
            place += 1
        value += text[place]
        place += 1
    return value, place + len(quote)
