"""The report of a validated corpus, line by line."""

import numpy as np
import pytest
from lhotse.utils import fastcopy

from graphs.errors import TooManyFailures
from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.report import check_share, report_lines, write_rejected
from hybrid.data.transcript import Transcripts
from hybrid.data.validate import Rejected, Validated
from tests.hybrid.data.material import ready_cut


def ready(folder, utterance_id, speaker, seconds=1.0):
    return fastcopy(ready_cut(folder, utterance_id, np.zeros((9, 1), np.float32), speaker=speaker), duration=seconds)


def rejected(reason, *ids):
    return [Rejected(name, reason, "") for name in ids]


def counted(text, *known):
    transcripts = Transcripts(Lexicon([Pronunciation(word, ("X",)) for word in known]), 1.0)
    transcripts.check(text, 1e6, count=True)
    return transcripts


def test_a_report_line_by_line(tmp_path):
    train = Validated(
        [ready(tmp_path, "a", "anna", 240_000.0), ready(tmp_path, "b", "anna", 120_017.0), ready(tmp_path, "c", None)],
        [*rejected("missing", "m1", "m2", "m3"), *rejected("too_short", "t1", "t2", "t3", "t4"),
         *rejected("odd_rate", "o")],
        {"silent": ["a"], "resampled": ["a", "b", "c", "d"], "long": ["b", "c", "d"]})
    results = {"train": train, "eval": Validated(rejected=rejected("missing", "x", "y")), "test": Validated()}
    assert report_lines(results, counted("yes no no ja yes", "yes"), 8000) == [
        "train: 3 good utterances, 100.00 hours, 2 speakers; 8 rejected",
        "  3 longer than data.long_seconds (b, c, d)",
        "  4 resampled to 8000 Hz (a, b, c, ...)",
        "  1 with nothing but zeros (a)",
        "  4 rejected: too_short, more phones than frames can hold (t1, t2, t3, ...)",
        "  3 rejected: missing, there is no such audio file, or the cut has neither audio nor features (m1, m2, m3)",
        "  1 rejected: odd_rate, the audio's sampling rate is none of speech: its header is damaged (o)",
        "eval: 0 good utterances, 0.00 hours, 0 speakers; 2 rejected",
        "  2 rejected: missing, there is no such audio file, or the cut has neither audio nor features (x, y)",
        "  the 2 rejected utterances of eval will not be scored",
        "test: 0 good utterances, 0.00 hours, 0 speakers; 0 rejected",
        "training transcripts: 3 of 5 words are not in the lexicon (no, ja)"]


@pytest.mark.parametrize("transcripts, expected", [
    (counted("a b", "a", "b"), ["training transcripts: 0 of 2 words are not in the lexicon"]),
    (counted("z " * 3 + " ".join("bcdefghijklm"), "a", "b"),  # the commonest ten
     ["training transcripts: 14 of 15 words are not in the lexicon (z, c, d, e, f, g, h, i, j, k)"]),
    (counted("", "a"), []), (Transcripts(None, 1.0), []),
    (counted("A B c", "a", "b"), ["training transcripts: 3 of 3 words are not in the lexicon (A, B, c)",
                                  "2 of 3 unknown words are in the lexicon in lower case: set data.case=lower"])])
def test_words_that_the_lexicon_lacks(transcripts, expected):
    assert report_lines({}, transcripts, None) == expected


def test_a_list_of_rejected_utterances(tmp_path):
    """A line each, whatever was said of it."""
    for rows, lines in (([], []), ([Rejected("a b", "missing", "no\tfile\n x "), Rejected("c", "silent", "")],
                                   ["a b\tmissing\tno file x", "c\tsilent\t"])):
        write_rejected(tmp_path / "r.tsv", rows)
        assert (tmp_path / "r.tsv").read_text(encoding="utf-8") == "".join(
            line + "\n" for line in ["utterance\treason\tdetail", *lines])


def test_a_share_may_be_rejected(tmp_path):
    result = Validated([ready(tmp_path, f"u{i}", "anna") for i in range(3)], rejected("missing", "x"))
    check_share("dev", result, 0.25, tmp_path)
    with pytest.raises(TooManyFailures, match=rf"^dev \(each is named in {tmp_path}/rejected_dev.tsv\): 1 of 4 items "
                                              r"failed, more than the allowed share of 24% \(4 items: 3 done, 1 miss"):
        check_share("dev", result, 0.24, tmp_path)
