# Sourced by run.sh and tools/recipe.sh: chooses the Python environment, and sets .venv up when it is the one.
#
# In order: --python, an active virtual or conda environment with torch and lhotse, the project's own .venv.
# An environment that is not .venv is checked once by tools/doctor.py and never written to.
# In: $root (the project). Out: $python; PATH, PYTHONPATH and the thread settings are exported.

use_environment() {  # [PYTHON]
  if [ -n "${HYBRID_ASR_PYTHON-}" ] && [ -z "${1-}" ]; then  # chosen before, by the program that called this one
    python=$HYBRID_ASR_PYTHON
    export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
    set_threads
    return
  fi
  choose_environment "${1-}"
  if [ -n "$python" ]; then
    export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
    echo "environment: $("$python" "$root/tools/doctor.py" --summary)"
    (cd "$root" && "$python" -m tools.doctor --once .setup) || die "the environment of $python is not complete (above)"
  else
    "$root/tools/setup/setup.sh" ${bare_python:+--python "$bare_python"} || exit 1
    python=$root/.venv/bin/python
    export PYTHONPATH=$root VIRTUAL_ENV=$root/.venv
    echo "environment: $("$python" "$root/tools/doctor.py" --summary)"
  fi
  export HYBRID_ASR_PYTHON=$python PATH=$(dirname "$python"):$PATH
  set_threads
}

doctors_python() {  # [PYTHON]: the Python to examine; makes nothing
  choose_environment "${1-}"
  export PYTHONPATH=$root
  [ -z "$python" ] || return 0
  if [ -x "$root/.venv/bin/python" ]; then
    python=$root/.venv/bin/python
    return
  fi
  . "$root/tools/setup/find_python.sh"
  local found
  found=$(find_python "$bare_python") || exit 1
  read -r _ _ python <<<"$found"
  echo "note: there is no environment yet; ./run.sh setup makes it from $python"
}

# Sets $python to an environment of the user's own, or leaves it empty: then .venv is meant, and
# $bare_python is the Python to make it from, if one was named.
choose_environment() {  # [PYTHON]
  local active=${VIRTUAL_ENV:-${CONDA_PREFIX-}} asked=${1-} has
  python=
  bare_python=
  if [ -n "$asked" ]; then
    case $asked in
      /*) ;;
      */*) asked=$PWD/$asked ;;
      *) asked=$(command -v "$asked") || die "--python $1: found no such program" ;;
    esac
    own_environment "$(dirname "$(dirname "$asked")")" && return
    has=$(installed "$asked") || die "--python $asked does not run"
    case $has in
      *torch*) python=$asked ;;
      *) bare_python=$asked ;;
    esac
  elif [ -n "$active" ] && ! own_environment "$active"; then
    has=$(installed "$active/bin/python") || has=
    case $has in
      *torch*lhotse*) python=$active/bin/python ;;
      *) echo "note: the active environment $active is not used, since it lacks torch or lhotse" >&2 ;;
    esac
  fi
}

own_environment() {  # FOLDER
  [ "$(realpath -m -- "$1")" = "$(realpath -m -- "$root/.venv")" ]
}

installed() {  # PYTHON: which of the two that make an environment usable are there
  "$1" -c 'from importlib.util import find_spec
print(*[name for name in ("torch", "lhotse") if find_spec(name)])' 2>/dev/null
}

die() {  # MESSAGE [LINES...]
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

cores() {  # what this process may use: its affinity and its container's share
  local count quota period
  count=$(env -u OMP_NUM_THREADS nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
  if { read -r quota period </sys/fs/cgroup/cpu.max; } 2>/dev/null && [ "$quota" != max ]; then
    quota=$(((quota + period - 1) / period))
    if [ "$quota" -lt "$count" ]; then count=$quota; fi
  fi
  echo "$count"
}

# Small models gain nothing from more than 8 threads. Threads that wait must not spin: with --nj
# processes beside each other they would take the cores that the others need.
set_threads() {
  local threads
  threads=$(cores)
  [ "$threads" -le 8 ] || threads=8
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads} MKL_NUM_THREADS=${MKL_NUM_THREADS:-$threads}
  export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
}
