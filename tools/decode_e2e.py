"""Decodes a features folder with an end-to-end model.

    python -m tools.decode_e2e --features features/test --model exp/ctc_chars --lang lang --lm exp/lm_trigram \\
        --out exp/decode_ctc_chars_test e2e_search.search=ctc_beam e2e_search.lm_scale=0.5

Writes the N-best list of each utterance, with times and parts of the scores (nbest.jsonl), and the same as lattices of
words for the programs that take lattices: acoustic scores are the network's, graph scores the language model's. Words
that the lang folder lacks come after its own in words.txt. Every utterance comes out, as a lattice (done or partial)
or as a named failure in outcomes.tsv; the program fails when all do. Section [e2e_search].
"""

from tools.frame.numbers import at_least
from tools.frame.program import Job, Program

PROGRAM = (Program("tools.decode_e2e", __doc__, options={"e2e_search": "hybrid.e2e.decode:E2eSearchOptions"},
                   resumable=True)
           .input("--features", help="features folder", required=True)
           .input("--model", help="folder of tools.train_e2e", required=True)
           .input("--lang", help="lang folder, whose words.txt gives the ids of words")
           .input("--lm", help="language model of words that helps the search; needs --lang")
           .argument("--part-size", type=at_least(1), default=20, help="utterances in a part that is written at once")
           .argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where to compute"))


def work(job: Job) -> None:
    from graphs.errors import InputError
    from graphs.lang.lang_folder import read_lang
    from hybrid.e2e.decode import E2eDecodeWork, decode_e2e
    from hybrid.training.device import choose_device
    args = job.args
    if args.lm and not args.lang:
        raise InputError("--lang", "a lang folder, since there is --lm", "none")
    device = str(choose_device(args.device))
    words = args.lang / "words.txt" if args.lang else None
    oov_word = read_lang(args.lang).oov_word if args.lang else None
    decoding = E2eDecodeWork(args.features, args.model, job.options("e2e_search"), device, args.lm, words, oov_word)
    outcomes, totals = decode_e2e(decoding, job.out, job.nj if device == "cpu" else 1, args.part_size, job.log)
    outcomes.write(job.out / "outcomes.tsv")
    outcomes.check(1.0, "decoding")
    job.log.info("%s; %d output frames", outcomes.summary(), totals["frames"])
    job.facts.update(outcomes=outcomes.counts, frames=totals["frames"], search_seconds=round(job.seconds(), 2))


if __name__ == "__main__":
    PROGRAM.main(work)
