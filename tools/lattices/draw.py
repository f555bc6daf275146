"""Pictures of the lattices of a folder.

    python -m tools.lattices.draw --lattices exp/decode_test --utterances u1 u7 --out exp/pictures --format svg

A small lattice is drawn as it is, a larger one as the graph of its best sentences; numbers on the arcs are
probabilities. Without --utterances the first ten. One alone: `python -m tools.show exp/decode_test u1 --png u1.png`.
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.lattices.draw", __doc__, options={"score": "hybrid.recognize.scoring:ScoreOptions"})
           .input("--lattices", help="folder of lattices", required=True)
           .input("--scores", help="folder of tools.score with the scales; default: those of [score]")
           .argument("--utterances", nargs="+", default=[], help="which; default: the first of the folder")
           .argument("--number", type=at_least(1), default=10, help="how many of the first")
           .argument("--format", default="png", choices=("png", "svg", "pdf"), help="of the pictures")
           .argument("--max-states", type=at_least(0), default=40, help="states of a lattice that is drawn as it is")
           .argument("--sentences", type=at_least(1), default=20, help="best sentences of a larger one"))


def work(job: Job) -> None:
    import itertools

    from graphs.errors import InputError
    from graphs.lattices.lattice_io import read_lattices
    from hybrid.recognize.scales import SystemScales
    from hybrid.report.lattice_picture import draw_lattice
    from tools.lattices.convert import file_name
    from tools.lattices.inputs import system_scales, words_of
    args = job.args
    scales = SystemScales(*system_scales([args.scores] if args.scores else [], 1, job.options("score"))[0])
    graph_scale, acoustic_scale, _ = scales.of_posteriors(1.0)
    words, wanted, drawn = words_of(args.lattices), set(args.utterances), []
    lattices = (one for one in read_lattices(args.lattices) if not wanted or one.utterance_id in wanted)
    for lattice in itertools.islice(lattices, len(wanted) or args.number):
        picture = job.out / f"{file_name(lattice.utterance_id)}.{args.format}"
        draw_lattice(lattice, picture, words.symbol_of, graph_scale, acoustic_scale, args.max_states, args.sentences)
        drawn.append(lattice.utterance_id)
    lacking = sorted(wanted - set(drawn))
    if lacking:
        raise InputError(str(args.lattices), "lattices of all --utterances", f"none of {lacking[0]}")
    job.log.info("%d pictures", len(drawn))
    job.facts["drawn"] = drawn


if __name__ == "__main__":
    PROGRAM.main(work)
