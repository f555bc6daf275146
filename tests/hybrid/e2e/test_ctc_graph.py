"""Decoding graphs of CTC: every short path against all alignments of all sentences, the search against brute force."""

import itertools
import math

import pytest

from graphs.errors import InputError
from graphs.grammar.arpa import read_arpa
from graphs.grammar.grammar_lm import GrammarLm
from graphs.grammar.sentences import score_sentences
from graphs.hmm.ctc_topology import blank_phone, ctc_hmm
from graphs.lang.lang_folder import read_lang, validate_lang, write_lang
from graphs.lang.lexicon import BACKOFF
from hybrid.e2e.ctc_lang import ctc_lang, ctc_lexicon_fst
from hybrid.e2e.tokens import TokenTable
from hybrid.lattices.word_times import Timer
from tests.graphs.arpas import arpa_text, random_entries
from tests.graphs.langs import small_lang
from tests.hybrid.e2e.alignments import all_alignments, collapsed, random_log_probs
from tests.hybrid.e2e.material import FakePieces, character_tokens, piece_tokens

WORDS = ("a", "aa", "ab", "b")
FRAMES = 4


class Pieces(FakePieces):
    def split(self, word):
        return {"a": ("\u2581a",), "ab": ("\u2581a", "b"), "b": ("\u2581", "b")}.get(word)


def make_tokens(kind):
    if kind == "character":
        return character_tokens(), small_lang([(word, word.upper(), 1.0) for word in WORDS])
    if kind == "piece":
        tokens = piece_tokens(("_a", "b", "_"))
        return (TokenTable("piece", tokens.symbols, Pieces()),
                small_lang([(word, word.upper(), 1.0) for word in WORDS]))
    lang = small_lang([("a", "A", 0.75), ("a", "B", 0.25), ("ab", "A B", 1.0), ("b", "A", 0.5), ("aa", "A A", 1.0)])
    return TokenTable.phones(lang), lang


def make_graph(folder, kind, topology="full", minimize=True):
    pytest.importorskip("k2")
    from graphs.decoding.compile import GraphOptions, compile_hclg
    from graphs.grammar.grammar_fst import make_grammar_fst
    tokens, of_phones = make_tokens(kind)
    lang = ctc_lang(tokens, of_phones)
    path = folder / "lm.arpa"
    path.write_text(arpa_text(random_entries(2, 2, WORDS)))
    model = read_arpa(path)[0]
    graph = compile_hclg(ctc_lexicon_fst(lang), make_grammar_fst(model, lang.words), *ctc_hmm(tokens.num_tokens),
                         lang.num_phones + 1, lang.words.id_of(BACKOFF), len(lang.words),
                         GraphOptions(ctc_topology=topology, minimize=minimize),
                         ctc_blank=blank_phone(tokens.num_tokens))
    return tokens, lang, GrammarLm.of(model, lang.words), graph


def spelled_sentences(tokens, lang, grammar, longest):
    """{tokens: {word_ids: best score}} of all sentences of so many tokens."""
    separator = [tokens.symbols.index("\u2581")] if tokens.kind == "character" else []
    words = [lang.words.id_of(word) for word in WORDS if word in lang.lexicon]
    spelled = []
    for number in range(longest // (1 + len(separator)) + 2):
        for sentence in itertools.product(words, repeat=number):
            for pronunciations in itertools.product(*map(lang.pronunciations, sentence)):
                ids = [i for one, _ in pronunciations for i in (*separator, *one)][len(separator):]
                if len(ids) <= longest:
                    spelled.append((tuple(ids), sentence, sum(log_prob for _, log_prob in pronunciations)))
    found = {}
    for (ids, sentence, score), language in zip(spelled, score_sentences(grammar, [one for _, one, _ in spelled])):
        of_tokens = found.setdefault(ids, {})
        of_tokens[sentence] = max(score + language, of_tokens.get(sentence, -math.inf))
    return found


def expected_paths(tokens, sentences, topology):
    """{(token on each frame, word_ids): score}"""
    expected = {}
    for alignment in itertools.product(range(tokens.num_tokens), repeat=FRAMES):
        said = collapsed(alignment) if topology == "full" else tuple(filter(None, alignment))
        for sentence, score in sentences.get(said, {}).items():
            if not math.isinf(score):
                expected[alignment, sentence] = score
    return expected


@pytest.mark.parametrize("kind, topology, minimize", [
    ("character", "full", True), ("piece", "full", True), ("phone", "full", True), ("character", "compact", True),
    ("phone", "compact", False), ("piece", "full", False)])
def test_every_short_path(tmp_path, kind, topology, minimize):
    tokens, lang, grammar, graph = make_graph(tmp_path, kind, topology, minimize)
    from tests.graphs.decoding.test_compile import found_paths
    transitions = ctc_hmm(tokens.num_tokens)[1]
    found = {}
    for (inputs, words), score in found_paths(graph, FRAMES).items():
        if len(inputs) == FRAMES:
            key = tuple(transitions.pdf_id[list(inputs)].tolist()), words
            assert key not in found  # one way for each alignment
            found[key] = score
    expected = expected_paths(tokens, spelled_sentences(tokens, lang, grammar, FRAMES), topology)
    assert found.keys() == expected.keys() and len(found) > 40
    assert max(abs(found[key] - expected[key]) for key in expected) < 1e-3


@pytest.mark.parametrize("kind", ("character", "piece", "phone"))
def test_every_state_of_the_lexicon_is_of_an_arc(kind):
    lexicon = ctc_lexicon_fst(ctc_lang(*make_tokens(kind)))
    assert sorted({*lexicon.src.tolist(), *lexicon.dst.tolist()}) == list(range(lexicon.num_states))


@pytest.mark.parametrize("kind", ("character", "piece", "phone"))
def test_the_search_finds_the_best_alignment_with_times_of_words(tmp_path, kind):
    tokens, lang, grammar, graph = make_graph(tmp_path, kind)
    from graphs.decoding.decoding_options import SearchOptions
    from graphs.decoding.search import Searcher
    transitions = ctc_hmm(tokens.num_tokens)[1]
    sentences = spelled_sentences(tokens, lang, grammar, 4)
    wide = SearchOptions(beam=100.0, lattice_beam=8.0, max_active=10000, acoustic_scale=1.0)
    searcher, timer = Searcher(graph, transitions, wide), Timer(transitions, lang, lang.phones)
    for seed in range(4):
        log_probs = random_log_probs(4, tokens.num_tokens, seed).float()
        best = max((score + max(sentences.get(collapsed(alignment), {(): -math.inf}).values()), alignment)
                   for alignment, score in all_alignments(log_probs))
        lattice = searcher.search([("u", log_probs)])["u"].lattice
        path = lattice.best_path(1.0, 1.0)
        assert path.score == pytest.approx(best[0], abs=1e-3)
        assert tuple(transitions.pdf_id[path.transition_ids].tolist()) == best[1]
        times = timer(path)
        assert times.exact and len(times.words) == len(path.word_ids)
        for word, place in zip(times.words, spans(best[1], tokens, lang, path.word_ids)):
            assert (word.start_frame, word.start_frame + word.num_frames) == place


def spans(alignment, tokens, lang, word_ids):
    """First frame and end of each word: that of its tokens, blanks and separators apart."""
    runs, frame = [], 0
    for token, run in itertools.groupby(alignment):
        length = len(list(run))
        if token and not (tokens.kind == "character" and tokens.symbols[token] == "\u2581"):
            runs.append((token, frame, frame + length))
        frame += length
    for choice in itertools.product(*map(lang.pronunciations, word_ids)):
        if [token for token, _, _ in runs] == [token for one, _ in choice for token in one]:
            for one, _ in choice:
                yield runs[0][1], runs[len(one) - 1][2]
                del runs[:len(one)]
            return


@pytest.mark.parametrize("kind", ("character", "piece", "phone"))
def test_the_lang_is_a_good_folder(tmp_path, kind):
    tokens, of_phones = make_tokens(kind)
    lang = ctc_lang(tokens, of_phones)
    write_lang(lang, tmp_path / "lang")
    assert validate_lang(tmp_path / "lang") == [] and read_lang(tmp_path / "lang") == lang
    assert lang.phones.symbols[1:tokens.num_tokens] == tokens.symbols[1:]
    assert lang.phones.symbols[tokens.num_tokens] == "<blk>" and lang.num_phones == tokens.num_tokens
    silence = {"character": {"\u2581", "<blk>"}, "piece": {"<blk>"}, "phone": {"SIL", "<blk>"}}[kind]
    assert set(lang.silence_phones) == silence
    for word in ("a", "ab"):
        encoded = tokens.encode([word])
        assert encoded is not None and tuple(encoded) in [one for one, _ in lang.pronunciations(lang.words.id_of(word))]


def test_words_that_cannot_be_spelled_are_left_out_and_named():
    lang = ctc_lang(*make_tokens("piece"))
    assert lang.lexicon.notes == ["1 words left out, the tokens cannot spell them: aa"]
    assert "aa" not in lang.words and "<unk>" in lang.words and ctc_lang(*make_tokens("character")).lexicon.notes == []
    for lost, text in ("cdefghij", "c, d, e, f, g, h, i, j"), ("cdefghijk", "c, d, e, f, g, h, i, j, ..."):
        lang = ctc_lang(character_tokens(), small_lang([(word, "A", 1.0) for word in ("a", *lost)]))
        assert lang.lexicon.notes == [f"{len(lost)} words left out, the tokens cannot spell them: {text}"]


def test_what_fits_not_is_named():
    tokens, lang = make_tokens("phone")
    with pytest.raises(InputError, match="those of the model's tokens"):
        ctc_lang(tokens, small_lang([("a", "A C", 1.0)]))
    with pytest.raises(InputError, match="words that the tokens can spell"):
        ctc_lang(character_tokens("x"), lang)
    hashes = TokenTable("piece", [*piece_tokens(("_a", "b")).symbols, "#0"], Pieces())
    with pytest.raises(InputError, match="other names than #0"):
        ctc_lang(hashes, lang)
