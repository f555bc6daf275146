"""A small comparison with one of everything."""

from hybrid.compare.comparison import (
    Agreement, AgreementPair, AlignmentQuality, Breakdown, BreakdownRow, Comparison, CurvePoint, FamilyResult,
    Hypothesis, LearningCurve, MatchedPairs, PairedTest, Rate, Result, System, TestSet, TimeFigures, Utterance)

RATE = Rate(10.0, 5.0, 15.5)
FIGURES = TimeFigures(3, -4.5, 12.0, 11.0, 0.5, 0.75, 1.0)
PAIRS = (("one", "one"), ("two", None), (None, "ten"))
FULL = Comparison(
    title="tiny", facts={"command": "./run.sh egs/tiny"}, notes=("epochs differ",),
    systems=(System("a", "a", "a", "hybrid", "a DNN", 1, 1.0, 0.5, 1000, 60.0, 6, 0.1, False, 300, 900,
                    {"am.epochs": 6, "am.dilations": [1, 2], "am.dropout": 0.1, "am.every": None, "am.x": True},
                    ("python -m tools.train_am",)),
             System("b (25 %)", "b (25 %)", "b", "ctc", share=0.25)),
    tests=(TestSet("test", 1, 2, 1, 1.5, "utterances", False, 1),),
    results=(Result("a", "test", RATE, RATE, 50.0, 2, 1, 1, 0, 0, 0.1, 7.0, 0.0, "exp/score_a/test", "exp/decode_a"),),
    families=(FamilyResult("a", "test", ("a",), RATE, None),),
    pairs=(PairedTest("test", "a", "b (25 %)", "worse", 1.0, 0.5, 1.5, 0.02, 0.03, 0.06, 0.2,
                      MatchedPairs(12, 2.1, 0.04), ("share 25 % and 100 %",)),),
    breakdowns=(Breakdown("test", "letters in the word", "words", (BreakdownRow("1 to 3", 2, {"a": RATE}),)),),
    agreements=(Agreement("test", ("a", "b (25 %)"), (0, 1, 1), "a", RATE, RATE, RATE, 1, 0,
                          (AgreementPair("a", "b (25 %)", 1, 1, 0, 0, None, None),)),),
    curves=(LearningCurve("test", "b", "ctc", (CurvePoint(0.25, None, "b (25 %)", RATE, 0.3),)),),
    alignments=(AlignmentQuality("test", "a", "decoded", "exp/decode_a", 1, 2, 0, FIGURES, None, 0.5),),
    utterances=(Utterance("u1", "test", "s1", 1.5, ("one", "two"), (Hypothesis("a", PAIRS, False, ((0.0, 0.5),)),),
                          {"noise": "pink", "snr": 10.0}, "u1.wav", 0.25, ((0.0, 0.4), (0.4, 0.9))),))
