#!/usr/bin/env bash
# Builds a kaldifeat wheel for a Python environment that has torch, pip, setuptools, wheel, cmake, ninja
# and pybind11. It needs g++ (or $CXX) and Python.h; no CUDA toolkit; network for the source package only.
#
# Usage: tools/setup/kaldifeat/build.sh PYTHON FOLDER     the wheel is written into FOLDER
# Then:  PYTHON -m pip install --no-deps FOLDER/kaldifeat-*.whl
set -euo pipefail
if [ $# -ne 2 ] || [ "$1" = --help ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
  exit 2
fi
python=$1
folder=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$here/bin:$(dirname "$(command -v "$python")"):$PATH CMAKE_GENERATOR=Ninja
cores=$(nproc 2>/dev/null || echo 2)

abi=$("$python" -c 'import torch; print(int(torch._C._GLIBCXX_USE_CXX11_ABI))')
headers=$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "include"))')
standard=17
if grep -q 'C++20' "$headers/ATen/ATen.h"; then standard=20; fi  # what this torch asks for
options=(
  -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_STANDARD=$standard
  -DCMAKE_POLICY_VERSION_MINIMUM=3.5
  -DCMAKE_FIND_PACKAGE_TARGETS_GLOBAL=ON
  -DCMAKE_INSTALL_LIBDIR=lib                   # the library path inside the wheel says lib, not lib64
  -DFETCHCONTENT_SOURCE_DIR_PYBIND11="$here/pybind11"
  -Dpybind11_DIR="$("$python" -m pybind11 --cmakedir)"
  -DTorch_DIR="$here"
  -DTORCH_CXX11_ABI="$abi"
  # kaldifeat gives this path, too, but its $ORIGIN is lost in ninja's files
  -DCMAKE_MODULE_LINKER_FLAGS='-Wl,-rpath,\$ORIGIN/kaldifeat/lib'
  # Nearly all of the time goes into reading torch's headers: once for each library, not for each
  # source file; no link-time optimization; no test program.
  -DCMAKE_UNITY_BUILD=ON
  -DCMAKE_UNITY_BUILD_BATCH_SIZE=0
  -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF
  -DCMAKE_SKIP_INSTALL_ALL_DEPENDENCY=ON
)
# its setup.py hands them to a shell, hence the quoting
export KALDIFEAT_CMAKE_ARGS="$(printf '%q ' "${options[@]}")"
export KALDIFEAT_MAKE_ARGS="-j$cores"

# No cache: pip would hand out a wheel that was built against another torch.
"$python" -m pip wheel -v --progress-bar off --no-cache-dir --no-deps --no-build-isolation \
  --require-hashes --no-binary kaldifeat -w "$folder" -r "$here/../requirements/kaldifeat.txt"
