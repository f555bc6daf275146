"""The frame of the stage programs: what is up to date, what is made anew and why, what damage does."""

import fcntl
import json
import os
from dataclasses import dataclass, field

import pytest

from graphs.errors import InputError
from tools.frame.program import Job, Program
from tools.frame.records import read_record, write_record


@dataclass(frozen=True)
class Options:
    scale: float = field(default=1.0, metadata={"help": "a factor"})
    name: str = field(default="x", metadata={"help": "a name"})

    def __post_init__(self):
        if self.scale < 0:
            raise ValueError(f"scale: expected at least 0, found {self.scale}")


def program(resumable=False, mended=""):
    return (Program("toy", "A toy.", {"am": "tests.tools.frame.test_program:Options"}, resumable, mended=mended)
            .input("--data", help="input").input("--corpus", corpus=True, help="raw data").argument("--extra"))


class Work:
    """Writes its options and its input; counts its runs."""

    def __init__(self):
        self.runs, self.error, self.reads, self.jobs = 0, None, [], []

    def __call__(self, job: Job):
        self.runs += 1
        self.jobs.append(job)
        job.reads(self.reads)
        (job.out / "half").write_text("half")
        if self.error is not None:
            raise self.error
        text = job.args.data.read_text() if job.args.data and job.args.data.is_file() else ""
        (job.out / "out.txt").write_text(f"{job.options('am').scale} {text}")
        (job.out / "picture.png").write_text("picture")
        job.facts["where"] = str(job.final(job.out / "out.txt"))


def rewrite(path, text, keep_time=False):
    """Changes the bytes of a file; with keep_time as a bad disk does."""
    stat = path.stat()
    path.write_text(text)
    seconds = (stat.st_atime_ns, stat.st_mtime_ns if keep_time else stat.st_mtime_ns + 10**9)
    os.utime(path, ns=seconds)


def test_done_once_and_no_more(toy, capsys):
    assert toy() == toy() == 0
    assert toy.work.runs == 1 and "is up to date" in capsys.readouterr().out
    assert read_record(toy.out)["facts"] == {"where": str(toy.out / "out.txt")}
    assert sorted(path.name for path in toy.out.parent.iterdir()) == ["out"]


def test_an_input_is_found_beside_another_and_counts(tmp_path, capsys):
    seen = []
    toy = (Program("toy", "A toy.").input("--first-file", help="input")
           .input("--tree", help="input", beside="--first-file"))

    def run(*argv):
        assert toy.run(lambda job: seen.append(job.args.tree), ["--out", str(tmp_path / "out"), *argv]) == 0

    first, beside, other = tmp_path / "first", tmp_path / "tree", tmp_path / "other"
    for path in (first, beside, other):
        path.write_text(path.name)
    run()
    run("--first-file", str(first))
    assert seen == [None, beside]
    run("--first-file", str(first))
    assert len(seen) == 2 and "up to date" in capsys.readouterr().out
    rewrite(beside, "another")
    run("--first-file", str(first))
    run("--first-file", str(first), "--tree", str(other))
    beside.unlink()
    run("--first-file", str(first))
    assert seen[2:] == [beside, other, None]


@pytest.mark.parametrize("argv, reason", [
    (["am.scale=2"], "option am.scale: 1.0 before, 2.0 now"),
    (["--extra", "e"], "argument extra: None before, e now"),
    (["--system", "s", "am.s.name=y"], "option am.name: x before, y now"),
])
def test_made_anew_for_another_option_or_argument_and_says_why(toy, capsys, argv, reason):
    assert toy() == toy(*argv) == 0
    assert toy.work.runs == 2 and reason in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["am.scale=1"], ["am.scale=1.00"], ["am.name=x"], ["ctc.epochs=3"], ["--nj", "3"]])
def test_the_same_value_in_other_words_is_no_change(toy, argv):
    assert toy() == toy(*argv) == toy(*argv) == 0
    assert toy.work.runs == 1


def test_a_changed_input_counts_by_content(toy, tmp_path, capsys):
    (tmp_path / "data").write_text("one")
    run = lambda: toy("--data", tmp_path / "data")  # noqa: E731
    assert run() == 0
    rewrite(tmp_path / "data", "one")
    assert run() == 0 and toy.work.runs == 1
    rewrite(tmp_path / "data", "two")
    assert run() == 0 and (toy.out / "out.txt").read_text() == "1.0 two"
    assert "data changed" in capsys.readouterr().err


@pytest.mark.parametrize("argv, message", [
    (["am.scale=-1"], "scale: expected at least 0"),
    (["am.scal=1"], "am.scal"),
    (["--data", "/nonexistent"], "expected an existing file or folder"),
])
def test_bad_options_and_inputs_leave_what_is_finished_alone(toy, capsys, argv, message):
    assert toy() == 0
    assert toy(*argv) == 2 and message in capsys.readouterr().err
    assert toy() == 0 and toy.work.runs == 1


def test_an_input_is_not_replaced_by_the_output(toy, capsys):
    """Nor is raw data."""
    assert toy() == 0
    for flag in ("--data", "--corpus"):
        for data in (toy.out, toy.out / "out.txt", toy.out / ".." / "out"):
            assert toy(flag, data) == 2
            assert f"--out {toy.out}: expected another folder than that of an input, found {data}" in (
                capsys.readouterr().err)
    assert toy() == 0 and toy.work.runs == 1


@pytest.mark.parametrize("error", [InputError("x", "y", "z"), RuntimeError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_result_and_its_own_half_beside_it(toy, error):
    assert toy() == 0
    toy.work.error = error
    try:
        assert toy("am.scale=2") in (2, 130)
    except RuntimeError:
        pass
    assert (toy.out / "out.txt").read_text() == "1.0 " and not (toy.out / "half").read_text() == ""
    assert (toy.out.parent / "out.unfinished" / "half").exists()
    assert toy() == 0 and toy.work.runs == 2  # the old one still counts
    toy.work.error = None
    assert toy("am.scale=2") == 0 and (toy.out / "out.txt").read_text() == "2.0 "
    assert not (toy.out.parent / "out.unfinished").exists()


@pytest.mark.parametrize("damage, reason", [
    (lambda out: rewrite(out / "out.txt", "1.1 "), "out.txt is damaged"),
    (lambda out: (out / "out.txt").unlink(), "out.txt is missing"),
    (lambda out: (out / ".stage.json").write_bytes(b"\x81"), "its stage record is one that cannot be read"),
    (lambda out: (out / ".stage.json").write_text("[]"), "its stage record is other JSON"),
    (lambda out: rewrite(out / ".stage.json", (out / ".stage.json").read_text().replace("done", "dome")),
     "its stage record is one that is damaged"),
    (lambda out: (out / ".stage.json").unlink(), "its stage record is none"),
])
def test_damaged_output_is_made_anew_and_says_why(toy, capsys, damage, reason):
    assert toy() == 0
    damage(toy.out)
    assert toy() == 0 and toy.work.runs == 2
    assert (toy.out / "out.txt").read_text() == "1.0 " and reason in capsys.readouterr().err


def test_what_a_mistake_made_is_made_anew(toy, capsys):
    assert toy() == toy(mended="it was half") == toy(mended="it was half") == 0
    assert toy.work.runs == 2 and "made anew: a mistake was mended since: it was half" in capsys.readouterr().err
    toy.work.error = KeyboardInterrupt()
    assert toy("am.scale=2", resumable=True, mended="it was half") == 130
    toy.work.error = None
    assert toy("am.scale=2", resumable=True, mended="it was nothing") == 0
    assert [job.resuming for job in toy.work.jobs[2:]] == [False, False]


def test_a_changed_picture_is_no_reason(toy):
    assert toy() == 0
    rewrite(toy.out / "picture.png", "other")
    assert toy() == 0 and toy.work.runs == 1


def test_damage_at_an_unchanged_time_is_found_by_the_next_stage_and_then_mended(toy, tmp_path, capsys):
    assert toy() == 0
    write_record(toy.out, {**read_record(toy.out), "stage": "7"})
    rewrite(toy.out / "out.txt", "1.1 ", keep_time=True)
    consumer = Work()

    def consume():
        return program().run(consumer, ["--out", str(tmp_path / "next"), "--data", str(toy.out)])

    assert consume() == 2 and consumer.runs == 0 and not (tmp_path / "next").exists()
    errors = capsys.readouterr().err
    assert "out.txt is damaged" in errors and "--stage 7" in errors and str(toy.out) in errors
    assert toy() == 0 and toy.work.runs == 2  # marked, though size and time are the same
    assert consume() == 0


def test_a_file_lost_from_an_input_folder_is_named(toy, tmp_path, capsys):
    assert toy() == 0
    (toy.out / "out.txt").unlink()
    assert program().run(Work(), ["--out", str(tmp_path / "next"), "--data", str(toy.out)]) == 2
    assert "out.txt is missing" in capsys.readouterr().err


def test_large_stores_are_told_apart_by_time_alone(toy, tmp_path, monkeypatch):
    """Their reader checks each matrix."""
    store = tmp_path / "store" / "storage"
    store.mkdir(parents=True)
    (store / "000").write_text("one")
    digests = {"storage/000": [3, (store / "000").stat().st_mtime_ns, "not that"]}
    write_record(store.parent, {"program": "p", "state": "done", "outputs": digests})
    assert toy("--data", store.parent) == 2 and not toy.work.runs
    write_record(store.parent, {"program": "p", "state": "done", "outputs": digests})
    monkeypatch.setattr("tools.frame.records.LARGE", 3)
    assert toy("--data", store.parent) == 0
    assert "not that" in json.dumps(read_record(toy.out)["inputs"])


def test_raw_files_count_by_size_and_time(toy, tmp_path, capsys):
    raw = tmp_path / "a.wav"
    raw.write_text("one")
    toy.work.reads = [raw, tmp_path / "never_there.wav"]
    assert toy() == toy() == 0 and toy.work.runs == 1
    rewrite(raw, "one")
    assert toy() == 0 and toy.work.runs == 2
    assert "a.wav changed, is gone or is back" in capsys.readouterr().err
    raw.unlink()
    assert toy() == 0 and toy.work.runs == 3
    assert toy() == 0 and toy.work.runs == 3
    (tmp_path / "never_there.wav").write_text("here now")
    assert toy() == toy() == 0 and toy.work.runs == 4


@pytest.mark.parametrize("more", [(), ("--by-content",)])
def test_raw_files_that_are_none_count_as_gone(toy, tmp_path, more):
    """A corpus may name a folder by mistake, were it that of a disk, or a name too long to be one."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside").write_text("1")
    os.mkfifo(tmp_path / "pipe")
    toy.work.reads = [folder, tmp_path / "pipe", tmp_path / ("x" * 5000)]
    assert toy(*more) == 0
    (folder / "inside").write_text("22")
    assert toy(*more) == 0 and toy.work.runs == 1
    assert {tuple(known) for known in read_record(toy.out)["raw"].values()} == {(-1, -1, "")}


def test_raw_files_count_by_content_on_request(toy, tmp_path):
    raw = tmp_path / "a.wav"
    raw.write_text("one")
    toy.work.reads = [raw]
    assert toy("--by-content") == 0
    rewrite(raw, "one")
    assert toy("--by-content") == toy() == 0 and toy.work.runs == 1
    rewrite(raw, "two", keep_time=True)
    assert toy("--by-content") == 0 and toy.work.runs == 2
    rewrite(raw, "six", keep_time=True)
    assert toy() == 0 and toy.work.runs == 2
    assert toy("--by-content") == 0 and toy.work.runs == 3


def test_recordings_that_a_stage_made_count_by_content_and_are_checked(toy, tmp_path, capsys):
    """Such as those of a corpus of synthetic speech, which the stages after it read without naming its folder."""
    assert toy() == 0
    wav = toy.out / "half"
    reader = Work()
    reader.reads = [wav, tmp_path / "of_nobody.wav"]

    def read():
        return program().run(reader, ["--out", str(tmp_path / "next")])
    assert read() == 0
    rewrite(wav, "half")
    assert read() == 0 and reader.runs == 1  # the same again: a new time is no change
    rewrite(wav, "hale")
    assert read() == 2 and "half is damaged" in capsys.readouterr().err
    wav.unlink()
    assert read() == 2 and "half is missing" in capsys.readouterr().err
    assert toy() == 0 and toy.work.runs == 2  # told so, it is made anew
    assert read() == 0 and reader.runs == 3


def test_a_corpus_folder_counts_with_all_its_files(toy, tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a").write_text("a")
    run = lambda: toy("--corpus", tmp_path / "corpus")  # noqa: E731
    assert run() == run() == 0 and toy.work.runs == 1
    (tmp_path / "corpus" / "b").write_text("b")
    assert run() == 0 and toy.work.runs == 2
    (tmp_path / "corpus" / "a").unlink()
    assert run() == 0 and toy.work.runs == 3


def test_a_work_folder_in_the_corpus_is_none_of_it(tmp_path):
    toy = Work()
    (tmp_path / "a").write_text("a")
    for number in range(2):
        assert program().run(toy, ["--out", str(tmp_path / "work/out"), "--corpus", str(tmp_path)]) == 0
        (tmp_path / f"work/other{number}").mkdir()
        (tmp_path / f"work/other{number}/b").write_text("b")
    assert toy.runs == 1
    (tmp_path / "b").write_text("b")
    assert program().run(toy, ["--out", str(tmp_path / "work/out"), "--corpus", str(tmp_path)]) == 0 and toy.runs == 2


def test_a_program_that_can_goes_on_and_its_time_adds_up(toy):
    toy.work.error = KeyboardInterrupt()
    assert toy(resumable=True) == 130
    unfinished = toy.out.parent / "out.unfinished"
    (unfinished / ".seconds").write_text("100")
    (unfinished / "checkpoint").write_text("c")
    toy.work.error = None
    assert toy(resumable=True) == 0
    assert [job.resuming for job in toy.work.jobs] == [False, True]
    assert (toy.out / "checkpoint").exists() and not (toy.out / ".seconds").exists()
    assert 100 <= read_record(toy.out)["seconds"] < 110


def test_a_run_with_other_options_does_not_go_on_with_what_was_left(toy):
    toy.work.error = KeyboardInterrupt()
    assert toy(resumable=True) == 130
    toy.work.error = None
    assert toy("am.scale=3", resumable=True) == 0
    assert not toy.work.jobs[1].resuming


@pytest.mark.parametrize("finished", ["out", "out.unfinished"])
def test_an_exchange_cut_off_in_between_is_ended(toy, finished):
    """Killed between the two renames, or before the old folder was removed."""
    assert toy() == 0
    if finished == "out":
        (toy.out.parent / "out.replaced").mkdir()
    else:
        toy.out.rename(toy.out.parent / "out.replaced")
    assert toy() == 0 and toy.work.runs == 1
    assert [path.name for path in toy.out.parent.iterdir()] == ["out"]


def test_folders_of_others_are_left_alone(toy, capsys):
    toy.out.mkdir()
    (toy.out / "mine").write_text("mine")
    assert toy() == 2 and toy.work.runs == 0
    assert "other files in it" in capsys.readouterr().err and (toy.out / "mine").exists()


def test_names_that_are_not_utf_8_are_refused(toy, tmp_path, capsys):
    assert toy("--corpus", os.fsdecode(os.fsencode(tmp_path) + b"/\xe9")) == 2
    assert "--corpus" in (said := capsys.readouterr().err) and "udce9" in said and toy.work.runs == 0


def test_damage_at_an_unchanged_time_is_found_on_request(toy, capsys):
    assert toy() == 0
    rewrite(toy.out / "out.txt", "2.0 ", keep_time=True)
    assert toy() == 0 and toy.work.runs == 1
    assert toy("--by-content") == 0 and toy.work.runs == 2
    assert "out.txt is damaged" in capsys.readouterr().err
    assert (toy.out / "out.txt").read_text() == "1.0 "


@pytest.mark.parametrize("out, message", [
    (".", "expected a folder with a name of its own"), ("/", "expected a folder with a name of its own"),
    ("/dev/null/x", "a file stands where a folder is to be"), ("y" * 300, "take a shorter name")])
def test_names_that_no_folder_can_have(out, message, capsys):
    program = Program("tools.toy", "Toy.")
    assert program.run(lambda job: None, ["--out", out]) != 0
    assert message in capsys.readouterr().err


def test_two_programs_do_not_write_one_folder(toy, capsys):
    unfinished = toy.out.parent / "out.unfinished"
    unfinished.mkdir()
    write_record(unfinished, {"program": "toy", "state": "running", "holder": "toy: process 7"})
    descriptor = os.open(unfinished, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert toy() == 2 and "no other program at work on it, found toy: process 7" in capsys.readouterr().err
    os.close(descriptor)
    assert toy() == 0


def test_options_may_stand_behind_a_flag_of_several_values(tmp_path):
    several = program().argument("--names", nargs="+", default=[])
    for argv in (["--names", "a", "b=1", "am.scale=3"], ["am.scale=2", "am.scale=3", "--names", "a", "b=1"]):
        args = several.parse(["--out", "out", *argv])
        assert args.names == ["a", "b=1"] and several.option_texts(args)["am"] == {"scale": "3"}


def test_help_lists_every_option(capsys):
    assert program().run(Work(), ["--help"]) == 0
    out = capsys.readouterr().out
    assert "--by-content" in out and "scale" in out and "a factor" in out and "1.0" in out
