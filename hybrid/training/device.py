"""Where to compute: device, threads, seeds and precision."""

import contextlib
import os
import random

import numpy as np
import torch

from graphs.errors import InputError


def choose_device(name: str = "auto") -> torch.device:
    """`auto` is the first CUDA device, or the CPU. Raises InputError when the device is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError("device", "auto, cpu, cuda or cuda:N", repr(name)) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError("device", f"one of the CUDA devices (torch sees {torch.cuda.device_count()})", name)
    return device


def use_threads(count: int) -> int:
    """Lets torch compute with so many CPU threads, at most one a core. Returns the number."""
    count = max(1, min(count, os.cpu_count() or 1))
    torch.set_num_threads(count)
    return count


def use_threads_beside_reader(count: int) -> int:
    """As `use_threads`, but for one that is left to the thread which reads and perturbs features meanwhile.

    Threads that wait for each other after every matrix product stand still while another one has their core: a small
    BLSTM on two cores takes three times as long with two threads as with one.
    """
    return use_threads(min(count, os.cpu_count() or 1) - 1)


def seed_everything(seed: int) -> None:
    """Seeds torch (all devices), numpy and random; seed: any non-negative integer."""
    random.seed(seed)
    np.random.seed(seed % 2 ** 32)
    torch.manual_seed(seed % 2 ** 63)


def autocast(device: torch.device, precision: str):
    """Context of mixed precision: `bfloat16` for matrix products, or nothing for `float32`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
