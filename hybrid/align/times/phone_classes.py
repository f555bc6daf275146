"""Broad classes of phones, for tables of errors: ARPAbet and IPA symbols, with or without marks."""

import re
from typing import Optional, Sequence

_CLASSES = {
    "vowel": "AA AE AH AO AW AX AXR AY EH ER EY IH IX IY OW OY UH UW UX OH IA EA UA AR OR IR EER UR EL EM EN "
             "a ɑ ɒ æ ɐ ʌ ɔ e ɛ ə ɚ ɜ ɝ i ɪ ɨ o ø œ u ʊ ʉ ɯ y ʏ aɪ aʊ eɪ oʊ əʊ ɔɪ ɪə eə ʊə",
    "stop": "P B T D K G DX Q p b t d k ɡ g c ɟ q ʔ ɾ",
    "affricate": "CH JH tʃ dʒ ts dz",
    "fricative": "F V TH DH S Z SH ZH HH HV f v θ ð s z ʃ ʒ h ɦ x ɣ ç β ɸ",
    "nasal": "M N NG NX m n ŋ ɲ ɴ",
    "approximant": "L R W Y WH l ɫ r ɹ ɻ w j ɥ ʋ ʍ ʎ",
}
_CLASS_OF = {phone: name for name, phones in _CLASSES.items() for phone in phones.split()}
SILENCE, OTHER = "silence", "other"
CLASSES = (*_CLASSES, SILENCE, OTHER)
_MARKS = re.compile(r"(_[BIES]|[0-9]|[ˈˌː'])+")


def phone_class(phone: Optional[str], silences: Sequence[str] = ()) -> str:
    """One of CLASSES; None is silence.

    >>> phone_class("AH1_B"), phone_class("tʃ"), phone_class("SIL", ["SIL"]), phone_class("!")
    ('vowel', 'affricate', 'silence', 'other')
    """
    if phone is None or phone in silences:
        return SILENCE
    return _CLASS_OF.get(phone, _CLASS_OF.get(_MARKS.sub("", phone), OTHER))
