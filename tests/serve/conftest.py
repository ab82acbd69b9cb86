"""What the tests of the service share."""

import pytest

from tests.support.fake_oss import FakeOss


@pytest.fixture
def oss(monkeypatch):
    """A running stand-in; the store's timeouts are short."""
    from cosyvoice.serve.storage import store

    monkeypatch.setattr(store, "TIMEOUTS", (0.3, 0.3))
    monkeypatch.setattr(store, "FIRST_PAUSE", 0.01)
    server = FakeOss()
    yield server
    server.close()
