"""Programs of end-to-end systems, from features to scores."""

import hashlib
import json
import re
import shutil

import pytest

from graphs.errors import InputError
from graphs.lang.symbols import SymbolTable
from graphs.lattices.lattice_io import read_lattices
from hybrid.data.features import FeatureReader
from hybrid.e2e.model import E2eModel
from hybrid.e2e.nbest_file import NBEST, read_nbest
from hybrid.lattices.frames import Frames
from tests.hybrid.training.material import make_corpus
from tools import decode_e2e, score, show, train_e2e, train_ngram

TRAINING = ["e2e.arch=tdnn", "e2e.hidden_dim=24", "e2e.dilations=1,1,2", "e2e.subsampling=2", "e2e.encoder_dim=16",
            "e2e.epochs=12", "e2e.learning_rate=0.02", "e2e.max_duration=3", "e2e.tensorboard=no", "e2e.device=cpu",
            "e2e.spec_augment=no"]


def run(module, out, *arguments):
    return module.PROGRAM.run(module.work, ["--out", str(out), *map(str, arguments)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"), 60, 8)


@pytest.fixture(scope="module")
def model(corpus):
    assert run(train_e2e, corpus / "ctc", "--features", corpus / "train", "--dev-features", corpus / "dev",
               *TRAINING) == 0
    return corpus / "ctc"


@pytest.fixture(scope="module")
def decoded(corpus, model):
    assert run(decode_e2e, corpus / "decode", "--features", corpus / "dev", "--model", model, "--lang",
               corpus / "lang", "--part-size", 3) == 0
    return corpus / "decode"


def test_characters_are_learnt(model):
    facts = json.loads((model / ".stage.json").read_text())["facts"]
    assert facts["dev_token_error"] < 0.15 and facts["tokens"] == 2 + len(set("noosunus"))


def test_every_utterance_is_a_lattice_and_a_list(corpus, decoded):
    reader, words = FeatureReader(corpus / "dev"), SymbolTable.read(decoded / "words.txt")
    assert words.symbols[:4] == SymbolTable.read(corpus / "lang" / "words.txt").symbols[:4]
    lists = {found.utterance_id: found for found in read_nbest(decoded / NBEST)}
    assert sorted(lists) == sorted(reader.ids)
    frames = Frames.read(decoded)
    assert frames.frame_shift == 2 * reader.frame_shift and frames.tokens[0] == "<blk>"
    for lattice in read_lattices(decoded):
        found = lists[lattice.utterance_id]
        assert lattice.num_frames == found.num_frames == -(-reader.num_frames(lattice.utterance_id) // 2)
        text = "".join(frames.tokens[token] for token in found.hypotheses[0].tokens).replace("\u2581", " ").split()
        assert [words.symbol_of(i) for i in lattice.best_path(1.0, 1.0).word_ids] == text
    facts = json.loads((decoded / ".stage.json").read_text())["facts"]
    assert facts["frames"] == sum(found.num_frames for found in lists.values()) and facts["outcomes"] == {"done": 8}
    assert 0 < facts["search_seconds"] < 600
    assert f"{facts['frames']} output frames\n" in (decoded / "log.txt").read_text()
    assert not (decoded / "parts").exists() and (decoded / "outcomes.tsv").read_text().count("\n") == 1


def test_scores(corpus, decoded):
    assert run(score, corpus / "score", "--dev", decoded, "--dev-cuts", corpus / "dev" / "cuts.jsonl.gz", "--name",
               "ctc") == 0
    entry = json.loads((corpus / "score" / "result.json").read_text())[0]
    assert entry["wer"] < 30 and entry["utterances"] == 8


def test_parts_of_a_killed_run_are_kept(corpus, model, decoded, monkeypatch):
    from hybrid.e2e import decode
    calls = []
    once = decode.E2eDecodeWork.__call__

    def counted(work, ids):
        calls.append(ids)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return once(work, ids)
    monkeypatch.setattr(decode.E2eDecodeWork, "__call__", counted)
    arguments = [corpus / "again", "--features", corpus / "dev", "--model", model, "--lang", corpus / "lang",
                 "--part-size", 3, "--nj", 1]
    assert run(decode_e2e, *arguments) == 130
    assert run(decode_e2e, *arguments) == 0
    assert [len(ids) for ids in calls] == [3, 3, 3, 2]
    for name in (NBEST, "words.txt", "lattices.00000.npz"):
        assert (corpus / "again" / name).read_bytes() == (decoded / name).read_bytes()


def test_a_hypothesis_that_cannot_be_a_lattice_is_a_named_failure(corpus, model, monkeypatch):
    from hybrid.e2e.search import kinds
    once = kinds.CtcGreedyOptions.search

    def broken(options, *arguments):
        lists = once(options, *arguments)
        lists[0] = [lists[0][0]._replace(parts={"ctc": float("-inf")})]
        return lists
    monkeypatch.setattr(kinds.CtcGreedyOptions, "search", broken)
    assert run(decode_e2e, corpus / "broken", "--features", corpus / "dev", "--model", model) == 0
    lines = (corpus / "broken" / "outcomes.tsv").read_text().splitlines()
    assert len(lines) == 2 and "\tfailed\t" in lines[1] and "finite score" in lines[1]
    assert len(list(read_lattices(corpus / "broken"))) == 7


def test_when_nothing_comes_out_the_program_fails(corpus, model, capsys, monkeypatch):
    from hybrid.e2e.search import kinds
    once = kinds.CtcGreedyOptions.search
    monkeypatch.setattr(kinds.CtcGreedyOptions, "search", lambda *arguments: [
        [best._replace(score=float("inf"))] for best, *_ in once(*arguments)])
    assert run(decode_e2e, corpus / "beyond", "--features", corpus / "dev", "--model", model, "--nj", 1) == 2
    shown = capsys.readouterr().err
    assert "failed: scores that are not finite" in shown and "8 of 8 items failed" in shown
    shutil.copytree(corpus / "dev", corpus / "empty", ignore=lambda *_: [".stage.json"])
    (corpus / "empty" / "cuts.jsonl.gz").write_bytes(b"")
    assert run(decode_e2e, corpus / "nothing", "--features", corpus / "empty", "--model", model) == 2
    assert "empty: expected features of an utterance, found none" in capsys.readouterr().err


@pytest.mark.parametrize("change, message", [
    ({"files": []}, "what a training wrote"), ({"checkpoint": 5}, "the options of a network"),
    ({"in_dim": -4}, "the options of a network"), ({"num_tokens": 3}, "3 tokens")])
def test_descriptions_that_cannot_be(model, change, message, tmp_path):
    shutil.copytree(model, tmp_path / "forged")
    path = tmp_path / "forged" / "e2e.json"
    description = {**json.loads(path.read_text()), **change}
    del description["sha256"]
    right = hashlib.sha256(json.dumps(description).encode()).hexdigest()
    path.write_text(json.dumps({**description, "sha256": right}, indent=1) + "\n")
    with pytest.raises(InputError, match=message):
        E2eModel.load(tmp_path / "forged")


def test_a_language_model_needs_words(corpus, model, capsys):
    text = corpus / "text.txt"
    text.write_text("no on\nsun us\n")
    assert run(train_ngram, corpus / "lm", "--text", text, "lm.method=witten-bell") == 0
    assert run(decode_e2e, corpus / "no_lang", "--features", corpus / "dev", "--model", model, "--lm",
               corpus / "lm") == 2
    assert "--lang" in capsys.readouterr().err


def test_a_language_model_helps_the_search(corpus, model):
    text = corpus / "said.txt"
    text.write_text("no no on\nsun us on\non sun\n")
    assert run(train_ngram, corpus / "lm2", "--text", text, "--lang", corpus / "lang", "lm.method=witten-bell") == 0
    assert run(decode_e2e, corpus / "fused", "--features", corpus / "dev", "--model", model, "--lm", corpus / "lm2",
               "--lang", corpus / "lang", "e2e_search.search=ctc_beam", "e2e_search.lm_scale=0.5") == 0
    lists = list(read_nbest(corpus / "fused" / NBEST))
    assert all(len(found.hypotheses) > 1 for found in lists)
    best = lists[0].hypotheses[0]
    assert best.score == pytest.approx(best.parts["ctc"] + 0.5 * best.parts["lm"])
    assert all(lattice.graph.min() < -1 for lattice in read_lattices(corpus / "fused"))


def test_a_decoder_beside_ctc_is_trained_and_searched_with(corpus):
    assert run(train_e2e, corpus / "joint", "--features", corpus / "train", "--dev-features", corpus / "dev",
               *TRAINING, "e2e.decoder=lstm", "e2e.decoder_dim=24", "e2e.attention_dim=12", "e2e.ctc_weight=0.5",
               "e2e.scheduled_sampling=0.1", "e2e.epochs=4", "--nj", 1) == 0
    last = json.loads((corpus / "joint" / "train.jsonl").read_text().splitlines()[-1])
    assert last["dev"]["attention_error"] < 0.5 and last["dev"]["token_error"] < 0.3
    assert run(decode_e2e, corpus / "decode_joint", "--features", corpus / "dev", "--model", corpus / "joint",
               "e2e_search.search=attention_beam", "e2e_search.ctc_weight=0.25", "--nj", 1) == 0
    lists = {found.utterance_id: found for found in read_nbest(corpus / "decode_joint" / NBEST)}
    assert len(lists) == 8 and all(len(found.hypotheses) > 1 for found in lists.values())
    for lattice in read_lattices(corpus / "decode_joint"):
        best = lists[lattice.utterance_id].hypotheses[0]
        expected = 0.75 * best.parts["attention"] + 0.25 * best.parts["ctc"]
        assert best.score == pytest.approx(expected) and lattice.acoustic.max() <= 0
        assert lattice.best_path(1.0, 1.0).acoustic == pytest.approx(expected, abs=1e-4)
    check_picture(corpus / "decode_joint" / NBEST, lists)


def check_picture(path, lists):
    """tools.show draws where decoder and CTC have the tokens, by the stages that the lists came from."""
    name, picture = list(lists)[1], path.parent / "attention.svg"
    assert show.main([str(path), name, "--png", str(picture)]) == 0
    drawn = re.findall(r"<!-- (.*?) -->", picture.read_text(encoding="utf-8"))
    symbols = Frames.read(path.parent).tokens
    best = lists[name].hypotheses[0]
    assert [text.split(",")[0] for text in drawn if "black" in text] == ["attention", "CTC"]
    assert drawn.count("&lt;blk&gt;") == 2
    assert all(drawn.count(symbols[token]) == 2 * best.tokens.count(token) for token in best.tokens)
    picture.unlink()
    (path.parent / ".stage.json").rename(path.parent / "kept")
    assert show.main([str(path), "--png", str(picture)]) == 2 and not picture.exists()
    (path.parent / "kept").rename(path.parent / ".stage.json")
    assert show.main([str(path), "nobody", "--png", str(picture)]) == 2
