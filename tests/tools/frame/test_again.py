"""Commands that do for other cuts what stages did for a test set's; the records are made up, nothing runs."""

import argparse
import json
import os
import shlex
from pathlib import Path

import pytest

from graphs.errors import InputError
from tests.tools.comparison.scored_work import stage
from tools.frame.again import (
    Again, arguments_in, arguments_of, data_options, manifest_of, parse, parser_of, run)
from tools.frame.records import read_record, write_record
from tools.frame.words import OtherWords


def add(work, name, program, arguments):
    """A stage that was run in the work folder with relative paths; its output is x."""
    inputs = [file for word in arguments.split() for file in (work / word, work / word / "x") if file.is_file()]
    return stage(work / name, program, inputs, command=f"python -m {program} {arguments} --out {name} --nj 4",
                 runs=[{"folder": str(work)}])


@pytest.fixture
def work(tmp_path):
    work = tmp_path / "work"
    add(work, "cuts", "tools.validate_data", "--corpus corpus")
    (work / "cuts/test.jsonl.gz").write_text("")
    (work / "cuts/dev.jsonl.gz").write_text("")
    for split in ("train", "dev", "test"):
        stats = " --stats features/train" if split != "train" else ""
        add(work, f"features/{split}", "tools.compute_features",
            f"--cuts cuts --split {split}{stats} features.kind=mfcc features.cmvn=global")
    add(work, "exp/am", "tools.train_am", "--features features/train --alignment exp/a am.epochs=3")
    add(work, "exp/graph", "tools.make_graph", "--lang lang --arpa lm.arpa --transitions exp/a/transitions")
    add(work, "exp/fmllr_train", "tools.estimate_fmllr", "--features features/train --lang lang --alignment exp/a")
    for split in ("dev", "test"):
        add(work, f"exp/decode_{split}", "tools.decode",
            f"--system tdnn --features features/{split} --model exp/am exp/other --weights 0.25 0.75 --graph exp/graph "
            "search.beam=13")
        add(work, f"exp/fmllr_{split}", "tools.estimate_fmllr",
            f"--features features/{split} --lang lang --lattices exp/decode_{split} --gaussians exp/fmllr_train")
    add(work, "exp/score", "tools.score", "--dev exp/decode_dev --dev-cuts cuts/dev.jsonl.gz "
        "--test exp/decode_test --test-cuts cuts/test.jsonl.gz")
    add(work, "exp/rescored_dev", "tools.lattices.rescore", "--lattices exp/decode_dev --graph-lm lm.arpa --lm exp/lm "
        "--cuts cuts/dev.jsonl.gz --weights 0.5 1")
    add(work, "exp/rescored_test", "tools.lattices.rescore",
        "--lattices exp/decode_test --graph-lm lm.arpa --lm exp/lm --weight-of exp/rescored_dev")
    add(work, "exp/second_test", "tools.decode",
        "--features features/test --model exp/am --speaker-transforms exp/fmllr_test --graph exp/graph")
    add(work, "exp/voted_test", "tools.combine", "--cuts cuts/test.jsonl.gz --lattices exp/second_test "
        "exp/rescored_test --scores exp/score exp/score")
    return work


@pytest.fixture
def again(work, tmp_path):
    return Again(work / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", tmp_path / "out", 2)


@pytest.fixture
def spoken(work):
    """The work folder with what makes its graph, two systems that share it, and an end-to-end one."""
    add(work, "lang", "tools.prepare_lang", "--lexicon lexicon.txt lang.word_phones=3")
    add(work, "exp/lm", "tools.train_ngram", "--text text --dev cuts/dev.jsonl.gz --lang lang")
    add(work, "exp/graph", "tools.make_graph", "--lang lang --arpa exp/lm/lm.arpa graph.push=log")
    add(work, "exp/fmllr_train", "tools.estimate_fmllr", "--features features/train --lang lang --alignment exp/a")
    add(work, "exp/decode_test", "tools.decode", "--features features/test --model exp/am --graph exp/graph")
    add(work, "exp/fmllr_test", "tools.estimate_fmllr", "--features features/test --lang lang --lattices "
        "exp/decode_test --gaussians exp/fmllr_train")
    add(work, "exp/second_test", "tools.decode", "--features features/test --model exp/am --speaker-transforms "
        "exp/fmllr_test --graph exp/graph")
    add(work, "exp/e2e_test", "tools.decode_e2e", "--features features/test --model exp/am --lang lang --lm exp/lm")
    add(work, "exp/rescored_test", "tools.lattices.rescore",
        "--lattices exp/decode_test --graph-lm exp/lm/lm.arpa --lm exp/lm")
    return work


def words_of(again, out):
    return shlex.join(again.stages[out]).split()


def test_features_and_search_of_one_system(work, again, tmp_path):
    out = tmp_path / "out"
    assert again.place_of(work / "exp/decode_test") == out / "decode_test"
    assert list(again.stages) == [out / "test", out / "decode_test"]  # in the order in which they are to be done
    assert words_of(again, out / "test") == [
        "tools.compute_features", "--cuts", f"{tmp_path}/new.jsonl.gz", "--split", "test", "--stats",
        f"{work}/features/train", "--out", f"{out}/test", "--nj", "2", "features.kind=mfcc", "features.cmvn=global",
        "features.max_failed_share=0.999999"]
    assert words_of(again, out / "decode_test") == [
        "tools.decode", "--system", "tdnn", "--features", f"{out}/test", "--model", f"{work}/exp/am",
        f"{work}/exp/other", "--graph", f"{work}/exp/graph", "--weights", "0.25", "0.75", "--out",
        f"{out}/decode_test", "--nj", "2", "search.beam=13"]


def test_two_passes_rescored_and_voted(work, again, tmp_path):
    out = tmp_path / "out"
    assert again.place_of(work / "exp/voted_test") == out / "voted_test"
    names = [folder.name for folder in again.stages]
    assert sorted(names) == ["decode_test", "fmllr_test", "rescored_test", "second_test", "test", "voted_test"]
    for name, needs in (("decode_test", ["test"]), ("fmllr_test", ["test", "decode_test"]),
                        ("second_test", ["fmllr_test"]), ("rescored_test", ["decode_test"]),
                        ("voted_test", ["second_test", "rescored_test"])):
        assert all(names.index(need) < names.index(name) for need in needs)
    fmllr = words_of(again, out / "fmllr_test")
    assert f"{out}/decode_test" in fmllr and f"{work}/exp/fmllr_train" in fmllr
    voted = words_of(again, out / "voted_test")
    assert voted[voted.index("--cuts") + 1] == f"{tmp_path}/new.jsonl.gz"
    assert voted[voted.index("--lattices") + 1:][:2] == [f"{out}/second_test", f"{out}/rescored_test"]
    # what the dev set has chosen stays: scales of a score folder that also scored the test set, and weights
    assert voted[voted.index("--scores") + 1:][:2] == [f"{work}/exp/score"] * 2
    rescored = words_of(again, out / "rescored_test")
    assert rescored[rescored.index("--weight-of") + 1] == f"{work}/exp/rescored_dev"
    assert "combine.max_failed_share=0.999999" in voted and "score.max_failed_share=0.999999" not in voted


@pytest.mark.parametrize("path", ["exp/am", "exp/decode_dev", "exp/score", "cuts", "cuts/dev.jsonl.gz", "lm.arpa"])
def test_what_does_not_come_from_the_cuts_has_no_other_place(work, again, path):
    assert again.place_of(work / path) is None and again.stages == {}


def test_a_file_lies_in_the_folder_of_its_stage(work, again, tmp_path):
    assert again.place_of(work / "exp/decode_test/words.txt") == tmp_path / "out/decode_test/words.txt"
    assert again.place_of(work / "cuts/test.jsonl.gz") == tmp_path / "new.jsonl.gz"


def test_two_stages_of_one_name_have_two_folders(work, again, tmp_path):
    add(work, "other/decode_test", "tools.lattices.prune", "--lattices exp/decode_test --beam 4")
    assert again.place_of(work / "other/decode_test") == tmp_path / "out/other_decode_test"
    for number in (2, 3):  # as of other work folders
        add(work, f"{number}/other/decode_test", "tools.lattices.prune", "--lattices exp/decode_test --beam 4")
        assert again.place_of(work / f"{number}/other/decode_test") == tmp_path / f"out/other_decode_test_{number}"
    assert tmp_path / "out/decode_test" in again.stages
    words = words_of(again, tmp_path / "out/other_decode_test")
    assert words[words.index("--max-failed-share") + 1] == "0.999999"


def test_a_model_that_was_watched_on_the_cuts_stays(work, again, tmp_path):
    """Else it would be trained anew, on dev sets that nobody has transcribed."""
    add(work, "exp/watched", "tools.train_am",
        "--features features/train --dev-features features/test --alignment exp/a")
    add(work, "exp/align", "tools.align", "--features features/test --lang lang --model exp/watched")
    assert again.place_of(work / "exp/align") == tmp_path / "out/align"
    words = words_of(again, tmp_path / "out/align")
    assert words[words.index("--model") + 1] == f"{work}/exp/watched"
    assert [folder.name for folder in again.stages] == ["test", "align"]


def test_what_another_program_wrote_stays(work, again):
    add(work, "exp/odd_test", "mine.decode", "--features features/test")
    assert again.place_of(work / "exp/odd_test") is None


def test_a_command_of_an_earlier_version_is_told(work, again):
    add(work, "exp/old_test", "tools.decode", "--features features/test --network exp/am")
    with pytest.raises(InputError, match="a command that tools.decode knows, found python -m tools.decode --features"):
        again.place_of(work / "exp/old_test")


def test_arguments_are_those_of_the_command_with_paths_from_where_it_ran(work):
    program, args = arguments_of(read_record(work / "exp/decode_dev"))
    assert program.name == "tools.decode" and args.nj == 4
    assert args.features == work / "features/dev" and args.model == [work / "exp/am", work / "exp/other"]
    assert args.speaker_transforms == [] and args.overrides == ["search.beam=13"]


def test_the_arguments_that_such_programs_share(tmp_path, monkeypatch, capsys):
    def told(*words):
        return parse(argparse.ArgumentParser(), ("data", "pieces"), list(words))
    args = told("--out", "here", "data.channel=1", "pieces.longest=5")
    assert str(args.out) == "here" and args.nj == os.cpu_count()
    assert args.options == ["data.channel=1", "pieces.longest=5"]
    assert told("--out", "here", "--nj", "1").nj == 1
    monkeypatch.setattr("sys.argv", ["program", "--out", "there"])
    assert str(parse(argparse.ArgumentParser(), (), None).out) == "there"
    for words, message in ((["--nj", "2"], "--out"), (["--out", "here", "--nj", "0"], "--nj"),
                           (["--out", "here", "search.beam=3"], "search.beam=3: expected options of data and pieces")):
        with pytest.raises(SystemExit):
            told(*words)
        assert message in capsys.readouterr().err


def test_other_audio_becomes_what_cuts_were(work):
    stage(work / "cuts", "tools.validate_data", (), command="python -m tools.validate_data --corpus corpus --out cuts",
          options={"data": {"case": "lower", "channel": "1", "train_share": "0.5", "sampling_rate": "none",
                            "max_rejected_share": "0.1"}})
    info = {"kind": "fbank", "sampling_rate": 11000}
    (work / "features/test/features.json").write_text(json.dumps(info))
    found = stage(work / "exp/made", "tools.decode", [work / "features/test/features.json"])
    assert data_options(found, work / "cuts/test.jsonl.gz") == [
        "data.case=lower", "data.channel=1", "data.sampling_rate=11000", "data.max_rejected_share=1"]
    assert data_options(found, work / "none/test.jsonl.gz") == ["data.sampling_rate=11000", "data.max_rejected_share=1"]
    (work / "features/test/features.json").write_text(json.dumps({**info, "kind": "ready"}))
    with pytest.raises(InputError, match="features that were computed from audio"):
        data_options(found, work / "cuts/test.jsonl.gz")
    with pytest.raises(InputError, match="a folder that was made from features, by its stage record, found none"):
        data_options(work / "lang", work / "cuts/test.jsonl.gz")


def test_of_a_work_folder_that_was_moved_the_files_are_found_where_they_lie(work, tmp_path):
    """Relative paths of commands, too: they ran in the work folder that was."""
    now, out = tmp_path / "disk/work", tmp_path / "out"
    for name in ("exp/decode_dev", "exp/decode_test", "features/test", "features/train", "cuts"):
        write_record(work / name, {**read_record(work / name), "place": str(work / name)})
    now.parent.mkdir()
    work.rename(now)
    again = Again(now / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", out, 2)
    assert again.place_of(now / "exp/decode_test") == out / "decode_test"
    words = words_of(again, out / "decode_test")
    assert words[words.index("--graph") + 1] == f"{now}/exp/graph"
    assert words_of(again, out / "test")[1:7] == [
        "--cuts", f"{tmp_path}/new.jsonl.gz", "--split", "test", "--stats", f"{now}/features/train"]
    assert arguments_in(now / "exp/decode_dev", "tools.decode").features == now / "features/dev"


@pytest.mark.parametrize("status, error", [(0, None), (130, KeyboardInterrupt), (2, InputError), (1, InputError)])
def test_a_program_that_fails_ends_it_all(monkeypatch, status, error):
    import torch

    from tools import decode
    threads = torch.get_num_threads()

    def once(work, argv):
        assert work is decode.work and argv == ["--nj", "1"]
        torch.set_num_threads(threads + 1)
        return status
    monkeypatch.setattr(decode.PROGRAM, "run", once)
    if error is None:
        run("tools.decode", "--nj", 1)
    else:
        with pytest.raises(error, match=None if status == 130 else f"tools.decode: .*exit status {status}"):
            run("tools.decode", "--nj", 1)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("given", ["lexicon", "lm", "both"])
def test_with_other_words_lang_folders_and_graphs_are_made_anew_and_nothing_of_training_is(spoken, tmp_path, given):
    lexicon, lm = (tmp_path / name if given in (kind, "both") else None
                   for name, kind in (("more.txt", "lexicon"), ("new.arpa", "lm")))
    out, words = tmp_path / "out", OtherWords(lexicon, lm)
    again = Again(spoken / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", out, 2, words)
    assert again.place_of(spoken / "exp/second_test") == out / "second_test"
    words.check_used(spoken / "exp/second_test")
    made = ["graph", "decode_test", "fmllr_test", "second_test"]
    assert {path.name for path in again.stages} == {"test", *made, *(["lang"] if lexicon else [])}
    assert [path.name for path in again.stages if path.name in made] == made  # in the order to do them in
    lang = out / "lang" if lexicon else spoken / "lang"
    graph = words_of(again, out / "graph")
    assert graph[:5] == ["tools.make_graph", "--lang", str(lang), "--arpa", str(lm or spoken / "exp/lm/lm.arpa")]
    assert "graph.push=log" in graph
    if lexicon:
        assert words_of(again, lang)[:6] == ["tools.prepare_lang", "--lexicon", f"{spoken}/lexicon.txt", str(lexicon),
                                             "--like", f"{spoken}/lang"]
    for name in ("decode_test", "second_test"):
        found = words_of(again, out / name)
        assert found[found.index("--graph") + 1] == str(out / "graph")
        assert found[found.index("--model") + 1] == f"{spoken}/exp/am"
    found = words_of(again, out / "fmllr_test")
    assert found[found.index("--gaussians") + 1] == f"{spoken}/exp/fmllr_train"
    assert found[found.index("--lang") + 1] == str(lang)


def test_an_end_to_end_search_gets_the_words_and_the_language_model(spoken, tmp_path):
    out, words = tmp_path / "out", OtherWords(tmp_path / "more.txt", tmp_path / "new.arpa")
    again = Again(spoken / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", out, 2, words)
    again.place_of(spoken / "exp/e2e_test")
    found = words_of(again, out / "e2e_test")
    assert found[found.index("--lm") + 1] == f"{tmp_path}/new.arpa"
    assert found[found.index("--lang") + 1] == f"{out}/lang"
    again = Again(spoken / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", out, 2, words)
    with pytest.raises(InputError, match=f"--lm {tmp_path}/new.arpa: expected a system with a single language model"):
        again.place_of(spoken / "exp/rescored_test")


def test_stages_are_run_once_and_those_of_some_programs_before_the_others(spoken, tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr("tools.frame.again.run", lambda *words: ran.append(words[0]))
    again = Again(spoken / "cuts/test.jsonl.gz", tmp_path / "new.jsonl.gz", tmp_path / "out", 2,
                  OtherWords(tmp_path / "more.txt"))
    again.place_of(spoken / "exp/decode_test")
    again.run(["tools.make_graph", "tools.prepare_lang"])
    assert ran == ["tools.prepare_lang", "tools.make_graph"]
    again.run()
    again.run()
    assert ran[2:] == ["tools.compute_features", "tools.decode"]


def test_a_record_of_something_else_is_told():
    def told(program, words):
        with pytest.raises(InputError) as error:
            arguments_of({"program": program, "command": f"python -m {program} {words}"})
        return str(error.value)
    for program in ("mine.decode", "tools.frame.records"):  # one that there is not, and one that is no program
        assert told(program, "--out o") == f"stage record: expected a program of the toolkit, found {program}"
    assert told("tools.decode", "--out o --none") == (
        "stage record: expected a command that tools.decode knows, found python -m tools.decode --out o --none")


@pytest.mark.parametrize("runs, where", [
    ([{"folder": "/then"}, {"folder": "/now"}], "/now/"), ([{"folder": "/then"}, {}], ""), ([], ""), (None, "")])
def test_paths_are_from_where_the_last_run_was(runs, where):
    """Those of inputs and of raw data, single or several; the output is none of them."""
    record = {"program": "tools.import_audio", "command": "python -m tools.import_audio --audio a /b/c --out o"}
    assert arguments_of({**record, "runs": runs})[1].audio == [Path(f"{where}a"), Path("/b/c")]
    record = {"program": "tools.import_texts", "command": "python -m tools.import_texts --data d --out o"}
    args = arguments_of({**record, "runs": runs})[1]
    assert (args.data, args.out, args.lexicon) == (Path(f"{where}d"), Path("o"), None)


def test_whose_folder_it_is_that_has_the_arguments(work):
    found = arguments_in(work / "exp/decode_dev", "tools.decode")
    assert found == arguments_of(read_record(work / "exp/decode_dev"))[1]
    for folder, item, message in (
            ("exp/decode_dev", "", f"{work}/exp/decode_dev: expected a folder of tools.align, found tools.decode"),
            ("exp/decode_dev", "--alignment x", "--alignment x: expected a folder of tools.align, found tools.decode"),
            ("exp", "", f"{work}/exp: expected a folder of tools.align, found none")):
        with pytest.raises(InputError) as error:
            arguments_in(work / folder, "tools.align", item)
        assert str(error.value) == message


def test_which_cuts_features_were_computed_from(work):
    for cuts, manifest in ((work / "cuts", "cuts/dev.jsonl.gz"), (work / "cuts/test.jsonl.gz", "cuts/test.jsonl.gz")):
        assert manifest_of(argparse.Namespace(cuts=cuts, split="dev")) == work / manifest


def test_help_tells_what_others_do_again(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    parser = parser_of("tools.toy", "One.\n\n  Two.", "--audio FILE")
    assert parser.format_help().startswith("usage: python -m tools.toy --audio FILE --out FOLDER [--nj NJ] "
                                           "[section.key=value ...]\n\nOne.\n\n  Two.\n")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert parse(parser, (), ["--out", "o"]).nj == 1
