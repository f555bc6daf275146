"""Aligning a folder, with features and models that are planted instead of computed."""

import logging
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from graphs.errors import TooManyFailures
from graphs.hmm.hmm_folder import read_hmm
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import write_lang
from hybrid.align import work as align_work
from hybrid.align.alignment import read_alignments
from hybrid.align.bootstrap import BootstrapOptions
from hybrid.align.times.ctm import read_ctm
from hybrid.align.forced import AlignOptions
from hybrid.align.work import AlignWork, align_folder, with_delay
from tests.hybrid.align.test_forced import make_aligner, planted, segments_of

pytest.importorskip("k2")
LOG = logging.getLogger(__name__)
TRUTH = {"s/one": ("cat", [("SIL", 6), ("k", 3), ("a", 9), ("t", 6)]),
         "s/two": ("act a", [("a", 6), ("t", 3), ("a", 7)]),
         "s/short": ("cat cat", [("k", 3), ("a", 3), ("t", 3)])}


class Features(dict):
    """What a FeatureReader is asked for."""

    frame_shift = 0.01

    @property
    def ids(self):
        return list(self)

    def __init__(self, aligner, truth):
        super().__init__({name: planted(aligner, phones) for name, (_, phones) in truth.items()})
        self.truth = truth

    def speaker(self, utterance_id):
        return ""

    def text(self, utterance_id):
        return self.truth[utterance_id][0]


@pytest.fixture
def aligner(tmp_path, request):
    found = make_aligner(context=getattr(request, "param", (1, 0)))
    write_lang(found.lang, tmp_path / "lang")
    return found


@pytest.fixture
def features(aligner, monkeypatch):
    """The features are the log-likelihoods themselves."""
    reader, load = Features(aligner, TRUTH), align_work._load
    monkeypatch.setattr("hybrid.data.features.FeatureReader", lambda folder, cache_mb=0: reader)
    load.cache_clear()
    yield reader
    load.cache_clear()


def by_model(tmp_path, aligner, monkeypatch, **options):
    model = SimpleNamespace(tree=aligner.tree, transitions=aligner.transitions, spaces=[],
                            output_shift=0.01, log_likelihoods=lambda features: features)
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder, device: model)
    return AlignWork(Path("features"), tmp_path / "lang", AlignOptions(**options), model=Path("model"))


def test_copies_get_the_alignment_of_their_original(tmp_path, aligner, features, monkeypatch):
    for name in ("s/one-aug1", "s/one-aug2", "s/short-aug1"):
        features[name] = torch.zeros(0)  # never looked at
    features["gone-aug1"], features.truth = features["s/two"], {**TRUTH, "gone-aug1": TRUTH["s/two"]}
    work = by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.5)
    (tmp_path / "ali").mkdir()
    outcomes, _ = align_folder(work, tmp_path / "ali", 1, LOG)
    assert outcomes.counts == {"done": 5, "failed": 2}
    assert outcomes.notable["s/short-aug1"] == outcomes.notable["s/short"]
    found = read_alignments(tmp_path / "ali")
    assert set(found) == {"s/one", "s/one-aug1", "s/one-aug2", "s/two", "gone-aug1"}
    for name in ("s/one-aug1", "s/one-aug2"):
        assert found[name].utterance_id == name and found[name].words == found["s/one"].words
        assert np.array_equal(found[name].transition_ids, found["s/one"].transition_ids)
    assert segments_of(aligner, found["gone-aug1"]) == TRUTH["s/two"][1]
    assert align_work.copies_of(["a-aug1", "b", "a", "b-aug1", "c-aug1"]) == {
        "a": ["a-aug1"], "b": ["b-aug1"], "c-aug1": []}


def test_a_folder_is_aligned_and_nothing_is_lost(tmp_path, aligner, features, monkeypatch):
    work = by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.5)
    (tmp_path / "ali").mkdir()
    outcomes, facts = align_folder(work, tmp_path / "ali", 1, LOG)
    assert outcomes.counts == facts["outcomes"] == {"done": 2, "failed": 1}
    assert (tmp_path / "ali" / "outcomes.tsv").read_text().splitlines()[1:] == [
        "s/short\tfailed\t9 frames, but the words need 18"]
    found = read_alignments(tmp_path / "ali")
    assert found.keys() == {"s/one", "s/two"} and facts["frames"] == 24 + 16
    for name, alignment in found.items():
        assert segments_of(aligner, alignment) == TRUTH[name][1]
    assert facts["log_likelihood_per_frame"] == pytest.approx(
        (24 * found["s/one"].log_likelihood_per_frame + 16 * found["s/two"].log_likelihood_per_frame) / 40)
    phones = read_ctm(tmp_path / "ali" / "phones.ctm")
    assert [p.symbol for p in phones["s/two"]] == ["a", "t", "a"]
    assert [(w.symbol, round(w.start, 2), round(w.end, 2)) for w in read_ctm(tmp_path / "ali" / "words.ctm")["s/one"]
            ] == [("cat", 0.06, 0.24)]
    assert not (tmp_path / "ali" / "textgrid").exists()


def test_transitions_are_estimated_from_the_alignments(tmp_path, aligner, features, monkeypatch):
    work = by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.5)
    (tmp_path / "ali").mkdir()
    align_folder(work, tmp_path / "ali", 1, LOG)
    counts = Counter(int(i) for a in read_alignments(tmp_path / "ali").values() for i in a.transition_ids)
    written, seen = TransitionModel.read(tmp_path / "ali" / "transitions"), 0
    for number in range(1, len(written.states) + 1):
        ids = written.transition_ids_of(number)
        total = sum(counts[i] for i in ids)
        if total >= 5:  # as TransitionModel.estimate says
            seen += 1
            assert np.exp(written.log_prob[list(ids)]) == pytest.approx([counts[i] / total for i in ids], abs=0.02)
    assert seen >= 3


@pytest.mark.parametrize("aligner", [(1, 0), (3, 1)], indirect=True)
def test_the_models_tree_is_used_and_rides_along(tmp_path, aligner, features, monkeypatch):
    work = by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.5)
    (tmp_path / "ali").mkdir()
    align_folder(work, tmp_path / "ali", 1, LOG)
    tree, transitions = read_hmm(tmp_path / "ali")
    assert tree.to_text() == aligner.tree.to_text() == work.hmm()[0].to_text()
    for name, alignment in read_alignments(tmp_path / "ali").items():
        assert alignment.pdf_ids(transitions).tolist() == features[name].argmax(1).tolist()


def test_textgrids_are_written_when_wanted(tmp_path, aligner, features, monkeypatch):
    work = by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.5)
    for name in ("first", "again"):  # the folder may be there
        (tmp_path / "ali").mkdir(exist_ok=True)
        align_folder(work, tmp_path / "ali", 1, LOG, textgrids=True)
    assert sorted(p.name for p in (tmp_path / "ali" / "textgrid").iterdir()) == ["s_one.TextGrid", "s_two.TextGrid"]
    text = (tmp_path / "ali" / "textgrid" / "s_one.TextGrid").read_text()
    assert "xmax = 0.24" in text and '"cat"' in text and '"SIL"' in text


def test_a_folder_of_nothing_is_no_success(tmp_path, aligner, features, monkeypatch):
    features.clear()
    (tmp_path / "ali").mkdir()
    with pytest.raises(TooManyFailures, match="alignment: expected at least one item, found none"):
        align_folder(by_model(tmp_path, aligner, monkeypatch), tmp_path / "ali", 1, LOG)


def test_too_many_failures_stop_it(tmp_path, aligner, features, monkeypatch):
    (tmp_path / "ali").mkdir()
    with pytest.raises(TooManyFailures, match="alignment: 1 of 3"):
        align_folder(by_model(tmp_path, aligner, monkeypatch, max_failed_share=0.3), tmp_path / "ali", 1, LOG)


def by_ctc(tmp_path, aligner, monkeypatch, late=0, **bootstrap):
    """A CTC model that answers each true phone in all its frames, `late` frames late."""
    lang = aligner.lang

    def log_posteriors(scores):
        best = scores.argmax(dim=1).numpy()
        phone_of = np.zeros(aligner.transitions.num_pdfs, np.int64)
        phone_of[aligner.transitions.pdf_id[1:]] = aligner.transitions.phone_id[1:]
        phones = phone_of[best[(np.arange(len(best)) - late).clip(0)]]
        tokens = np.where(phones == lang.phones.id_of("SIL"), 0, phones)  # silence takes blank's score
        return torch.nn.functional.one_hot(torch.from_numpy(tokens), lang.num_phones + 1).float().mul(20).log_softmax(1)

    model = SimpleNamespace(log_posteriors=log_posteriors, log_priors=torch.zeros(lang.num_phones + 1))
    monkeypatch.setattr("hybrid.align.ctc_model.CtcModel.load", lambda folder: model)
    return AlignWork(Path("features"), tmp_path / "lang", AlignOptions(), ctc=Path("ctc"),
                     bootstrap=BootstrapOptions(**bootstrap))


def test_by_a_ctc_model_the_states_of_a_phone_share_its_frames(tmp_path, aligner, features, monkeypatch):
    work = by_ctc(tmp_path, aligner, monkeypatch, delay=0)
    (name, outcome), (_, failed) = work(["s/one", "s/short"])
    assert (name, outcome.outcome, failed.outcome, failed.alignment) == ("s/one", "done", "failed", None)
    assert segments_of(aligner, outcome.alignment) == TRUTH["s/one"][1]
    states = work.hmm()[1].hmm_state[outcome.alignment.transition_ids]
    assert states.tolist() == [0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("late", [0, 2])
def test_the_delay_of_a_ctc_model_is_found_where_it_is_left_open(tmp_path, aligner, features, monkeypatch, late):
    draw = np.random.default_rng(0).integers
    many = {f"u{n}": ("cat act", [(phone, int(draw(3, 9))) for phone in ("SIL", "k", "a", "t", "SIL", "a", "t", "SIL")])
            for n in range(12)}
    features.update(Features(aligner, many))
    features.truth = {**TRUTH, **many}
    monkeypatch.setattr(align_work, "MOST_DELAY", 4)
    work = with_delay(by_ctc(tmp_path, aligner, monkeypatch, late), 1, LOG)
    assert work.bootstrap.delay == late
    assert with_delay(work, 1, LOG) is work
    ((_, outcome),) = work(["u1"])
    assert segments_of(aligner, outcome.alignment) == many["u1"][1]


def test_the_delay_is_estimated_on_a_sample_that_spans_the_folder(tmp_path, aligner, features, monkeypatch):
    asked = []
    monkeypatch.setattr(AlignWork, "__call__", lambda self, ids: asked.append(ids) or [])
    monkeypatch.setattr(align_work, "_load", lambda work: (features, None, aligner, None))
    monkeypatch.setattr(align_work, "DELAY_SAMPLE", 2)
    features.clear()
    features.update({f"u{n}": None for n in range(5)})
    assert with_delay(by_ctc(tmp_path, aligner, monkeypatch), 1, LOG).bootstrap.delay == 0
    assert asked == [["u0", "u3"]]
