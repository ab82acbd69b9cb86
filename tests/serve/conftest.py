"""What the tests of the service share."""

import threading
from functools import partial

import pytest
import uvicorn

from tests.support.fake_oss import FakeOss
from tests.support.waiting import wait_for


@pytest.fixture
def oss(monkeypatch):
    """A running stand-in; the store's timeouts are short."""
    from cosyvoice.serve.storage import store

    monkeypatch.setattr(store, "TIMEOUTS", (0.3, 0.3))
    monkeypatch.setattr(store, "FIRST_PAUSE", 0.01)
    server = FakeOss()
    yield server
    server.close()


@pytest.fixture
def running_service(service):
    """A function: starts a server of the service and returns (module, its host and port)."""
    stops = []

    def start(**environment):
        from cosyvoice.serve.server import listen, settings

        api = service(**environment)
        listener = listen("127.0.0.1", 0)
        options = uvicorn.Config(
            api.app.extensions["bridge"], timeout_graceful_shutdown=1, **settings()
        )
        server = uvicorn.Server(options)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        stops.append((server, thread, api))
        wait_for(lambda: server.started)
        return api, f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread, api in stops:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
        wait_for(partial(all_gone, api))


def all_gone(api) -> bool:
    return not api.opener.streams.open
