import warnings
from xml.etree import ElementTree

import pytest

from graphs.errors import InputError
from hybrid.report.figures import new_figure, save_figure
from hybrid.report.page.svg import drawn_svg, figure_svg, inline_svg


def document(inner, head='viewBox="0 0 72 36"'):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {head}>{inner}</svg>')


def written(inner):
    return ElementTree.fromstring(inline_svg(document(inner), "p", "title"))


def test_the_frame():
    found = ElementTree.fromstring(inline_svg(document("<g><path d='M0 0'/></g>"), "p", 'a "title" & more'))
    assert found.attrib == {"role": "img", "aria-label": 'a "title" & more', "viewBox": "0 0 72 36", "width": "96",
                            "height": "48"}
    assert found[0][0].attrib == {"d": "M0 0"}


def test_what_could_do_harm_is_left_out():
    found = written('<script>alert(1)</script><g onclick="alert(1)" id="x"><a href="http://x.y"><path d="M1 1"/></a>'
                    '<foreignObject><p>x</p></foreignObject><path d="M0 0" onload="x" style="fill: red"/></g>'
                    '<style>*{stroke: red}</style><metadata><date>now</date></metadata>')
    assert [one.tag for one in found.iter()] == ["svg", "g", "path"]
    assert found[0].attrib == {"id": "p-x"} and found[0][0].attrib == {"d": "M0 0", "fill": "red"}


def test_styles_become_attributes():
    (path, text) = written('<path d="M0 0" style="fill: none; stroke: #1f77b4; stroke-width: 2; quux: 1"/>'
                           '<text style="font: 10.5px \'DejaVu Sans\'; text-anchor: middle">x</text>')
    assert path.attrib == {"d": "M0 0", "fill": "none", "stroke": "#1f77b4", "stroke-width": "2"}
    assert text.attrib == {"font-size": "10.5", "text-anchor": "middle", "fill": "currentColor"}
    path, text, bold = written('<path style="clip-path: url(#a:b); d"/><text style="font-size: 9px" fill="#123456"/>'
                               '<text style="font: bold"/>')
    assert path.attrib == {"clip-path": "url(#p-a:b)"} and bold.attrib == {"fill": "currentColor"}
    assert text.attrib == {"font-size": "9", "fill": "#123456"}


def test_colours_are_those_of_the_page():
    black, white, hidden = written('<rect fill="#000000" stroke="black" x="1"/><rect fill="#ffffff" stroke="white"/>'
                                   '<ellipse fill="transparent" stroke="#123456" rx="1"/>')
    assert black.attrib == {"fill": "currentColor", "stroke": "currentColor", "x": "1"}
    assert white.attrib == {"class": "paper", "stroke": "none"}
    assert hidden.attrib == {"fill": "none", "stroke": "#123456", "rx": "1"}


def test_ids_and_what_names_them_get_the_prefix():
    found = written('<defs><path id="m" d="M0 0"/><clipPath id="c"><rect/></clipPath></defs>'
                    '<use xlink:href="#m" clip-path="url(#c)"/>')
    assert found[0][0].attrib["id"] == "p-m" and found[0][1].attrib["id"] == "p-c"
    assert found[1].attrib == {"href": "#p-m", "clip-path": "url(#p-c)"}


def test_only_pictures_within_stay_addresses():
    inside, outside = written('<image xlink:href="data:image/png;base64,AA"/><image href="https://x.y/z.png"/>')
    assert inside.attrib == {"href": "data:image/png;base64,AA"}
    assert outside.attrib == {}


def test_texts_are_escaped_again():
    assert written("<text>a &lt;b&gt; &amp; c</text>")[0].text == "a <b> & c"
    assert written("<!-- a comment --><g>b<text>c<tspan>d</tspan></text></g>")[0].text is None
    assert "<text" in inline_svg(document("<text>&lt;script&gt;</text>"), "p", "t")
    assert "<script" not in inline_svg(document("<text>&lt;script&gt;</text>"), "p", "t")


@pytest.mark.parametrize("source", ["no xml", "<html/>", document("", head="")])
def test_what_is_no_picture_is_refused(source):
    with pytest.raises(InputError, match="picture p"):
        inline_svg(source, "p", "t")


def draw():
    figure = new_figure(2, 1)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], marker="o")
    axes.set_title("$x$ <漢字> & co")
    return figure


def test_the_same_figure_gives_the_same_text_and_dollars_are_dollars():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of letters that the fonts lack
        first = figure_svg(draw, "p", "t")
    assert first == figure_svg(draw, "p", "t")
    texts = [one.text for one in ElementTree.fromstring(first).iter("text")]
    assert "$x$ <漢字> & co" in texts
    ids = [one.attrib["id"] for one in ElementTree.fromstring(first).iter() if "id" in one.attrib]
    assert ids and all(name.startswith("p-") for name in ids)


def test_a_drawing_of_a_file_is_read_back(tmp_path):
    svg = drawn_svg(lambda path: save_figure(draw(), path), tmp_path, "name", "t")
    assert 'id="name-' in svg and (tmp_path / "name.svg").exists()
