# Stands in for the TorchConfig.cmake inside torch, which demands a CUDA toolkit whenever torch was
# built with CUDA. kaldifeat needs only the headers, three libraries and the C++ ABI.
#
# In: TORCH_DIR (the installed package, set by kaldifeat), TORCH_CXX11_ABI (0 or 1, given by build.sh
#     as torch says of itself: torch._C._GLIBCXX_USE_CXX11_ABI).
set(TORCH_FOUND TRUE)
set(TORCH_INCLUDE_DIRS
  "${TORCH_DIR}/include"
  "${TORCH_DIR}/include/torch/csrc/api/include")
set(TORCH_LIBRARIES
  "${TORCH_DIR}/lib/libtorch.so"
  "${TORCH_DIR}/lib/libtorch_cpu.so"
  "${TORCH_DIR}/lib/libc10.so")
set(TORCH_CXX_FLAGS "-D_GLIBCXX_USE_CXX11_ABI=${TORCH_CXX11_ABI}")
include_directories(SYSTEM ${TORCH_INCLUDE_DIRS})
