"""Decoding a features folder with a network that has learnt nothing: batches, parts, outcomes, lattices of a planted
search."""

import logging
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Tuple

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions, FeatureReader
from hybrid.e2e import decode
from hybrid.e2e.decoders.transducer import TransducerOptions
from hybrid.e2e.decode import E2eDecodeWork, E2eSearchOptions, decode_e2e
from hybrid.e2e.fusion import score_tokens
from hybrid.e2e.hypothesis import Hypothesis
from hybrid.e2e.model import E2eModel
from hybrid.e2e.nbest_file import NBEST, read_nbest
from hybrid.e2e.network import E2eOptions
from hybrid.e2e.search.ctc_beam import CtcBeamOptions
from hybrid.e2e.search.kinds import SEARCHES
from hybrid.e2e.search.transducer_graph import TransducerGraphOptions
from hybrid.e2e.tokens import TokenTable
from hybrid.lattices.frames import Frames
from hybrid.lm.network import LmOptions
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_corpus
from tests.hybrid.e2e.material import UNKNOWN_WORD, character_tokens, ngram_lm, write_model

LOG, DIM = logging.getLogger("test"), 5
SPACE, A, B = 1, 2, 3


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    folder = tmp_path_factory.mktemp("features")
    compute_features(ready_corpus(folder / "storage", 5, DIM, shortest=20, longest=200), FeatureOptions(kind="ready"),
                     folder, Outcomes())
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "ctc", character_tokens(), DIM)


@dataclass(frozen=True)
class Planted:
    """Finds `ab a` and then `b` in each utterance, or what its number of frames says."""

    broken: Tuple[int, ...] = ()
    impossible: Tuple[int, ...] = ()
    part_weights = {"ctc": 0.5}

    def search(self, network, encoded, lengths, fusion):
        return [self.found(length) for length in lengths.tolist()]

    def found(self, num_frames):
        score = -np.inf if num_frames in self.impossible else -float(num_frames)
        parts = {"ctc": score, "attention": -1.0, "lm": -0.25}
        return [Hypothesis((A, B, SPACE, A), (0, 1, 2, num_frames - 1), score, parts, num_frames not in self.broken),
                Hypothesis((B,), (1,), score - 1, {**parts, "ctc": score - 1})]


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    """One more search, as it is one more file and a line."""
    monkeypatch.setitem(SEARCHES, "planted", Planted)


def folder_of(tmp_path, work, part_size=2):
    out = tmp_path / "out"
    (out / "parts").mkdir(parents=True)  # as a run that was cut off leaves it
    return out, decode_e2e(work, out, 1, part_size, LOG)


def encoded_lengths(features):
    reader = FeatureReader(features)
    return {utterance_id: -(-reader.num_frames(utterance_id) // 2) for utterance_id in reader.ids}


def test_utterances_of_like_length_are_decoded_together(monkeypatch):
    frames = {"a": 9, "b": 10, "c": 5, "d": 30, "e": 7, "f": 1}
    monkeypatch.setattr(decode, "MOST_FRAMES", 20)
    batches = decode._batches(SimpleNamespace(num_frames=frames.get), list(frames))
    assert batches == [["d"], ["b", "a"], ["e", "c"], ["f"]]  # padding counted: 30, 20, 14; three of 7 would be 21
    assert decode._batches(SimpleNamespace(num_frames=frames.get), []) == []


def test_each_utterance_is_decoded_as_it_would_be_alone(features, model, monkeypatch):
    monkeypatch.setattr(decode, "MOST_FRAMES", 300)
    search, reader, network = CtcBeamOptions(beam=4, nbest=3), FeatureReader(features), E2eModel.load(model)
    found = E2eDecodeWork(features, model, E2eSearchOptions(search=search))(reader.ids)
    assert sorted(name for name, _ in found) == sorted(reader.ids)
    for name, one in found:
        encoded, lengths = network.encode(torch.as_tensor(reader[name])[None], torch.tensor([len(reader[name])]))
        (alone,) = search.search(network.network, encoded, lengths)
        assert [(h.tokens, h.frames) for h in one.hypotheses] == [(h.tokens, h.frames) for h in alone]
        assert [h.score for h in one.hypotheses] == pytest.approx([h.score for h in alone], abs=1e-4)
        assert (one.num_frames, one.outcome, one.reason) == (int(lengths), "done", "")


def test_lists_and_lattices_of_every_utterance(features, model, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "BLOCK", 2)
    SymbolTable(["x", "b"]).write(tmp_path / "words.txt")
    work = E2eDecodeWork(features, model, E2eSearchOptions(search=Planted()), words=tmp_path / "words.txt")
    out, (outcomes, totals) = folder_of(tmp_path, work)
    lengths = encoded_lengths(features)
    assert outcomes.counts == {"done": 5}
    assert totals == {"frames": sum(lengths.values()), "arcs": 5 * (2 + 2)}  # `b` has an arc without a word before it
    assert {found.utterance_id: (found.num_frames, found.hypotheses) for found in read_nbest(out / NBEST)} == {
        name: (length, Planted().found(length)) for name, length in lengths.items()}
    words = SymbolTable.read(out / "words.txt")
    assert words.symbols == ["<eps>", "x", "b", "ab", "a"]
    lattices = list(read_lattices(out))
    assert [lattice.utterance_id for lattice in lattices] == [found.utterance_id for found in read_nbest(out / NBEST)]
    for lattice in lattices:
        best = lattice.best_path()
        assert lattice.num_frames == lengths[lattice.utterance_id] and not lattice.partial
        assert ([words.symbol_of(word_id) for word_id in best.word_ids], best.acoustic, best.graph) == (
            ["ab", "a"], -0.5 * lattice.num_frames - 1.0, -0.25)
    assert {path.name for path in out.iterdir()} == {
        NBEST, "words.txt", "frames.json", *(f"lattices.{part:05d}.npz" for part in range(3))}
    assert Frames.read(out) == Frames(0.02, tuple(character_tokens().symbols))


def test_what_broke_off_and_what_failed_is_told(features, model, tmp_path):
    lengths = encoded_lengths(features)
    names = sorted(lengths)
    search = Planted((lengths[names[1]],), (lengths[names[3]],))
    assert len(set(lengths.values())) == len(lengths)
    out, (outcomes, totals) = folder_of(tmp_path, E2eDecodeWork(features, model, E2eSearchOptions(search=search)))
    assert outcomes.notable == {
        names[1]: ("partial", "the search did not reach the end of the sentence"),
        names[3]: ("failed", f"utterance {names[3]}: expected a hypothesis with a finite score, found none")}
    assert [found.hypotheses for found in read_nbest(out / NBEST) if found.utterance_id == names[3]] == [[]]
    assert [(lattice.utterance_id, lattice.partial) for lattice in read_lattices(out)] == [
        (name, name == names[1]) for name in names if name != names[3]]
    assert totals["frames"] == sum(lengths.values())
    assert SymbolTable.read(out / "words.txt").symbols == ["<eps>", "ab", "a", "b"]


def test_where_all_fail_there_is_a_folder_of_lattices_without_any(features, model, tmp_path):
    search = Planted(impossible=tuple(range(999)))
    out, (outcomes, totals) = folder_of(tmp_path, E2eDecodeWork(features, model, E2eSearchOptions(search=search)))
    assert outcomes.counts == {"failed": 5} and totals["arcs"] == 0 and list(read_lattices(out)) == []


def test_a_language_model_comes_as_the_search_takes_it(features, tmp_path, caplog):
    lm, words = ngram_lm(tmp_path, words=("a", "ab", "q"))
    words.write(tmp_path / "words.txt")
    tokens = character_tokens()
    model = write_model(tmp_path / "transducer", tokens, DIM, decoder=TransducerOptions(), ctc_weight=0.5)
    given = dict(lm=tmp_path / "lm.arpa", words=tmp_path / "words.txt", oov_word=UNKNOWN_WORD)
    work = E2eDecodeWork(features, model, E2eSearchOptions(search=CtcBeamOptions(beam=2), look_ahead="none",
                                                           open_vocabulary=False), **given)
    _, _, fusion = work.prepare()
    scores, state = lm.advance(np.array([lm.start] * 2), np.array([words.id_of("ab"), words.id_of("a")]))
    assert score_tokens(fusion, [tokens.encode(["ab"]), tokens.encode(["a"])]) == pytest.approx(
        scores + lm.final(state))
    with caplog.at_level(logging.INFO):
        folder_of(tmp_path, work)
    assert "1 words cannot be spelled with the tokens or recognized: q" in caplog.text
    pytest.importorskip("k2")
    graph = E2eDecodeWork(features, model, E2eSearchOptions(search=TransducerGraphOptions()), **given).prepare()[2]
    assert set(graph.arcs.ilabel.tolist()) == {SPACE, A, B}


def test_phones_are_refused(features, tmp_path):
    phones = TokenTable("phone", ["<blk>", "AA", "B"], spellings={"ab": (1, 2)})
    model = write_model(tmp_path / "phones", phones, DIM)
    with pytest.raises(InputError, match="characters or pieces, which spell words"):
        folder_of(tmp_path, E2eDecodeWork(features, model, E2eSearchOptions()))


def test_a_name_is_no_choice():
    for make, message in ((lambda: E2eOptions(arch="tdnn"), "arch: expected options of .*tdnn.*, found 'tdnn'"),
                          (lambda: LmOptions(arch=None), "arch: expected options of .*lstm.*, found None"),
                          (lambda: E2eSearchOptions(search="ctc_beam"), "search: expected options of ctc_greedy")):
        with pytest.raises(ValueError, match=message):
            make()


def test_ctc_and_decoder_share_what_is_there():
    """A decoder without a share would be as random after training as before."""
    with pytest.raises(ValueError, match="ctc_weight: expected 1 without a decoder, found 0.9$"):
        E2eOptions(ctc_weight=0.9)
    with pytest.raises(ValueError, match="expected less than 1 with a decoder, which would learn nothing, found 1.0$"):
        E2eOptions(decoder=TransducerOptions())
    assert E2eOptions(decoder=TransducerOptions(), ctc_weight=0.0).ctc_weight == 0
