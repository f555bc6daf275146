"""A tiny corpus whose phones are planted in the features: each HMM state has a mean of its own."""

import logging

import numpy as np

from graphs.hmm.context_tree import ContextTree
from graphs.hmm.hmm_folder import write_hmm
from graphs.hmm.topology import TopologyOptions
from graphs.hmm.transitions import TransitionModel
from graphs.lang.lang_folder import write_lang
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions, make_lang
from hybrid.align.alignment import Alignment, write_alignments
from hybrid.data.compute import compute_features
from hybrid.data.features import FeatureOptions
from hybrid.outcomes import Outcomes
from tests.hybrid.data.material import ready_cut

LEXICON = {"no": "n ow", "on": "ow n", "sun": "s ah n", "us": "ah s"}
DIM = 6
LOG = logging.getLogger("test")


def make_small_lang():
    lexicon = Lexicon([Pronunciation(word, tuple(phones.split())) for word, phones in LEXICON.items()])
    return make_lang(lexicon, LangOptions(), TopologyOptions(speech="2state", silence="2state"))


def plant(lang, number, seed):
    """(id, text, phone_id of each frame) of utterances with silence at both ends."""
    rng = np.random.default_rng(seed)
    for i in range(number):
        words = rng.choice(sorted(LEXICON), size=rng.integers(1, 4))
        phones = ["SIL", *(p for word in words for p in LEXICON[word].split()), "SIL"]
        frames = [lang.phones.id_of(phone) for phone in phones for _ in range(rng.integers(4, 9))]
        yield f"s{seed}u{i:02d}", " ".join(words), np.array(frames)


def make_hmm(lang):
    tree = ContextTree.monophone(lang.topology)
    return tree, TransitionModel.from_tree(tree, lang.topology)


def transition_ids_of(phone_ids, transitions):
    """The first half of each phone in state 0, the second in state 1."""
    ids = {(int(transitions.phone_id[i]), int(transitions.hmm_state[i]), bool(transitions.is_self_loop[i])): i
           for i in range(1, transitions.num_transition_ids + 1)}
    path, starts = [], [0, *(np.flatnonzero(np.diff(phone_ids)) + 1), len(phone_ids)]
    for start, end in zip(starts, starts[1:]):
        half = (end - start + 1) // 2
        for frame in range(end - start):
            path.append(ids[int(phone_ids[start]), int(frame >= half), frame not in (0, half)])
    return np.array(path, np.int32)


def make_corpus(folder, train=40, dev=8):
    """Writes lang, train, dev (features) and ali_train, ali_dev (alignments with transitions)."""
    lang = make_small_lang()
    write_lang(lang, folder / "lang")
    tree, transitions = make_hmm(lang)
    random = np.random.default_rng(7)
    phone_means = random.normal(size=(lang.num_phones + 1, DIM)) * 2
    state_means = random.normal(size=(transitions.num_pdfs, DIM))
    for seed, (split, number) in enumerate((("train", train), ("dev", dev))):
        rng = np.random.default_rng(10 + seed)
        cuts, alignments = [], []
        for utterance_id, text, phone_ids in plant(lang, number, seed):
            alignments.append(Alignment(utterance_id, transition_ids_of(phone_ids, transitions), -1.0))
            matrix = phone_means[phone_ids] + state_means[alignments[-1].pdf_ids(transitions)]
            matrix = (matrix + rng.normal(size=matrix.shape) * 0.5).astype(np.float32)
            cuts.append(ready_cut(folder / "ready", utterance_id, matrix, text=text))
        (folder / split).mkdir()
        compute_features(cuts, FeatureOptions(kind="ready", storage="numpy_files"), folder / split,
                         Outcomes(), training=False, nj=1)
        write_alignments(folder / f"ali_{split}", alignments)
        write_hmm(folder / f"ali_{split}", tree, transitions)
    return folder
