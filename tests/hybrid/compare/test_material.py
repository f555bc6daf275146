import pytest
from lhotse import AudioSource, MonoCut, Recording, SupervisionSegment
from lhotse.supervision import AlignmentItem

from hybrid.align.times.ctm import TimedSymbol
from hybrid.compare.material import CutFacts, Material, cut_facts, is_setting


def test_facts_of_a_cut():
    supervision = SupervisionSegment("u1", "r", 0.0, 1.5, text="a", custom={"noise": "pink", "snr": 5.0, "odd": [1]},
                                     alignment={"word": [AlignmentItem("a", 0.25, 0.5)]})
    recording = Recording("r", [AudioSource("file", [0], "/data/r.wav")], 16000, 160000, 10.0)
    cut = MonoCut("u1", 2.0, 1.5, 0, supervisions=[supervision], recording=recording, custom={"room": 3})
    facts = cut_facts(cut)
    assert facts == CutFacts(1.5, {"room": 3, "noise": "pink", "snr": 5.0}, "/data/r.wav", 2.0,
                             [TimedSymbol("a", 0.25, 0.75)])
    assert Material({"u1": facts, "u2": CutFacts()}).truth == {"u1": [TimedSymbol("a", 0.25, 0.75)]}


def test_a_cut_of_ready_features_has_no_audio():
    cut = MonoCut("u1", 0.0, 1.0, 0, supervisions=[SupervisionSegment("u1", "r", 0.0, 1.0)])
    assert cut_facts(cut) == CutFacts(1.0)


@pytest.mark.parametrize("value, is_one", [
    (None, True), (True, True), ("x", True), (3, True), (0.5, True), ([], False), (float("nan"), False),
    (float("inf"), False), (10 ** 400, False)])
def test_settings(value, is_one):
    assert is_setting(value) == is_one
