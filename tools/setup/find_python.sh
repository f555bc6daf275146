# Sourced by setup.sh: finds the CPython 3.11 or 3.10 that .venv is made from.
# A command of that name proves nothing (pyenv's shims stand for versions that are not chosen), so each
# candidate is run. One with its C headers is taken first, since kaldifeat is compiled against them.

describe_python() {  # COMMAND: prints "3.11 yes /its/path" (version, headers there, path), or fails
  "$1" -c '
import os, platform, sys, sysconfig
import ensurepip, venv
header = os.path.join(sysconfig.get_path("include"), "Python.h")
ok = platform.python_implementation() == "CPython" and sys.maxsize > 2**32
print("%d.%d" % sys.version_info[:2], "yes" if os.path.exists(header) else "no", sys.executable)
sys.exit(0 if ok else 1)' 2>/dev/null
}

python_candidates() {
  local name
  for name in python3.11 python3.10 python3 python; do type -ap "$name" || true; done
  for name in 3.11 3.10; do
    ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$name".*/bin/python"$name" 2>/dev/null || true
  done
}

find_python() {  # [COMMAND]: prints what describe_python prints, for COMMAND or the best one on this machine
  local candidate line tried="" second=""
  if [ -n "${1-}" ]; then
    if ! line=$(describe_python "$1"); then
      echo "set-up: --python $1 does not run, is no 64-bit CPython, or lacks venv (python3-venv on Debian)." >&2
      return 1
    fi
    case $line in
      3.11\ *|3.10\ *) echo "$line"; return 0 ;;
    esac
    echo "set-up: $1 is Python ${line%% *} without torch. The default set needs CPython 3.11 or 3.10;" >&2
    echo "        another version is fine when torch, k2, lhotse and kaldifeat are installed in it." >&2
    return 1
  fi
  while read -r candidate; do
    line=$(describe_python "$candidate") || { tried+=$'\n'"  $candidate: does not run or lacks venv"; continue; }
    case $line in
      3.11\ yes\ *|3.10\ yes\ *) echo "$line"; return 0 ;;
      3.11\ *|3.10\ *) second=${second:-$line} ;;
      *) tried+=$'\n'"  $candidate: Python ${line%% *}" ;;
    esac
  done < <(python_candidates)
  if [ -n "$second" ]; then
    echo "$second"
    return 0
  fi
  {
    echo "set-up: found no CPython 3.11 or 3.10 that runs.${tried:+ Looked at:}$tried"
    echo "Install one (apt install python3.11 python3.11-venv python3.11-dev; or uv python install 3.11;"
    echo "or pyenv install 3.11), or name one with --python PATH."
  } >&2
  return 1
}
