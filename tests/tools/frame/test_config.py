"""Options: from files and words to dataclasses, and what is said of those that are wrong."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Tuple

import pytest

from graphs.errors import InputError
from graphs.options import choice, flat
from tools.frame.config import OtherChoice, describe_options, is_option, make_options, read_config, resolve
from tools.recipe.check import check, list_options, read_plan

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Square:
    side: float = field(default=1.0, metadata={"help": "metres"})

    def __post_init__(self):
        if self.side <= 0:
            raise ValueError(f"side: expected more than 0, found {self.side}")


@dataclass(frozen=True)
class Circle:
    radius: int = field(default=2, metadata={"help": "metres, too"})
    dots: tuple = field(default=(1, 2), metadata={"help": "no option of texts"})


@dataclass(frozen=True)
class Drawing:
    shape: object = choice({"square": Square, "circle": Circle}, "square", "what is drawn")
    title: str = field(default="none", metadata={"help": "above it"})


def config(folder, text, *words):
    (folder / "x.conf").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_config([folder / "x.conf"], words)


def test_a_choice_takes_its_own_keys_beside_those_of_all():
    made = make_options(Drawing, "am", {"shape": "circle", "radius": "5", "title": "t"})
    assert made == Drawing(Circle(5), "t")
    assert flat(made) == {"shape": "circle", "radius": 5, "dots": [1, 2], "title": "t"}
    assert make_options(Drawing, "am", {"side": "3"}) == Drawing(Square(3.0))
    assert make_options(Drawing, "am", {"shape": "square"}) == make_options(Drawing, "am", {}) == Drawing()


@pytest.mark.parametrize("values, message", [
    ({"shape": "foo"}, "option am.shape: expected one of square, circle, found 'foo'"),
    ({"titel": "t"}, "option am.titel: expected one of shape, side, title, found titel; did you mean title?"),
    ({"side": "-1"}, "options [am]: expected values in range, found side: expected more than 0, found -1.0"),
    ({"side": "nan"}, "option am.side: expected a number, found 'nan'"),
    ({"shape": "circle", "radius": "2O"}, "option am.radius: expected a whole number, found '2O'"),
])
def test_wrong_options_are_named(values, message):
    with pytest.raises(InputError) as error:
        make_options(Drawing, "am", values)
    assert str(error.value) == message


def test_a_key_of_another_choice_says_whose_it_is():
    with pytest.raises(OtherChoice) as error:
        make_options(Drawing, "am", {"radius": "2"})
    assert str(error.value) == ("option am.radius: expected an option of shape = square (side), "
                                "found radius, one of shape = circle")


def test_options_are_described_by_choice():
    given, circle = describe_options(Drawing, "am", {"title": "t"}, "big")
    assert given[0] == "[am] of system big" and circle[0] == "[am] with shape = circle"
    text = "\n".join(given)
    assert "am.shape = square" in text and "what is drawn: one of square, circle" in text
    assert "am.side = 1.0" in text and "am.title = t" in text and "above it (default none)" in text
    assert "radius" not in text and "am.radius = 2" in circle[1] and "metres, too" in circle[1]
    assert given[2] == "  am.side = 1.0                         metres"
    given, square = describe_options(Drawing, "am", {"shape": "circle"})
    assert given == [
        "[am]", "  am.shape = circle                     what is drawn: one of square, circle (default square)",
        "  am.radius = 2                         metres, too",
        "  am.dots = 1, 2                        no option of texts",
        "  am.title = none                       above it"]
    assert "am.radius = 2" in given[2] and square[0] == "[am] with shape = square"


@pytest.mark.parametrize("words, expected", [
    ([], "system file"), (["am.title=command line"], "command line"), (["am.tdnn.title=both"], "both"),
    (["am.tdnn.title=both", "am.title=command line"], "both"), (["am.title=a", "am.title=b"], "b"),
])
def test_the_command_line_wins_over_files_and_a_system_over_all(tmp_path, words, expected):
    read = config(tmp_path, "[am]\ntitle = file\n[am.tdnn]\ntitle = system file\n", *words)
    assert resolve(read, "am", "tdnn")["title"] == expected
    of_all = [word.split("=")[1] for word in words if word.startswith("am.title")]
    assert resolve(read, "am")["title"] == (of_all or ["file"])[-1]


def test_a_later_file_wins(tmp_path):
    (tmp_path / "a").write_text("[am]\nx = 1\ny = 2\n")
    (tmp_path / "b").write_text("[am]\nx = 3\n")
    assert resolve(read_config([tmp_path / "a", tmp_path / "b"]), "am") == {"x": "3", "y": "2"}


def test_a_heading_can_name_several_systems(tmp_path):
    read = config(tmp_path, "[am]\nx = 0\n[am.a, b]\nx = 1\ny = 1\n[am.b]\nx = 2\n")
    assert [resolve(read, "am", system) for system in ("a", "b", "c")] == [
        {"x": "1", "y": "1"}, {"x": "2", "y": "1"}, {"x": "0"}]
    with pytest.raises(InputError, match="options section 'am, score'"):
        config(tmp_path, "[am, score]\nx = 0\n")


def test_byte_order_mark_and_line_ends_of_windows_do_no_harm(tmp_path):
    assert config(tmp_path, b"\xef\xbb\xbf[am]\r\ntitle = t # what\r\n").conf == {"am": {"title": "t"}}


@pytest.mark.parametrize("text, message", [
    (b"[am]\ntitle = caf\xe9\n", "x.conf, line 2: expected UTF-8 text, found the byte 0xe9"),
    (b"\n\n\xe9\n", "x.conf, line 3: expected UTF-8 text, found the byte 0xe9"),
    (b"\x93NUMPY\x01\n", "x.conf, line 1: expected UTF-8 text, found the byte 0x93"),
    (b"\ntitle = t\n", "x.conf, line 2: expected sections of `key = value` lines, found title = t"),
    (b"[am]\n\ntitle\nmore\n", "x.conf, line 3: expected sections of `key = value` lines, found 'title"),
    (b"[am]\nx = 1\nx = 2\n", "option 'x' in section 'am' already exists"),
    (b"[DEFAULT]\nx = 1\n", "options section 'DEFAULT'"),
    (b"[an]\nx = 1\n", "options section 'an': expected one of corpus"),
])
def test_conf_files_that_are_none(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        config(tmp_path, text)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("word", ["am", "am=1", "am.=1", ".x=1", "am.x", "an.x=1", "am.x=\udce9", "am.x=\ud800",
                                  "am.x=a\udfff"])
def test_words_that_are_no_options(tmp_path, word):
    with pytest.raises(InputError):
        config(tmp_path, "", word)


def test_words_keep_what_stands_behind_the_first_equals_sign(tmp_path):
    assert config(tmp_path, "", "am.x=a=b", "am.a.y=", "am.x.z=\ud7ff\ue000").words == {
        "am": {"x": "a=b"}, "am.a": {"y": ""}, "am.x": {"z": "\ud7ff\ue000"}}


@pytest.mark.parametrize("word, option", [
    ("am.x=1", True), ("am.tdnn.x=1", True), ("am.x=", True), ("am.x=a=b", True), ("am.x", False), ("am=1", False),
    ("an.x=1", False), ("x=am.y", False), ("path/am.x=1", False), ("", False)])
def test_options_are_told_from_other_words(word, option):
    assert is_option(word) is option


def test_keys_of_files_are_as_they_are_written(tmp_path):
    read = config(tmp_path, "[am]\nBoth = 100%\nboth: b; c\n# none\n")
    assert read.conf == {"am": {"Both": "100%", "both": "b; c"}} and read.words == {}


@dataclass(frozen=True)
class Kinds:
    number: Optional[int] = field(default=1, metadata={"help": "a number"})
    word: Optional[str] = None
    on: bool = False
    off: bool = True
    sizes: Tuple[int, ...] = (1,)
    shares: Tuple[float, ...] = ()


@pytest.mark.parametrize("values, expected", [
    ({"number": "3", "word": "None of them"}, {"number": 3, "word": "None of them"}),
    ({"number": "none", "word": "NONE"}, {"number": None}), ({"number": "", "word": ""}, {"number": None}),
    ({"on": "true", "off": "false"}, {"on": True, "off": False}),
    ({"on": "Yes", "off": "NO"}, {"on": True, "off": False}),
    ({"on": "1", "off": "0"}, {"on": True, "off": False}),
    ({"sizes": "1,2 3, 4", "shares": "0.5"}, {"sizes": (1, 2, 3, 4), "shares": (0.5,)}),
    ({"sizes": "", "shares": "inf, -1"}, {"sizes": (), "shares": (float("inf"), -1.0)})])
def test_texts_of_each_kind(values, expected):
    made = make_options(Kinds, "am", values)
    assert made == Kinds(**expected)
    assert all(type(getattr(made, name)) is type(value) for name, value in expected.items())


@pytest.mark.parametrize("values, message", [
    ({"number": "x"}, "option am.number: expected a whole number, found 'x'"),
    ({"on": "on"}, "option am.on: expected true or false, found 'on'"),
    ({"on": ""}, "option am.on: expected true or false, found ''"),
    ({"sizes": "1,2.5"}, "option am.sizes: expected a whole number, found '2.5'"),
    ({"shares": "1 nan"}, "option am.shares: expected a number, found 'nan'"),
    ({"zzz": "1"}, "option am.zzz: expected one of number, off, on, shares, sizes, word, found zzz")])
def test_texts_of_another_kind(values, message):
    with pytest.raises(InputError) as error:
        make_options(Kinds, "am", values)
    assert str(error.value) == message


def test_a_conf_that_is_a_folder_or_missing(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=f"options file {path}"):
            read_config([path])


@pytest.fixture(scope="module")
def plan():
    """What a real recipe would run, all systems included."""
    done = subprocess.run(["bash", "egs/synth/run.sh"], cwd=ROOT, env={**os.environ, "RECIPE_MODE": "plan"},
                          stdout=subprocess.PIPE, check=True)
    return read_plan(done.stdout)


def with_word(plan, word):
    return [one._replace(arguments=[*one.arguments, word]) for one in plan]


@pytest.mark.parametrize("word, message", [
    ("am.epoch=3", "found epoch; did you mean epochs? (stage 7, tools.train_am, system tdnn)"),
    ("am.arch=foo", "option am.arch: expected one of dnn, tdnn, tdnnf, cnn, cnn_tdnn, lstm, blstm,"),
    ("am.tdnn.hidden=3", "option am.hidden: expected one of"),
    ("am.splice=3", "an option of arch = tdnn (hidden_dim, dilations, dropout, residual), found splice, one "
                    "of arch = dnn"),
    ("am.blstm.every=3", "every: expected 1 for a network that cannot leave frames out, found 3"),
    ("am.tdn.epochs=3", "options section [am.tdn]: expected a system of this recipe (blstm, ctc_chars, "
                        "ctc_graph, dnn, joint, tdnn, times, transducer), found tdn"),
    ("ctc.tdnn.epochs=3", "section [ctc.tdnn]: expected a section with options of systems (align, am, e2e, e2e_search, "
                          "graph, score, search), found ctc"),
    ("lm.order=3", "options section [lm]: expected one that a stage of this recipe reads"),
])
def test_a_real_recipe_refuses_wrong_options_before_its_first_stage(plan, word, message):
    with pytest.raises(InputError) as error:
        check(with_word(plan, word), ["tdnn"])
    assert message in str(error.value)


def test_options_of_a_network_need_not_fit_the_systems_that_do_not_run(plan):
    check(with_word(plan, "am.dilations=1,2"), ["tdnn"])
    with pytest.raises(InputError, match="system blstm"):
        check(with_word(plan, "am.dilations=1,2"), ["tdnn", "blstm"])


def test_all_options_of_a_real_recipe_are_listed(plan):
    lines = list_options(with_word(plan, "am.tdnn.epochs=77"))
    assert lines.count("[am] with arch = cnn_tdnn") == 1 and "[am] of system blstm" in lines
    tdnn = lines[lines.index("[am] of system tdnn"):]
    assert next(line for line in tdnn if "am.epochs" in line).split()[:3] == ["am.epochs", "=", "77"]
    described = [line for line in lines if " = " in line and not line.startswith("[")]
    assert all(len(line.split(" = ", 1)[1].split("  ", 1)) == 2 for line in described)
