"""Which commands tools.transcribe and tools.align_audio give for new audio; the records are made up, nothing runs."""

import argparse
import re

import pytest

from tests.tools.comparison.scored_work import stage
from tests.tools.frame.test_again import add, work  # noqa: F401
from tests.tools.frame.test_printing import unread
from tools import align_audio, transcribe
from tools.frame import again


@pytest.fixture
def ran(monkeypatch):
    """The commands, as words."""
    found = []
    for module in (again, align_audio, transcribe):
        monkeypatch.setattr(module, "run", lambda *words: found.append(list(map(str, words))))
    return found


def values(command, flag):
    """What follows the flag, to the next one or an option."""
    rest = command[command.index(flag) + 1:]
    return rest[:next((n for n, word in enumerate(rest) if re.match(r"--|\w+\.\w+=", word)), None)]


@pytest.mark.parametrize("module, name, arguments", [
    (transcribe, "transcribe", ["--scores", "s", "--audio", "a"]),
    (align_audio, "align", ["--alignment", "s", "--data", "a"])])
def test_of_output_that_nobody_reads_it_is_not_known_whether_all_is_good(monkeypatch, module, name, arguments):
    for status in (0, 1):
        monkeypatch.setattr(module, name, lambda args: print("done") or status)
        assert module.main([*arguments, "--out", "o"]) == status
    with unread():
        assert module.main([*arguments, "--out", "o"]) == 141


@pytest.mark.parametrize("arguments, expected", [
    ("--dev d --dev-cuts dc --test a b --test-cuts ac bc", ("a", "ac")), ("--test b a --test-cuts bc ac", ("b", "bc")),
    ("--dev d --dev-cuts dc", ("d", "dc"))])
def test_the_first_test_set_or_else_the_dev_set_tells_what_to_do(tmp_path, arguments, expected):
    add(tmp_path, "score", "tools.score", arguments)
    assert transcribe.scored_set(tmp_path / "score") == tuple(tmp_path / name for name in expected)


@pytest.mark.parametrize("name, lang", [("exp/decode_test", "lang"), ("exp/second_test", "lang"), ("exp/e2e", None)])
def test_words_of_a_graph_have_the_times_of_its_lang_folder(work, tmp_path, ran, name, lang):  # noqa: F811
    add(work, "exp/e2e", "tools.decode_e2e", "--features features/test --model exp/other")
    found = transcribe.lang_of(work / name)
    assert found == (lang and work / lang)
    args = argparse.Namespace(scores=work / "exp/score", nj=3)
    now = tmp_path / "out/stages/decoded"
    assert transcribe.with_times(args, now, found) == tmp_path / "out/stages/ctm"
    (command,) = ran
    assert command[0] == "tools.lattices.ctm" and values(command, "--lattices") == [str(now)]
    assert (values(command, "--lang") if "--lang" in command else None) == (lang and [str(work / lang)])
    assert (values(command, "--scores"), values(command, "--nj")) == ([str(work / "exp/score")], ["3"])
    assert command[-1] == "mbr.max_failed_share=0.999999"


def test_that_of_a_graph_for_ctc_lies_in_it(work):  # noqa: F811
    add(work, "exp/graph_ctc", "tools.make_graph", "--lang lang --arpa lm.arpa --ctc exp/am")
    add(work, "exp/decode_ctc", "tools.decode", "--features features/test --model exp/am --graph exp/graph_ctc")
    assert transcribe.lang_of(work / "exp/decode_ctc") == work / "exp/graph_ctc/lang"


def test_a_lexicon_needs_a_lang_folder_that_the_toolkit_made(work, tmp_path, ran, capsys, monkeypatch):  # noqa: F811
    """It is said before anything is done."""
    add(work, "exp/align_dev", "tools.align", "--features features/dev --lang lang --model exp/am")
    monkeypatch.setattr(align_audio, "data_options", lambda folder, cuts: [])
    assert align_audio.main(["--alignment", str(work / "exp/align_dev"), "--data", str(tmp_path), "--lexicon", "more",
                             "--out", str(tmp_path / "out")]) == 2
    assert (f"--lexicon more: expected a system that has a lexicon, found {work / 'lang'}, which was made without one\n"
            in capsys.readouterr().err)
    assert ran == []


@pytest.mark.parametrize("speakers, then, now", [
    ("", [], []), (" --speaker-transforms exp/fmllr_dev exp/fixed", ["exp/fmllr_dev", "exp/fixed"],
                   ["{out}/stages/fmllr_dev", "{work}/exp/fixed"])])
@pytest.mark.parametrize("kaldi, unit", [(True, "grapheme"), (False, "lexicon"), (False, None)])
def test_what_is_done_for_audio_with_texts(work, tmp_path, monkeypatch, ran, speakers, then, now,  # noqa: F811
                                           kaldi, unit):
    """Transforms of the dev set's speakers are estimated anew; by how much phones come late is that of the dev set."""
    add(work, "exp/align_dev", "tools.align", f"--features features/dev --lang lang --model exp/am{speakers}")
    if unit:  # else the folder is somebody else's
        stage(work / "lang", "tools.prepare_lang", [], config={"lang": {"unit": unit}}, runs=[{"folder": str(work)}],
              command="python -m tools.prepare_lang --out lang --nj 4 --text t"
              + " --lexicon l" * (unit == "lexicon"))
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    if kaldi:
        (data / "wav.scp").write_text("")
    told = []
    monkeypatch.setattr(align_audio, "data_options", lambda folder, cuts: [f"data.min={folder.name}{cuts.name}"])
    monkeypatch.setattr(align_audio, "tell", lambda *words: told.append(words) or 1)
    assert align_audio.main(["--alignment", str(work / "exp/align_dev"), "--data", str(data), "--out", str(out), "--nj",
                             "3", "data.case=lower"]) == 1
    imports, checks, *stages, known, times = ran
    assert imports[0] == ("tools.import_kaldi" if kaldi else "tools.import_texts")
    assert values(imports, "--splits") == ["dev" if kaldi else "dev=train"]
    assert (values(imports, "--data"), values(imports, "--out")) == ([str(data)], [str(out / "corpus")])
    spells = unit == "grapheme"
    assert values(imports, "--max-failed-share") == ["0.999999"] and ("--lexicon" in imports) != spells
    assert spells or values(imports, "--lexicon") == [str(work / "lang/lexiconp.txt")]
    assert checks[0] == "tools.validate_data" and checks[-2:] == ["data.min=align_devdev.jsonl.gz", "data.case=lower"]
    assert (values(checks, "--corpus"), values(checks, "--out")) == ([str(out / "corpus")], [str(out / "cuts")])
    if spells:  # all words of the transcripts
        lang = stages.pop(0)
        assert lang[0] == "tools.prepare_lang" and values(lang, "--like") == [str(work / "lang")]
        assert values(lang, "--text") == [str(work / "t"), str(out / "cuts/dev.jsonl.gz")]
    assert stages[0][0] == "tools.compute_features" and values(stages[0], "--cuts") == [str(out / "cuts/dev.jsonl.gz")]
    assert stages[-1][0] == "tools.align" and ("tools.estimate_fmllr" in [one[0] for one in stages]) == bool(now)
    assert known[0] == times[0] == "tools.phone_times"
    assert values(known, "--alignment") == [str(work / "exp/align_dev")] and "--late-of" not in known
    assert values(times, "--alignment") == [str(out / "stages/align_dev")] and "--textgrids" in times
    assert values(times, "--late-of") == values(known, "--out") == [str(out / "stages/times_known")]
    assert values(known, "--lang") == [str(work / "lang")]
    assert values(times, "--lang") == [str(out / "stages/lang" if spells else work / "lang")] == values(
        stages[-1], "--lang")
    assert values(known, "--features") == [str(work / "features/dev")]
    for command, folders in ((known, [f"{work}/{name}" for name in then]),
                             (times, [name.format(work=work, out=out) for name in now])):
        found = values(command, "--speaker-transforms") if "--speaker-transforms" in command else []
        assert found == folders and values(command, "--model") == [str(work / "exp/am")]
        assert "times.max_failed_share=0.999999" in command and values(command, "--nj") == ["3"]
    ((place, folders),) = told
    assert place == out and folders[-1] == out / "times" and out / "stages/align_dev" in folders
