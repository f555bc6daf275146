"""Times of a folder of alignments, with features and models that are planted instead of computed."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import write_hmm
from graphs.hmm.topology import TopologyOptions
from graphs.lang.lang_folder import write_lang
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions, make_lang
from hybrid.align.alignment import Alignment, Segment, phone_segments, write_alignments
from hybrid.align.times import work as times_work
from hybrid.align.times.chain import chain_of, median_starts
from hybrid.align.times.ctm import read_ctm
from hybrid.align.times.work import TimesOptions, TimesWork, read_late, times_folder
from tests.hybrid.align.test_convert import model, path

LOG = logging.getLogger(__name__)
SHIFT = 0.01


class Reader(dict):
    """What a FeatureReader is asked for: utterance_id -> features."""

    frame_shift = SHIFT

    @property
    def ids(self):
        return list(self)


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder of alignments of three utterances whose features are the log-likelihoods themselves."""
    lexicon = Lexicon([Pronunciation("cat", ("k", "a", "t")), Pronunciation("a", ("a",))])
    lang = make_lang(lexicon, LangOptions(position_dependent=True), TopologyOptions(speech="3state"))
    tree = ContextTree.monophone(lang.topology)
    transitions = model(tree, lang.topology)
    write_lang(lang, tmp_path / "lang")
    said = {"one": ["SIL", "k_B", "a_I", "t_E"], "two": ["a_S", "SIL", "a_S"], "three": ["k_B", "a_I", "t_E", "SIL"]}
    words = {"one": [("cat", 1, 4)], "two": [("a", 0, 1), ("a", 2, 3)], "three": [("cat", 0, 3)]}
    alignments, reader = [], Reader()
    for seed, (name, phones) in enumerate(said.items()):
        ids = path(transitions, [lang.phones.id_of(phone) for phone in phones], seed).transition_ids
        found = Alignment(name, ids, -1.0, frame_shift=SHIFT)
        edges = [s.start_frame for s in phone_segments(found, transitions)] + [len(ids)]
        alignments.append(replace(found, words=tuple(
            Segment(lang.words.id_of(word), edges[i], edges[j] - edges[i]) for word, i, j in words[name])))
        scores = np.random.default_rng(seed).normal(0, 4, (len(ids), transitions.num_pdfs))
        scores[np.arange(len(ids)), found.pdf_ids(transitions)] += 12
        reader[name] = torch.from_numpy(scores).float()
    (tmp_path / "ali").mkdir()
    write_alignments(tmp_path / "ali", alignments)
    write_hmm(tmp_path / "ali", tree, transitions)
    answer = SimpleNamespace(tree=tree, transitions=transitions, spaces=[], output_shift=SHIFT,
                             log_likelihoods=lambda features: features)
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder, device: answer)
    monkeypatch.setattr("hybrid.data.features.FeatureReader", lambda folder, cache_mb=0: reader)
    reader.speaker = lambda utterance_id: ""
    times_work._load.cache_clear()
    yield SimpleNamespace(lang=lang, model=answer, reader=reader, alignments=alignments, folder=tmp_path)
    times_work._load.cache_clear()


def times(planted, out="times", late_of=None, textgrids=False, **options):
    work = TimesWork(Path("features"), planted.folder / "ali", Path("model"), TimesOptions(**options))
    out = planted.folder / out
    out.mkdir()
    return out, times_folder(work, planted.folder / "lang", out, 1, LOG, late_of, textgrids)


def medians(planted, alignment, scale):
    transitions = planted.model.transitions
    segments = phone_segments(alignment, transitions)
    scores = scale * planted.reader[alignment.utterance_id].double().numpy()
    return SHIFT * median_starts(scores, chain_of(alignment, segments, transitions), transitions,
                                 [(s.start_frame - 8, s.start_frame + s.num_frames + 8) for s in segments]).starts


def test_phones_begin_at_their_medians_and_words_with_their_phones(planted):
    out, (outcomes, facts) = times(planted, acoustic_scale=0.3, late=False)
    assert outcomes.counts == facts["outcomes"] == {"done": 3}
    phones, words = read_ctm(out / "phones.ctm"), read_ctm(out / "words.ctm")
    for alignment in planted.alignments:
        own = phones[alignment.utterance_id]
        starts = medians(planted, alignment, 0.3)
        assert [p.start for p in own] == pytest.approx(starts, abs=1e-4)
        assert [p.end for p in own] == pytest.approx([*starts[1:], alignment.num_frames * SHIFT], abs=2e-4)
        assert any(abs(100 * start - round(100 * start)) > 0.01 for start in starts[1:])
    assert [p.symbol for p in phones["two"]] == ["a_S", "SIL", "a_S"]
    assert [(w.symbol, w.start, w.end) for w in words["one"]] == [
        ("cat", pytest.approx(phones["one"][1].start), pytest.approx(phones["one"][3].end, abs=2e-4))]
    assert [(w.start, w.end) for w in words["two"]] == [
        (p.start, pytest.approx(p.end, abs=2e-4)) for p in (phones["two"][0], phones["two"][2])]
    assert json.loads((out / "late.json").read_text()) == {} and not (out / "textgrid").exists()


def test_a_phone_begins_no_farther_from_where_it_was_than_it_is_looked_for(planted):
    """Features that say SIL all along, of an alignment that leaves it early."""
    one, transitions = planted.alignments[0], planted.model.transitions
    silence = one.pdf_ids(transitions)[phone_segments(one, transitions)[1].start_frame - 1]
    more = np.full(30, one.transition_ids[-1])  # the last state's self-loop or not: a long last phone
    assert transitions.is_self_loop[more[0]]
    write_alignments(planted.folder / "ali", [replace(one, transition_ids=np.append(one.transition_ids, more))])
    planted.reader["one"] = torch.zeros(one.num_frames + 30, transitions.num_pdfs)
    planted.reader["one"][:, silence] = 100.0
    out, _ = times(planted, late=False)
    start = phone_segments(one, transitions)[1].start_frame * SHIFT
    assert read_ctm(out / "phones.ctm")["one"][1].start == pytest.approx(start + 0.08, abs=1e-3)


def test_what_phones_are_late_by_is_taken_off_phone_by_phone(planted, monkeypatch, caplog):
    asked = []

    def estimate(*found):
        asked.extend(found)
        return {"k": 0.25, "a": -0.5, "t": 0.75, "SIL": 0.0}
    monkeypatch.setattr(times_work, "late_by_phone", estimate)
    with caplog.at_level(logging.INFO):
        out, _ = times(planted)
    assert "phones come late by -5.0 ms (a) to 7.5 ms (t), by 3 utterances" in caplog.text
    late = {"k_B": 0.0025, "a_I": -0.005, "a_S": -0.005, "t_E": 0.0075, "SIL": 0.0}
    for alignment in planted.alignments:
        own = read_ctm(out / "phones.ctm")[alignment.utterance_id]
        starts = medians(planted, alignment, 0.2)
        assert [p.start for p in own[1:]] == pytest.approx(
            [start - late[p.symbol] for p, start in zip(own[1:], starts[1:])], abs=1e-4)
        assert own[0].start == 0
    features, pdf_ids, starts, phones = asked
    assert phones[0] == ["SIL", "k", "a", "t"] and [len(y) for y in pdf_ids] == [len(x) for x in features]
    assert starts[0].tolist() == np.round(medians(planted, planted.alignments[0], 0.2) / SHIFT).astype(int).tolist()
    assert read_late(out) == pytest.approx({"k": 0.0025, "a": -0.005, "t": 0.0075, "SIL": 0.0})


def test_lateness_of_another_folder_is_taken_and_a_phone_it_lacks_has_the_mean(planted):
    (planted.folder / "late.json").write_text('{"k": 0.002, "a": 0.004}')
    out, _ = times(planted, late_of=planted.folder)
    own, starts = read_ctm(out / "phones.ctm")["one"], medians(planted, planted.alignments[0], 0.2)
    assert [start - p.start for p, start in zip(own, starts)] == pytest.approx([0, 0.002, 0.004, 0.003], abs=2e-4)


def test_what_fails_is_named_and_the_rest_is_done(planted):
    planted.reader["two"] = planted.reader["two"][:-4]
    del planted.reader["three"]
    planted.reader["empty"] = planted.reader["one"]
    write_alignments(planted.folder / "ali", [*planted.alignments, Alignment("empty", np.zeros(0, np.int32), 0.0)])
    out, (outcomes, _) = times(planted, max_failed_share=0.75)
    assert outcomes.counts == {"done": 1, "failed": 3} and outcomes.notable["empty"] == ("failed", "no frames")
    assert list(read_ctm(out / "phones.ctm")) == ["one"]
    assert outcomes.notable["three"] == ("failed", "no features")
    assert (out / "outcomes.tsv").read_text().splitlines()[1:] == [
        f"{name}\tfailed\t{reason}" for name, (_, reason) in sorted(outcomes.notable.items())]
    frames = planted.alignments[1].num_frames
    assert outcomes.notable["two"] == (
        "failed", f"{(frames - 4) * SHIFT:.2f} s of features, but the alignment has {frames * SHIFT:.2f} s")
    with pytest.raises(TooManyFailures):
        times(planted, "again")


def test_two_frames_more_or_less_are_no_matter_if_the_states_fit(planted):
    transitions = planted.model.transitions
    two, three = planted.reader["two"], planted.reader["three"]
    planted.reader["two"], planted.reader["three"] = two[:-2], torch.cat([three, three[-2:]])
    one = planted.alignments[0]
    forward = one.transition_ids[~transitions.is_self_loop[one.transition_ids]]
    write_alignments(planted.folder / "ali", [replace(one, transition_ids=forward, words=()), *planted.alignments[1:]])
    planted.reader["one"] = planted.reader["one"][:len(forward) - 1]
    _, (outcomes, _) = times(planted, max_failed_share=0.5)
    assert outcomes.counts == {"done": 2, "failed": 1}
    assert outcomes.notable["one"] == ("failed", f"{len(forward) - 1} frames, but {len(forward)} HMM states")


def test_lateness_is_estimated_on_a_sample_that_spans_the_folder(planted, monkeypatch):
    asked = []
    monkeypatch.setattr(times_work, "late_by_phone", lambda *found: asked.append(found) or {})
    monkeypatch.setattr(times_work, "LATE_SAMPLE", 2)
    times(planted)
    assert [len(x) for x in asked[0][0]] == [len(planted.reader[name]) for name in ("one", "three")]


def test_a_model_of_another_rate_finds_the_same_times(planted):
    """Each frame twice, at half the shift: the same sound."""
    for name in list(planted.reader):
        planted.reader[name] = planted.reader[name].repeat_interleave(2, dim=0)
    planted.reader.frame_shift = planted.model.output_shift = SHIFT / 2
    out, (outcomes, _) = times(planted, acoustic_scale=0.5, late=False)
    assert outcomes.counts == {"done": 3}
    for alignment in planted.alignments:
        frames = [s.start_frame * SHIFT for s in phone_segments(alignment, planted.model.transitions)]
        found = [p.start for p in read_ctm(out / "phones.ctm")[alignment.utterance_id]]
        assert found == pytest.approx(frames, abs=0.6 * SHIFT)


def test_lateness_wants_a_model_that_answers_for_each_frame(planted):
    planted.model.output_shift = SHIFT * 1.01
    with pytest.raises(InputError, match=r"times.late: expected a model .*\(0.01 s\), found .* each 0.0101 s"):
        times(planted)


def test_textgrids_are_written_when_wanted(planted):
    out, _ = times(planted, textgrids=True)
    assert sorted(p.name for p in (out / "textgrid").iterdir()) == ["one.TextGrid", "three.TextGrid", "two.TextGrid"]


@pytest.mark.parametrize("content, found", [
    ('{"a": "x"}', "'x'"), ('{"a": 5}', "5"), ('{"a": NaN}', "nan"), ('{"a": true}', "True"), ("[]", "list")])
def test_a_file_of_lateness_that_is_none_is_told(tmp_path, content, found):
    (tmp_path / "late.json").write_text(content)
    with pytest.raises(InputError, match=f"late.json.*found .*{found}"):
        read_late(tmp_path)


@pytest.mark.parametrize("options", [{"acoustic_scale": 0}, {"acoustic_scale": float("inf")}, {"max_failed_share": 1.1},
                                     {"max_failed_share": -0.1}])
def test_options_out_of_range_are_refused(options):
    TimesOptions(max_failed_share=0), TimesOptions(max_failed_share=1)
    with pytest.raises(ValueError, match=f"{next(iter(options))}: expected"):
        TimesOptions(**options)
