import sys

import pytest


@pytest.fixture
def no_picture(monkeypatch):
    """No learning curves are drawn, which takes longer than a training of few steps."""
    monkeypatch.setitem(sys.modules, "hybrid.report.curves", None)
