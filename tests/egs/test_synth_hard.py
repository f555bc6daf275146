"""The hard condition of synth: what is planned, and a small corpus of it end to end."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from egs.synth import grammar, plan
from egs.synth.phones import PHONES, SILENCE
from egs.synth.plan import CorpusOptions
from egs.synth.prepare import PROGRAM, work
from egs.synth.voices import UNSEEN, VOICES
from hybrid.data.manifest import read_cuts
from tests.egs.options import options_of
from tests.egs.test_synth import SPLITS, samples_of

HARD = Path(plan.__file__).parent / "conf" / "hard.conf"


def test_the_hard_conf_holds_and_differs_where_it_says_so():
    default = HARD.with_name("default.conf")
    easy, hard = options_of(default, CorpusOptions), options_of(default, CorpusOptions, HARD)
    assert {"augment", *easy} == set(hard)
    assert {section for section in easy if easy[section] != hard[section]} == {
        "corpus", "ctc", "dnn", "am", "am.tdnn", "am.dnn", "am.blstm"}
    assert (easy["dnn"].every, hard["dnn"].every) == (3, 1)
    assert hard["corpus"].unseen_accents and hard["corpus"].rooms == 0.5 and min(hard["corpus"].snrs) == 0
    assert hard["augment"].copies == 0


def test_voices_with_unseen_accents_are_new_and_half_of_dev_and_test():
    options = CorpusOptions(unseen_accents=True)
    assert options.voices("train") == CorpusOptions().voices("train") == VOICES["train"]
    seen = {voice.accent for voice in VOICES["train"]}
    unseen = {}
    for split in ("dev", "test"):
        assert CorpusOptions().voices(split) == VOICES[split]
        new = [voice for voice in options.voices(split) if voice.accent not in seen]
        assert len(new) == len(VOICES[split]) and set(VOICES[split]) < set(options.voices(split))
        unseen[split] = {voice.accent for voice in new}
    assert not unseen["dev"] & unseen["test"] and unseen["dev"] | unseen["test"] == set(UNSEEN)
    names = [voice.name for split in SPLITS for voice in options.voices(split)]
    assert len(set(names)) == len(names)


def test_unseen_accents_are_not_swept_for_the_lexicon():
    tasks = plan.sweep_tasks(CorpusOptions(unseen_accents=True))
    assert {task.voice.accent for task in tasks} == {"us", "gb", "rp"}


def test_confusable_sentences_add_to_the_plain_ones():
    plain, more = grammar.vocabulary(), grammar.vocabulary(grammar.CONFUSABLE)
    assert set(plain) < set(more) and len(more) > len(plain) + 80 and {"b", "v", "vet", "bead"} <= set(more)
    assert len(plain) == 379
    for name, alternatives in grammar.RULES.items():
        assert grammar.CONFUSABLE[name][:len(alternatives)] == alternatives
    rng = random.Random(0)
    spelled = sum(bool({"b", "c", "d", "g", "p", "t", "v"} & set(grammar.sample(rng, grammar.CONFUSABLE).split()))
                  for _ in range(500))
    assert 50 < spelled < 250
    assert not any("<" in grammar.sample(rng, grammar.CONFUSABLE) for _ in range(500))


def test_rooms_have_the_stated_share_and_leave_the_rest_of_the_plan_alone(tmp_path):
    dry, wet = (plan.plan(CorpusOptions(num_train=200, rooms=rooms, rt60=(0.3, 0.5)), tmp_path) for rooms in (0, 0.25))
    for split, count in (("train", 50), ("dev", 30), ("test", 60)):
        sentences = [s for task in wet[split] for s in task.sentences]
        times = [s.rt60 for s in sentences if s.rt60 is not None]
        assert len(times) == count and all(0.3 <= rt60 <= 0.5 for rt60 in times) and len(set(times)) > count / 2
        assert [s._replace(rt60=None) for s in sentences] == [s for task in dry[split] for s in task.sentences]


def first_arrival(dry, wet):
    """Samples from what is said to the first strong part of the response through which it is heard."""
    count = 2 * len(dry)
    said, heard = np.fft.rfft(dry, count), np.fft.rfft(wet, count)
    power = np.abs(said) ** 2
    response = np.abs(np.fft.irfft(heard * np.conj(said) / (power + 1e-3 * power.mean()), count))
    around = np.concatenate([response[-400:], response[:4000]])
    return int(np.argmax(around >= 0.5 * around.max())) - 400


def test_the_hard_condition_end_to_end(tmp_path, monkeypatch):
    """Rooms change what is heard and not when; unseen accents are understood; every phone is one of the set."""
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr("egs.synth.corpus.sweep_tasks", lambda options: [])  # the lexicon of training will do
    options = ["corpus.num_train=6", "corpus.num_dev=8", "corpus.num_test=12", "corpus.lm_sentences=100",
               "corpus.noises=white", "corpus.clean_share=1", "corpus.unseen_accents=true",
               "corpus.sentences=confusable"]
    heard = {}
    for rooms in ("0", "1"):
        folder = tmp_path / rooms
        assert PROGRAM.run(work, ["--out", str(folder), "--nj", "2", *options, f"corpus.rooms={rooms}"]) == 0
        heard[rooms] = {cut.id: cut for split in SPLITS for cut in read_cuts(folder / f"{split}.jsonl.gz")}
    assert heard["0"].keys() == heard["1"].keys() and len(heard["0"]) == 26
    accents = Counter(cut.supervisions[0].custom["accent"] for cut in heard["0"].values())
    assert set(accents) == {"us", "gb", "rp", *UNSEEN}
    begins = []
    for name, dry in heard["0"].items():
        wet, alignment = heard["1"][name], dry.supervisions[0].alignment
        assert wet.supervisions[0].alignment == alignment and wet.duration == dry.duration
        assert {phone.symbol for phone in alignment["phone"]} <= {*PHONES, SILENCE}
        assert "rt60" not in dry.supervisions[0].custom and 0.2 <= wet.supervisions[0].custom["rt60"] <= 0.6
        one, other = samples_of(dry), samples_of(wet)
        assert not np.allclose(one, other, atol=100)
        begins.append(first_arrival(one, other))
    assert np.median(begins) == 0 and np.percentile(np.abs(begins), 80) <= 2
