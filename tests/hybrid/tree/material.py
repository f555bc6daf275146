"""Made-up frames of phones in context, and langs for them."""

import numpy as np

from graphs.hmm.topology import Topology, TopologyOptions, left_to_right
from graphs.lang.lexicon import Lexicon, Pronunciation
from graphs.lang.make_lang import LangOptions, make_lang
from hybrid.tree.objectives import Gaussians
from hybrid.tree.stats import EventStats
from tests.reference.trees import Frame

SIL = 1


def random_frames(seed=0, number=300, phones=(1, 2, 3, 4), classes=2, dim=2):
    """Triphone frames around means of their own for each window and class."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(number):
        window = (int(rng.choice([0, *phones])), int(rng.choice(phones)), int(rng.choice([0, *phones])))
        pdf_class = int(rng.integers(classes))
        mean = np.random.default_rng([*window, pdf_class]).normal(size=dim)
        frames.append(Frame(window, pdf_class, (mean + rng.normal(size=dim)).astype(np.float32)))
    return frames


def stats_of(frames, central_position=1):
    return EventStats.of_rows(
        central_position, [frame.window for frame in frames], [frame.pdf_class for frame in frames],
        np.ones(len(frames)), Gaussians.moments(np.stack([frame.values for frame in frames])))


def topology_of(phones=(1, 2, 3, 4), classes=2):
    return Topology({phone_id: left_to_right(classes) for phone_id in phones})


def small_lang(phones="A B C D", **options):
    lexicon = Lexicon([Pronunciation(name.lower(), (name, "A")) for name in phones.split()])
    return make_lang(lexicon, LangOptions(**options), TopologyOptions())
