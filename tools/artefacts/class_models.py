"""Class models: n-grams of classes, and the words of each class."""

from collections import Counter
from pathlib import Path
from typing import Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, not_found, section, some


def describe_class_lm(path: Path, item: Optional[str] = None) -> str:
    from hybrid.lm.language_models import read_class_lm
    model, classes, report = read_class_lm(path)
    if item is not None:
        return _class_or_word(path, classes, item)
    sizes = Counter(classes.class_of.values())
    rows = ((name, size, some(_members(classes, name), 6)) for name, size in sizes.most_common(10))
    return facts(("order", model.order), ("classes", len(sizes)), ("words in classes", len(classes.class_of)),
                 ("n-grams", ", ".join(map(str, report.ngrams)))) + section(
                     "largest classes", ("class", "words", "most probable"), rows)


def _members(classes, name: str) -> Iterable[str]:
    """Words of a class, the most probable first."""
    return sorted((word for word, other in classes.class_of.items() if other == name),
                  key=lambda word: (-classes.prob.get(word, 0.0), word))


def _class_or_word(path: Path, classes, item: str) -> str:
    if item in classes.class_of:
        name = classes.class_of[item]
        return facts(("word", item), ("class", name), ("probability in it", classes.prob.get(item)),
                     ("words of the class", some(_members(classes, name), 12)))
    members = list(_members(classes, item))
    if not members:
        raise not_found(path, "a word or a class", item, classes.class_of)
    return facts(("class", item), ("words", len(members))) + section(
        "words", ("word", "probability"), ((word, f"{classes.prob.get(word, 0.0):.4g}") for word in members[:50]))


def class_lm_problems(path: Path) -> Iterable[str]:
    """Classes that the n-grams lack: their words are unknown to the model. Files that cannot be read raise."""
    from hybrid.lm.language_models import read_class_lm
    model, classes, _ = read_class_lm(path)
    if not classes.prob:
        yield f"{path / 'classes.txt'}: expected the probability of each word in its class, found none"
    for name in sorted(set(classes.class_of.values()) - set(model.words)):
        yield f"{path / 'classes.txt'}: expected classes of lm.arpa, found {name}"


KINDS = (
    Kind("class model", "a folder with classes.txt and lm.arpa or lm.arpa.gz", folder_with("classes.txt", "lm.arpa*"),
         describe_class_lm, class_lm_problems, item="word or class"),
)
