"""Transition models, context trees, alignment archives, CTM files."""

from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, Optional

import numpy as np

from graphs.errors import InputError
from tools.artefacts.kind import (
    Kind, facts, file_starting, folder_with, input_of, not_found, read_problem, section, some)


def phone_namer(folder: Path):
    """phone_id -> name, by the phones.txt that the folder was made with; the number where there is none."""
    from graphs.lang.symbols import SymbolTable
    path = input_of(folder, "phones.txt")
    if path is None:
        return str
    phones = SymbolTable.read(path)
    return lambda phone_id: phones.symbol_of(phone_id) if phone_id < len(phones) else str(phone_id)


def transitions_behind(folder: Path) -> Path:
    """The transition model of a folder of alignments or lattices: in it, or of the stages that made it.

    Raises: InputError when there is none.
    """
    path = input_of(folder, "transitions")
    if path is None:
        raise InputError(str(folder), "the file transitions in it, or a stage record that leads there", "none")
    return path


def describe_transitions(path: Path, item: Optional[str] = None) -> str:
    from graphs.hmm.transitions import TransitionModel
    model = TransitionModel.read(path)
    name_of = phone_namer(path.parent)
    ids = range(1, model.num_transition_ids + 1)
    if item is not None:
        names = {name_of(phone_id): phone_id for phone_id in model.topology.phone_ids}
        if item not in names:
            raise not_found(path, "a phone", item, names)
        ids = [i for i in ids if model.phone_id[i] == names[item]]
    rows = ((i, name_of(int(model.phone_id[i])), int(model.hmm_state[i]), int(model.pdf_id[i]),
             "self-loop" if model.is_self_loop[i] else f"to {model.next_state[i]}",
             f"{np.exp(model.log_prob[i]):.4f}") for i in ids[:30])
    return facts(("phones", len(model.topology.phone_ids)), ("transition states", len(model.states)),
                 ("transition_ids", model.num_transition_ids), ("pdfs", model.num_pdfs)) + section(
        "transitions", ("transition_id", "phone", "HMM state", "pdf_id", "where", "probability"), rows)


def _read_transitions(path: Path):
    from graphs.hmm.transitions import TransitionModel
    return TransitionModel.read(path)


def transitions_problems(path: Path) -> Iterable[str]:
    model = _read_transitions(path)
    probabilities = np.exp(model.log_prob[1:].astype(np.float64))
    totals = np.bincount(model.transition_state[1:], weights=probabilities)
    for state in 1 + np.flatnonzero(np.abs(totals[1:] - 1) > 1e-3):
        yield f"{path}: transition state {state}: expected probabilities of sum 1, found {totals[state]:g}"


def describe_tree(path: Path, item: Optional[str] = None) -> str:
    """item: a phone, whose questions are listed, or PHONE:CLASS for one of its pdf classes."""
    tree = _read_tree(path)
    if item is not None:
        from hybrid.report.tree_picture import boxes_of, tree_text
        known, name_of = _known(path, tree, item), phone_namer(path.parent)
        return tree_text(boxes_of(tree, known, name_of, _leaf_frames(path)))
    text = path.read_text(encoding="utf-8")
    names = {1: "monophone", 2: "biphone", 3: "triphone"}
    return facts(("context", f"{tree.context_width} ({names.get(tree.context_width, 'wide')})"),
                 ("central position", tree.central_position), ("pdfs", tree.num_pdfs),
                 ("questions asked", text.split().count("SE")))


def draw_tree(path: Path, item: Optional[str], picture: Path) -> None:
    """The questions about a phone or one of its pdf classes; without an item the pdf_ids of all phones."""
    from hybrid.report.tree_picture import draw_overview, draw_part
    tree, name_of = _read_tree(path), phone_namer(path.parent)
    if item is None:
        draw_overview(tree, name_of, picture, f"{path}: {tree.num_pdfs} pdf_ids")
    else:
        draw_part(tree, _known(path, tree, item), name_of, picture, f"{item} in {path}", _leaf_frames(path))


def _known(path: Path, tree, item: str) -> Dict[int, int]:
    """What PHONE or PHONE:CLASS says of the keys of the tree."""
    from graphs.hmm.context_tree import PDF_CLASS
    from hybrid.report.tree_picture import phones_of
    name_of = phone_namer(path.parent)
    phone_of = {name_of(phone_id): phone_id for phone_id in sorted(phones_of(tree))}
    if item in phone_of:
        return {tree.central_position: phone_of[item]}
    phone, _, pdf_class = item.rpartition(":")
    if phone not in phone_of or not (pdf_class.isascii() and pdf_class.isdigit()):
        raise not_found(path, "a phone, or PHONE:CLASS with a pdf class,", item, phone_of)
    return {tree.central_position: phone_of[phone], PDF_CLASS: int(pdf_class)}


def _leaf_frames(path: Path) -> Dict[int, str]:
    """pdf_id -> frames, by the leaves.tsv beside the tree, if there is one."""
    from hybrid.tree.summary import LEAVES, read_leaf_frames
    return read_leaf_frames(path.parent / LEAVES) if (path.parent / LEAVES).is_file() else {}


def describe_tree_folder(path: Path, item: Optional[str] = None) -> str:
    from graphs.text_file import read_json_object, read_lines
    from hybrid.tree.summary import DESCRIPTION, SPLITS
    if item is not None:
        return describe_tree(path / "tree", item)
    description = read_json_object(path / DESCRIPTION)
    table = [line.split("\t") for _, line in read_lines(path / SPLITS)[0]]
    if not table:
        raise InputError(str(path / SPLITS), "a heading", "an empty file")
    simple = ((name, value) for name, value in description.items() if not isinstance(value, dict))
    return describe_tree(path / "tree") + facts(*simple) + section("first splits", table[0], table[1:21])


def tree_folder_problems(path: Path) -> Iterable[str]:
    from hybrid.align.convert_work import read_tree_folder
    from hybrid.tree.summary import LEAVES, read_leaf_frames
    (tree, transitions), _ = read_tree_folder(path)
    if sorted(read_leaf_frames(path / LEAVES)) != list(range(tree.num_pdfs)):
        yield f"{path / LEAVES}: expected a line for each of {tree.num_pdfs} pdf_ids, found others"


def _read_tree(path: Path):
    from graphs.hmm.context_tree import ContextTree
    return ContextTree.read(path)


def describe_alignments(path: Path, item: Optional[str] = None) -> str:
    from hybrid.align.alignment import phone_segments, read_alignments
    alignments, name_of = read_alignments(path), phone_namer(path)
    transitions = _transitions_of(path)
    if item is not None:
        if item not in alignments:
            raise not_found(path, "an utterance", item, alignments)
        return _describe_alignment(path, alignments[item], transitions, name_of)
    seconds, numbers = Counter(), Counter()
    frames = sum(one.num_frames for one in alignments.values())
    if transitions is not None:
        for one in alignments.values():
            for segment in phone_segments(one, transitions):
                seconds[segment.label] += segment.num_frames * one.frame_shift
                numbers[segment.label] += 1
    scores = [one.log_likelihood_per_frame for one in alignments.values()] or [0.0]
    rows = ((name_of(phone), number, f"{seconds[phone]:.1f}", f"{1000 * seconds[phone] / number:.0f}")
            for phone, number in numbers.most_common(60))
    return facts(("utterances", len(alignments)), ("frames", frames),
                 ("log-likelihood per frame", f"{np.mean(scores):.3f} (from {min(scores):.3f} to "
                  f"{max(scores):.3f})"), ("first", some(alignments, 3))) + section(
        "phones", ("phone", "number", "seconds", "mean ms"), rows)


def _transitions_of(path: Path):
    file = path / "transitions"
    return _read_transitions(file) if file.exists() else None


def _describe_alignment(path: Path, alignment, transitions, name_of) -> str:
    from graphs.lang.symbols import SymbolTable
    from hybrid.align.alignment import phone_segments
    shift = alignment.frame_shift
    words_file = input_of(path, "words.txt")
    words = SymbolTable.read(words_file).symbol_of if words_file else str

    def rows(segments, namer):
        for label, start, length in segments:
            yield namer(label), f"{start * shift:.3f}", f"{(start + length) * shift:.3f}", start, length

    text = facts(("utterance", alignment.utterance_id), ("frames", alignment.num_frames),
                 ("log-likelihood per frame", f"{alignment.log_likelihood_per_frame:.4f}"))
    header = ("start", "end", "frame", "frames")
    text += section("words", ("word", *header), rows(alignment.words, words))
    if transitions is None:
        return text
    segments = phone_segments(alignment, transitions)
    text += section("phones", ("phone", *header), rows(segments, name_of))
    ids = " ".join(map(str, alignment.transition_ids))
    return f"{text}\ntransition_ids\n{ids}\n"


def alignment_problems(path: Path) -> Iterable[str]:
    """Ids out of range, steps that the HMMs do not allow, words beyond the end."""
    from hybrid.align.alignment import read_alignments
    alignments, transitions = read_alignments(path), _transitions_of(path)
    if not alignments:
        yield f"{path}: expected alignments, found none"
    if transitions is None:
        yield f"{path / 'transitions'}: expected an existing file, found none"
        return
    yield from transitions_problems(path / "transitions")
    yield from _hmm_problems(path)
    for key, one in alignments.items():
        bad = _broken_step(one.transition_ids, transitions)
        if bad:
            yield f"{path}: {key}: {bad}"
        if not np.isfinite(one.log_likelihood_per_frame):
            yield f"{path}: {key}: expected a finite score, found {one.log_likelihood_per_frame}"
        if any(s.start_frame < 0 or s.start_frame + s.num_frames > one.num_frames for s in one.words):
            yield f"{path}: {key}: expected words within {one.num_frames} frames, found one beyond"


def _hmm_problems(path: Path) -> Iterable[str]:
    from graphs.hmm.hmm_folder import read_hmm
    try:
        read_hmm(path)
    except InputError as error:  # the alignments themselves are worth a look all the same
        yield str(error)


def _broken_step(ids: np.ndarray, transitions) -> str:
    """What breaks the rules of the HMMs first: after a forward transition of a state come its self-loops,
    then a forward transition of the state it led to, or, at the phone's end, of state 0 of any phone."""
    ids = np.asarray(ids)
    outside = np.flatnonzero((ids < 1) | (ids > transitions.num_transition_ids))
    if len(outside):
        return (f"frame {outside[0]}: expected a transition_id of 1 to {transitions.num_transition_ids}, "
                f"found {ids[outside[0]]}")
    state, loop = transitions.transition_state[ids], transitions.is_self_loop[ids]
    phone, hmm_state = transitions.phone_id[ids], transitions.hmm_state[ids]
    target = transitions.next_state[ids]
    forward = np.flatnonzero(~loop)
    left = np.full(len(ids), -1)  # for each frame, the last one with a forward transition
    left[forward] = forward
    left = np.maximum.accumulate(left) if len(ids) else left
    for frame in range(1, len(ids)):
        before = left[frame - 1]
        if before < 0:  # a partial path may begin within a state
            continue
        if loop[frame]:
            good = state[frame] == state[before]
        else:
            ends = target[before] == len(transitions.topology.entry(int(phone[before])))
            good = hmm_state[frame] == 0 if ends else (
                phone[frame] == phone[before] and hmm_state[frame] == target[before])
        if not good:
            return f"frame {frame}: transition_id {ids[frame]} cannot follow {ids[before]}"
    return ""


def draw_alignments(path: Path, item: Optional[str], picture: Path) -> None:
    """Words and phones over the features of an utterance (the first one without a name); below them,
    where the corpus has them, the true phones."""
    from graphs.lang.symbols import SymbolTable
    from hybrid.align.alignment import phone_segments, read_alignments
    from hybrid.align.times.ctm import TimedSymbol, timed_symbols
    from hybrid.data.features import FeatureReader
    from hybrid.report.alignment_picture import draw_alignment
    alignments = read_alignments(path)
    item = next(iter(alignments)) if item is None else item
    if item not in alignments:
        raise not_found(path, "an utterance", item, alignments)
    alignment = alignments[item]
    phones, words = (SymbolTable.read(_made_from(path, name)) for name in ("phones.txt", "words.txt"))
    reader = FeatureReader(_made_from(path, "features.json").parent)
    segments = phone_segments(alignment, _read_transitions(path / "transitions"))
    shift, cut = alignment.frame_shift, reader.cut(item)
    truth = (cut.supervisions[0].alignment or {}).get("phone")
    draw_alignment(
        reader[item][:, :reader.base_dim].numpy(), reader.frame_shift,
        timed_symbols(alignment.words, words, shift),
        timed_symbols(segments, phones, shift), picture, f"{item}: {reader.text(item)}",
        truth and [TimedSymbol(one.symbol, one.start, one.end) for one in truth])


def _made_from(path: Path, name: str) -> Path:
    found = input_of(path, name)
    if found is None:
        raise InputError(f"{path}", f"the {name} of its inputs (by the stage record)", "none: has it moved?")
    return found


def describe_ctm(path: Path, item: Optional[str] = None) -> str:
    from hybrid.align.times.ctm import read_ctm
    utterances = read_ctm(path)
    if item is not None:
        if item not in utterances:
            raise not_found(path, "an utterance", item, utterances)
        return section(item, ("symbol", "start", "end"), (
            (one.symbol, f"{one.start:.3f}", f"{one.end:.3f}") for one in utterances[item]))
    symbols = Counter(one.symbol for items in utterances.values() for one in items)
    return facts(("utterances", len(utterances)), ("symbols", f"{sum(symbols.values())}, {len(symbols)} "
                 "different"), ("first", some(utterances, 3))) + section(
        "most frequent", ("symbol", "number"), symbols.most_common(20))


def ctm_problems(path: Path) -> Iterable[str]:
    from hybrid.align.times.ctm import read_ctm
    for key, items in read_ctm(path).items():
        for before, after in zip(items, items[1:]):
            if after.start < before.end - 1e-3:
                yield (f"{path}: {key}: expected {after.symbol} after the end of {before.symbol} at "
                       f"{before.end:.3f} s, found its start at {after.start:.3f} s")
                break
        for one in items:
            if one.start < 0 or one.end < one.start:
                yield f"{path}: {key}: expected times from 0 up, found {one.start:.3f} to {one.end:.3f} s"


def _is_ctm(path: Path) -> bool:
    return path.is_file() and path.suffix == ".ctm"


KINDS = (
    Kind("alignments", "a folder with alignments*.npz", folder_with("alignments*.npz"), describe_alignments,
         alignment_problems, draw_alignments, item="utterance"),
    Kind("transition model", "a file that starts with <TransitionModel>", file_starting("<TransitionModel>"),
         describe_transitions, transitions_problems, item="phone"),
    Kind("context tree", "a file that starts with ContextDependency", file_starting("ContextDependency"),
         describe_tree, read_problem(_read_tree), draw_tree, item="phone"),
    Kind("tree folder", "a folder with tree.json", folder_with("tree.json"), describe_tree_folder,
         tree_folder_problems, lambda path, item, picture: draw_tree(path / "tree", item, picture), item="phone"),
    Kind("CTM", "a file *.ctm", _is_ctm, describe_ctm, ctm_problems, item="utterance"),
)
