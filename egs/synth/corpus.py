"""The corpus made: cuts with their true alignments, and the lexicon of what the voices really say."""

from collections import Counter
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Sequence, Tuple

from lhotse import AudioSource, Recording
from lhotse.cut import Cut
from lhotse.supervision import AlignmentItem

from egs.synth import grammar
from egs.synth.plan import CorpusOptions, babble_tasks, plan, sweep_tasks
from egs.synth.render import RATE, Rendered, Task, in_own_processes, render, render_babble, render_words
from egs.synth.voices import Voice
from graphs.lang.lexicon import Lexicon, Pronunciation
from hybrid.data.corpus import utterance
from hybrid.progress import Progress

Said = Tuple[str, Tuple[str, ...]]  # a word and its phones


def render_all(options: CorpusOptions, folder: Path, nj: int) -> Tuple[List[Said], Dict[str, List[Cut]]]:
    """Speaks everything.

    Args:
      folder: for the wav files.
      nj: processes; the result is the same with any number.
    Returns:
      every word said for the lexicon and in training; the cuts of each split.
    """
    said = [word for done in _progress(render_words, sweep_tasks(options), nj, "lexicon") for word in done]
    cuts: Dict[str, List[Cut]] = {}
    for split, tasks in plan(options, folder).items():
        cuts[split] = []
        tasks = _with_babble(options, split, tasks, nj)
        for task, done in zip(tasks, _progress(render, tasks, nj, split)):
            cuts[split] += [make_cut(rendered, task.voice, folder) for rendered in done]
    said += [word for cut in cuts["train"] for word in said_in(cut)]
    return said, cuts


def _with_babble(options: CorpusOptions, split: str, tasks: List[Task], nj: int) -> List[Task]:
    """The tasks with the speech of other voices of their split, where it is needed."""
    if not any(sentence.noise == "babble" for task in tasks for sentence in task.sentences):
        return tasks
    talkers = babble_tasks(options, split)
    speeches = list(_progress(render_babble, talkers, nj, f"{split} babble"))
    return [task._replace(babble=tuple(
        speech for talker, speech in zip(talkers, speeches) if talker.voice != task.voice)) for task in tasks]


def _progress(function: Callable, tasks: Sequence[Task], nj: int, title: str) -> Iterator:
    """Results of the tasks, with word of how far it is."""
    with Progress(sum(len(task.sentences) for task in tasks), title, "utt") as progress:
        for task, result in zip(tasks, in_own_processes(function, tasks, nj)):
            progress.update(len(task.sentences))
            yield result


def make_lexicon(said: Iterable[Said], least_share: float) -> Lexicon:
    """The pronunciations that occur, each with its probability over that of the commonest one, as in Kaldi.

    least_share: rarer ones, as a share of the word's occurrences, are left out.
    """
    counts: Dict[str, Counter] = {}
    for word, phones in said:
        counts.setdefault(word, Counter())[phones] += 1
    entries = []
    for word, of_word in sorted(counts.items()):
        variants = sorted(of_word.items(), key=lambda variant: (-variant[1], variant[0]))
        most, total = variants[0][1], sum(of_word.values())
        entries += [Pronunciation(word, phones, round(count / most, 4))
                    for phones, count in variants if count >= least_share * total]
    return Lexicon(entries)


def said_in(cut: Cut) -> List[Said]:
    """Each word of a cut with the phones between its start and its end."""
    alignment = cut.supervisions[0].alignment
    return [(word.symbol, tuple(phone.symbol for phone in alignment["phone"]
                                if word.start - 1e-6 < phone.start < word.end - 1e-6))
            for word in alignment["word"]]


def unexplained(cuts: Iterable[Cut], lexicon: Lexicon) -> List[Said]:
    """Words said in a way that the lexicon lacks."""
    known = {(entry.word, entry.phones) for entry in lexicon}
    return [said for cut in cuts for said in said_in(cut) if said not in known]


def make_cut(rendered: Rendered, voice: Voice, folder: Path) -> Cut:
    """A cut with the transcript and the true alignments, in seconds."""
    sentence = rendered.sentence
    name = sentence.utterance_id
    recording = Recording(
        id=name, sampling_rate=RATE, num_samples=rendered.num_samples, duration=rendered.num_samples / RATE,
        sources=[AudioSource(type="file", channels=[0], source=str(folder / f"{name}.wav"))])
    alignment = {"word": _items(rendered.words), "phone": _items(rendered.phones)}
    cut = utterance(name, recording, grammar.words_of(sentence.text), speaker=voice.name, gender=voice.gender,
                    language="en", alignment=alignment)
    cut.supervisions[0].custom = {
        "accent": voice.accent, "noise": sentence.noise or "clean", "snr": sentence.snr}
    if sentence.rt60 is not None:
        cut.supervisions[0].custom["rt60"] = sentence.rt60
    return cut


def _items(times: List[Tuple[str, int, int]]) -> List[AlignmentItem]:
    return [AlignmentItem(symbol, start / RATE, (end - start) / RATE) for symbol, start, end in times]
