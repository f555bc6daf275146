"""Shows any file or folder that a recipe left: prints it readably, or draws it.

    python -m tools.show exp/decode_am2_test                     what the folder holds
    python -m tools.show exp/decode_am2_test utterance_7         one item of it
    python -m tools.show exp/decode_am2_test utterance_7 --png lattice.png

The item is an utterance, a word, a phone, ..., as the kind of artefact has it. The picture's suffix may also
be svg or pdf. `python -m tools.show --kinds` lists the kinds.
"""

import argparse
import sys
from pathlib import Path
from typing import Optional, Sequence

from graphs.errors import InputError
from tools.artefacts.registry import KINDS, kind_of
from tools.artefacts.results import describe_output, describe_record
from tools.frame.printing import printing
from tools.frame.records import RECORD


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parser().parse_args(argv)
    if args.kinds:
        return printing("tools.show", lambda: print(kinds(), end=""))
    return printing("tools.show", lambda: show(args.path, args.item, args.png))


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tools.show", description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("path", nargs="?", type=Path, help="file or folder")
    made.add_argument("item", nargs="?", help="utterance, word, phone, ...")
    made.add_argument("--png", type=Path, help="draw it into this file")
    made.add_argument("--kinds", action="store_true", help="list the kinds of artefacts")
    return made


def check_format(picture: Path) -> None:
    """Raises InputError for a suffix that no picture can have."""
    from hybrid.report.figures import FORMATS
    if picture.suffix.lstrip(".") not in FORMATS:
        raise InputError(f"--png {picture}", f"a name that ends in .{', .'.join(FORMATS)}",
                         picture.suffix or "no such ending")


def kinds() -> str:
    from hybrid.report.tables import text_table
    return text_table(("kind", "recognized by", "item", "picture"), [
        (kind.name, kind.sign, kind.item, "yes" if kind.draw else "") for kind in KINDS])


def show(path: Optional[Path], item: Optional[str] = None, picture: Optional[Path] = None) -> None:
    """Prints the artefact, or draws it where a picture is asked for."""
    if path is None:
        raise InputError("PATH", "a file or folder (--kinds lists what can be shown)", "none")
    kind = kind_of(path)
    if item is not None and not kind.item:
        raise InputError(f"{path}", f"no item, a {kind.name} has none", item)
    if picture is not None:
        if kind.draw is None:
            raise InputError(f"--png {picture}", "something with a picture (see --kinds)", f"a {kind.name}")
        check_format(picture)
        kind.draw(path, item, picture)
        print(f"{picture}: {kind.name} {path}{f', {item}' if item else ''}")
        return
    print(f"{path}: {kind.name}\n\n{kind.describe(path, item).lstrip()}", end="")
    if item is None and path.is_dir() and (path / RECORD).is_file() and kind.describe is not describe_output:
        print(f"\nhow it was made\n{describe_record(path)}", end="")


if __name__ == "__main__":
    sys.exit(main())
