"""Where to compute, with what seeds and precision; threads of torch: all that are asked for, or one less."""

import os
import random

import numpy as np
import pytest
import torch

from graphs.errors import InputError
from hybrid.training.device import autocast, choose_device, seed_everything, use_threads, use_threads_beside_reader


@pytest.fixture(autouse=True)
def as_before():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("asked, cores, all_of_them, beside_reader", [
    (1, 4, 1, 1), (2, 4, 2, 1), (3, 4, 3, 2), (9, 4, 4, 3), (4, None, 1, 1)])
def test_as_many_threads_as_asked_for_and_cores(monkeypatch, asked, cores, all_of_them, beside_reader):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert use_threads(asked) == torch.get_num_threads() == all_of_them
    assert use_threads_beside_reader(asked) == torch.get_num_threads() == beside_reader


@pytest.mark.parametrize("count, name, expected", [
    (0, "auto", "cpu"), (1, "auto", "cuda"), (2, "cpu", "cpu"), (1, "cuda", "cuda"), (1, "cuda:0", "cuda:0"),
    (2, "cuda:1", "cuda:1")])
def test_the_device_that_is_asked_for(monkeypatch, count, name, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert choose_device(name) == torch.device(expected)


@pytest.mark.parametrize("count, name, message", [
    (0, "cuda", "one of the CUDA devices (torch sees 0), found cuda"),
    (1, "cuda:1", "one of the CUDA devices (torch sees 1), found cuda:1"),
    (2, "cuda:2", "one of the CUDA devices (torch sees 2), found cuda:2"),
    (1, "gpu", "auto, cpu, cuda or cuda:N, found 'gpu'")])
def test_a_device_that_is_not_there_is_refused(monkeypatch, count, name, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(InputError) as error:
        choose_device(name)
    assert str(error.value) == f"device: expected {message}"


@pytest.mark.parametrize("seed", [0, 5, 2 ** 63 + 2 ** 62 + 2 ** 32 + 2 ** 31 + 7])
def test_all_random_numbers_are_of_the_seed_however_large(seed):
    seed_everything(seed)
    assert random.random() == random.Random(seed).random()
    assert np.random.rand() == np.random.RandomState(seed % 2 ** 32).rand()
    assert torch.initial_seed() == seed % 2 ** 63
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(seed % 2 ** 63)))


@pytest.mark.parametrize("precision, dtype", [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precision_of_matrix_products(precision, dtype):
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
