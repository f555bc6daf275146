import logging

import pytest
from lhotse.supervision import AlignmentItem

from graphs.lang.lang_folder import write_lang
from graphs.lattices.lattice_io import write_lattices
from hybrid.align.times.ctm import TimedSymbol, write_ctm
from hybrid.compare.comparison import System
from hybrid.compare.scored import Scored
from hybrid.data.manifest import write_cuts
from hybrid.nn.model_folder import write_description
from hybrid.nn.tdnn import TdnnOptions
from hybrid.recognize.texts import CUTS
from tests.hybrid.compare.scores import of_texts
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.lattices.material import LANG, TRANSITIONS, lattice_of
from tests.tools.comparison.scored_work import stage
from tools.comparison.material import material_of

TRUTH = [("bad", 0.03, 0.12), ("add", 0.12, 0.21), ("b", 0.21, 0.24)]


@pytest.fixture
def work(tmp_path):
    """Cuts u000 (with true words) and u001; lattices of both; a forced alignment."""
    cuts = ready_corpus(tmp_path / "ready", 2)
    for cut in cuts:
        cut.supervisions[0].text, cut.supervisions[0].custom = "bad add b", {"noise": "pink"}
    cuts[0].supervisions[0].alignment = {"word": [AlignmentItem(w, s, round(e - s, 4)) for w, s, e in TRUTH]}
    write_cuts(tmp_path / "cuts/test.jsonl.gz", cuts)
    write_cuts(tmp_path / "cuts/train.jsonl.gz", ready_corpus(tmp_path / "ready_train", 3))
    folder = tmp_path / "exp/decode_x_test"
    write_lattices(folder, 0, [lattice_of([("bad add b", "SIL B A D A D D B", 1.0)], cut.id) for cut in cuts])
    LANG.words.write(folder / "words.txt")
    TRANSITIONS.write(folder / "transitions")
    write_lang(LANG, tmp_path / "lang")
    (tmp_path / "exp/x").mkdir()
    write_description(tmp_path / "exp/x", TdnnOptions(), 1, 1, frame_shift=0.01)
    stage(folder, "tools.decode", [tmp_path / "exp/x/model.json", tmp_path / "lang/lang.json"], ())
    (tmp_path / "exp/align_dnn_test").mkdir()
    write_ctm(tmp_path / "exp/align_dnn_test/words.ctm", {"u000": [TimedSymbol(*one) for one in TRUTH]})
    (tmp_path / "exp/times_dnn_test").mkdir()
    write_ctm(tmp_path / "exp/times_dnn_test/words.ctm", {})
    return tmp_path


def scored(work, **entry):
    entry = {"test": "test", "lm_scale": 1.0, "acoustic_scale": 1.0, "word_insertion_penalty": 0.0, **entry}
    return Scored(System("x", "x", "x", "hybrid"), entry, of_texts(["a"], ["a"]), work / "exp/score_x/test",
                  str(work / "exp/decode_x_test"))


def test_cuts_tell_conditions_and_truth_and_training_text_its_words(work):
    found = material_of("test", [scored(work)], [work])
    assert set(found.cuts) == {"u000", "u001"} and found.cuts["u001"].conditions == {"noise": "pink"}
    assert [word.symbol for word in found.truth["u000"]] == ["bad", "add", "b"] and "u001" not in found.truth
    assert found.counts == {"yes": 3, "no": 3}
    (name, timed), (other, exact) = found.forced
    assert name == "dnn" and timed.source.endswith("align_dnn_test") and list(timed.words) == ["u000"]
    assert other == "times_dnn" and exact.source.endswith("times_dnn_test") and not exact.words


def test_cuts_are_those_that_were_scored(work):
    for name in ("other/test.jsonl.gz", f"other/test/{CUTS}"):
        write_cuts(work / name, ready_corpus(work / "ready_other", 1))
        stage(work / "exp/score_x", "tools.score", [work / "cuts/train.jsonl.gz", work / name], ())
        assert set(material_of("test", [scored(work)], [work]).cuts) == {"u000"}
        (work / name).unlink()
        assert set(material_of("test", [scored(work)], [work]).cuts) == {"u000", "u001"}


def test_cuts_of_another_test_set_were_not_scored(work):
    write_cuts(work / f"other/dev/{CUTS}", ready_corpus(work / "ready_other", 1))
    stage(work / "other/test", "tools.decode", files=("notes",))
    stage(work / "exp/score_x", "tools.score", [work / f"other/dev/{CUTS}", work / "other/test/notes"], ())
    assert set(material_of("test", [scored(work)], [work]).cuts) == {"u000", "u001"}


def test_of_several_training_texts_the_largest_counts(work):
    write_cuts(work / "other/cuts/train.jsonl.gz", ready_corpus(work / "ready_other", 1))
    for works in ([work, work / "other"], [work / "other", work]):
        assert material_of("test", [scored(work)], works).counts == {"yes": 3, "no": 3}


def test_words_are_counted_as_the_first_scores_write_them(work):
    cuts = ready_corpus(work / "ready_train", 3)
    for cut in cuts:
        cut.supervisions[0].text = "Yes"
    write_cuts(work / "cuts/train.jsonl.gz", cuts)
    stage(work / "exp/score_y", "tools.score", (), (), config={"score": {"fold_case": True}})
    one, other = scored(work), scored(work)._replace(details=work / "exp/score_y/test")
    assert material_of("test", [one, other], [work]).counts == {"Yes": 3}
    assert material_of("test", [other, one], [work]).counts == {"yes": 3}


def test_times_come_from_lattices(work):
    timed = material_of("test", [scored(work)], [work]).decoded["x"]
    assert timed.ends_known and timed.source.endswith("decode_x_test")
    assert [(w.symbol, round(w.start, 3), round(w.end, 3)) for w in timed.words["u001"]] == TRUTH


def test_lattices_of_an_unknown_rate_have_no_times(work, caplog):
    (work / "exp/x/model.json").unlink()
    assert material_of("test", [scored(work)], [work], log=logging.getLogger()).decoded == {}
    assert "no times of the words of x: " in caplog.text


def test_without_truth_no_times_are_asked_for(work):
    write_cuts(work / "cuts/test.jsonl.gz", ready_corpus(work / "ready", 2))
    found = material_of("test", [scored(work)], [work])
    assert found.decoded == {} and found.forced == [] and len(found.cuts) == 2


def test_an_alignment_of_other_utterances_is_told(work, caplog):
    for key in ("u000", "zzz"):
        write_ctm(work / f"{key}.ctm", {key: [TimedSymbol("a", 0.0, 1.0)]})
    found = material_of("test", [scored(work)], [work], [work / "u000.ctm", work / "zzz.ctm"], logging.getLogger())
    assert [name for name, _ in found.forced][-2:] == ["u000", "zzz"]
    (record,) = [one for one in caplog.records if "alignment" in one.getMessage()]
    assert record.getMessage().endswith("zzz.ctm: expected utterances of test, found none of them")


def test_more_alignments_may_be_given(work):
    for path in (work / "spikes.ctm", work / "exp/align_dnn_align_2_test/words.ctm"):
        path.parent.mkdir(exist_ok=True)
        write_ctm(path, {"u000": [TimedSymbol(*one) for one in TRUTH]})
    found = material_of("test", [scored(work)], [work], [work / "spikes.ctm"])
    assert [name for name, _ in found.forced] == ["dnn_align_2", "dnn", "times_dnn", "spikes"]


def test_texts_have_no_times_and_ctms_have(work):
    for lacking in ("lm_scale", "acoustic_scale", "word_insertion_penalty"):
        one = scored(work, **{lacking: None})
        assert material_of("test", [one], [work]).decoded == {}
    write_ctm(work / "exp/decode_x_test/words.ctm", {"u000": [TimedSymbol("bad", 0.0, 0.1)]})
    assert material_of("test", [one], [work]).decoded["x"].words["u000"][0].symbol == "bad"
    assert material_of("test", [one._replace(decoded="")], [work]).decoded == {}


def test_a_work_folder_without_cuts_tells_nothing(tmp_path):
    found = material_of("test", [scored(tmp_path)], [tmp_path])
    assert (found.cuts, found.counts, found.decoded, found.forced) == ({}, {}, {}, [])
