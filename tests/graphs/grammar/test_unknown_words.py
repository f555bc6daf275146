import numpy as np

from graphs.grammar.arpa import read_arpa
from graphs.grammar.ngram_lm import NgramLm
from graphs.grammar.sentences import score_sentences
from graphs.grammar.unknown_words import UnknownWords
from graphs.lang.symbols import SymbolTable
from tests.graphs.arpas import arpa_text


def test_words_that_the_model_lacks_cost_more(tmp_path):
    unigrams = [(-99.0, "<s>", None), (-0.5, "a", None), (-1.5, "<unk>", None), (-0.3, "</s>", None)]
    (tmp_path / "lm.arpa").write_text(arpa_text([unigrams]))
    words = SymbolTable(["a", "odd", "x"])
    lm = NgramLm(read_arpa(tmp_path / "lm.arpa")[0], words)
    costly = UnknownWords(lm, words, lm.missing, -4.0, -0.25)
    sentences = [(1, 2, 3), (1,), (), (2, 2)]
    more = score_sentences(costly, sentences) - np.array(score_sentences(lm, sentences))
    assert np.allclose(more, [-8.0 - 1.0, 0.0, 0.0, -8.0 - 1.5])
    assert costly.start == lm.start and costly.final(np.array([0])) == lm.final(np.array([0]))


def test_the_model_is_reset():
    class Model:
        start, resets = 7, 0

        def reset(self):
            self.resets += 1
    model = Model()
    lm = UnknownWords(model, SymbolTable(), (), -1.0, 0.0)
    lm.reset()
    assert model.resets == 1 and lm.start == 7
