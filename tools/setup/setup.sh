#!/usr/bin/env bash
# Makes .venv, the project's own environment, with the pinned default set: CPython 3.11 or 3.10,
# torch 1.13.1, k2 1.23.4, lhotse, kaldifeat (compiled here), and the rest of tools/setup/requirements.
# Does only what is not done yet. Usually called by ./run.sh.
#
# Usage: tools/setup/setup.sh [--python PATH]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
root=$PWD
environment=.venv
log=.setup/setup.log
requirements=$here/requirements
step_count=6
compiler_advice="install a C++ compiler: \`apt install g++\` (Debian, Ubuntu) or \`dnf install gcc-c++\` (Fedora); kaldifeat is compiled."
. "$here/steps.sh"
. "$here/find_python.sh"

base=
case ${1-} in
  --python) base=${2:?--python needs a path} ;;
  "") ;;
  *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac

fail() { printf 'set-up: %s\n' "$@" >&2; exit 1; }

# What the environment was made from, as "3.11 /usr/bin/python3.11".
origin=$(cat "$environment/.stamps/origin" 2>/dev/null || true)
if [ -z "$origin" ] && [ -e "$environment" ] && [ ! -e .setup/making_environment ]; then
  fail "$root/.venv exists and was not made here. Activate it to use it, or rename it."
fi
if [ -n "$origin" ] && [ ! -x "$environment/bin/python" ]; then
  fail "the Python that .venv was made with is gone (${origin#* }). Remove $root/.venv and run this again."
fi
if [ -n "$origin" ] && [ -n "$base" ] && [ "$(describe_python "$base" | cut -d' ' -f1,3-)" != "$origin" ]; then
  fail "$root/.venv was made with ${origin#* }, not $base. Remove .venv to make it anew."
fi
if [ -z "$origin" ]; then
  found=$(find_python "$base") || exit 1
  read -r version headers base <<<"$found"
else
  read -r version base <<<"$origin"
fi

key_environment=$(digest "$version" "$requirements/pip.txt")
key_packages=$(digest "$requirements/torch.txt" "$requirements/packages.txt")
key_k2=$(digest "$requirements/k2.txt" "$requirements/torch.txt")
key_kaldifeat=$(digest "$version" "$requirements/torch.txt" "$requirements/kaldifeat.txt" "$here"/kaldifeat/*.* "$here"/kaldifeat/*/*)
key_project=$(digest "$root" setup.cfg pyproject.toml)
key_check=$(digest "$key_environment" "$key_packages" "$key_k2" "$key_kaldifeat" tools/doctor.py)
wheels=.setup/wheels/${key_kaldifeat:0:16}

if is_done check "$key_check" && is_done project "$key_project"; then
  exit 0
fi

require_room_and_tools() {
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "the default set exists for Linux on x86-64 only, not for $(uname -sm)." \
         "Make an environment with torch, k2, lhotse and kaldifeat of your own and activate it."
  local free
  free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
  is_done packages "$key_packages" || [ "$free" -ge 6 ] ||
    fail "$root has $free GB free, the environment needs 6 GB while it is made. Free some space."
  if ! ls "$wheels"/kaldifeat-*.whl >/dev/null 2>&1 && ! is_done kaldifeat "$key_kaldifeat"; then
    command -v "${CXX:-g++}" >/dev/null || fail "$compiler_advice"
    [ "${headers:-yes}" = yes ] ||
      fail "$base lacks its headers (Python.h): install python$version-dev, or name another with --python PATH."
  fi
}

python=$root/$environment/bin/python
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_HASHES PIP_NO_DEPS PIP_CONSTRAINT
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

make_environment() {
  mkdir -p .setup && touch .setup/making_environment
  rm -rf "$environment"
  "$base" -m venv "$environment"
  pip_install -r "$requirements/pip.txt"
  mkdir -p "$environment/.stamps"
  echo "$version $base" >"$environment/.stamps/origin"
  rm .setup/making_environment
}

forget_half_installed() {
  # pip writes INSTALLER after a package's files. Without it the installation was cut off, but pip would
  # take the package for installed.
  local folder
  for folder in "$environment"/lib/python*/site-packages/*.dist-info; do
    [ -f "$folder/INSTALLER" ] || [ ! -d "$folder" ] || rm -rf "$folder"
  done
}

pip_add() { "$python" -m pip install --progress-bar off "$@"; }

pip_install() {
  forget_half_installed
  pip_add "$@"
}

install_packages() {
  # Unpacking keeps one core busy, so both lists at once; no package is in both. What failed stands last in the log.
  local others=$log.packages status=0
  forget_half_installed
  pip_add --no-deps -r "$requirements/packages.txt" >"$others" 2>&1 &
  pip_add --no-deps -r "$requirements/torch.txt" || status=$?
  wait $! || { status=$?; cat "$others"; }
  rm -f "$others"
  return "$status"
}

install_kaldifeat() {
  if ! ls "$wheels"/kaldifeat-*.whl >/dev/null 2>&1; then
    rm -rf "$wheels.tmp"
    "$here/kaldifeat/build.sh" "$python" "$wheels.tmp"
    rm -rf "$wheels" && mv "$wheels.tmp" "$wheels"
  fi
  pip_install --no-deps --no-index --force-reinstall "$wheels"/kaldifeat-*.whl
}

check_environment() {
  "$python" -m pip check
  "$python" -m tools.doctor --all
}

mkdir -p .setup
if command -v flock >/dev/null; then
  exec 9>.setup/lock
  flock -n 9 || { echo "another set-up is at work here; waiting for it"; flock 9; }
fi
require_room_and_tools
echo "set-up of $root/$environment from $base; details in $log"
step environment "environment with CPython $version and pip 24.0" "$key_environment" make_environment
step packages "torch 1.13.1 (a download of 1.7 GB), lhotse, sentencepiece, ..." "$key_packages" install_packages
step k2 "k2 1.23.4" "$key_k2" pip_install --no-deps --require-hashes -r "$requirements/k2.txt"
step kaldifeat "kaldifeat 1.24 (compiled, 2 to 5 minutes)" "$key_kaldifeat" install_kaldifeat
step project "this project" "$key_project" pip_install --no-deps --no-build-isolation -e .
step check "a computation with each package" "$key_check" check_environment
