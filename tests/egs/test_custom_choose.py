"""Which table of options fits the hours of training speech."""

import re

import pytest

from egs.custom import choose
from graphs.errors import InputError
from hybrid.data.manifest import write_cuts
from tests.hybrid.data.material import noise_cut
from tools.frame.records import read_record


def tables(folder, *names):
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"# of {name}\n\n[ctc]\nepochs = {len(name)}  # more\n hidden_dim=3\n")
    return folder


@pytest.mark.parametrize("hours, name, words", [
    (0.0, "0", "0 to 0.5 hours"), (0.49, "0", "0 to 0.5 hours"), (0.5, "0.50", "0.5 to 9 hours"),
    (8.999, "0.50", "0.5 to 9 hours"), (9.0, "9", "9 to 10 hours"), (10.0, "10", "10 hours and more")])
def test_from_its_hours_on_a_table_is_taken_and_hours_are_numbers(tmp_path, hours, name, words):
    folder = tables(tmp_path / "tables", "9.conf", "0.conf", "10.conf", "0.50.conf", "README.md")
    assert choose.choose(folder, hours) == (folder / f"{name}.conf", words)


@pytest.mark.parametrize("names, hours, expected, found", [
    ((), 1.0, "a file 0.conf", "none"), (("10.conf", "2.conf"), 1.99, "a file 0.conf", "2.conf, 10.conf"),
    (("0.conf", "many.conf"), 1.0, "files named HOURS.conf", "could not convert string to float: 'many'")])
def test_a_folder_without_a_table_for_the_hours_is_an_error(tmp_path, names, hours, expected, found):
    folder = tables(tmp_path / "tables", *names)
    with pytest.raises(InputError, match=re.escape(f"--tables {folder}: expected {expected}, found {found}") + "$"):
        choose.choose(folder, hours)


def test_the_hours_of_all_cuts_are_counted_and_the_options_said(tmp_path, capsys):
    cuts = [noise_cut(tmp_path, f"a{n}", seconds=seconds, rate=10) for n, seconds in enumerate((9000.0, 27034.2, 9.9))]
    write_cuts(tmp_path / "cuts/train.jsonl.gz", cuts)  # 36044.1 seconds: 10.01225 hours
    folder = tables(tmp_path / "tables", "0.conf", "10.conf", "20.conf")
    assert choose.PROGRAM.run(choose.work, ["--cuts", str(tmp_path / "cuts"), "--tables", str(folder),
                                            "--out", str(tmp_path / "out")]) == 0
    assert (f"INFO 10.01 hours of training speech: options for 10 to 20 hours, of {folder}/10.conf: [ctc] epochs=7 "
            "hidden_dim=3\n") in capsys.readouterr().err
    assert read_record(tmp_path / "out")["facts"] == {"hours": 10.012, "meant_for": "10 to 20 hours"}
    assert (tmp_path / "out/options.conf").read_bytes() == (folder / "10.conf").read_bytes()


def test_cuts_and_tables_are_asked_for(capsys):
    with pytest.raises(SystemExit):
        choose.PROGRAM.run(choose.work, ["--out", "x"])
    assert "required: --cuts, --tables\n" in capsys.readouterr().err
