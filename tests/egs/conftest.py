"""What must hold for the manifests of every prepare program."""

import gzip

import pytest


@pytest.fixture(scope="session", autouse=True)
def no_manifest_names_a_folder_that_is_renamed(tmp_path_factory):
    """Stages work in NAME.unfinished: no finished manifest may send its readers there."""
    yield
    for path in tmp_path_factory.getbasetemp().rglob("*.jsonl.gz"):
        if (path.parent / ".stage.json").exists() and not path.parent.name.endswith(".unfinished"):
            assert b".unfinished" not in gzip.decompress(path.read_bytes()), path
