"""Readers and hostile bytes, some of each; `python -m tests.fuzz` tries many more."""

import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphs.errors import InputError
from tests.fuzz.readers import READERS

# (reader, part of the valid example, what stands there instead): each once raised something else
FOUND = [
    ("arpa", b"ngram 1=", b"ngram 1=" + 5000 * b"9"),
    ("ctm", b"u1", b"\xe9"),
    ("ctm", b"0.0500", b"nan"),
    ("lang/lang.json", b"0.5", b"1" + 400 * b"0"),
    ("lang/lang.json", b"{", 5000 * b"["),
    ("lexiconp", b"0.75", b"0_75"),
    ("lexiconp", b"0.75", "٠.٧".encode()),
    ("result.json", b'"test": "test"', b'"test": "' + 256 * b"9" + b'"'),
    ("symbols", b" 1\n", " ²\n".encode()),
    ("topo", b"<PdfClass> 0", b"<PdfClass> \xff"),
    ("topo", b"<ForPhones>", b"<ForPhones> 1000000000000"),
    ("topo", b"</Topology>", b"</Topology> </Topology>"),
    ("topo", b"</ForPhones>", b""),
    ("transitions", b"<Tuples>", b"<Tuples> 9"),
    ("transitions", b"</Tuples>", b"1 7 0 0 </Tuples>"),
    ("transitions", b" [ 0 ", b" [ nan "),
    ("tree", b"EndContextDependency", b""),
    ("tree", b"TE 0", b"TE 7"),
    ("tree", b"ContextDependency 1", b"ContextDependency 1000000000000"),
    ("tree", b"ToPdf", b"ToPdf " + 5000 * b"TE 0 1 ( "),
    ("tree", b"ToPdf", b"ToPdf TE 0 1000000000000 ( "),
]

TESTED = [pytest.param(reader, id=name) for name, reader in READERS.items() if not reader.pending]


@pytest.mark.parametrize("reader", TESTED)
def test_the_example_is_good(reader, tmp_path):
    reader.write(tmp_path)
    reader.read(tmp_path)


@pytest.mark.parametrize("name, old, new", FOUND)
def test_found_cases_are_refused(name, old, new, tmp_path):
    reader = READERS[name]
    reader.write(tmp_path)
    valid = (tmp_path / reader.file).read_bytes()
    assert old in valid
    (tmp_path / reader.file).write_bytes(valid.replace(old, new, 1))
    with pytest.raises(InputError, match=str(tmp_path / reader.file)):
        reader.read(tmp_path)


@pytest.mark.parametrize("reader", TESTED)
@settings(max_examples=60, derandomize=True, database=None, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(random=st.randoms(use_true_random=True))
def test_any_bytes_are_read_or_refused(reader, tmp_path, random):
    path = tmp_path / reader.file
    if not (tmp_path / "valid").exists():
        reader.write(tmp_path)
        (tmp_path / "valid").write_bytes(path.read_bytes())
    path.write_bytes(reader.mutate((tmp_path / "valid").read_bytes(), random))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(tmp_path)
    except InputError:
        pass
