"""A work folder of scored systems with the stage records that they stand on; nothing was trained."""

from lhotse import MonoCut, SupervisionSegment

from hybrid.data.manifest import write_cuts
from tests.hybrid.report.test_results import add_system
from tools.frame.fingerprint import digest
from tools.frame.records import write_record

CONFIGS = {
    "hybrid": {"am": {"arch": "tdnn", "epochs": 6, "seed": 1}},
    "ctc": {"e2e": {"arch": "tdnn", "epochs": 6, "seed": 1, "decoder": "none", "ctc_weight": 1.0}},
    "joint": {"e2e": {"arch": "tdnn", "epochs": 6, "seed": 1, "decoder": "lstm", "ctc_weight": 0.3}},
}
SEARCHES = {"hybrid": {"search": {"beam": 15.0}}, "ctc": {"e2e_search": {"search": "ctc_beam"}},
            "joint": {"e2e_search": {"search": "attention_beam", "ctc_weight": 0.4}}}


def stage(folder, program, inputs=(), files=("x",), **more):
    """A stage's folder: files, and a record of what it read."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        (folder / name).write_text(f"{folder.name} {name}")
    record = {"program": program, "state": "done", "seconds": 1.0, "peak_memory_mb": 100, "config": {}, "facts": {},
              "arguments": {}, "options": {}, "raw": {}, "command": f"python -m {program} --out {folder.name}",
              "inputs": {str(path.resolve()): digest(path) for path in inputs},
              "outputs": {str(path.relative_to(folder)): digest(path) for path in sorted(folder.rglob("*"))
                          if path.is_file() and path.name != ".stage.json"}, **more}
    write_record(folder, record)
    return folder


def add_cuts(work, share=1.0, hours=0.5):
    """Training cuts of `one two`, twice."""
    cuts = [MonoCut(f"t{n}", 0.0, 1.0, 0, supervisions=[SupervisionSegment(f"t{n}", "r", 0.0, 1.0, text="one two")])
            for n in range(2)]
    write_cuts(work / "cuts/train.jsonl.gz", cuts)
    return stage(work / "cuts", "tools.validate_data", files=(), config={"data": {"train_share": share}},
                 facts={"train": {"good": 10, "hours": hours}})


def add_scored(work, name, wrong, kind="hybrid", seed=1, tests=("dev", "test"), config=None, **more):
    """A system that gets the first word of the first `wrong` utterances of each test set wrong."""
    cuts = work / "cuts" if (work / "cuts").exists() else add_cuts(work)
    network = "model.json" if kind == "hybrid" else "e2e.json"
    own = {section: {**values, "seed": seed, **(config or {})} for section, values in CONFIGS[kind].items()}
    model = stage(work / "exp" / f"{name}_seed{seed}", f"tools.train_{'am' if kind == 'hybrid' else 'e2e'}",
                  [cuts / "train.jsonl.gz"], (network, "best.safetensors"), config=own, seconds=60.0 * seed,
                  peak_memory_mb=700, facts={"parameters": 1000, "training_seed": seed}, **more)
    decoded = [stage(work / "exp" / f"decode_{name}_seed{seed}_{test}", "tools.decode", [model / network],
                     ("lattices.00000.npz",), config=SEARCHES[kind], peak_memory_mb=len(test) * 100) for test in tests]
    folder = f"score_{name}_seed{seed}"
    add_system(work, folder, name, wrong, seed, tests, speakers=8)
    stage(work / "exp" / folder, "tools.score", [path / "lattices.00000.npz" for path in decoded], (),
          config={"score": {"alignment": "kaldi", "count_spaces": True}})
    return model
