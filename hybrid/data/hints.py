"""What may be wrong with transcripts whose words are in the lexicon in another spelling, or are spelled in two ways."""

import unicodedata
from collections import Counter
from typing import Dict, List

from hybrid.data.characters import is_unspaced
from hybrid.data.punctuation import remove_punctuation
from hybrid.data.transcript import Transcripts, normalise_text

LONG = 8  # characters of a word on average: sentences, in scripts without spaces
SHARE = 0.01  # of running words; fewer that differ by case or punctuation are names and the like


def spelling_hints(transcripts: Transcripts) -> List[str]:
    """A sentence for each option to set or thing to change; none where the spelling is in order."""
    hints, case = [], "keep"
    if transcripts.lexicon is None:
        hints.append(_punctuation_hint(transcripts.words))
    else:
        case = _case_of_lexicon(transcripts)
        hints.append(_lexicon_hint(transcripts, case))
    if case == "keep":
        hints.append(_mixed_case_hint(transcripts.words))
    return list(filter(None, [*hints, _accents_hint(transcripts), _no_spaces_hint(transcripts.words)]))


def _found(transcripts: Transcripts, case: str, punctuation: str) -> Counter:
    """The unknown words that are in the lexicon once they are written so, with their counts."""
    lexicon = transcripts.lexicon
    return Counter({word: n for word, n in transcripts.oov.items()
                    if all(map(lexicon.__contains__, normalise_text(word, case, punctuation, known=lexicon).split()))})


def _case_of_lexicon(transcripts: Transcripts) -> str:
    """upper or lower, where it is what most of the unknown words lack, punctuation apart; else keep."""
    found = _found(transcripts, "keep", "remove")
    unknown = transcripts.oov.total() - found.total()
    for case in ("upper", "lower"):
        by_case = (_found(transcripts, case, "remove") - found).total()
        if by_case > 0.5 * unknown and by_case > 0.1 * transcripts.words.total():
            return case
    return "keep"


def _lexicon_hint(transcripts: Transcripts, case: str) -> str:
    found, bare = _found(transcripts, case, "keep"), _found(transcripts, case, "remove")
    how, settings = [], []
    if case != "keep":
        how.append(f"in {case} case")
        settings.append(f"data.case={case}")
    if (bare - found).total() > SHARE * transcripts.words.total():
        how.append("without punctuation")
        settings.append("data.punctuation=remove")
        found = bare
    return settings and (f"{found.total()} of {transcripts.oov.total()} unknown words are in the lexicon "
                         f"{' and '.join(how)}: set {' '.join(settings)}")


def _punctuation_hint(words: Counter) -> str:
    found = Counter({word: n for word, n in words.items() if remove_punctuation(word) != word.replace("\u2019", "'")})
    if found.total() <= SHARE * words.total():
        return ""
    examples = " ".join(word for word, _ in found.most_common(3))
    return (f"{found.total()} of {words.total()} words of the training transcripts have punctuation "
            f"({examples}): data.punctuation=remove takes it off")


def _mixed_case_hint(words: Counter) -> str:
    forms: Dict[str, List[str]] = {}
    for word, _ in words.most_common():
        forms.setdefault(word.casefold(), []).append(word)
    mixed = [some for some in forms.values() if len(some) > 1]
    found = sum(words[word] for some in mixed for word in some[1:])
    if found <= SHARE * words.total():
        return ""
    examples = ", ".join("/".join(some) for some in mixed[:3])
    return (f"{found} of {words.total()} words of the training transcripts differ from others by case "
            f"alone ({examples}): data.case=lower makes them one word")


def _accents_hint(transcripts: Transcripts) -> str:
    found = [word for word in transcripts.oov if unicodedata.normalize("NFD", word) in transcripts.lexicon]
    return found and (f"{sum(transcripts.oov[word] for word in found)} unknown words ({', '.join(found[:3])}) are in "
                      "the lexicon with letters and accents apart (Unicode NFD): write it in NFC, as transcripts are")


def _no_spaces_hint(words: Counter) -> str:
    unspaced = Counter({word: n for word, n in words.items() if is_unspaced(word)})
    length = sum(n * len(word) for word, n in unspaced.items()) / max(1, unspaced.total())
    return "" if length <= LONG else (
        f"{unspaced.total()} words of the training transcripts are in a script without spaces and {length:.0f} "
        "characters long on average: data.words=characters makes each character a word; or write words apart")
