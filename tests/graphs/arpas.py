"""ARPA texts for tests, and scoring straight from the text: an oracle that shares no code with the reader."""

import math
import random


def arpa_text(entries):
    """entries: one list per order of (log10 prob, words, back-off weight or None)."""
    lines = ["\\data\\", *(f"ngram {n}={len(ngrams)}" for n, ngrams in enumerate(entries, 1))]
    for n, ngrams in enumerate(entries, 1):
        lines += ["", f"\\{n}-grams:"]
        lines += ["\t".join([f"{prob:.6f}", words] + ([f"{weight:.6f}"] if weight is not None else []))
                  for prob, words, weight in ngrams]
    return "\n".join([*lines, "", "\\end\\", ""])


def random_entries(seed, order=3, words=("a", "b", "c", "d"), share=0.4):
    """Any n-grams with any numbers: histories and back-off weights are missing as it happens."""
    rng = random.Random(seed)
    entries = [[(-99.0, "<s>", rng.choice([None, -0.3])), (-1.2, "</s>", rng.choice([None, -99.0]))]
               + [(rng.uniform(-3, -0.1), word, rng.choice([None, rng.uniform(-1, 0.2)])) for word in words]]
    histories = [("<s>",), *((word,) for word in words)]
    for n in range(2, order + 1):
        ngrams = [(*history, word) for history in histories for word in (*words, "</s>")]
        weighted = {ngram for ngram in ngrams if n < order and rng.random() < 0.7 and ngram[-1] != "</s>"}
        entries.append([(rng.uniform(-3, -0.1), " ".join(ngram),
                         rng.uniform(-1, 0.2) if ngram in weighted else None)
                        for ngram in ngrams if rng.random() < share])
        histories = [ngram for ngram in ngrams if ngram[-1] != "</s>"]
    return entries


def oracle_score(entries, sentence):
    """log10 probability of a sentence, by the definition of back-off."""
    probs = {tuple(words.split()): prob for ngrams in entries for prob, words, _ in ngrams}
    weights = {tuple(words.split()): weight or 0.0 for ngrams in entries for _, words, weight in ngrams}

    def log10_prob(ngram):
        if ngram in probs:
            return probs[ngram]
        return weights.get(ngram[:-1], 0.0) + log10_prob(ngram[1:]) if len(ngram) > 1 else -math.inf

    words = ("<s>", *sentence, "</s>")
    return sum(log10_prob(words[max(0, end - len(entries)):end]) for end in range(2, len(words) + 1))


def random_sentences(seed, number, words=("a", "b", "c", "d"), longest=7):
    rng = random.Random(seed)
    return [[rng.choice(words) for _ in range(rng.randint(0, longest))] for _ in range(number)]
