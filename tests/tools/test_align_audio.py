"""tools.align_audio on a network of a few seconds, for which letters are tones: times are known."""

import numpy as np
import pytest
import soundfile

from hybrid.align.times.ctm import read_ctm

kaldifeat = pytest.importorskip("kaldifeat")
pytest.importorskip("k2")
from tests.tools.test_e2e_programs import run  # noqa: E402
from tests.tools.test_prepare_lang import arpa_of  # noqa: E402
from tests.tools.tones import RATE, WORDS, add_split, said  # noqa: E402
from tools import (  # noqa: E402
    align, align_ctc, compute_features, decode, import_kaldi, make_graph, prepare_lang, score, train_am, train_ctc,
    transcribe, validate_data)
from tools.align_audio import main  # noqa: E402

CTC = ["ctc.hidden_dim=24", "ctc.dilations=1,2", "ctc.epochs=12", "ctc.learning_rate=0.02", "ctc.max_duration=20",
       "ctc.tensorboard=no", "ctc.device=cpu", "ctc.spec_augment=no"]
DNN = ["am.arch=dnn", "am.splice=1", "am.hidden_dim=24", "am.num_layers=2", "am.epochs=4", "am.learning_rate=0.02",
       "am.max_duration=20", "am.tensorboard=no", "am.device=cpu", "am.spec_augment=no"]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The work folder of a recipe that has aligned its dev set; transcripts were in capitals."""
    work = tmp_path_factory.mktemp("work")
    data = work / "data"
    for split, number, speakers, seed in (("train", 60, ["ann", "bob"], 0), ("dev", 8, ["cat"], 100)):
        add_split(data, split, number, speakers, seed)
    (data / "lexicon.txt").write_text("".join(f"{word} {' '.join(word)}\n" for word in WORDS))
    assert run(import_kaldi, work / "corpus", "--data", data, "--lexicon", data / "lexicon.txt") == 0
    assert run(validate_data, work / "cuts", "--corpus", work / "corpus", "--nj", 1, "data.case=lower") == 0
    assert run(prepare_lang, work / "lang", "--lexicon", data / "lexicon.txt") == 0
    for split in ("train", "dev"):
        assert run(compute_features, work / "features" / split, "--cuts", work / "cuts", "--split", split, "--nj", 1,
                   "features.num_mel_bins=20") == 0
    shared = ["--features", work / "features/train", "--dev-features", work / "features/dev"]
    assert run(train_ctc, work / "ctc", *shared, "--lang", work / "lang", *CTC) == 0
    for split in ("train", "dev"):
        assert run(align_ctc, work / f"align_ctc_{split}", "--features", work / "features" / split, "--lang",
                   work / "lang", "--ctc", work / "ctc", "--nj", 1) == 0
    assert run(train_am, work / "dnn", *shared, "--alignment", work / "align_ctc_train", "--dev-alignment",
               work / "align_ctc_dev", *DNN) == 0
    assert run(align, work / "align_dnn_dev", "--features", work / "features/dev", "--lang", work / "lang", "--model",
               work / "dnn", "--nj", 1) == 0
    return work


def test_words_and_phones_are_found_where_they_are(work, tmp_path, capsys):
    words = ["mi", "do", "la", "do"]
    data, out = tmp_path / "recordings", tmp_path / "out"
    (data / "eva").mkdir(parents=True)
    soundfile.write(data / "eva/one.wav", said(words, 7), RATE)
    (data / "eva/one.txt").write_text("Mi DO\nla do")
    soundfile.write(data / "eva/odd.wav", said(words, 8), RATE)
    (data / "eva/odd.txt").write_text("xyzzy")
    soundfile.write(data / "eva/mute.wav", said(words, 9), RATE)
    arguments = ["--alignment", str(work / "align_dnn_dev"), "--data", str(data), "--out", str(out), "--nj", "1"]
    assert main(arguments) == 1  # since two failed
    assert "out/times: 3 items: 1 done, 2 failed" in capsys.readouterr().out
    told = dict(line.split("\tfailed\t") for line in (out / "outcomes.tsv").read_text().splitlines()[1:])
    assert told["odd"].startswith("all_oov: ") and told["mute"].startswith("no mute.txt or mute.lab beside")
    found = read_ctm(out / "times/words.ctm")["one"]
    assert [word.symbol for word in found] == words
    first = (len(said(words, 7)) / RATE - 4 * 0.5)  # the pause before the first word
    starts = np.array([word.start for word in found]) - first - 0.5 * np.arange(4)
    assert np.abs(starts).max() < 0.04
    phones = [phone for phone in read_ctm(out / "times/phones.ctm")["one"] if phone.symbol != "SIL"]
    assert [phone.symbol for phone in phones] == list("".join(words))
    assert all(0 < second.start - one.start < 0.25 for one, second in zip(phones[::2], phones[1::2]))
    assert "do" in (out / "times/textgrid/one.TextGrid").read_text()
    assert main(arguments) == 1 and capsys.readouterr().out.count("is up to date") == 6


def test_the_dev_set_comes_out_as_it_was_aligned(work, tmp_path):
    """As a Kaldi data directory with the speakers of then."""
    data = tmp_path / "again"
    data.mkdir()
    for name in ("wav.scp", "text", "utt2spk"):
        (data / name).write_text((work / "data/dev" / name).read_text())
    assert main(["--alignment", str(work / "align_dnn_dev"), "--data", str(data), "--out", str(tmp_path / "out"),
                 "--nj", "1"]) == 0
    for name in ("words.ctm", "phones.ctm"):
        assert (tmp_path / "out/stages/align_dnn_dev" / name).read_text() == (work / "align_dnn_dev" / name).read_text()


def test_words_of_another_lexicon_are_aligned_too(work, tmp_path, capsys):
    data, out, more = tmp_path / "recordings", tmp_path / "out", tmp_path / "more.txt"
    data.mkdir()
    words = ["mi", "lado", "do"]
    soundfile.write(data / "one.wav", said(["mi", "lado", "do"], 7), RATE)
    (data / "one.txt").write_text(" ".join(words))
    more.write_text("lado l a d o\n")
    arguments = ["--alignment", str(work / "align_dnn_dev"), "--data", str(data), "--out", str(out), "--nj", "1"]
    assert main(arguments) == 0
    assert [word.symbol for word in read_ctm(out / "times/words.ctm")["one"]] == ["mi", "<unk>", "do"]
    assert main([*arguments, "--lexicon", str(more)]) == 0
    found = read_ctm(out / "times/words.ctm")["one"]
    assert [word.symbol for word in found] == words
    start = len(said(words, 7)) / RATE - 0.3 - 0.2 - 0.3 - 0.4  # of lado, by what follows
    assert abs(found[1].start - start) < 0.04
    phones = [phone.symbol for phone in read_ctm(out / "times/phones.ctm")["one"] if phone.symbol != "SIL"]
    assert phones == list("".join(words))
    more.write_text("lado l a x\n")
    capsys.readouterr()
    assert main([*arguments, "--lexicon", str(more)]) == 2
    assert "lexicon entry of lado: expected phones of the earlier lang folder, found x" in capsys.readouterr().err


def test_audio_is_transcribed_with_other_words_and_another_language_model(work, tmp_path, capsys):
    arpa = tmp_path / "lm.arpa"
    arpa_of(arpa, "do", "mi", "la")
    graph, decoded, scores = work / "graph", work / "decoded", work / "scores"
    assert run(make_graph, graph, "--lang", work / "lang", "--arpa", arpa, "--transitions",
               work / "dnn/transitions") == 0
    assert run(decode, decoded, "--features", work / "features/dev", "--model", work / "dnn", "--graph", graph, "--nj",
               1) == 0
    assert run(score, scores, "--dev", decoded, "--dev-cuts", work / "cuts/dev.jsonl.gz", "--nj", 1) == 0
    soundfile.write(tmp_path / "one.wav", said(["mi", "lado", "do"], 7), RATE)
    (tmp_path / "more.txt").write_text("lado l a d o\n")
    arpa_of(tmp_path / "other.arpa", "mi", "lado", "do")
    out = tmp_path / "out"
    arguments = ["--scores", str(scores), "--audio", str(tmp_path / "one.wav"), "--out", str(out), "--nj", "1"]
    other = ["--lexicon", str(tmp_path / "more.txt"), "--lm", str(tmp_path / "other.arpa")]
    assert transcribe.main([*arguments, *other]) == 0
    assert (out / "transcripts.txt").read_text() == "one mi lado do\n"
    assert [word.symbol for word in read_ctm(out / "words.ctm")["one"]] == ["mi", "lado", "do"]
    assert sorted(path.name for path in (out / "stages").iterdir()) == ["ctm", "decoded", "dev", "graph", "lang"]
    assert transcribe.main(arguments) == 0  # with the words of then
    assert "lado" not in (out / "transcripts.txt").read_text()
    assert transcribe.main([*arguments, "--lexicon", str(tmp_path / "none.txt")]) == 2
    assert "--lexicon " in capsys.readouterr().err
    (tmp_path / "more.txt").write_text("lado l a x\n")
    assert transcribe.main([*arguments, *other, "--out", str(tmp_path / "fresh")]) == 2
    assert "lexicon entry of lado: expected phones of the earlier lang folder, found x" in capsys.readouterr().err
    assert not (tmp_path / "fresh/corpus").exists()  # it is said before audio is read


def test_what_cannot_be_done_is_said(work, tmp_path, capsys):
    out = ["--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["--alignment", str(work / "align_ctc_dev"), *out]) == 2
    assert "expected a folder of tools.align, found tools.align_ctc" in capsys.readouterr().err
    assert main(["--alignment", str(work / "align_dnn_dev"), *out]) == 2
    assert "audio with transcripts beside it, as 001.wav and 001.txt" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--alignment", str(work / "align_dnn_dev"), *out, "align.beam=3"])
