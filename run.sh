#!/usr/bin/env bash
# hybrid-asr: hybrid DNN-HMM speech recognition with WFST decoding.
#
# Usage:
#   ./run.sh                   set-up, then the recipe egs/synth, then its table of results
#   ./run.sh egs/NAME [options] [section.key=value ...]
#                              any recipe; ./run.sh egs/NAME --help lists its stages, systems and options:
#                              [--systems A,B|all] [--seeds 1,2,3] [--stage N] [--stop-stage M]
#                              [--corpus DIR] [--work DIR] [--nj J] [--conf FILE] [section.key=value ...]
#   ./run.sh test [...]        set-up, then the test suite (arguments go to pytest)
#   ./run.sh setup             set-up only
#   ./run.sh doctor            checks every package with a small computation, says what to do on failure
#   ./run.sh --help            this text
#
# The first run makes an environment in .venv (about 5 GB, less than 10 minutes on 2 cores and a fast
# network); it needs CPython 3.11 or 3.10 and a C++ compiler. Later runs start at once, and an
# interrupted set-up goes on where it was.
#
#   --python PATH   before or after the command: with torch installed, that Python is used as it is and
#                   nothing is installed into it; otherwise .venv is made from it. An active virtual or
#                   conda environment with torch and lhotse is used in the same way.
set -euo pipefail
root=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$root/tools/setup/environment.sh"

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$root/run.sh"; }

recipes() { (cd "$root" && ls -d egs/*/run.sh 2>/dev/null | sed 's|/run.sh||' | tr '\n' ' '); }

find_recipe() {  # FOLDER, relative to the current folder or to the project, or its run.sh
  local folder=${1%/run.sh}
  for folder in "${folder%/}" "$root/${folder%/}"; do
    if [ -f "$folder/run.sh" ] && [ "$(realpath "$folder")" != "$root" ]; then
      realpath "$folder/run.sh"
      return
    fi
  done
  if [ -f "$root/egs/$1/run.sh" ]; then
    die "'$1' is no command; did you mean ./run.sh egs/$1?"
  fi
  die "'$1' is neither a command nor a recipe. Recipes: $(recipes)" "See ./run.sh --help"
}

chosen_python=
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --python) [ $# -ge 2 ] || die "--python needs a path"; chosen_python=$2; shift 2 ;;
    --python=*) chosen_python=${1#*=}; shift ;;
    *) arguments+=("$1"); shift ;;
  esac
done
set -- ${arguments[@]+"${arguments[@]}"}

case ${1-} in
  --help|-h|help) usage ;;
  setup) use_environment "$chosen_python" ;;
  test)
    shift
    use_environment "$chosen_python"
    cd "$root"
    if "$python" -c 'import xdist' 2>/dev/null; then  # a process for each core, a file of tests in one of them
      set -- -n "$(cores)" --dist loadfile --no-loadscope-reorder "$@"
      export OMP_NUM_THREADS=1
    fi
    exec "$python" -m pytest -q "$@" ;;
  doctor)
    shift
    doctors_python "$chosen_python"
    cd "$root"
    exec "$python" -m tools.doctor "$@" ;;
  ""|-*)
    exec bash "$root/egs/synth/run.sh" ${chosen_python:+--python "$chosen_python"} "$@" ;;
  *)
    script=$(find_recipe "$1")
    shift
    exec bash "$script" ${chosen_python:+--python "$chosen_python"} "$@" ;;
esac
