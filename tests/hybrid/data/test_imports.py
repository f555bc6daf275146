"""What every import program does with the splits that it has read, in a program that has read them."""

import gzip
import json

import numpy as np
import pytest

from graphs.errors import InputError
from hybrid.data.corpus import recording_of, utterance
from hybrid.data.imports import copy_resources, read_lexicon, with_dev, write_corpus
from hybrid.data.manifest import read_cuts
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import noise_cut, ready_corpus, ready_cut, write_noise
from tools.frame.program import Program

ARPA = "\\data\\\nngram 1=1\n\n\\1-grams:\n-1 YES\n\\end\\\n"


def program():
    return (Program("toy", "").argument("--hold-out", type=float).input("--lexicon", help="").input("--lm", help="")
            .argument("--max-failed-share", type=float, default=0.05))


def imported(out, splits, *argv, failed=0):
    """The status of a program that imports the splits, of whose utterances some more have failed; its record."""
    def work(job):
        outcomes = Outcomes()
        for number in range(failed):
            outcomes.add(f"f{number}", "failed", "no reason")
        found = splits(job) if callable(splits) else splits
        for cuts in found.values():
            for cut in cuts:
                outcomes.add(cut.id)
        write_corpus(job, found, outcomes)
    status = program().run(work, ["--out", str(out), "--nj", "1", *map(str, argv)])
    return status, json.loads((out / ".stage.json").read_text()) if status == 0 else {}


def test_a_corpus_is_written(tmp_path, capsys):
    splits = {"train": ready_corpus(tmp_path / "a", number=8, speakers=4),
              "test": ready_corpus(tmp_path / "b", number=1)}
    status, record = imported(tmp_path / "out", splits)
    assert status == 0 and record["facts"] == {"train": 8, "test": 1}
    assert {split: read_cuts(tmp_path / f"out/{split}.jsonl.gz") for split in splits} == splits
    said = capsys.readouterr().err
    assert [words in said for words in ("train: 8 utterances", "test: 1 utterances", "9 items: 9 done")] == [True] * 3
    assert (tmp_path / "out/outcomes.tsv").read_text() == "item\toutcome\treason\n"
    assert not [*(tmp_path / "out").glob("lexicon*"), *(tmp_path / "out").glob("lm*")]
    status, record = imported(tmp_path / "held", splits, "--hold-out", "0.25")
    assert status == 0 and record["facts"] == {"train": 6, "dev": 2, "test": 1}
    assert "dev, held out of train: 2 of 8 utterances (25.0%)" in capsys.readouterr().err


@pytest.mark.parametrize("failed, status", [(1, 0), (2, 2)])
def test_a_share_may_fail(tmp_path, capsys, failed, status):
    splits = {"train": ready_corpus(tmp_path / "a", number=4)}
    assert imported(tmp_path / "out", splits, "--max-failed-share", "0.2", failed=failed)[0] == status
    assert ("import: 2 of 6 items failed" in capsys.readouterr().err) == (failed == 2)
    folder = tmp_path / ("out" if status == 0 else "out.unfinished")
    assert (folder / "outcomes.tsv").read_text().count("\tfailed\tno reason\n") == failed
    assert (folder / "train.jsonl.gz").exists() == (status == 0)


def test_an_empty_split_is_told(tmp_path, capsys):
    splits = {"train": ready_corpus(tmp_path / "a", number=4), "dev": []}
    assert imported(tmp_path / "out", splits)[0] == 2
    assert "split dev: expected at least one utterance with audio and transcript, found none" in capsys.readouterr().err


@pytest.mark.parametrize("splits, share, message", [
    ("train dev", 0.5, "--hold-out: expected a split `train` and no split `dev`, found train, dev"),
    ("test", 0.5, "a split `train` and no split `dev`, found test"),
    ("train test", 0.0, "--hold-out: expected a share between 0 and 1, found 0.0"),
    ("train", 1.0, "a share between 0 and 1, found 1.0"), ("train", -0.5, "found -0.5"), ("train", 1.5, "found 1.5")])
def test_what_cannot_be_held_out(tmp_path, splits, share, message):
    splits = {name: ready_corpus(tmp_path / name, number=4) for name in splits.split()}
    assert with_dev(splits, None, None) is splits
    with pytest.raises(InputError, match=message):
        with_dev(splits, share, None)


def test_recordings_are_read_and_those_of_the_corpus_itself_move_with_it(tmp_path):
    """What a pipe gave lies in the corpus: no raw file, and told where it will be."""
    outside, ready = noise_cut(tmp_path / "wav", "a"), ready_cut(tmp_path / "made", "b", np.ones((10, 2), np.float32))

    def splits(job):
        own = recording_of(write_noise(job.out / "audio/c.wav"))
        return {"train": [outside, utterance("c", own, "yes")], "test": [ready]}
    status, record = imported(tmp_path / "out", splits)
    assert status == 0 and set(record["raw"]) == {str(tmp_path / "wav/a.wav"), str(tmp_path / "made/b.npy")}
    own = read_cuts(tmp_path / "out/train.jsonl.gz")[1]
    assert own.recording.sources[0].source == str(tmp_path / "out/audio/c.wav") and own.load_audio().shape == (1, 16000)
    again = {"train": read_cuts(tmp_path / "out/train.jsonl.gz")}  # of the place where it will be
    status, record = imported(tmp_path / "out", again, "--max-failed-share", "0.1")
    assert status == 0 and set(record["raw"]) == {str(tmp_path / "wav/a.wav")}


@pytest.mark.parametrize("lexicon, lm, expected", [
    ("lexicon.txt", "x.arpa", ["lexicon.txt", "lm.arpa"]), ("my.lex", "lm.gz", ["lexicon.txt", "lm.arpa.gz"]),
    ("lexiconp.txt", None, ["lexiconp.txt"]), ("lexiconp_silprob.txt", None, ["lexiconp.txt"]),
    (None, "a.arpa.gz", ["lm.arpa.gz"]), (None, None, [])])
def test_resources_have_the_names_that_stages_look_for(tmp_path, lexicon, lm, expected):
    (tmp_path / "out").mkdir()
    given = [name and tmp_path / name for name in (lexicon, lm)]
    for path in filter(None, given):
        path.write_text(path.name)
    copy_resources(tmp_path / "out", *given)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == expected
    assert sorted(path.read_text() for path in (tmp_path / "out").iterdir()) == sorted(filter(None, (lexicon, lm)))


def test_resources_come_with_the_corpus(tmp_path, capsys):
    (tmp_path / "lexicon.txt").write_text("YES Y\n")
    (tmp_path / "lm.gz").write_bytes(gzip.compress(ARPA.encode()))
    splits = {"train": ready_corpus(tmp_path / "a", number=2)}
    given = ["--lexicon", tmp_path / "lexicon.txt", "--lm", tmp_path / "lm.gz"]
    assert imported(tmp_path / "out", splits, *given)[0] == 0
    assert (tmp_path / "out/lexicon.txt").read_text() == "YES Y\n"
    assert gzip.decompress((tmp_path / "out/lm.arpa.gz").read_bytes()).decode() == ARPA
    (tmp_path / "lm.gz").write_bytes(gzip.compress(ARPA.replace("-1 YES", "YES").encode()))
    assert imported(tmp_path / "out", splits, *given)[0] == 2
    assert "lm.gz:5: expected" in capsys.readouterr().err


def test_comments_of_a_cmu_dictionary_are_no_words(tmp_path):
    """The stage that checks the data has no lang.lexicon_form."""
    assert read_lexicon(tmp_path) is None
    (tmp_path / "lexicon.txt").write_text("A AH\nA(2) EY\n")
    assert read_lexicon(tmp_path).words == ["A", "A(2)"]
    (tmp_path / "lexicon.txt").write_text(";;; CMU\n;;;\nA AH\nA(2) EY # say\n")
    assert [(entry.word, entry.phones) for entry in read_lexicon(tmp_path)] == [("A", ("AH",)), ("A", ("EY",))]
    (tmp_path / "lexiconp.txt").write_text(";;; 1 X\n")
    assert read_lexicon(tmp_path).words == [";;;"]
