"""The voices of the corpus: accent, espeak variant, sex, pitch and rate.

Variants are espeak's own. Left out are those with an echo (it fills the closures of stops, by which the
true times of phones are found), those with breath (not twice the same, they read memory that was never
set), those with a Klatt synthesizer, the robots and the whispers. No variant stands in two splits, so
the speakers of development and test are new to a model in every way but the accent.
"""

from typing import Dict, NamedTuple, Tuple

LANGUAGE = {"us": "en-us", "gb": "en", "rp": "en-gb-x-rp"}  # accent -> espeak's name
UNSEEN = {"sc": "en-gb-scotland", "ca": "en-029", "la": "en-gb-x-gbclan", "wm": "en-gb-x-gbcwmd", "ny": "en-us-nyc"}


class Voice(NamedTuple):
    """One speaker. pitch is 0 to 99 and 50 leaves the variant's own; rate is words per minute."""

    accent: str
    variant: str
    gender: str
    pitch: int = 50
    pitch_range: int = 50
    rate: int = 175

    @property
    def name(self) -> str:
        return f"{self.accent}-{self.variant.lower() or 'plain'}-{self.pitch}-{self.rate}"

    @property
    def language(self) -> str:
        return {**LANGUAGE, **UNSEEN}[self.accent]


TRAIN = (
    Voice("us", "", "male", 50, 50, 175), Voice("gb", "", "male", 35, 60, 165),
    Voice("us", "m1", "male", 45, 55, 185), Voice("rp", "m1", "male", 60, 45, 170),
    Voice("gb", "m6", "male", 50, 50, 180), Voice("us", "m6", "male", 38, 65, 160),
    Voice("us", "m7", "male", 55, 40, 190), Voice("rp", "m7", "male", 40, 60, 175),
    Voice("gb", "max", "male", 42, 50, 170), Voice("us", "Michael", "male", 50, 60, 165),
    Voice("rp", "rob", "male", 52, 50, 185), Voice("us", "Gene", "male", 48, 55, 180),
    Voice("gb", "paul", "male", 60, 50, 170), Voice("us", "pedro", "male", 58, 60, 165),
    Voice("us", "f1", "female", 50, 50, 175), Voice("gb", "f1", "female", 62, 60, 185),
    Voice("rp", "f1", "female", 40, 45, 165), Voice("us", "Annie", "female", 55, 40, 170),
    Voice("rp", "Annie", "female", 45, 50, 190), Voice("us", "aunty", "female", 50, 55, 165),
    Voice("gb", "aunty", "female", 40, 60, 180), Voice("us", "steph", "female", 50, 50, 180),
    Voice("gb", "steph", "female", 60, 45, 170), Voice("us", "shelby", "female", 58, 50, 175),
)
DEV = (
    Voice("us", "m8", "male", 55, 50, 170), Voice("gb", "Mike", "male", 50, 55, 180),
    Voice("us", "grandma", "female", 55, 50, 175), Voice("rp", "anika", "female", 40, 50, 170),
)
TEST = (
    Voice("us", "m3", "male", 50, 50, 180), Voice("gb", "m4", "male", 55, 60, 170),
    Voice("rp", "robert", "male", 50, 50, 175), Voice("us", "Andrea", "female", 45, 50, 170),
    Voice("rp", "belinda", "female", 45, 55, 180), Voice("us", "linda", "female", 38, 45, 165),
)
VOICES: Dict[str, Tuple[Voice, ...]] = {"train": TRAIN, "dev": DEV, "test": TEST}

# the same variants at other pitches and rates, with accents that training lacks
DEV_UNSEEN = (
    Voice("ny", "m8", "male", 45, 55, 185), Voice("wm", "Mike", "male", 58, 50, 165),
    Voice("wm", "grandma", "female", 48, 55, 180), Voice("ny", "anika", "female", 50, 45, 175),
)
TEST_UNSEEN = (
    Voice("sc", "m3", "male", 42, 55, 170), Voice("ca", "m4", "male", 48, 50, 180),
    Voice("la", "robert", "male", 58, 55, 165), Voice("ca", "Andrea", "female", 55, 55, 175),
    Voice("la", "belinda", "female", 52, 50, 185), Voice("sc", "linda", "female", 48, 55, 175),
)
WITH_UNSEEN: Dict[str, Tuple[Voice, ...]] = {"train": TRAIN, "dev": DEV + DEV_UNSEEN, "test": TEST + TEST_UNSEEN}
