from pathlib import Path

from hybrid.compare.comparison import System
from hybrid.compare.naming import with_names, work_names


def named(*systems):
    """(name, share, seed, work) -> (key, family)."""
    made = [System("", "", name, "ctc", "", seed, share) for name, share, seed, _ in systems]
    return [(system.key, system.family) for system in with_names(made, [work for *_, work in systems])]


def test_names_tell_no_more_than_is_needed():
    assert named(("a", 1.0, 1, "w"), ("b", 1.0, None, "w")) == [("a", "a"), ("b", "b")]


def test_seeds_and_shares():
    assert named(("a", 1.0, 1, "w"), ("a", 1.0, 2, "w"), ("a", 0.25, 1, "v"), ("a", 0.125, None, "u"),
                 ("a", 0.125, 3, "u")) == [
        ("a (seed 1)", "a"), ("a (seed 2)", "a"), ("a (25 %)", "a (25 %)"),
        ("a (12.5 %, seed unknown)", "a (12.5 %)"), ("a (12.5 %, seed 3)", "a (12.5 %)")]


def test_other_seeds_in_another_folder_are_the_same_family():
    assert named(("a", 1.0, 1, "w"), ("a", 1.0, 2, "v")) == [("a (seed 1)", "a"), ("a (seed 2)", "a")]


def test_the_same_seed_in_two_folders_is_two_families():
    assert named(("a", 1.0, 1, "w"), ("a", 1.0, 1, "v"), ("a", 1.0, 2, "v"), ("a", 0.5, 1, "v"),
                 ("b", 1.0, 1, "v")) == [
        ("a (of w)", "a (of w)"), ("a (of v, seed 1)", "a (of v)"), ("a (of v, seed 2)", "a (of v)"),
        ("a (50 %)", "a (50 %)"), ("b", "b")]


def test_several_test_sets_of_a_system_are_one():
    assert named(("a", 1.0, 1, "w"), ("a", 1.0, 1, "w")) == [("a", "a"), ("a", "a")]


def test_work_folders_are_told_apart_by_as_much_as_is_needed():
    assert work_names([Path("/x/one"), Path("/x/two")]) == ["one", "two"]
    assert work_names([Path("/x/work"), Path("/y/work"), Path("/y/other")]) == ["x/work", "y/work", "y/other"]
    assert work_names([Path("/x/work"), Path("/x/work")]) == ["work", "work"]
    assert work_names([Path("/work"), Path("/x/work")]) == ["/work", "x/work"]
    assert work_names([Path("/")]) == ["/"] and work_names([]) == []
