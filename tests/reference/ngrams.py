"""Oracle: back-off n-gram models in dictionaries of words, everything summed over the whole vocabulary."""

import math


class SlowModel:
    """
    Attributes:
      words: all that can be predicted.
      prob: n-gram -> p of its last word. weight: history -> back-off weight.
    """

    def __init__(self, words, prob, weight):
        self.words, self.prob, self.weight = list(words), dict(prob), dict(weight)

    @classmethod
    def of(cls, model):
        """From a graphs.grammar.ngram.NgramModel."""
        prob, weight = {}, {}
        for table in model.tables:
            for ids, p, w in zip(table.word_ids.tolist(), table.log10_prob.tolist(), table.log10_backoff.tolist()):
                ngram = tuple(model.words[i] for i in ids)
                prob[ngram], weight[ngram] = 10.0 ** p, 10.0 ** w
        return cls((word for word in model.words if word != "<s>"), prob, weight)

    def p(self, word, history):
        ngram = (*history, word)
        if ngram in self.prob:
            return self.prob[ngram]
        return self.weight.get(tuple(history), 1.0) * self.p(word, history[1:]) if history else 0.0

    def total(self, history):
        return sum(self.p(word, history) for word in self.words)

    def renormalize(self):
        """Back-off weights anew, shorter histories first."""
        self.weight = {}
        for history in sorted({ngram[:-1] for ngram in self.prob if len(ngram) > 1}, key=len):
            seen = [word for word in self.words if (*history, word) in self.prob]
            left = 1.0 - sum(self.prob[(*history, word)] for word in seen)
            lower = 1.0 - sum(self.p(word, history[1:]) for word in seen)
            self.weight[history] = left / lower if lower > 1e-9 else 1.0

    def without(self, *ngrams):
        """The model without some n-grams."""
        other = SlowModel(self.words, {g: p for g, p in self.prob.items() if g not in ngrams}, self.weight)
        other.renormalize()
        return other

    def history_prob(self, history):
        """p of the words of a history; that of </s> for <s>."""
        words = ["</s>" if (i, word) == (0, "<s>") else word for i, word in enumerate(history)]
        return math.prod(self.p(word, history[:i]) for i, word in enumerate(words))

    def divergence(self, other, history):
        """sum over w of p(w | history) log(p(w | history) / p_other(w | history))."""
        return sum(self.p(word, history) * math.log(self.p(word, history) / other.p(word, history))
                   for word in self.words)


def perplexity(model, sentences):
    """Of a graphs.grammar.ngram.NgramModel, per word and sentence end, unknown words counted as <unk>."""
    total, events = 0.0, 0
    for sentence in sentences:
        history = ["<s>"]
        for word in (*sentence, "</s>"):
            total += model.log10_prob(word, history)
            history.append(word)
            events += 1
    return 10.0 ** (-total / events)
