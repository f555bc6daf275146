"""Measures an alignment against ground truth: mean and median error, share within 10, 20 and 50 ms.

    python -m tools.boundaries --alignment exp/times_am1_dev --cuts features/dev --lang lang --out exp/bounds

The truth stands in the cuts (supervision.alignment["phone"], as corpora made by a synthesizer or by hand have
it). Prints a table by class of phones and writes it to boundaries.txt and boundaries.json.
"""

from tools.frame.program import Job, Program

PROGRAM = (Program("tools.boundaries", __doc__)
           .input("--alignment", help="folder with phones.ctm: alignments, or their times", required=True)
           .input("--cuts", help="manifest of cuts with ground truth, or a features folder", required=True)
           .input("--lang", help="lang folder", required=True))


def work(job: Job) -> None:
    import json

    from graphs.errors import InputError
    from graphs.lang.lang_folder import read_lang
    from hybrid.align.times.boundaries import compare_folder, table
    from hybrid.align.times.ctm import read_ctm
    from hybrid.data.manifest import read_cuts
    from tools.frame.records import write_text_atomically
    cuts, lang = job.args.cuts, read_lang(job.args.lang)
    result = compare_folder(
        read_ctm(job.args.alignment / "phones.ctm"),
        read_cuts(cuts / "cuts.jsonl.gz" if cuts.is_dir() else cuts), lang.silence_phones, lang.base_phone)
    if not result["utterances"]:
        raise InputError(f"--cuts {cuts}", 'aligned utterances with ground truth (alignment["phone"])',
                         f"{len(result['without_truth'])} without it, "
                         f"{len(result['without_alignment'])} that are not aligned")
    text = table(result)
    write_text_atomically(job.out / "boundaries.json", json.dumps(result, indent=1) + "\n")
    write_text_atomically(job.out / "boundaries.txt", text)
    print(text, end="")
    job.facts.update(result["classes"]["all"], utterances=result["utterances"])


if __name__ == "__main__":
    PROGRAM.main(work)
