"""The whole page: tables, charts and pictures, put into the templates.

The page is one file. Its security policy forbids every connection, and every script and style but its own two, which
it names by their digests.
"""

from functools import lru_cache
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from hybrid.compare.comparison import Comparison
from hybrid.report.page import overview, sections, settings, significance
from hybrid.report.page.audio import embed
from hybrid.report.page.embedded import digest, json_in_html
from hybrid.report.page.options import PageOptions
from hybrid.report.page.pictures import Picture
from hybrid.report.page.utterances import examples, pack

TEMPLATES = Path(__file__).parent / "templates"


class Rendered(NamedTuple):
    """html: the page. facts: what it holds and lacks, for a log. failed: lines on audio that was not read."""

    html: str
    facts: Dict[str, int]
    failed: List[str]


def render(comparison: Comparison, options: PageOptions = PageOptions(), pictures: Sequence[Picture] = ()) -> Rendered:
    """The page of a comparison; the same comparison gives the same bytes."""
    packed = pack(comparison, options.browser_megabytes)
    audio = embed(comparison.utterances, options.audio_megabytes)
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "page.js"))
    html = environment().get_template("page.html").render(
        comparison=comparison, style=style, script=script, style_digest=digest(style), script_digest=digest(script),
        pictures=pictures, examples=examples(comparison, options.examples), utterance_json=json_in_html(packed.data),
        audio_json=json_in_html(audio.data), audio_count=len(audio.data), shown=len(packed.data["utterances"]),
        left_out=packed.left_out, **_parts(comparison))
    facts = {"bytes": len(html.encode("utf-8")), "utterances": len(packed.data["utterances"]),
             "left_out": len(packed.left_out), "audio": len(audio.data), "pictures": len(pictures)}
    return Rendered(html, facts, audio.failed)


def _parts(comparison: Comparison) -> Dict[str, object]:
    tests = overview.tests_in_order(comparison)
    matrices = [significance.matrix(comparison, test, place) for place, test in enumerate(tests, 1)]
    return {
        "headlines": [(overview.verdicts(comparison, test), overview.test_facts(test)) for test in tests],
        "kinds": overview.kinds_in(comparison),
        "families": [overview.family_table(comparison, test, place) for place, test in enumerate(tests, 1)],
        "runs": overview.run_table(comparison), "costs": sections.costs(comparison),
        "matrices": [matrix for matrix in matrices if matrix], "pairs": significance.pair_table(comparison),
        "curves": sections.curves(comparison), "breakdowns": sections.breakdowns(comparison),
        "agreements": sections.agreements(comparison), "alignments": sections.alignments(comparison),
        "settings": settings.settings_table(comparison)}


@lru_cache(maxsize=1)
def environment():
    """jinja2's, with everything escaped and nothing undefined."""
    import jinja2
    return jinja2.Environment(loader=jinja2.FileSystemLoader(str(TEMPLATES)), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=jinja2.StrictUndefined)
