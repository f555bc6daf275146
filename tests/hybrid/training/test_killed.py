"""The programs in a Python without k2; one is killed in the middle of an epoch and started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.am.acoustic_model import AcousticModel
from hybrid.training.checkpoint import load_state
from tests.hybrid.training.material import make_corpus

ROOT = Path(__file__).parents[3]
OPTIONS = dict(hidden_dim=12, dilations=(1, 1), epochs=3, max_duration=2.0, tensorboard=False, device="cpu",
               average_last=2, dropout=0.3, checkpoint_seconds=0.0)
# a module that is None in sys.modules cannot be imported
WITHOUT_K2 = """
import sys
sys.modules['k2'] = None
import tools.{program} as program
{before}
sys.exit(program.PROGRAM.run(program.work, sys.argv[1:]))
"""
DIE = """
import os, signal
from hybrid.training.loop import Trainer
step = Trainer._step
def die(self, *rest):
    if (self.at.epoch, self.at.batch) == (1, 2):
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, *rest)
Trainer._step = die
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"), train=24)


def _run(program, section, corpus, out, inputs, before=""):
    argv = ["--features", corpus / "train", "--dev-features", corpus / "dev", *inputs, "--out", out]
    values = {name: ",".join(map(str, value)) if isinstance(value, tuple) else value
              for name, value in OPTIONS.items()}
    argv += [f"{section}.{name}={value}" for name, value in values.items()]
    code = WITHOUT_K2.format(program=program, before=before)
    return subprocess.run([sys.executable, "-c", code, *map(str, argv)], cwd=ROOT, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def test_killed_and_started_again_it_ends_with_the_same_weights(corpus, tmp_path):
    whole, cut, inputs = tmp_path / "whole", tmp_path / "cut", ["--lang", corpus / "lang"]
    assert _run("train_ctc", "ctc", corpus, cut, inputs, DIE).returncode == -signal.SIGKILL
    at = load_state(tmp_path / "cut.unfinished" / "checkpoint.safetensors")["at"]
    assert at["batch"] == 2 and not cut.exists()
    again = _run("train_ctc", "ctc", corpus, cut, inputs)
    assert again.returncode == 0 and "going on from epoch 2, batch 3" in again.stdout, again.stdout
    assert _run("train_ctc", "ctc", corpus, whole, inputs).returncode == 0
    for name in ("best", "averaged", "priors"):
        one, two = ((out / f"{name}.safetensors").read_bytes() for out in (whole, cut))
        assert one == two


def test_acoustic_model_training_needs_no_k2(corpus, tmp_path):
    inputs = ["--alignment", corpus / "ali_train", "--dev-alignment", corpus / "ali_dev"]
    run = _run("train_am", "am", corpus, tmp_path / "am", inputs)
    assert run.returncode == 0, run.stdout
    assert AcousticModel.load(tmp_path / "am").num_pdfs > 0
