from hybrid.compare.comparison import CurvePoint, FamilyResult, LearningCurve, Rate, System
from hybrid.compare.learning import learning_curves


def family(name, percent, test="t", deviation=None):
    return FamilyResult(name, test, (name,), Rate(percent), deviation)


def test_a_name_with_several_shares_is_a_curve():
    systems = [System("a", "a", "a", "ctc", share=1.0, hours=0.8), System("b", "b", "b", "hybrid"),
               System("a (25 %)", "a (25 %)", "a", "ctc", share=0.25)]
    found = learning_curves(systems, [family("a", 5.0, deviation=0.1), family("b", 4.0), family("a (25 %)", 20.0)])
    assert found == [LearningCurve("t", "a", "ctc", (
        CurvePoint(0.25, None, "a (25 %)", Rate(20.0)), CurvePoint(1.0, 0.8, "a", Rate(5.0), 0.1)))]


def test_each_test_set_has_its_own():
    systems = [System("a", "a", "a", "ctc"), System("a (10 %)", "a (10 %)", "a", "ctc", share=0.1)]
    families = [family(name, 5.0, test) for test in ("t", "u") for name in ("a", "a (10 %)")]
    assert [curve.test for curve in learning_curves(systems, families)] == ["t", "u"]
    assert [curve.test for curve in learning_curves(systems, families[:3])] == ["t"]


def test_systems_of_several_work_folders_are_no_curve():
    systems = [System(key, key, "a", "ctc") for key in ("a (of x)", "a (of y)")]
    assert learning_curves(systems, [family(system.family, 5.0) for system in systems]) == []
