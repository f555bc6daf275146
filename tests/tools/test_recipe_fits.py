"""What recipes hand from stage to stage fits: one split, one numbering of states, one lang folder, one language
model."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.tools.test_frontdoor import ROOT
from tools.recipe.check import read_plan

RECIPES = sorted(path.parent.name for path in ROOT.glob("egs/*/run.sh"))


class Planned:
    """A program with its arguments: `one["--model"]` is what stands behind the flag, a list of names below exp/ or the
    work folder; [] without it."""

    def __init__(self, module, arguments, work):
        self.module, self.values = module, {}
        values = []
        for word in arguments:
            if word.startswith("--"):
                values = self.values[word] = []
            else:
                values.append(word.replace(f"{work}/exp/", "").replace(f"{work}/", ""))

    def __getitem__(self, flag):
        return self.values.get(flag, [])

    def one(self, flag):
        value, = self[flag]
        return value

    @property
    def out(self):
        return self.one("--out")

    def splits(self, flag):
        """Of features or cuts: `dev` of features/dev or cuts/dev.jsonl.gz; else the names of the folders."""
        return [Path(value).name.replace(".jsonl.gz", "") for value in self[flag]]


@pytest.fixture(scope="module", params=RECIPES)
def plan(request, tmp_path_factory):
    """Each program once, in order."""
    work = tmp_path_factory.mktemp("work")
    done = subprocess.run(["bash", ROOT / "egs" / request.param / "run.sh", "--work", work, "--systems", "all"],
                          capture_output=True, check=True, env={**os.environ, "RECIPE_MODE": "plan"})
    planned = [Planned(one.module, one.arguments, work) for one in read_plan(done.stdout)]
    return list({one.out: one for one in planned if one["--out"]}.values())


def of(plan, *modules):
    return [one for one in plan if one.module.split(".", 1)[1] in modules]


def test_what_is_trained_on_train_is_watched_on_dev(plan):
    found = of(plan, "train_ctc", "train_am", "train_e2e")
    assert found
    for one in found:
        assert (one.splits("--features"), one.splits("--dev-features")) == (["train"], ["dev"]), one.out
        if one["--alignment"]:
            assert one.one("--dev-alignment") == one.one("--alignment").replace("_train", "_dev"), one.out
        assert len(one["--speaker-transforms"]) == len(one["--dev-speaker-transforms"]), one.out


def test_what_is_made_of_a_split_is_called_after_it_and_made_of_nothing_else(plan):
    found = of(plan, "compute_features", "align_ctc", "align", "convert_alignment", "estimate_ivectors", "adapt",
               "estimate_fmllr", "decode", "decode_e2e", "rescore_with_model", "lattices.rescore", "lattices.mbr",
               "combine")
    assert found
    for one in found:
        split = one.out.rsplit("_", 1)[-1] if "/" not in one.out else Path(one.out).name
        flags = ["--features", "--cuts", "--lattices", "--alignment", "--speaker-transforms", "--adaptation"]
        if one.module == "tools.compute_features":
            flags = ["--split"]
            assert one["--stats"] == ([] if split == "train" else ["features/train"]), one.out
        for flag in flags:
            for name in one.splits(flag):
                assert name == split or name.endswith(f"_{split}"), (one.out, flag, name)


def test_scales_are_chosen_on_dev_and_sets_are_scored_on_their_own_cuts(plan):
    found = of(plan, "score")
    assert found
    for one in found:
        name = one.one("--name")
        assert one.out == f"score_{name}" and one.one("--dev") == f"decode_{name}_dev"
        assert one.one("--dev-cuts") == "cuts/dev.jsonl.gz"
        assert one["--test"] == [f"decode_{name}_{split}" for split in one.splits("--test-cuts")]
    for one in of(plan, "lattices.rescore", "rescore_with_model"):  # weights are tried on dev, and taken from there
        if one.out.endswith("_dev"):
            assert one["--weights"] and one.one("--cuts") == "cuts/dev.jsonl.gz"
        else:
            assert not one["--weights"] and one.one("--weight-of").endswith("_dev")


def test_states_are_numbered_alike_from_alignment_to_search(plan):
    """numbered: a folder -> its lang folder, and the tree whose leaves its states are."""
    numbered = {}
    for one in plan:
        module = one.module.split(".", 1)[1]
        if module == "align_ctc":
            numbered[one.out] = one.one("--lang"), ""
        elif module == "build_tree":
            assert numbered[one.one("--alignment")] == (one.one("--lang"), ""), one.out
            numbered[one.out] = one.one("--lang"), one.out
        elif module == "convert_alignment":
            before = numbered[one.one("--alignment")]
            if one["--tree"]:
                assert before == (one.one("--lang"), "") == (numbered[one.one("--tree")][0], ""), one.out
            else:
                assert before == (one.one("--from-lang"), "") and one.one("--lang") != one.one("--from-lang"), one.out
            numbered[one.out] = one.one("--lang"), one["--tree"][0] if one["--tree"] else ""
        elif module == "train_am":
            numbered[one.out] = numbered[one.one("--alignment")]
            assert numbered[one.one("--dev-alignment")] == numbered[one.out]
        elif module in ("train_ctc", "train_e2e"):
            numbered[one.out] = one.one("--lang"), one.out
        elif module == "make_graph":
            source = one["--ctc"] or [str(Path(one.one("--transitions")).parent)]
            numbered[one.out] = numbered[source[0]]
            assert numbered[one.out][0] == one.one("--lang"), one.out
        elif module == "align":
            numbered[one.out] = numbered[one.one("--model")]
            assert numbered[one.out][0] == one.one("--lang"), one.out
        elif module == "decode":
            numbered[one.out] = numbered[one.one("--graph")]
            assert one["--model"] and {numbered[model] for model in one["--model"]} == {numbered[one.out]}, one.out
        elif module == "decode_e2e":
            assert numbered[one.one("--model")][0] == one.one("--lang"), one.out
        elif module in ("estimate_fmllr", "adapt"):
            source, = one["--alignment"] or one["--lattices"]
            others = {numbered[model] for model in one["--model"]}
            assert others <= {numbered[source]} and numbered[source][0] == one.one("--lang"), one.out
    assert numbered


def test_systems_of_a_recipe_have_heard_the_same_and_know_as_much_language(plan):
    """Lattices lose what their graph's language model said before another one speaks."""
    models = {one.out: one.one("--arpa") for one in of(plan, "make_graph")}
    graph_of = {one.out: one.one("--graph") for one in of(plan, "decode")}
    for one in of(plan, "lattices.rescore"):
        assert one.one("--graph-lm") == models[graph_of[one.one("--lattices")]], one.out
        assert one["--lm"] and models[graph_of[one.one("--lattices")]] not in one["--lm"]
    end_to_end = {one.one("--lm") for one in of(plan, "decode_e2e")}
    searched = {models[graph] for graph in graph_of.values()}
    rescored = {lm for one in of(plan, "lattices.rescore") for lm in one["--lm"]}
    for lm in end_to_end:
        assert lm in searched | rescored or f"{lm}/lm.arpa" in searched
    for one in of(plan, "combine"):
        assert [name.split("_", 1)[1] for name in one["--scores"]] == [
            name.split("_", 1)[1].rsplit("_", 1)[0] for name in one["--lattices"]] and len(one["--scores"]) > 1
