"""Scores a system: word error rates of its test sets, with all that explains them.

The language model scale and the word insertion penalty are chosen on the development set (--dev), and on
nothing else; without one, score.lm_scale and score.word_insertion_penalty hold. Utterances of the cuts
without a hypothesis count as deleted.

    python -m tools.score --dev exp/decode_am2_dev --dev-cuts cuts/dev.jsonl.gz \\
        --test exp/decode_am2_test --test-cuts cuts/test.jsonl.gz --out exp/score_am2

--dev and --test take folders of lattices, or hypotheses as Kaldi's text (which are scored as they are).
Writes result.json (a list with an entry a test set, the development set first), sweep.tsv and sweep.png, and
for each test set a folder of its name: per_utt.txt (aligned), per_utt.tsv, per_speaker.tsv, confusions.tsv,
hyp.txt, ref.txt, outcomes.tsv. A test set's name is that of its cuts. And events.* for TensorBoard:
`tensorboard --logdir WORK` shows every system of a work folder, under HPARAMS with its options beside its results.
"""

import json
from pathlib import Path
from typing import Dict, List

from tools.frame.program import Job, Program
from tools.frame.records import read_record, training_seed, write_text_atomically

MODELS = ("model.json", "e2e.json")

PROGRAM = (
    Program("tools.score", __doc__, options={"score": "hybrid.recognize.scoring:ScoreOptions"})
    .input("--dev", help="lattices or text of the development set")
    .input("--dev-cuts", help="its cuts (.jsonl.gz, a folder with cuts.jsonl.gz) or Kaldi's text")
    .input("--test", nargs="+", default=[], help="lattices or text of each test set; may lack beside --dev")
    .input("--test-cuts", nargs="+", default=[], help="cuts of each test set, in the same order")
    .input("--words", help="words.txt; default: the one in the folder of lattices")
    .input("--map", help="`WORDS => WORDS` lines (.glm), applied to both sides")
    .argument("--name", help="of the system in the results; default: that of --out without score_")
    .argument("--seed", type=int, help="training seed for the results; default: from the stage records"))


def work(job: Job) -> None:
    from hybrid.recognize.scorer import Scorer
    from hybrid.recognize.text_filter import read_rules

    dev, tests = named_sets(job.args)
    options = job.options("score")
    rules = read_rules(job.args.map) if job.args.map else None
    scorer = Scorer(options, rules, job.args.words, job.nj, job.log)
    scales = scorer.choose_scales(dev, job.out) if dev else options.fixed
    system = job.args.name or job.args.out.name.removeprefix("score_")
    entries = []
    for test in [dev, *tests] if dev else tests:
        seed = training_seed(test.source) if job.args.seed is None else job.args.seed
        entries.append(scorer.score(test, scales, job.out / test.name, system, tuned_on=test is dev,
                                    seed=seed, **decoding_facts(test.source)))
    write_text_atomically(job.out / "result.json", json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    job.facts["wer"] = {entry["test"]: entry["wer"] for entry in entries}
    log_to_tensorboard(job, entries, [test.source for test in ([dev] if dev else []) + tests])


def named_sets(args):
    """The development set or None, and the test sets (hybrid.recognize.scorer.TestSet)."""
    from graphs.errors import InputError
    from hybrid.recognize.scorer import TestSet
    if (args.dev is None) != (args.dev_cuts is None):
        raise InputError("--dev", "--dev and --dev-cuts together", "one of them")
    if not (args.dev or args.test):
        raise InputError("--dev and --test", "at least one of them", "neither")
    if len(args.test) != len(args.test_cuts):
        raise InputError("--test-cuts", f"{len(args.test)} paths, as for --test", str(len(args.test_cuts)))
    pairs = [*([(args.dev_cuts, args.dev)] if args.dev else []), *zip(args.test_cuts, args.test)]
    sets = [TestSet(cuts.name.split(".")[0], cuts, source) for cuts, source in pairs]
    names = [test.name for test in sets]
    if len(set(names)) != len(names):
        raise InputError("--test-cuts", "a name of its own for each test set", ", ".join(names))
    return (sets[0], sets[1:]) if args.dev else (None, sets)


def decoding_facts(source: Path) -> dict:
    """What the stage that decoded says of itself: its seconds, the utterances that took a wider beam; and of the models
    that it decoded with: their parameters and the seconds of their training."""
    record = read_record(source)
    facts = record.get("facts", {})
    trained = [model for model in models_of(source).values() if "parameters" in model.get("facts", {})]
    return {"seconds": facts.get("search_seconds", record.get("seconds")),
            "retried": facts.get("outcomes", {}).get("retried", 0),
            "parameters": sum(model["facts"]["parameters"] for model in trained) or None,
            "training_seconds": round(sum(model["seconds"] for model in trained), 1) or None}


def models_of(source: Path) -> Dict[Path, dict]:
    """Folder -> stage record of each model that the stage decoded with."""
    folders = [Path(path).parent for path in read_record(source).get("inputs", {}) if Path(path).name in MODELS]
    return {folder: read_record(folder) for folder in folders}


def log_to_tensorboard(job: Job, entries: List[dict], sources: List[Path]) -> None:
    """The figures, and the options of the models with which they came about; of a system's own model in its row."""
    from hybrid.report.tensorboard import TensorboardRun, group_of
    try:
        run = TensorboardRun(job.out)
    except ImportError:  # the training has said so
        return
    for entry in entries:
        for name in ("wer", "cer"):
            run.scalar(f"{name}/{entry['test']}", entry[name])
    for name in ("parameters", "training_seconds"):
        if entries[0].get(name) is not None:
            run.scalar(f"system/{name}", entries[0][name])
    models = {folder: record for source in sources for folder, record in models_of(source).items()}
    options = [{key: value for values in record.get("config", {}).values() for key, value in values.items()}
               for record in models.values()]
    shared = {key: value for key, value in (options or [{}])[0].items()
              if all(one.get(key) == value for one in options)}
    own = [folder for folder in models if [folder] == list(models) and job.args.out.name == f"score_{folder.name}"]
    run.hparams(shared, group_of(own[0] if own else job.args.out))
    run.close()


if __name__ == "__main__":
    PROGRAM.main(work)
