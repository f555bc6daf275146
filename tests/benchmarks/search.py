"""Races our search against Kaldi's own C++ (from kaldi-decoder) on one graph and the same scores.

    python -m tests.benchmarks.search --model exp/tdnn --graph exp/graph --features features/dev
    python -m tests.benchmarks.search --lang lang --graph exp/graph --seconds 60

The second form makes utterances up (tests/benchmarks/simulated.py) for a graph of monophones, or with --transitions
for that of any model, trained or not. All get the same HCLG, the same log-likelihoods and the same beams; times are
those of the processor, all threads together, without loading. Ours makes a lattice; Kaldi's FasterDecoder the best path
alone; Kaldi's LatticeSimpleDecoder a lattice, but it knows no max_active and is left out on large graphs, from which it
does not come back. Prints for each setting real-time factors, ratios (above 1: ours is faster), how far each best
path's score a frame lies below the best that anyone found, and how many utterances reached no final state. Needs
`pip install kaldifst kaldi-decoder`, which runs in a process of its own: it hangs beside torch 1.13. --python names
another Python that has them.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import numpy as np

SETTINGS = ((8.0, 300), (12.0, 1000), (15.0, 3000), (15.0, 7000))  # beam, max_active
LATTICE_BEAM = 8.0
DECODERS = ("ours", "FasterDecoder", "LatticeSimpleDecoder")
LARGE = 10 ** 6  # arcs
FRAME_SHIFT = 0.03  # of made-up scores

Found = Tuple[float, Dict[str, float]]  # seconds, and the best path's score of each utterance


class Material(NamedTuple):
    """What is searched: graph is a DecodingGraph, transitions its TransitionModel; log-likelihoods are tensors."""

    graph: object
    transitions: object
    utterances: List[tuple]
    frame_shift: float


def recorded(args) -> Material:
    from graphs.decoding.graph_io import read_graph
    from hybrid.am.acoustic_model import AcousticModel
    from hybrid.data.features import FeatureReader
    model, features = AcousticModel.load(args.model), FeatureReader(args.features)
    utterances = [(utterance_id, model.log_likelihoods(features[utterance_id]))
                  for utterance_id in features.ids[:args.utterances]]
    return Material(read_graph(args.graph, model.transitions, model.tree), model.transitions, utterances,
                    model.output_shift)


def made_up(args) -> Material:
    import torch

    from graphs.decoding.graph_io import read_graph
    from graphs.hmm.context_tree import ContextTree
    from graphs.hmm.transitions import TransitionModel
    from graphs.lang.lang_folder import read_lang
    from tests.benchmarks.simulated import simulate
    if args.transitions:
        transitions = TransitionModel.read(args.transitions)
    else:
        topology = read_lang(args.lang).topology
        transitions = TransitionModel.from_tree(ContextTree.monophone(topology), topology)
    graph = read_graph(args.graph, transitions)
    utterances = simulate(graph.arcs, transitions.pdf_id, transitions.num_pdfs, args.seconds, FRAME_SHIFT, args.seed)
    return Material(graph, transitions, [(name, torch.from_numpy(scores)) for name, scores in utterances], FRAME_SHIFT)


def race(material: Material, acoustic_scale: float, python: str) -> None:
    graph, transitions, utterances, frame_shift = material
    frames = {utterance_id: len(scores) for utterance_id, scores in utterances}
    seconds_of_audio = sum(frames.values()) * frame_shift
    print(f"{len(utterances)} utterances, {seconds_of_audio:.0f} s; graph of {graph.arcs.num_arcs} arcs; "
          f"acoustic_scale {acoustic_scale:g}")
    theirs = kaldi(graph.arcs, utterances, transitions, acoustic_scale, python)
    row = "{:>5} {:>10}  {:<20} {:>8} {:>8} {:>12} {:>5}"
    print(row.format("beam", "max_active", "decoder", "RTF", "ratio", "below best", "lost"))
    each = len(theirs) // len(SETTINGS)
    for number, (beam, max_active) in enumerate(SETTINGS):
        found = [ours(graph, utterances, transitions, acoustic_scale, beam, max_active),
                 *theirs[each * number:each * (number + 1)]]
        best = {u: max(scores.get(u, -np.inf) for _, scores in found) for u in frames}
        for name, (seconds, scores) in zip(DECODERS, found):
            below = np.mean([(best[u] - scores[u]) / frames[u] for u in scores] or [np.nan])
            print(row.format(f"{beam:g}", max_active, name, f"{seconds / seconds_of_audio:.4f}",
                             f"{seconds / found[0][0]:.2f}", f"{below:.6f}", len(frames) - len(scores)))


def ours(graph, utterances, transitions, acoustic_scale: float, beam: float, max_active: int) -> Found:
    from graphs.decoding.search import Searcher, SearchOptions
    searcher = Searcher(graph, transitions, SearchOptions(
        beam=beam, lattice_beam=LATTICE_BEAM, max_active=max_active, min_active=min(200, max_active - 1),
        acoustic_scale=acoustic_scale))
    start = time.process_time()
    results = searcher.search(utterances)
    seconds = time.process_time() - start
    return seconds, {utterance_id: result.lattice.best_path(1.0, acoustic_scale).score
                     for utterance_id, result in results.items() if result.outcome in ("done", "retried")}


def kaldi(arcs, utterances, transitions, acoustic_scale: float, python: str) -> List[Found]:
    """Of FasterDecoder and, unless the graph is large, LatticeSimpleDecoder, for each setting, from another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "race.npz"
        np.savez(path, src=arcs.src, dst=arcs.dst, ilabel=arcs.ilabel, score=arcs.score, num_states=arcs.num_states,
                 final_state=arcs.final_state, final_score=arcs.final_score,
                 # column t - 1 has the scores of transition_id t
                 **{f"scores {utterance_id}": (acoustic_scale * scores.numpy())[:, transitions.pdf_id[1:]]
                    for utterance_id, scores in utterances})
        done = subprocess.run([python, "-m", "tests.benchmarks.search", "--peer", str(path)],
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"kaldi-decoder: {done.stderr}")
    results: List[Found] = []
    for line in done.stdout.splitlines():
        name, value = line.split("\t")
        if name == "seconds":
            results.append((float(value), {}))
        else:
            results[-1][1][name] = float(value)
    return results


def peer(path: Path) -> None:
    """What the other process does: prints `seconds`, then `utterance_id score` for each final path found."""
    import kaldi_decoder
    import kaldifst
    stored = np.load(path)
    fst = kaldifst.StdVectorFst()
    for _ in range(int(stored["num_states"])):
        fst.add_state()
    fst.start = 0
    for src, dst, ilabel, score in zip(*(stored[name].tolist() for name in ("src", "dst", "ilabel", "score"))):
        fst.add_arc(src, kaldifst.StdArc(ilabel, 0, -score, dst))
    finals: Dict[int, float] = {}
    for state, score in zip(stored["final_state"].tolist(), stored["final_score"].tolist()):
        finals[state] = max(score, finals.get(state, -np.inf))
    for state, score in finals.items():
        fst.set_final(state, -score)
    scores = {name[len("scores "):]: stored[name] for name in stored.files if name.startswith("scores ")}
    for beam, max_active in SETTINGS:
        faster = kaldi_decoder.FasterDecoder(fst, kaldi_decoder.FasterDecoderOptions(
            beam=beam, max_active=max_active, min_active=min(200, max_active - 1)))
        simple = kaldi_decoder.LatticeSimpleDecoder(fst, kaldi_decoder.LatticeSimpleDecoderConfig(
            beam=beam, lattice_beam=LATTICE_BEAM))
        for decoder in (faster, simple)[:1 if len(stored["src"]) > LARGE else 2]:
            start, found = time.process_time(), {}
            for utterance_id, matrix in scores.items():
                decoder.decode(kaldi_decoder.DecodableCtc(matrix))
                if decoder is simple:
                    decoder.get_raw_lattice()
                final = decoder.reached_final() if decoder is faster else decoder.final_relative_cost() < np.inf
                if final:
                    found[utterance_id] = decoder.get_best_path()[1]
            print(f"seconds\t{time.process_time() - start}")
            for utterance_id, path_fst in found.items():
                ok, _, _, weight = kaldifst.get_linear_symbol_sequence(path_fst)
                print(f"{utterance_id}\t{-(weight.value1 + weight.value2)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="acoustic model folder")
    parser.add_argument("--graph", type=Path, help="graph folder")
    parser.add_argument("--features", type=Path, help="features folder")
    parser.add_argument("--utterances", type=int, default=60, help="how many of them")
    parser.add_argument("--lang", type=Path, help="lang folder of a graph of monophones, for made-up scores")
    parser.add_argument("--transitions", type=Path, help="file `transitions` that the graph was made with, instead")
    parser.add_argument("--seconds", type=float, default=60.0, help="of made-up scores")
    parser.add_argument("--seed", type=int, default=0, help="of made-up scores")
    parser.add_argument("--acoustic-scale", type=float, default=0.2)
    parser.add_argument("--python", default=sys.executable, help="a Python that has kaldi-decoder")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return peer(args.peer)
    if not (args.graph and (args.model and args.features or args.transitions or args.lang)):
        parser.error("--graph is needed, with --model and --features, or with --lang or --transitions")
    if args.python == sys.executable and not importlib.util.find_spec("kaldi_decoder"):
        parser.error("kaldi-decoder is not installed: pip install kaldifst kaldi-decoder")
    import torch
    torch.set_num_threads(1)
    race(recorded(args) if args.model else made_up(args), args.acoustic_scale, args.python)


if __name__ == "__main__":
    main()
