"""A small project with what run.sh and its recipes need of shell, and a Python that only notes what is asked."""

import shutil

from tests.tools.test_frontdoor import ROOT, bash, executable
from tools.recipe.check import read_plan

RECIPE = """#!/usr/bin/env bash
# toy: of every kind of line.
. "$(dirname "$(realpath "$0")")/../../tools/recipe.sh"
stage 10 "the last"
run toy.last --tests "$tests"
stage 9 "options"
options_file "$work/none.conf"
options_file "$work/chosen.conf"
run toy.chosen --out "$exp/chosen" ${corpus:+--corpus "$corpus"}
inner() { run toy.inner --system $chosen_system --out "$exp/$chosen_system$seeded"; }
outer() { as_system one inner; inner; run toy.shared --out "$exp/shared"; }
system one "the first" inner
system two "on the first" outer
[ -n "$mode" ] || eval "${TOY-}"
compared
"""
PYTHON = """#!/bin/bash
case ${2-} in
  tools.recipe.check) printf '%s ' "$@"; cat >"$CALLS.plan"; exit "${CHECKED:-0}" ;;
  tools.recipe.supervise) printf '%s\\n' "$RECIPE_STAGE ${*:7}" >>"$CALLS"; exit "${STATUS:-0}" ;;
  pytest|tools.doctor) echo "python $*, threads ${OMP_NUM_THREADS-}" ;;
  'import xdist') exit "${XDIST:-0}" ;;
  from*) echo "${HAS:-torch lhotse}" ;;
  *) echo "a summary" ;;
esac
"""


class Project:
    """A project with the toy recipe, whose Python is a few lines of shell."""

    def __init__(self, folder):
        self.folder, self.recipe, self.calls_file = folder, folder / "egs/toy", folder / "calls"
        for name in ("tools/recipe.sh", "tools/recipe/stages.sh", "tools/setup/environment.sh", "run.sh"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (self.recipe / "conf").mkdir(parents=True)
        (self.recipe / "conf/default.conf").touch()
        self.write(RECIPE)
        executable(folder / "python", PYTHON)

    def write(self, text):
        (self.recipe / "run.sh").write_text(text)

    def run(self, *arguments, **variables):
        """The finished process; calls: what its programs were asked, a line each: stage, program, arguments."""
        self.calls_file.write_text("")
        done = bash('bash egs/toy/run.sh "$@"', *arguments, cwd=self.folder, CALLS=str(self.calls_file),
                    HYBRID_ASR_PYTHON=str(self.folder / "python"), **variables)
        done.calls = self.calls_file.read_text().splitlines()
        return done

    def plan(self, *arguments):
        return read_plan(self.run(*arguments, RECIPE_MODE="plan").stdout.encode())
