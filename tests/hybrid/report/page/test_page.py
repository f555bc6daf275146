import re
from dataclasses import replace

import pytest

from hybrid.compare.comparison import Comparison, Hypothesis, Utterance
from hybrid.compare.comparison_file import check
from hybrid.report.page.embedded import digest, json_in_html
from hybrid.report.page.options import PageOptions
from hybrid.report.page.page import TEMPLATES, render
from hybrid.report.page.pictures import Picture
from tests.hybrid.report.page.material import ODD, comparison, result, system
from tests.hybrid.report.page.parsed import Page

COMPARISON = comparison(5, 24)
LABELLED = ("select", "input", "textarea")


@pytest.fixture(scope="module")
def html():
    return render(COMPARISON, PageOptions(examples=2)).html


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def small(**more) -> Comparison:
    """One system, no charts: rendered in no time."""
    values = dict(title="t", systems=(system(0),), tests=COMPARISON.tests, results=(), families=())
    return Comparison(**{**values, **more})


def test_what_is_made_up_is_a_comparison():
    check(COMPARISON, "made up")


def test_ids_are_there_once_and_all_that_names_one_finds_it(page):
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids)) > 30
    for one in page.elements:
        for name in ("for", "aria-labelledby"):
            assert one.attributes.get(name, ids[0]) in ids
        target = one.attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids
        used = re.findall(r"url\(#(.*?)\)", " ".join(value or "" for value in one.attributes.values()))
        assert set(used) <= set(ids)


def test_tables_are_numbered_by_their_test_sets():
    plain = comparison(2, 0, curves=(), breakdowns=(), agreements=(), alignments=())
    plain = replace(plain, systems=tuple(replace(one, parameters=None) for one in plain.systems))  # no charts
    ids = [one.attributes.get("id", "") for one in Page(render(plain).html).elements]
    numbered = [name for name in ids if re.fullmatch(r"(systems|matrix)-\d+", name)]
    assert numbered == ["systems-1", "systems-2", "matrix-1"]


def test_pictures_of_an_utterance_stand_abreast_under_its_name():
    pictures = [Picture(title, caption, "<svg></svg>") for title, caption in ("ax", "ay", "bz")]
    html = render(small(), pictures=pictures).html
    section = html[html.index('<section id="pictures"'):]
    shown = re.findall("<h3><bdi>(.*?)</bdi>|(abreast)|<figcaption>(.*?)</", section[:section.index("</section>")])
    assert ["".join(one) for one in shown] == ["a", "abreast", "x", "y", "b", "abreast", "z"]


def test_nothing_is_loaded_from_elsewhere(html, page):
    """Namespaces are names, and there are none; every address is within the page or data."""
    for one in page.elements:
        for name in ("href", "src", "action", "data", "poster", "srcset", "xlink:href"):
            assert one.attributes.get(name, "#").startswith(("#", "data:")), one
    assert "//" not in re.sub(r"^ *// .*$|<!--", "", html, flags=re.M).replace("</", "").replace("\\u003c//", "")
    assert "@import" not in html and "@font-face" not in html


def test_the_policy_allows_the_pages_own_script_and_style_alone(page):
    (policy,) = [one.attributes["content"] for one in page.all("meta") if "http-equiv" in one.attributes]
    (style,) = page.all("style")
    (script,) = [one for one in page.all("script") if "type" not in one.attributes]
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src '{digest(script.text)}';" in policy and f"style-src '{digest(style.text)}';" in policy
    assert "unsafe" not in policy and "http" not in policy
    for one in page.elements:  # the policy would refuse these
        assert "style" not in one.attributes and not any(name.startswith("on") for name in one.attributes)
        assert one.tag not in ("iframe", "object", "embed", "base", "foreignobject")


def test_the_digest_is_that_of_the_standard():
    assert digest("alert('Hello, world.');") == "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="


def test_landmarks_headings_and_the_way_past_them(page):
    assert [len(page.all(tag)) for tag in ("header", "main", "nav", "footer", "h1")] == [1] * 5
    levels = [int(one.tag[1]) for one in page.all("h1", "h2", "h3", "h4")]
    assert all(below - above <= 1 for above, below in zip(levels, levels[1:]))
    first = page.all("a")[0]
    assert first.attributes == {"class": "skip", "href": "#main"}
    assert all(one.attributes.get("aria-labelledby") for one in page.all("section"))
    assert page.all("html")[0].attributes["lang"] == "en" and page.all("title")[0].text == COMPARISON.title


def test_every_field_has_a_label_and_every_picture_words(page):
    labels = [one.attributes.get("for") for one in page.all("label")]
    for one in page.all(*LABELLED):
        assert one.attributes["id"] in labels or "label" in one.inside
    for one in page.all("svg"):
        assert one.attributes.get("aria-hidden") == "true" or len(one.attributes["aria-label"]) > 10
    assert all(one.attributes.get("type") for one in page.all("button"))


def test_tables_have_captions_and_headers_and_can_be_scrolled_by_keyboard(page):
    tables = [one for one in page.all("table") if one.attributes.get("class") != "words"]
    assert len(page.all("caption")) == len(tables) > 10
    assert all(one.attributes["scope"] in ("row", "col") for one in page.all("th"))
    scrolled = [one for one in page.all("div") if one.attributes.get("class") == "scroll"]
    assert len(scrolled) == len(page.all("table"))
    assert all(one.attributes["tabindex"] == "0" and one.attributes["role"] == "region" for one in scrolled)


def test_navigation_names_the_sections_there_are(page):
    names = [one.attributes["href"][1:] for one in page.all("a") if "nav" in one.inside]
    assert names == [one.attributes["id"] for one in page.all("section")]
    assert "pictures" not in names and len(names) == 9
    bare = Page(render(small()).html)
    assert [one.attributes["id"] for one in bare.all("section")] == ["systems", "configurations", "reproduce"]
    assert [one.attributes["href"] for one in bare.all("a")] == ["#main", "#systems", "#configurations", "#reproduce"]


HARD = [*ODD, "]]>", "&lt;", "'\"><img src=x onerror=alert(1)>", "\u2028", "שלום", "𝒳"]


def hard(words) -> Comparison:
    """Each word wherever words of users come in."""
    systems = tuple(replace(system(0), key=word, family=word, name=word, description=word, commands=(word,),
                            configuration={word: word, "x": [word]}) for word in words)
    utterances = tuple(Utterance(word, "test", word, 1.0, (word, "b"), (
        Hypothesis(word, ((word, None), ("b", word), (None, word))),), {word: word}) for word in words)
    return small(title=words[-1], systems=systems, results=tuple(result(word, "test", 7.0) for word in words),
                 utterances=utterances, facts={word: word for word in words}, notes=tuple(words))


def test_words_come_out_as_they_are():
    options = PageOptions(examples=len(HARD))
    page = Page(render(hard(HARD), options).html)
    plain = Page(render(hard([f"word{n}" for n in range(len(HARD))]), options).html)
    assert [one.tag for one in page.elements] == [one.tag for one in plain.elements]  # no word made an element
    assert page.all("h1")[0].text == page.all("title")[0].text == HARD[-1]
    for tag in ("li", "mark", "ins", "del", "pre", "dt", "dd", "bdi"):
        assert set(HARD) <= {one.text for one in page.all(tag)}, tag
    data = page.json("utterance-data")
    assert [entry[0] for entry in data["utterances"]] == data["systems"] == HARD and set(HARD) <= set(data["words"])


def test_json_in_a_page_cannot_end_its_element():
    written = json_in_html(["</script><!--<script>&amp;"])
    assert not set("<>&") & set(written) and json_in_html(["漢"]) == '["漢"]'
    assert Page(f'<script id="x">{written}</script>').json("x") == ["</script><!--<script>&amp;"]


def test_the_same_comparison_gives_the_same_page():
    few = comparison(2, 4, breakdowns=(), agreements=(), alignments=())  # charts of costs and curves
    html = render(few).html
    assert html == render(few).html and html.count("<clipPath") >= 2


def test_a_page_of_thirty_systems_and_three_thousand_utterances_stays_below_five_megabytes():
    """Of a tenth of the utterances: what grows with them is measured by itself."""
    bare = comparison(30, 0, breakdowns=(), curves=(), agreements=(), alignments=())
    bare = replace(bare, results=tuple(replace(one, real_time_factor=None) for one in bare.results),
                   systems=tuple(replace(one, parameters=None) for one in bare.systems))  # no charts
    full = replace(bare, utterances=comparison(30, 300).utterances)
    without, with_them = (render(one).facts["bytes"] for one in (bare, full))
    assert without + 10 * (with_them - without) < 5_000_000
    assert without > 200_000  # every pair is there


def test_the_readers_without_javascript_see_the_most_different_utterances(page):
    articles = page.all("article")
    assert len(articles) == 2
    assert len(page.all("noscript")) == 1 and page.by_id("filters").attributes["hidden"] is None
    assert page.by_id("more").attributes["hidden"] is None


def test_what_has_no_place_is_told():
    few = comparison(2, 30, breakdowns=(), curves=(), agreements=(), alignments=())
    rendered = render(few, PageOptions(browser_megabytes=0.004, examples=0))
    assert 0 < rendered.facts["utterances"] < 30
    assert rendered.facts["left_out"] == 30 - rendered.facts["utterances"]
    assert f"{rendered.facts['left_out']} utterances on which systems agree most have no place" in rendered.html
    assert "There is no audio in this page." in rendered.html


@pytest.mark.parametrize("name", ["examples", "pictures", "browser_megabytes", "audio_megabytes"])
def test_options_are_not_negative(name):
    with pytest.raises(ValueError, match=name):
        PageOptions(**{name: -1})
    PageOptions(**{name: 0})


# --- the style sheet: text stands out from what lies below it (WCAG 2, AA)

STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at:at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def themes():
    blocks = re.findall(r":root \{(.*?)\}", STYLE, flags=re.S)
    return dict(zip(("light", "dark", "print"), (dict(re.findall(r"--(\w+): (#\w+)", block)) for block in blocks)))


def test_contrast_is_that_of_the_standard():
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("text, below", [
    ("ink", "paper"), ("ink", "panel"), ("soft", "paper"), ("soft", "panel"), ("link", "paper"), ("good", "paper"),
    ("bad", "paper"), ("ink", "sub"), ("ink", "del"), ("ink", "ins")])
def test_text_stands_out(theme, text, below):
    assert contrast(themes()[theme][text], themes()[theme][below]) >= 4.5


def test_lines_of_charts_stand_out_from_both_papers():
    from hybrid.report.page.charts import COLOURS
    for colour in COLOURS:
        assert all(contrast(colour, themes()[theme]["paper"]) >= 3 for theme in ("light", "dark")), colour
