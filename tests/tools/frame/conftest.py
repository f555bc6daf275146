import pytest

from tests.tools.frame.test_program import Work, program


@pytest.fixture
def toy(tmp_path):
    work = Work()

    def run(*argv, **more):
        return program(**more).run(work, ["--out", str(tmp_path / "out"), "--nj", "1", *map(str, argv)])

    run.work, run.out = work, tmp_path / "out"
    return run
