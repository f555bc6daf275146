from hybrid.compare.comparison import System
from hybrid.compare.unlike import differing, several_places, unlike, unlike_seeds


def system(key="a", **more):
    return System(key, "a", "a", "ctc", **more)


def test_what_is_matched_is_not_told():
    a = system(parameters=1_000_000, epochs=6, training_seconds=100.0)
    assert unlike([a], [a]) == ()
    assert unlike([a], [system(parameters=1_099_000, epochs=6, training_seconds=124.0)]) == ()
    assert unlike([a], [system(parameters=1_101_000)]) == ("parameters 1.00 M and 1.10 M",)
    assert unlike([a], [system(training_seconds=126.0)]) == ("training min 1.7 and 2.1",)
    assert unlike([a], [system()]) == unlike([system()], [a]) == ()  # nothing is known of the other


def test_what_is_not_matched_is_told():
    a = system(parameters=1_000_000, epochs=6, training_seconds=90.0)
    b = system(parameters=2_500_000, epochs=8, training_seconds=180.0, share=0.25)
    assert unlike([a], [b]) == ("parameters 1.00 M and 2.50 M", "epochs 6 and 8", "training min 1.5 and 3.0",
                                "% of the data 100 and 25")
    assert unlike([b], [a])[0] == "parameters 2.50 M and 1.00 M"
    assert unlike([a], [system(share=0.99, epochs=7)]) == ("epochs 6 and 7", "% of the data 100 and 99")
    assert unlike([a, a], [a]) == ("number of seeds 2 and 1",)
    two = [system(training_seconds=60.0), system(training_seconds=180.0)]
    assert unlike(two, [system(training_seconds=120.0)]) == ("number of seeds 2 and 1",)


def test_of_seeds_options_of_a_run_may_differ():
    systems = [system(f"a{seed}", configuration={"am.seed": seed, "am.device": str(seed), "am.epochs": 6, **more})
               for seed, more in ((1, {}), (2, {"am.dropout": 0.1}))]
    assert differing(systems) == ["am.dropout"]
    assert unlike_seeds(systems) == ["a: its seeds differ in am.dropout, too"]
    assert unlike_seeds(systems[:1]) == []


def test_many_differences_are_cut_short():
    systems = [system(str(seed), configuration={f"am.{letter}": seed for letter in "bcdefg"}) for seed in (1, 2)]
    assert unlike_seeds(systems) == ["a: its seeds differ in am.b, am.c, am.d, am.e, am.f, ..., too"]
    for one in systems:
        del one.configuration["am.b"]
    assert unlike_seeds(systems) == ["a: its seeds differ in am.c, am.d, am.e, am.f, am.g, too"]


def test_times_of_training_on_other_machines_are_not_compared():
    cpu, gpu = (system(training_seconds=seconds, trained_on=place) for seconds, place in ((60.0, "C"), (9.0, "G")))
    both = system(training_seconds=60.0, trained_on="C, G")
    assert unlike([cpu], [gpu]) == ("trained on C and G",)
    assert unlike([gpu, cpu], [gpu]) == ("number of seeds 2 and 1", "trained on C, G and G")
    assert unlike([both], [gpu, cpu]) == ("training min 1.0 and 0.6", "number of seeds 1 and 2")
    assert unlike([cpu], [system(training_seconds=9.0, trained_on="C")]) == ("training min 1.0 and 0.1",)
    for unknown in ([system(training_seconds=9.0)], [system(training_seconds=9.0), gpu]):
        assert unlike([cpu], unknown)[0] == "training min 1.0 and 0.1" and "trained" not in str(unlike([cpu], unknown))
    assert several_places([cpu, gpu]) and not several_places([cpu, cpu]) and not several_places([])
