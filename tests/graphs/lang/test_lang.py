import dataclasses

import pytest

from graphs.errors import InputError
from graphs.hmm.topology import TopologyOptions
from graphs.lang.lang_folder import read_lang, validate_lang, write_lang
from graphs.lang.make_lang import LangOptions, make_lang
from graphs.text_file import raise_first
from tests.graphs.langs import ENTRIES, make_lexicon, small_lang


def test_many_problems_are_counted_and_some_named():
    for number, named in ((2, "x1"), (6, "x1, x2, x3, x4, x5"), (7, "x1, x2, x3, x4, x5")):
        with pytest.raises(InputError) as error:
            raise_first([InputError(f"x{n}", "a", "b") for n in range(number)])
        assert error.value.item == "x0" and f"(and {number - 1} more problem" in str(error.value)
        assert str(error.value).endswith(f": {named}, ...)" if number == 7 else f": {named})")
    with pytest.raises(InputError, match="^x0: expected a, found b$"):
        raise_first([InputError("x0", "a", "b")])
    raise_first([])


def test_a_word_of_the_lexicon_may_be_the_oov_word_and_silence_a_phone_of_it():
    lang = small_lang([("<unk>", "A", 1.0), ("hush", "SIL", 1.0), ("x", "B", 1.0)])
    assert lang.oov_word == "<unk>" and "SPN" not in lang.phones and lang.phones.symbols[1:4] == ["SIL", "A", "B"]
    assert lang.silence_ids == frozenset([1]) and lang.nonsilence_phones == ["A", "B"]
    assert lang.base_phone("A_B") == "A_B"


def test_the_earlier_langs_silence_must_hold_the_optional_one():
    with pytest.raises(InputError, match="option lang.silence_phones: expected the earlier SIL, found PAU"):
        make_lang(make_lexicon([("x", "D", 1.0)]), LangOptions(silence_phones=("PAU",)), TopologyOptions(),
                  like=small_lang())


def test_phones_words_and_special_symbols():
    lang = small_lang()
    assert lang.phones.symbols == ["<eps>", "SIL", "A", "B", "D", "SPN", "#0", "#1", "#2", "#3"]
    assert lang.num_phones == 5 and lang.disambig_ids == [6, 7, 8, 9] and lang.silence_disambig == 9
    assert lang.words.symbols == ["<eps>", "<unk>", "add", "b", "bad", "bee", "#0", "<s>", "</s>"]
    assert lang.oov_word == "<unk>" and lang.lexicon.pronunciations("<unk>")[0].phones == ("SPN",)
    assert (lang.optional_silence, lang.silence_prob, lang.silence_phones) == ("SIL", 0.5, ("SIL",))
    assert lang.is_silence(1) and not lang.is_silence(2)
    assert lang.nonsilence_phones == ["A", "B", "D", "SPN"]
    assert lang.topology.phone_ids == [1, 2, 3, 4, 5]


def test_disambiguation_numbers():
    lang = small_lang()
    numbers = {(e.word, " ".join(e.phones)): n for e, n in zip(lang.lexicon, lang.disambiguation)}
    assert numbers == {("b", "B"): 1, ("bee", "B"): 2, ("bad", "B A D"): 0, ("bad", "B A"): 1,
                       ("add", "A D D"): 0, ("<unk>", "SPN"): 0}


def test_word_ids_and_pronunciations():
    lang = small_lang()
    ids, unknown = lang.word_ids(" bad  cat\tb <s> #0 ")
    assert [lang.words.symbol_of(i) for i in ids] == ["bad", "<unk>", "b", "<unk>", "<unk>"]
    assert unknown == ["cat", "<s>", "#0"]
    (first, log_prob), (second, other) = lang.pronunciations(lang.words.id_of("bad"))
    assert [lang.phones.symbol_of(i) for i in first] == ["B", "A", "D"] and len(second) == 2
    assert log_prob == pytest.approx(-0.2876821) and other == pytest.approx(-1.3862944)
    assert lang.pronunciations(lang.words.id_of("#0")) == []
    assert [lang.phones.symbol_of(i) for i in lang.phone_ids("bad add")] == ["B", "A", "D", "A", "D", "D"]


def test_case_variant_of_the_oov_word_is_respected():
    lang = small_lang([("<UNK>", "NSN", 1.0), ("a", "A", 1.0)])
    assert lang.oov_word == "<UNK>" and "<unk>" not in lang.words and "SPN" not in lang.phones
    lang = small_lang([("a", "A", 1.0)], oov_word="[oov]", oov_phone="GBG")
    assert lang.lexicon.pronunciations("[oov]")[0].phones == ("GBG",)


def test_position_dependent_phones():
    lang = small_lang(position_dependent=True, silence_phones=("SIL", "SPN"))
    assert lang.phones.symbols[1:12] == [
        "SIL", "SIL_B", "SIL_E", "SIL_I", "SIL_S", "SPN", "SPN_B", "SPN_E", "SPN_I", "SPN_S", "A_B"]
    assert [e.phones for e in lang.lexicon][:4] == [("B_S",), ("B_S",), ("B_B", "A_I", "D_E"), ("B_B", "A_E")]
    assert lang.lexicon.pronunciations("<unk>")[0].phones == ("SPN_S",)
    assert lang.optional_silence == "SIL" and lang.num_phones == 2 * 5 + 3 * 4
    assert lang.base_phone("A_B") == "A" and lang.base_phone("SIL") == "SIL"
    assert small_lang([("x", "A_B", 1.0)]).base_phone("A_B") == "A_B"
    with pytest.raises(InputError, match="phone A_B: expected no ending _B"):
        small_lang([("x", "A_B", 1.0)], position_dependent=True)


def test_phones_of_words_that_are_said_often():
    lexicon, counts = make_lexicon([*ENTRIES, ("hush", "SIL B", 1.0)]), {"bad": 7, "b": 6, "hush": 9, "unheard": 50}
    lang = make_lang(lexicon, LangOptions(word_phones=7), TopologyOptions(), word_counts=counts)
    assert [e.phones for e in lang.lexicon][:6] == [
        ("B",), ("B",), ("B(bad)", "A(bad)", "D(bad)"), ("B(bad)", "A(bad)"), ("A", "D", "D"), ("SIL", "B(hush)")]
    assert [e.probability for e in lang.lexicon][2:4] == [0.75, 0.25]
    assert lang.base_phone("B(bad)") == "B" and lang.base_phone("B") == "B" and lang.word_phones
    assert small_lang().base_phone("B(bad)") == "B(bad)" and not small_lang().word_phones
    with pytest.raises(InputError, match=r"phone A\(b: expected no bracket"):
        small_lang([("x", "A(b", 1.0)], word_phones=1)
    with pytest.raises(ValueError, match="word_phones: expected 0 with position_dependent"):
        LangOptions(word_phones=1, position_dependent=True)
    with pytest.raises(ValueError, match="word_phones"):
        LangOptions(word_phones=-1)


def test_no_silence():
    for none in (None, 0.0):
        lang = small_lang(silence_prob=none)
        assert lang.optional_silence is None and lang.silence_prob == 0.0


def test_stress_is_dropped_on_demand():
    lang = small_lang([("a", "AH0", 1.0), ("a", "AH1", 1.0)], strip_stress=True)
    assert lang.phones.symbols[1:4] == ["SIL", "AH", "SPN"] and len(lang.lexicon.pronunciations("a")) == 1


@pytest.mark.parametrize("options", [
    {}, {"silence_prob": None}, {"position_dependent": True}, {"word_phones": 1}, {"silence_phones": ("SIL", "NSN")}])
def test_round_trip(tmp_path, options):
    lang = small_lang([*ENTRIES, ("\u0928\u092e", "\u0928 \u092e", 0.1)], **options)
    write_lang(lang, tmp_path / "lang")
    assert validate_lang(tmp_path / "lang") == []
    assert read_lang(tmp_path / "lang") == lang
    assert read_lang(tmp_path / "lang").disambiguation == lang.disambiguation


def test_files_are_kaldis(tmp_path):
    write_lang(small_lang(), tmp_path)
    assert (tmp_path / "lexiconp_disambig.txt").read_text().splitlines()[:4] == [
        "b 1 B #1", "bee 1 B #2", "bad 0.75 B A D", "bad 0.25 B A #1"]
    assert (tmp_path / "silence_phones.txt").read_text() == "SIL\n"
    assert (tmp_path / "oov.txt").read_text() == "<unk>\n"
    assert (tmp_path / "disambig.txt").read_text() == "#0\n#1\n#2\n#3\n"
    assert (tmp_path / "topo").read_text().startswith("<Topology>\n<TopologyEntry>\n<ForPhones>\n")


def test_another_lexicon_with_the_same_phone_ids():
    first = small_lang(position_dependent=False)
    # no word with A; more homophones, so more disambiguation symbols
    entries = [("x", "D B", 1.0), ("y", "D B", 1.0), ("z", "D B", 1.0)]
    second = make_lang(make_lexicon(entries), LangOptions(), TopologyOptions(speech="1state"), like=first)
    assert second.phones.symbols[:6] == first.phones.symbols[:6] and len(second.disambig_ids) == 5
    assert second.topology == first.topology
    with pytest.raises(InputError, match="lexicon entry of x: expected phones of the earlier .* Q"):
        make_lang(make_lexicon([("x", "D Q", 1.0)]), LangOptions(), TopologyOptions(), like=first)


def test_spellings_with_letters_that_the_earlier_lang_lacks_are_left_out():
    options = LangOptions(unit="grapheme")
    first = make_lang(make_lexicon([("ab", "a b", 1.0)]), options, TopologyOptions())
    lexicon = make_lexicon([(word, " ".join(word), 1.0) for word in ("ba", "bax", "bb", "xyx")])
    second = make_lang(lexicon, options, TopologyOptions(), like=first)
    assert second.lexicon.words == ["ba", "bb", "<unk>"] and second.nonsilence_phones == first.nonsilence_phones
    assert second.lexicon.notes[-1] == "2 words left out, the earlier lang folder has no x: bax, xyx"
    with pytest.raises(InputError, match="lexicon entry of bax: expected phones of the earlier lang folder, found x"):
        make_lang(lexicon, LangOptions(), TopologyOptions(), like=first)


def test_words_have_phones_of_their_own_where_the_earlier_lang_has_them():
    options = LangOptions(word_phones=2)
    entries = [("often", "A B", 1.0), ("seldom", "B A D", 1.0)]
    first = make_lang(make_lexicon(entries), options, TopologyOptions(), word_counts={"often": 2, "seldom": 1})
    more = [*entries, ("often", "B B", 1.0), ("often", "A D", 1.0), ("new", "B", 1.0)]
    second = make_lang(make_lexicon(more), options, TopologyOptions(), like=first, word_counts={"new": 9})
    assert [" ".join(entry.phones) for entry in second.lexicon] == [
        "A(often) B(often)", "B A D", "B(often) B(often)", "A D", "B", "SPN"]
    assert second.phones.symbols[:second.num_phones] == first.phones.symbols[:first.num_phones]


@pytest.mark.parametrize("option, value", [
    ("unit", "letter"), ("silence_prob", 1.0), ("silence_prob", -0.1), ("oov_word", "<s>"),
    ("oov_word", "a b"), ("silence_phones", ()), ("silence_phones", ("SIL", "SIL")), ("num_pieces", 0),
    ("lexicon_form", "x"), ("piece_model", "word")])
def test_options_out_of_range(option, value):
    with pytest.raises(ValueError, match=option):
        LangOptions(**{option: value})


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# what is broken, and what the validator must say; lines count from 1, ids from 0
BROKEN = [
    ("words.txt", "bad 4\n", "bad four\n", "words.txt:5: expected `SYMBOL ID`"),
    ("words.txt", "#0 6\n", "hash 6\n", "words.txt: expected the symbol #0, found none"),
    ("words.txt", "bad 4\n", "bat 4\n", "lexiconp.txt:3: expected a word of words.txt, found bad"),
    ("words.txt", "bad 4\n", "bat 4\n", "words.txt:5: expected a word of lexiconp.txt, found bat"),
    ("phones.txt", "D 4\n", "E 4\n", "nonsilence_phones.txt:3: expected a phone of phones.txt, found D"),
    ("phones.txt", "D 4\n", "E 4\n",
     "phones.txt:5: expected each phone in silence_phones.txt or nonsilence_phones.txt, found E in neither"),
    ("phones.txt", "#3 9\n", "", "phones.txt: expected the symbols of disambig.txt at the end"),
    ("silence_phones.txt", "SIL\n", "SIL\nA\n", "phones.txt:3: expected each phone in silence_phones.txt or "
                                                "nonsilence_phones.txt, found A in both"),
    ("silence_phones.txt", "SIL\n", "SIL SIL\n", "silence_phones.txt:1: expected one symbol"),
    ("optional_silence.txt", "SIL\n", "A\n", "optional_silence.txt: expected one silence phone, found A"),
    ("optional_silence.txt", "SIL\n", "", "optional_silence.txt: expected one silence phone, found nothing"),
    ("lang.json", "0.5", "0", "optional_silence.txt: expected nothing, since silence_prob is 0, found SIL"),
    ("lang.json", "0.5", "-0.5", "lang.json: expected silence_prob from 0 to below 1"),
    ("lang.json", "0.5", "1", "lang.json: expected silence_prob from 0 to below 1"),
    ("lang.json", "0.5", "1.5", "lang.json: expected silence_prob from 0 to below 1"),
    ("lang.json", "silence_prob", "x", "lang.json: expected silence_prob from 0"),
    ("oov.txt", "<unk>", "<oov>", "oov.txt:1: expected a word of words.txt, found <oov>"),
    ("oov.txt", "<unk>\n", "", "oov.txt: expected one word, found 0 words"),
    ("disambig.txt", "#1\n", "", "disambig.txt: expected #0, #1, ... one a line, found #0 #2 #3"),
    ("lexiconp.txt", "bad 0.75 B A D", "bad 0.75 B A Q",
     "lexiconp.txt:3: expected a phone of phones.txt, found Q"),
    ("lexiconp.txt", "bad 0.75 B A D", "bad 1.75 B A D", "lexiconp.txt:3: expected a probability above 0"),
    ("lexiconp.txt", "bee 1 B", "b 1 B", "lexiconp.txt: expected every pronunciation once"),
    ("lexiconp_disambig.txt", "bad 0.25 B A #1", "bad 0.25 B A",
     "lexiconp_disambig.txt:4: expected phones that do not begin another line, "
     "found the beginning of line 3"),
    ("lexiconp_disambig.txt", "bee 1 B #2", "bee 1 B #1",
     "lexiconp_disambig.txt:2: expected phones that differ from every other line, found those of line 1"),
    ("lexiconp_disambig.txt", "add 1 A D D", "add 1 A D",
     "lexiconp_disambig.txt:5: expected add A D D as in lexiconp"),
    ("lexiconp_disambig.txt", "add 1 A D D\n", "", "lexiconp_disambig.txt: expected the 6 entries"),
    ("topo", "\n1 2 3 4 5\n", "\n1 2 3 4\n", "topo: expected an entry for phone SPN, found none for 5"),
    ("topo", "\n1 2 3 4 5\n", "\n1 2 3 4 5 6\n",
     "topo: expected real phones of phones.txt only, found phone 6"),
    ("topo", "<Transition>", "<Transit>", "topo, token"),
]


@pytest.mark.parametrize("name, old, new, message", BROKEN)
def test_validator_names_file_and_line(tmp_path, name, old, new, message):
    write_lang(small_lang(), tmp_path)
    edit(tmp_path / name, old, new)
    problems = [str(problem) for problem in validate_lang(tmp_path)]
    assert any(problem.startswith(str(tmp_path / message.split(":")[0].split(",")[0])) and message in problem
               for problem in problems), problems
    if name == "lexiconp_disambig.txt":  # a copy for Kaldi's users
        assert read_lang(tmp_path) == small_lang()
    else:
        with pytest.raises(InputError) as error:
            read_lang(tmp_path)
        assert str(error.value).startswith(problems[0])


def test_too_few_disambiguation_symbols(tmp_path):
    write_lang(small_lang(), tmp_path)
    edit(tmp_path / "phones.txt", "#3 9\n", "")
    edit(tmp_path / "disambig.txt", "#3\n", "")
    assert [str(p) for p in validate_lang(tmp_path)] == [
        f"{tmp_path / 'disambig.txt'}: expected symbols up to #3, found up to #2"]


def test_a_single_phone_that_begins_another_line(tmp_path):
    write_lang(small_lang([("b", "B", 1.0), ("bad", "B A", 1.0)]), tmp_path)
    edit(tmp_path / "lexiconp_disambig.txt", "b 1 B #1", "b 1 B")
    assert [str(p) for p in validate_lang(tmp_path)] == [
        f"{tmp_path / 'lexiconp_disambig.txt'}:1: expected phones that do not begin another line, "
        "found the beginning of line 2"]


def test_missing_files_are_all_named(tmp_path):
    write_lang(small_lang(), tmp_path)
    (tmp_path / "topo").unlink()
    (tmp_path / "oov.txt").unlink()
    assert [str(p).split(": ")[0] for p in validate_lang(tmp_path)] == [
        str(tmp_path / "oov.txt"), str(tmp_path / "topo")]


def test_lang_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small_lang().oov_word = "x"
