"""From folders of features and alignments to a folder with a tree, and to the alignments of that tree."""

import json
import logging

import numpy as np
import pytest
import torch

from graphs.errors import InputError, TooManyFailures
from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import read_hmm, write_hmm
from graphs.hmm.topology import chain_entry
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import read_lang, write_lang
from hybrid.align.alignment import Alignment, phone_segments, read_alignments, write_alignments
from hybrid.align.times.ctm import read_ctm
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.outcomes import Outcomes
from hybrid.tree.options import TreeOptions
from hybrid.tree.stats import EventStats
from hybrid.tree.summary import read_leaf_frames
from hybrid.tree.work import StatsWork, make_tree, sum_up, wanted_topology
from tests.hybrid.data.material import ready_cut
from tests.hybrid.tree.material import small_lang
from tests.tools.test_prepare_lang import facts, run
from tools import build_tree, convert_alignment

LOG = logging.getLogger("tree")
PHONES = ["SIL", "A", "B", "A", "C", "B", "SIL"]
FRAMES = 5  # of each HMM state


def paths(lang, transitions, order):
    """transition_ids of the phones, FRAMES for each state."""
    forward = {(int(transitions.phone_id[i]), int(transitions.hmm_state[i])): i
               for i in np.flatnonzero(~transitions.is_self_loop)[1:]}
    loops = transitions.self_loops()
    ids = [forward[lang.phones.id_of(phone), state] for phone in order for state in range(3)]
    return np.array([i for one in ids for i in [one, *[loops[transitions.transition_state[one]]] * (FRAMES - 1)]],
                    np.int32)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A work folder in which A sounds different after B."""
    folder, lang = tmp_path_factory.mktemp("tree"), small_lang("A B C")
    write_lang(lang, folder / "lang")
    tree = ContextTree.monophone(lang.topology)
    transitions = TransitionModel.from_tree(tree, lang.topology)
    rng, cuts, alignments = np.random.default_rng(0), [], []
    for number in range(40):
        order = ["SIL", *rng.permutation(PHONES[1:-1]), "SIL"]
        ids = paths(lang, transitions, order)
        means = [[10.0 * PHONES.index(phone), 5.0 * state + 30.0 * (phone == "A" and before == "B")]
                 for before, phone in zip(["", *order], order) for state in range(3) for _ in range(FRAMES)]
        matrix = (np.array(means) + rng.normal(size=(len(ids), 2))).astype(np.float32)
        cuts.append(ready_cut(folder / "raw", f"u{number:02d}", matrix))
        alignments.append(Alignment(f"u{number:02d}", ids, -1.0))
    (folder / "features").mkdir()
    compute_features(cuts, FeatureOptions(kind="ready", cmvn="none"), folder / "features", Outcomes())
    (folder / "align").mkdir()
    write_hmm(folder / "align", tree, transitions)
    write_alignments(folder / "align", alignments)
    return folder


def of(work, **options):
    return StatsWork(work / "features", work / "align", work / "lang", TreeOptions(**{
        "num_leaves": 16, "min_count": 20, **options}))


def test_a_tree_is_made_and_the_alignment_follows_it(work, tmp_path):
    inputs = ["--features", work / "features", "--lang", work / "lang", "--alignment", work / "align", "--nj", 1]
    assert run(build_tree, tmp_path, *inputs, "tree.num_leaves=16", "tree.min_count=20", out="tree") == 0
    tree, transitions = read_hmm(tmp_path / "tree")
    assert (tree.context_width, tree.num_pdfs) == (3, facts(tmp_path, "tree")["leaves"])
    a, b, c = (work_id(work, name) for name in "ABC")
    assert tree.pdf_id((b, a, c), 0) != tree.pdf_id((c, a, c), 0)
    assert len(tree.pdf_ids_of(1, 0) | tree.pdf_ids_of(1, 1) | tree.pdf_ids_of(1, 2)) == 3
    assert sum(map(int, read_leaf_frames(tmp_path / "tree" / "leaves.tsv").values())) == 40 * 7 * 3 * FRAMES
    assert "left: B" in (tmp_path / "tree" / "splits.tsv").read_text()
    description = json.loads((tmp_path / "tree" / "tree.json").read_text())
    assert description["subsampling"] == 1 and description["options"]["num_leaves"] == 16
    assert run(convert_alignment, tmp_path, "--alignment", work / "align", "--tree", tmp_path / "tree", "--lang",
               work / "lang", out="converted") == 0
    before, after = read_alignments(work / "align"), read_alignments(tmp_path / "converted")
    _, mono = read_hmm(work / "align")
    converted, estimated = read_hmm(tmp_path / "converted")
    assert converted.root == tree.root and estimated.states == transitions.states
    assert not np.array_equal(estimated.log_prob, transitions.log_prob)
    for key, alignment in after.items():
        assert phone_segments(alignment, estimated) == phone_segments(before[key], mono)
    phones = read_ctm(tmp_path / "converted" / "phones.ctm")["u00"]
    assert [one.symbol for one in phones][::6] == ["SIL", "SIL"] and phones[-1].end == pytest.approx(1.05)


def work_id(work, name):
    return read_lang(work / "lang").phones.id_of(name)


def test_any_number_of_processes_sums_up_the_same(work):
    one, two = (sum_up(of(work), nj, LOG)[0] for nj in (1, 2))
    assert np.array_equal(one.windows, two.windows) and np.array_equal(one.sums, two.sums)
    assert one.counts.sum() == 40 * 7 * 3 * FRAMES and one.sums.shape[1] == 4


def test_parts_are_joined_now_and_then(work, monkeypatch):
    """40 parts of an utterance each."""
    whole = sum_up(of(work), 1, LOG)[0]
    monkeypatch.setattr("hybrid.tree.work.CHUNK", 1)
    stats, outcomes = sum_up(of(work), 1, LOG)
    assert np.array_equal(stats.windows, whole.windows) and np.array_equal(stats.counts, whole.counts)
    assert np.allclose(stats.sums, whole.sums) and outcomes.counts == {"done": 40}


def test_features_are_spliced_and_get_derivatives(work):
    stats = sum_up(of(work, splice=1, deltas=1), 1, LOG)[0]
    assert stats.sums.shape[1] == 2 * 3 * 2 * 2
    plain = sum_up(of(work), 1, LOG)[0]
    assert np.allclose(stats.sums[:, 4:6], plain.sums[:, :2])  # the frame itself stands in the middle


def test_statistics_of_a_network(work, monkeypatch):
    """The posteriors of a network that hears phone and state, but of A only whether B stood before it."""
    class Model:
        feature_dim, spaces = 2, ()

        def batch_log_posteriors(self, features, lengths):
            first = (features[0, :, 1] > 25).float() * 0.98 + 0.01
            return torch.stack([first, 1 - first], dim=1).log()[None], lengths

    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder: Model())
    for kind in ("posteriors", "log_posteriors"):
        asked = of(work, statistics=kind)
        stats = sum_up(StatsWork(asked.features, asked.alignment, asked.lang, asked.options, work / "am"), 1, LOG)[0]
        assert stats.sums.shape[1] == 2
        means = stats.sums / stats.counts[:, None]
        means = np.exp(means) if kind == "log_posteriors" else means
        after_b = (stats.windows[:, 0] == work_id(work, "B")) & (stats.central == work_id(work, "A"))
        assert means[after_b, 0] == pytest.approx(0.99, abs=1e-3) and (means[~after_b, 0] < 0.5).all()


def test_networks_that_cannot_judge_are_refused(work, monkeypatch):
    with pytest.raises(InputError, match="--model: expected an acoustic model, since tree.statistics is posteriors"):
        sum_up(of(work, statistics="posteriors"), 1, LOG)
    model = type("Model", (), {"spaces": [("fmllr", "g1")]})
    monkeypatch.setattr("hybrid.am.acoustic_model.AcousticModel.load", lambda folder: model)
    asked = StatsWork(work / "features", work / "align", work / "lang", TreeOptions(statistics="posteriors"), "am")
    with pytest.raises(InputError, match="am: expected a model of features as they are, found one trained behind"):
        sum_up(asked, 1, LOG)


def test_a_tree_for_fewer_frames_and_another_topology(work, tmp_path):
    facts = make_tree(of(work, subsampling=3, speech_topology="chain"), tmp_path, 1, LOG)
    tree, transitions = read_hmm(tmp_path)
    assert facts["frames"] == 40 * 7 * FRAMES
    assert transitions.topology.entry(2) == chain_entry() and len(transitions.topology.entry(1)) == 3
    assert json.loads((tmp_path / "tree.json").read_text())["subsampling"] == 3
    assert run(convert_alignment, tmp_path, "--alignment", work / "align", "--tree", tmp_path, "--lang",
               work / "lang", out="low") == 0
    assert read_alignments(tmp_path / "low")["u00"].num_frames == 7 * FRAMES


def test_every_third_frame_is_summed_up(work):
    reader = FeatureReader(work / "features")
    expected = sum(reader[utterance_id][::3].double().sum(dim=0) for utterance_id in reader.ids)
    stats = sum_up(of(work, subsampling=3, speech_topology="1state"), 1, LOG)[0]
    assert stats.sums.sum(axis=0)[:2] == pytest.approx(expected.numpy())
    assert set(stats.pdf_classes[stats.central != 1]) == {0}


@pytest.mark.parametrize("subsampling, status, said", [
    (3, 0, "40 done; 1400 frames, one in 3"), (1, 0, "40 done; 4200 frames, those of the original"),
    (7, 2, "conversion of alignments: 40 of 40 items failed")])
def test_the_rate_of_a_conversion_is_an_option(work, tmp_path, capsys, subsampling, status, said):
    assert run(convert_alignment, tmp_path, "--alignment", work / "align", "--tree", work / "align", "--lang",
               work / "lang", f"convert.subsampling={subsampling}") == status
    assert said in capsys.readouterr().err
    if not status:
        assert facts(tmp_path)["subsampling"] == subsampling and facts(tmp_path)["pdfs"] == 15
        alignment = read_alignments(tmp_path / "out")["u07"]
        assert alignment.frame_shift == pytest.approx(0.01 * subsampling)


def test_questions_and_roots_from_files(work, tmp_path):
    (tmp_path / "q.txt").write_text("B\n")
    (tmp_path / "roots.txt").write_text("not-shared not-split SIL SPN\nshared split A B C\n")
    (tmp_path / "out").mkdir()
    made = make_tree(of(work), tmp_path / "out", 1, LOG, tmp_path / "q.txt", tmp_path / "roots.txt")
    assert made["stumps"] == 4 and (tmp_path / "out" / "questions.txt").read_text() == "B\n"
    assert (tmp_path / "out" / "roots.txt").read_text() == (tmp_path / "roots.txt").read_text()
    (tmp_path / "roots.txt").write_text("shared split A B C\n")
    with pytest.raises(InputError, match="phone_id 1: expected a root, found none"):
        make_tree(of(work), tmp_path / "none", 1, LOG, tmp_path / "q.txt", tmp_path / "roots.txt")  # before any work


def test_pdf_classes_are_asked_about_as_the_phone_with_most_has_them(work, tmp_path):
    make_tree(of(work, silence_topology="1state"), tmp_path, 1, LOG)
    assert "\tpdf class: 0 1\t" in (tmp_path / "splits.tsv").read_text()


def test_utterances_that_do_not_fit_are_named(work, tmp_path):
    alignments = read_alignments(work / "align")
    long = alignments["u01"]
    alignments["u01"] = Alignment("u01", np.append(long.transition_ids, [long.transition_ids[-1]] * 2), -1.0)
    alignments["u02"] = Alignment("u02", np.append(long.transition_ids, long.transition_ids[-1:]), -1.0)
    del alignments["u00"]
    write_hmm(tmp_path, *read_hmm(work / "align"))
    write_alignments(tmp_path, alignments.values())
    asked = of(work)
    stats, outcomes = sum_up(StatsWork(asked.features, tmp_path, asked.lang, asked.options), 1, LOG)
    assert outcomes.notable == {"u00": ("no_alignment", "features without an alignment"),
                                "u01": ("other_length", "105 frames, alignment of 107")}
    assert stats.counts.sum() == 38 * 105 + 1 and isinstance(stats, EventStats)
    reader = FeatureReader(work / "features")
    used = [reader[f"u{number:02d}"].double().sum(dim=0) for number in range(2, 40)]
    assert stats.sums.sum(axis=0)[:2] == pytest.approx((sum(used) + reader["u02"][-1].double()).numpy())
    strict = of(work, max_failed_share=0.04).options
    with pytest.raises(TooManyFailures, match="tree statistics: 2 of 40 items failed"):
        sum_up(StatsWork(asked.features, tmp_path, asked.lang, strict), 1, LOG)


@pytest.mark.parametrize("missing, said", [
    (1, None), (2, "other_length: 105 frames, alignment of 103"), (105, "other_length: 105 frames, alignment of 0"),
    (None, "no_alignment: features without an alignment")])
def test_an_alignment_may_lack_a_frame(work, tmp_path, missing, said):
    ids = read_alignments(work / "align")["u03"].transition_ids
    write_hmm(tmp_path, *read_hmm(work / "align"))
    write_alignments(tmp_path, [Alignment("u03" if missing else "other", ids[:len(ids) - (missing or 0)], -1.0)])
    asked = StatsWork(work / "features", tmp_path, work / "lang", of(work).options)
    results, stats = asked(["u03"])
    if said is None:
        assert results == [("u03", "done", "")] and stats.counts.sum() == 104
    else:
        assert results == [("u03", *said.split(": "))] and stats is None
        with pytest.raises(TooManyFailures, match="tree statistics: 40 of 40 items failed"):
            sum_up(StatsWork(asked.features, tmp_path, asked.lang, of(work, max_failed_share=1.0).options), 1, LOG)


def test_the_log_tells_what_was_made_and_which_phones_were_not_heard(work, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        made = make_tree(of(work), tmp_path, 1, LOG)
    warning, summary = [one.getMessage() for one in caplog.records if one.name == "tree"][-2:]
    assert warning == "no frames of SPN: pdf_ids without data"
    assert summary == (
        f"{made['events']} events, 4200 frames; 16 leaves after {16 - made['stumps']} splits, {made['leaves']} after "
        f"joining; log-likelihood per frame {made['log_likelihood_roots']:.4f} at the roots, "
        f"{made['log_likelihood_split']:.4f} split, {made['log_likelihood']:.4f} joined")
    assert made["outcomes"] == {"done": 40}
    assert (tmp_path / "outcomes.tsv").read_text() == "item\toutcome\treason\n"


@pytest.mark.parametrize("options, states", [
    ({}, (3, 3)), ({"speech_topology": "2state"}, (3, 2)), ({"silence_topology": "5state"}, (5, 3)),
    ({"silence_topology": "1state", "speech_topology": "2state"}, (1, 2))])
def test_topologies_of_silence_and_speech_are_changed_apart(work, options, states):
    lang = read_lang(work / "lang")
    topology = wanted_topology(lang.topology, TreeOptions(**options), lang)
    assert {phone_id: topology.num_pdf_classes(phone_id) for phone_id in topology.phone_ids} == {
        phone_id: states[0 if lang.is_silence(phone_id) else 1] for phone_id in range(1, lang.num_phones + 1)}


@pytest.mark.parametrize("more, message", [
    (["tree.statistics=posteriors"], "--model: expected an acoustic model, since tree.statistics is posteriors"),
    (["--model", "."], "--model: expected no acoustic model, since tree.statistics is gaussians"),
    (["tree.num_leaves=3"], "num_leaves: expected at least 7, one for each root, found 3")])
def test_bad_calls_are_refused(work, tmp_path, capsys, more, message):
    more = [work / "align" if word == "." else word for word in more]
    assert run(build_tree, tmp_path, "--features", work / "features", "--lang", work / "lang", "--alignment",
               work / "align", "--nj", 1, *more) == 2
    assert message in capsys.readouterr().err
