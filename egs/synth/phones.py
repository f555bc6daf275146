"""espeak's phonemes in the corpus' phone set.

espeak's mnemonics name sounds that differ by accent, and allophones apart. They are merged by how
they sound: mean mel cepstra of each mnemonic in each accent were compared, and mnemonics that are
nearer to each other than one and the same mnemonic is across accents became one phone. Stress marks
are dropped. Names are those of ARPAbet where it has one; AX is the schwa, OH the vowel of British
"hot", IA of British "near", EL a syllabic l, DX the American flap; AR, OR, IR and EER are the American
vowels with r of "car", "four", "near" and "there". Accents that no training voice has are told in the same phones:
Scotland (sc), the Caribbean (ca), Lancaster (la), the West Midlands (wm), New York (ny).
"""

from typing import Dict, NamedTuple, Optional, Tuple

from graphs.errors import InputError

SILENCE = "SIL"
_STRESS = "',%="

_CONSONANTS = """
p P  b B  t T  t2 T  t[ T  t# DX  d D  k K  g G  tS CH  dZ JH  f F  v V  T TH  D DH  s S  z Z  S SH  h HH
m M  n N  N NG  l L  r R  r- R  w W  w# W  j Y
"""
_VOWELS = """
i: IY  i IH  I IH  I2 IH  I# IH  E EH  a AE  V AH  U UH  u: UW  3: ER  @ AX  @2 AX  @5 AX  a# AX  @L EL
eI EY  aI AY  OI OY  aU AW  oU OW  A: AA
"""
_BRITISH = "3 AX  0 OH  O: AO  aa AE  A@ AA  O@ AO  o@ AO  e@ EH  i@3 IA"
_AMERICAN = "3 ER  0 AA  O2 AA  O: OH  aa AE  A@ AR  O@ OR  o@ OR  e@ EER  i@3 IR"
_OF_ACCENT = {
    "us": _AMERICAN, "ny": _AMERICAN, "gb": _BRITISH, "ca": _BRITISH, "la": _BRITISH, "wm": _BRITISH,
    "sc": _BRITISH + " IR ER  VR ER  aI2 AY",
    "rp": "3 AX  0 OH  O: AO  aa AA  A@ AA  O@ AO  o@ AO  e@ EH  i@3 IA",
}


def _pairs(text: str) -> Dict[str, str]:
    fields = text.split()
    return dict(zip(fields[::2], fields[1::2]))


_PHONE_OF = {accent: {**_pairs(_CONSONANTS), **_pairs(_VOWELS), **_pairs(own)}
             for accent, own in _OF_ACCENT.items()}
STOPS = frozenset("P B T D K G CH JH".split())  # with a silent closure before the burst
VOWELS = frozenset(_pairs(_VOWELS).values()) | {
    phone for own in _OF_ACCENT.values() for phone in _pairs(own).values()}
PHONES: Tuple[str, ...] = tuple(sorted({phone for table in _PHONE_OF.values() for phone in table.values()}))


class Sound(NamedTuple):
    """What a mnemonic stands for: a phone, a pause, or a glide that belongs to the vowel before it."""

    phone: Optional[str]
    pause: bool = False


def sound_of(mnemonic: str, accent: str) -> Sound:
    """InputError for a mnemonic that the tables lack (another version of espeak-ng, another word)."""
    plain = mnemonic.strip(_STRESS)
    if plain.startswith("_"):
        return Sound(None, pause=True)
    if plain == ";":  # the glide between "three" and "eight"
        return Sound(None)
    if plain not in _PHONE_OF[accent]:
        raise InputError(f"accent {accent}", "phonemes that egs/synth/phones.py knows", repr(mnemonic))
    return Sound(_PHONE_OF[accent][plain])
