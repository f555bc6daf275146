"""Trained networks: model folders and tensor files; what is known of speakers."""

from pathlib import Path
from typing import Dict, Iterable, Optional

from tools.artefacts.kind import Kind, facts, folder_with, not_found, section, some


def describe_model(path: Path, item: Optional[str] = None) -> str:
    """item: a checkpoint's name, such as best."""
    from hybrid.nn.model_folder import load_model
    from hybrid.nn.summary import summarize
    from hybrid.training.journal import HISTORY
    model, description = load_model(path, item)
    shift = description.get("frame_shift", 0.01)
    sizes = sizes_of(summarize(model, description["in_dim"], shift), shift)
    head = facts(*flat_facts(description).items(), *sizes.items())
    history = history_table(path) if (path / HISTORY).exists() else ""
    return head + parameters_table(model.state_dict()) + history


def flat_facts(description: Dict) -> Dict:
    """Options of the network and of its training beside the rest; lists as text."""
    flat = {name: value for name, value in description.items() if not isinstance(value, dict)}
    flat.update({**description["training"], **description["network"]} if "training" in description
                else description["network"])
    flat["files"] = list(description["files"])
    return {name: some(map(str, value), 40) if isinstance(value, list) else value
            for name, value in flat.items()}


def sizes_of(summary, frame_shift: float) -> Dict:
    """What a network sees and costs. summary: hybrid.nn.summary.Summary; frame_shift: seconds."""
    def frames(number: float) -> str:
        if number == float("inf"):
            return "unbounded"
        return f"{number:g} frame{'s' * (number != 1)}, {1000 * number * frame_shift:g} ms"
    return {"sees before a frame": frames(summary.left_context), "looks ahead": frames(summary.right_context),
            "can stream": "yes" if summary.streams else "no", "parameters": summary.parameters,
            "multiply-adds": f"{summary.multiply_adds / 1e6:.1f} million for a second of speech"}


def parameters_table(tensors: Dict) -> str:
    rows = [(name, "x".join(map(str, value.shape)) or "scalar", value.numel(),
             f"{value.float().abs().mean():.4f}") for name, value in tensors.items()]
    return section("weights", ("name", "shape", "numbers", "mean size"), rows)


def history_table(path: Path) -> str:
    """The last epochs of a training."""
    from hybrid.training.journal import read_history
    entries = read_history(path)[-15:]
    last = entries[-1] if entries else {}
    names = [(part, name) for part in ("train", "dev") for name in last.get(part, {})]
    rows = ((entry["epoch"], *(f"{entry[part].get(name, float('nan')):.4f}" for part, name in names),
             f"{entry['learning_rate']:.2g}", f"{entry['seconds']:.1f}") for entry in entries)
    return section("training", ("epoch", *(f"{part} {name}" for part, name in names), "rate", "s"), rows)


def draw_model(path: Path, item: Optional[str], picture: Path) -> None:
    """Its learning curves."""
    from hybrid.report.curves import draw_curves
    from hybrid.training.journal import read_history
    draw_curves(read_history(path), picture)


def model_problems(path: Path) -> Iterable[str]:
    """Files that are not what was written; weights that are not finite; priors that are no distribution."""
    from hybrid.am.acoustic_model import AcousticModel
    from hybrid.nn.model_folder import PRIORS, TRANSITIONS, load_model, model_file, read_description, read_priors
    description = read_description(path)
    for name in description["files"]:
        model_file(path, name, description)
    yield from training_problems(path, description["files"])
    if PRIORS in description["files"]:
        total = float(read_priors(path, description).double().exp().sum())
        if not abs(total - 1) < 0.01:
            yield f"{path / PRIORS}: expected priors of sum 1, found {total:g}"
    load_model(path)
    if TRANSITIONS in description["files"]:
        AcousticModel.load(path)


def training_problems(path: Path, files: Iterable[str]) -> Iterable[str]:
    """Of the weights among the files of a model, and of the history of its training."""
    from hybrid.nn.tensor_file import SUFFIX
    from hybrid.training.journal import HISTORY, read_history
    for name in files:
        if name.endswith(SUFFIX):
            yield from tensor_file_problems(path / name)
    if (path / HISTORY).exists():
        read_history(path)


def describe_tensor_file(path: Path, item: Optional[str] = None) -> str:
    """Simple facts as they are, tensors by their shapes."""
    from hybrid.nn.tensor_file import read_tensors
    tensors, known = read_tensors(path)
    simple = [(name, value) for name, value in known.items() if isinstance(value, (int, float, str))]
    other = ", ".join(name for name in known if name not in dict(simple))
    return facts(*simple, ("other facts", other),
                 ("numbers", sum(value.numel() for value in tensors.values()))) + parameters_table(tensors)


def tensor_file_problems(path: Path) -> Iterable[str]:
    import torch

    from hybrid.nn.tensor_file import read_tensors
    for name, value in read_tensors(path)[0].items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            yield f"{path}: weights {name}: expected finite numbers, found others"


def describe_speakers(path: Path, item: Optional[str] = None) -> str:
    """item: a speaker."""
    from hybrid.speakers.table import SpeakerTable
    table = SpeakerTable.read(path)
    if item is not None and item not in table:
        raise not_found(path, "a speaker", item, table.speakers)
    tensors = table.tensors if item is None else table[item]
    return facts(("kind", table.space.kind), ("fits", table.space.fits), ("speakers", len(table.speakers)),
                 ("first", some(table.speakers, 5))) + parameters_table(tensors)


def speakers_problems(path: Path) -> Iterable[str]:
    """Matrices that lose a dimension, beside what the reader finds."""
    import torch

    from hybrid.speakers.table import SpeakerTable
    from hybrid.speakers.transforms import MATRIX
    table = SpeakerTable.read(path)
    for speaker in table.speakers if MATRIX in table.tensors else ():
        matrix = table[speaker][MATRIX]
        if not torch.linalg.slogdet(matrix[:, :-1].double())[1] > -500:
            yield f"{path}: {speaker}: expected a transform that can be undone, found one without an inverse"


KINDS = (
    Kind("speakers", "a folder with speakers.safetensors", folder_with("speakers.safetensors"), describe_speakers,
         speakers_problems, item="speaker"),
    Kind("model", "a folder with model.json", folder_with("model.json"), describe_model, model_problems,
         draw_model, item="checkpoint"),
    Kind("tensors", "a file *.safetensors", lambda path: path.is_file() and path.suffix == ".safetensors",
         describe_tensor_file, tensor_file_problems),
)
