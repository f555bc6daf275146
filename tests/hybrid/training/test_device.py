"""Threads of torch: all that are asked for, or one less."""

import os

import pytest
import torch

from hybrid.training.device import use_threads, use_threads_beside_reader


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
