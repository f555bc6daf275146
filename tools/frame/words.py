"""Other words for a system that is trained: what more pronunciations or another language model change in commands."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from graphs.errors import InputError

LANG, GRAPH, SEARCH = "tools.prepare_lang", "tools.make_graph", "tools.decode_e2e"
LANGUAGE = (LANG, GRAPH)
RESCORING = ("tools.lattices.rescore", "tools.decode_on_the_fly")


class OtherWords:
    """False if there is nothing to change."""

    def __init__(self, lexicon: Optional[Path] = None, lm: Optional[Path] = None, texts: Sequence[Path] = ()):
        """
        Args:
          lexicon: pronunciations beside those of lang folders, in the phones of these.
          lm: ARPA file in the place of the language model of graphs and end-to-end searches.
          texts: their words are spelled, too, by lang folders that spell.
        """
        self._lexicon, self._lm = (path and path.absolute() for path in (lexicon, lm))
        self._texts = [path.absolute() for path in texts]
        self._unused = {flag: path for flag, path in (("--lexicon", lexicon), ("--lm", lm)) if path}

    def __bool__(self) -> bool:
        return bool(self._lexicon or self._lm or self._texts)

    def change(self, program: str, args: argparse.Namespace, folder: Path) -> bool:
        """Changes the arguments of the program that wrote the folder; were there any to change?

        Raises: InputError where that cannot be, for a rescored system, or a lexicon for one that spells.
        """
        if program == LANG:
            return self._more_words(args, folder)
        if self._lm and program in RESCORING:
            raise InputError(f"--lm {self._lm}", "a system with a single language model",
                             f"{folder}, which has several; --scores of its first pass has one")
        if not self._lm or program not in (GRAPH, SEARCH) or program == SEARCH and not args.lm:
            return False
        if program == GRAPH:
            args.arpa, args.classes = self._lm, None
        else:
            args.lm = self._lm
        self._unused.pop("--lm", None)
        return True

    def _more_words(self, args: argparse.Namespace, folder: Path) -> bool:
        spells = not args.lexicon
        if self._lexicon and spells:
            raise InputError(f"--lexicon {self._lexicon}", "a system with a lexicon",
                             f"{folder}, whose words are spelled: those of --lm are, too")
        if spells:
            args.text += self._texts
            args.lm = self._lm or args.lm
            pieces = folder / "pieces.model"
            args.pieces = pieces if pieces.is_file() else None
            changed = bool(self._texts or self._lm)
        else:
            args.lexicon += [self._lexicon] if self._lexicon else []
            changed = bool(self._lexicon)
        args.like = args.like or folder
        self._unused.pop("--lexicon", None)
        return changed

    def check_used(self, item: Path) -> None:
        """Raises InputError if one of them has changed nothing that the folder was made from."""
        for flag, path in self._unused.items():
            kind = "a lexicon" if flag == "--lexicon" else "a language model"
            raise InputError(f"{flag} {path}", f"a system that has {kind}", f"{item}, which was made without one")
