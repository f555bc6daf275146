"""Pictures inside the page: SVG that follows its colours and fonts, carries no script and shares no id with another.

What matplotlib and Graphviz write is parsed and written again: known elements and attributes only, styles as
attributes (the page's security policy allows no inline style), ids with a prefix, black as the colour of the text,
white as that of the paper (a class of the style sheet).
"""

import io
import re
import warnings
from contextlib import contextmanager
from typing import Callable, Dict
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from graphs.errors import InputError

# hashsalt: ids are the same in every run; none: texts stay texts, in the fonts of the page
SETTINGS = {"svg.hashsalt": "hybrid-asr", "svg.fonttype": "none", "font.size": 11, "text.parse_math": False,
            "savefig.bbox": "tight"}
ELEMENTS = {"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "use",
            "defs", "clipPath", "image"}
ATTRIBUTES = {
    "viewBox", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "points", "transform", "width",
    "height", "id", "href", "clip-path", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "opacity", "text-anchor", "font-size",
    "font-style", "font-weight", "preserveAspectRatio"}
POINT = 4 / 3  # pixels
BLACK = {"black", "#000000", "#000"}
WHITE = {"white", "#ffffff", "#fff"}
_PIXELS = re.compile(r"([\d.]+)px")
_OWN = re.compile(r"url\(#([^)]*)\)")


@contextmanager
def reproducible():
    """matplotlib writes the same SVG in each run; letters that its own fonts lack, the page's have."""
    import matplotlib
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def figure_svg(make: Callable, prefix: str, title: str) -> str:
    """The matplotlib Figure that `make` returns, as `inline_svg`."""
    stream = io.BytesIO()
    with reproducible():
        make().savefig(stream, format="svg", metadata={"Date": None})
    return inline_svg(stream.getvalue().decode("utf-8"), prefix, title)


def drawn_svg(draw: Callable, folder, prefix: str, title: str) -> str:
    """What `draw` writes into the path that it is given, an .svg in the folder, as `inline_svg`."""
    path = folder / f"{prefix}.svg"
    with reproducible():
        draw(path)
    return inline_svg(path.read_text(encoding="utf-8"), prefix, title)


def inline_svg(source: str, prefix: str, title: str) -> str:
    """An <svg> element for HTML.

    Args:
      source: an SVG document.
      prefix: of its ids; unique in the page.
      title: what is to be seen, for those who do not see it.
    Raises: InputError for a source that is no SVG.
    """
    try:
        root = ElementTree.fromstring(source.encode("utf-8"))
    except ElementTree.ParseError as error:
        raise InputError(f"picture {prefix}", "SVG", str(error)) from None
    if _plain(root.tag) != "svg" or not root.get("viewBox"):
        raise InputError(f"picture {prefix}", "SVG with a viewBox", _plain(root.tag))
    width, height = root.get("viewBox").split()[2:]
    parts = [f'<svg role="img" aria-label={quoteattr(title)} viewBox={quoteattr(root.get("viewBox"))} '
             f'width="{POINT * float(width):.0f}" height="{POINT * float(height):.0f}">']
    parts += [_written(child, prefix) for child in root]
    return "".join(parts) + "</svg>"


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _written(element, prefix: str) -> str:
    name = _plain(element.tag)
    if name not in ELEMENTS:
        return ""
    attributes = _attributes(element, prefix)
    inner = escape(element.text.strip("\n")) if element.text and name in ("text", "tspan") else ""
    inner += "".join(_written(child, prefix) for child in element)
    if name in ("g", "defs") and not inner:
        return ""
    shown = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{shown}>{inner}</{name}>" if inner else f"<{name}{shown}/>"


def _attributes(element, prefix: str) -> Dict[str, str]:
    """Those kept, in the colours of the page."""
    found = {_plain(key): value for key, value in element.attrib.items()}
    found = {**found, **_from_style(found.pop("style", ""))}
    kept = {key: value for key, value in found.items() if key in ATTRIBUTES}
    if kept.get("fill") in WHITE:
        kept["class"] = "paper"
        del kept["fill"]
    for key in ("fill", "stroke"):
        if kept.get(key) in BLACK:
            kept[key] = "currentColor"
        elif kept.get(key) in WHITE | {"transparent"}:
            kept[key] = "none"
    if _plain(element.tag) == "text" and "fill" not in kept:
        kept["fill"] = "currentColor"
    for key, value in kept.items():
        kept[key] = _OWN.sub(lambda match: f"url(#{prefix}-{match[1]})", value)
    if "id" in kept:
        kept["id"] = f"{prefix}-{kept['id']}"
    target = kept.get("href", "")
    if target.startswith("#"):
        kept["href"] = f"#{prefix}-{target[1:]}"
    elif not target.startswith("data:image/"):
        kept.pop("href", None)
    return kept


def _from_style(style: str) -> Dict[str, str]:
    """Declarations as attributes; of `font` the size."""
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    found = {key.strip(): value.strip() for key, value in pairs}
    if "font" in found:
        size = _PIXELS.search(found.pop("font"))
        found.update({"font-size": size[1]} if size else {})
    elif "font-size" in found:
        found["font-size"] = found["font-size"].replace("px", "")
    return found
