"""The page in a real browser, where there is one: Chromium without a window."""

from dataclasses import replace

import pytest

from hybrid.report.page.options import PageOptions
from hybrid.report.page.page import render
from hybrid.report.page.pictures import Picture
from hybrid.report.page.utterances import aligned
from tests.hybrid.report.page.browser import END, ENTER, INSTALLED, SPACE, TAB, Browser
from tests.hybrid.report.page.material import comparison

pytestmark = pytest.mark.skipif(not INSTALLED, reason="needs chromium and chromedriver")

NUM_UTTERANCES = 45
COMPARISON = comparison(4, NUM_UTTERANCES, agreements=(), curves=(), breakdowns=comparison(4, 0).breakdowns[:1])
PICTURES = [Picture("an utterance", f"{width} pixels", f'<svg width="{width}" height="50"></svg>')
            for width in (300, 301, 3000)]
SOUND = "spk00-utt00000"  # has audio


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    import soundfile
    soundfile.write(str(path.with_name("sound.wav")), [0.0, 0.1] * 4000, 8000)
    audio = {SOUND: {"audio": str(path.with_name("sound.wav")), "offset": 0.25, "seconds": 0.5}}
    heard = tuple(replace(one, **audio.get(one.utterance_id, {})) for one in COMPARISON.utterances)
    rendered = render(replace(COMPARISON, utterances=heard), PageOptions(examples=2), PICTURES)
    path.write_text(rendered.html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def session():
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(session, page):
    """At the page, freshly loaded, on a wide screen; afterwards nothing may have been complained about."""
    session.resize(1280, 900)
    session.emulate()
    session.open(page)
    yield session
    assert session.log() == []


def texts(browser, selector):
    return browser.script("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)


def active(browser):
    return browser.script("const one = document.activeElement; return one.id || one.textContent")


def choose(browser, name, value):
    """In the form; waits until the list is drawn anew."""
    browser.script("""document.getElementById("utterance-list").replaceChildren();
        document.getElementById("found").textContent = "";
        const field = document.getElementById(arguments[0]);
        if (field.type === "checkbox") field.checked = arguments[1]; else field.value = arguments[1];
        field.dispatchEvent(new Event("input", { bubbles: true }));""", name, value)
    browser.wait_for('document.getElementById("found").textContent !== ""')


def shown(browser):
    return texts(browser, "#utterance-list h3")


def found(browser):
    return int(texts(browser, "#found")[0].split()[0])


def test_it_opens_without_a_word_in_the_console(browser):
    timing = browser.script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"loaded in {timing:.0f} ms")
    assert browser.script("return performance.getEntriesByType('resource').length") == 0  # nothing was asked for
    assert browser.script("return document.title") == COMPARISON.title


def test_a_script_that_is_not_the_pages_own_does_not_run(session, page, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(page.read_text(encoding="utf-8").replace("</main>", "<script>window.bad = 1</script></main>"),
                   encoding="utf-8")
    session.open(bad)
    assert session.script("return window.bad === undefined")
    assert any("Content Security Policy" in entry["message"] for entry in session.log())


def test_tables_sort_by_keyboard(browser):
    def column():
        return texts(browser, "#systems-1 tbody tr > :nth-child(2) bdi")

    def sorted_as():
        return browser.script("return [...document.querySelectorAll('#systems-1 th[scope=col]')]"
                              ".map(one => one.getAttribute('aria-sort'))")
    given = column()
    assert [float(cell.split()[0]) for cell in given] == sorted(float(cell.split()[0]) for cell in given)
    browser.script("document.querySelector('#systems-1 th button').focus()")
    browser.press(TAB)
    assert active(browser) == "WER %"
    browser.press(ENTER)
    assert column() == given and sorted_as()[:3] == [None, "ascending", None]
    browser.press(SPACE)
    assert column() == given[::-1] and sorted_as()[:3] == [None, "descending", None]
    browser.press(TAB, ENTER)
    assert sorted_as()[:3] == [None, None, "ascending"]
    kinds = texts(browser, "#systems-1 tbody tr > :nth-child(3)")
    assert kinds == sorted(kinds) and len(set(kinds)) > 1


def test_numbers_sort_as_numbers_and_the_unknown_stay_last(browser):
    place = 1 + texts(browser, "#systems-1 thead th").index("± seeds")
    for _ in range(2):
        browser.script(f"document.querySelector('#systems-1 th:nth-child({place}) button').click()")
        assert texts(browser, f"#systems-1 tbody td:nth-child({place})")[-1] == "–"
    place = 1 + texts(browser, "#runs thead th").index("WER %")
    browser.script(f"document.querySelector('#runs th:nth-child({place}) button').click()")
    rates = [float(cell.split()[0]) for cell in texts(browser, f"#runs tbody td:nth-child({place})")]
    assert rates == sorted(rates) and rates[-1] >= 10 > rates[0]


def test_the_focus_is_seen_and_the_first_stop_leads_past_the_navigation(browser):
    browser.press(TAB)
    assert active(browser) == "Skip to the content"
    box = browser.script("const box = document.activeElement.getBoundingClientRect(); return [box.left, box.top]")
    outline = browser.script("return getComputedStyle(document.activeElement).outlineWidth")
    assert min(box) >= 0 and outline == "3px"
    browser.press(ENTER)
    browser.wait_for("location.hash === '#main'")
    assert active(browser) == "main"


def test_every_utterance_is_drawn_as_python_aligns_it(browser):
    choose(browser, "by-order", "given")
    while not browser.script("const more = document.getElementById('more'); if (!more.hidden) more.click(); "
                             "return more.hidden"):
        pass
    drawn = browser.script("""return [...document.querySelectorAll("#utterance-list article")].map((article) => ({
        id: article.querySelector("h3").textContent, rtl: article.querySelector("table").dir === "rtl",
        rows: [...article.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => {
          const mark = cell.querySelector("mark, ins, del");
          return mark ? [mark.tagName, mark.textContent, cell.textContent] : ["", cell.textContent, ""];
        })) }))""")
    assert [one["id"] for one in drawn] == [one.utterance_id for one in COMPARISON.utterances]
    for one, utterance in zip(drawn, COMPARISON.utterances):
        expected = aligned(utterance)
        assert one["rtl"] == expected.right_to_left
        assert one["rows"][0] == [["", word, ""] for word in ("reference", "errors", *expected.reference)]
        assert sorted(one["rows"][1:]) == sorted(
            [["", ", ".join(row.systems), ""], ["", "no output" if row.missing else str(row.errors), ""],
             *([TAGS[word.kind], word.text, f"{SAID[word.kind]}{word.text}" if TAGS[word.kind] else ""]
               for word in row.words)] for row in expected.rows)


TAGS = {"same": "", "empty": "", "substitution": "MARK", "insertion": "INS", "deletion": "DEL"}
SAID = {"substitution": "substituted: ", "insertion": "inserted: ", "deletion": "deleted: ", "same": "", "empty": ""}


def expect(condition):
    return [one.utterance_id for one in COMPARISON.utterances
            if condition(one, {hypothesis.system: hypothesis for hypothesis in one.hypotheses})]


def kinds_of(hypothesis):
    return {"deletion" if heard is None else "insertion" if said is None else "substitution"
            for said, heard in hypothesis.pairs if said != heard}


def test_filters_find_what_they_say(browser):
    keys = [system.key for system in COMPARISON.systems]
    assert found(browser) == NUM_UTTERANCES and len(shown(browser)) == 20
    choose(browser, "by-order", "given")
    choose(browser, "by-system", "2")
    choose(browser, "by-kind", "error")
    assert found(browser) == len(expect(lambda _, own: own[keys[2]].errors > 0)) < NUM_UTTERANCES
    choose(browser, "by-rival", "0")
    better = expect(lambda _, own: own[keys[0]].errors < own[keys[2]].errors)
    assert shown(browser) == better[:20] and found(browser) == len(better)
    choose(browser, "by-rival", "")
    for value, kind in enumerate(("substitution", "deletion", "insertion")):
        choose(browser, "by-kind", str(value))
        assert found(browser) == len(expect(lambda _, own: kind in kinds_of(own[keys[2]]))), kind
    choose(browser, "by-kind", "right")
    assert found(browser) == len(expect(lambda _, own: own[keys[2]].errors == 0))


def test_disagreement_speakers_and_words(browser):
    choose(browser, "by-order", "given")
    same = expect(lambda _, own: len({(tuple(one.words), one.missing) for one in own.values()}) == 1)
    choose(browser, "by-agreement", "same")
    assert found(browser) == len(same) and 0 < len(same) < NUM_UTTERANCES
    choose(browser, "by-agreement", "differ")
    assert found(browser) == NUM_UTTERANCES - len(same)
    choose(browser, "by-agreement", "any")
    choose(browser, "by-speaker", "3")
    assert shown(browser) == expect(lambda one, _: one.speaker == "spk03")
    choose(browser, "by-speaker", "")
    choose(browser, "by-text", "UTT00007")
    assert shown(browser) == ["spk07-utt00007"]
    choose(browser, "by-text", "no such word")
    assert shown(browser) == [] and found(browser) == 0
    browser.script("document.querySelector('button[type=reset]').click()")
    browser.wait_for('document.getElementById("found").textContent.startsWith("45 ")')


def test_the_most_different_come_first_and_rows_can_be_those_chosen(browser):
    errors = {one.utterance_id: sum(own.errors for own in one.hypotheses) for one in COMPARISON.utterances}
    choose(browser, "by-order", "errors")
    counts = [errors[name] for name in shown(browser)]
    assert counts == sorted(errors.values(), reverse=True)[:20]
    choose(browser, "by-system", "1")
    choose(browser, "only-chosen", True)
    names = [text for text in texts(browser, "#utterance-list th") if text != "reference"]
    assert set(names) == {COMPARISON.systems[1].key}
    choose(browser, "by-order", "interest")
    variants = {one.utterance_id: len({(hypothesis.pairs, hypothesis.missing) for hypothesis in one.hypotheses})
                for one in COMPARISON.utterances}
    assert shown(browser) == sorted(variants, key=lambda name: (-variants[name], -errors[name]))[:20]


def test_filters_work_by_keyboard(browser):
    browser.script("document.getElementById('by-kind').focus()")
    browser.press(END)  # the last of the choices
    browser.wait_for("!document.getElementById('found').textContent.startsWith('45 ')")
    assert found(browser) == len(expect(lambda _, own: all(one.errors == 0 for one in own.values())))


def test_audio_is_there_and_plays(browser):
    choose(browser, "by-text", SOUND)
    assert shown(browser) == [SOUND]
    browser.script("""const player = document.querySelector("audio");
        window.told = null;
        player.addEventListener("loadedmetadata", () => { window.told = player.duration; });
        player.addEventListener("error", () => { window.told = -1; });
        player.load(); player.preload = "metadata";""")
    browser.wait_for("window.told !== null")
    assert browser.script("return window.told") == pytest.approx(0.5, abs=0.01)
    choose(browser, "by-text", "spk02-utt00002")
    assert texts(browser, "audio") == []


@pytest.mark.parametrize("width, narrow", [(320, True), (390, True), (768, False), (1280, False)])
def test_nothing_reaches_out_of_the_page(browser, width, narrow):
    browser.resize(width, 800, narrow)
    assert browser.script("document.querySelectorAll('details').forEach((one) => { one.open = true; }); "
                          "return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width, rows", [(1280, ["300 301", "3000"]), (390, ["300", "301", "3000"])])
def test_pictures_stand_side_by_side_where_there_is_room(browser, width, rows):
    browser.resize(width, 800, False)
    places = browser.script("""return [...document.querySelectorAll(".abreast svg")].map((one) =>
        [one.getAttribute("width"), one.getBoundingClientRect().top])""")
    tops = sorted({top for _, top in places})
    assert [" ".join(name for name, own in places if own == top) for top in tops] == rows


def test_on_paper(browser):
    """What is folded is unfolded, the form is gone, and all tables fit."""
    browser.script("dispatchEvent(new Event('beforeprint'))")
    assert browser.script("return document.querySelectorAll('details:not([open])').length") == 0
    browser.emulate(media="print")
    browser.resize(720, 1000)
    assert browser.script("return getComputedStyle(document.getElementById('filters')).display") == "none"
    assert browser.script("return document.documentElement.scrollWidth") <= 720
    browser.script("dispatchEvent(new Event('afterprint'))")
    assert browser.script("return document.querySelectorAll('details[open]').length") == 0
    content = browser.pdf()
    assert content.startswith(b"%PDF") and len(content) > 50_000


def test_it_is_dark_where_that_is_wished(browser):
    light = browser.script("return getComputedStyle(document.body).backgroundColor")
    browser.emulate(prefers_color_scheme="dark")
    assert light == "rgb(255, 255, 255)"
    assert browser.script("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    ink = browser.script("return getComputedStyle(document.querySelector('figure svg text')).fill")
    assert ink == "rgb(231, 234, 238)"


def test_without_javascript_the_main_things_are_there(session, page):
    session.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        session.open(page)
        root = session.devtools("DOM.getDocument")["root"]["nodeId"]

        def text(selector):
            node = session.devtools("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
            return session.devtools("DOM.getOuterHTML", nodeId=node)["outerHTML"]
        assert "<button" not in text("#systems-1") and "5.00 (3.50 to 6.50)" in text("#systems-1")
        assert text("#utterance-list").count("<article") == 2 and "hidden" in text("#filters").split(">")[0]
    finally:
        session.devtools("Emulation.setScriptExecutionDisabled", value=False)
