"""The link, with a handle that stands for Ray's: what is repeated, lost, cancelled and told."""

import asyncio
from types import SimpleNamespace

import pytest

from cosyvoice.serve.cluster import APP, DEPLOYMENT, link
from cosyvoice.serve.cluster.link import NO_CLUSTER, NO_REPLICA, Link

pytest.importorskip("ray")
CHUNK = {"chunk": {}}


class Gone(Exception):
    """As Ray's errors for a replica that has died."""


class Handle:
    """Gives what each try of a call is to give; an exception in it is raised, None waits."""

    def __init__(self, *tries):
        self.tries, self.calls, self.cancelled = list(tries), [], 0
        self.stream = self.call = self.about = self

    def options(self, **options):
        return self

    def remote(self, *arguments):
        self.calls.append(arguments)
        return Answer(self, self.tries.pop(0))


class Answer:
    def __init__(self, handle, items):
        self.handle, self.items = handle, iter(items)

    def __aiter__(self):
        return self

    async def __anext__(self):
        item = next(self.items, StopAsyncIteration())
        if item is None:
            await asyncio.sleep(60)
        if isinstance(item, Exception):
            raise item
        return item

    def __await__(self):
        return self.__anext__().__await__()

    def cancel(self):
        self.handle.cancelled += 1


def linked(handle=None, statuses=()):
    """A link that has joined; `sent` has what it tells the service."""
    sent: list[tuple] = []
    statuses = iter(statuses)

    def status():
        found = next(statuses)
        if isinstance(found, Exception):
            raise found
        return SimpleNamespace(applications={APP: found} if found else {})

    serve = SimpleNamespace(status=status, get_app_handle=lambda name: handle)
    joined = Link(SimpleNamespace(send=sent.append), serve)
    joined.handle = handle
    return joined, sent


def made(handle: Handle, method="stream") -> list[tuple]:
    """What the service is told of one call."""
    joined, sent = linked(handle)

    async def call():
        joined.take(("call", 7, method, ("arguments",)))
        await joined.tasks[7]

    asyncio.run(call())
    assert not joined.tasks
    return sent


def test_a_stream_is_passed_on_to_its_end():
    assert made(Handle([CHUNK, CHUNK])) == [("item", 7, CHUNK)] * 2 + [("end", 7)]


def test_a_call_that_has_given_nothing_is_made_once_more_with_the_same_arguments():
    for method in ("stream", "call"):
        handle = Handle([Gone()], [CHUNK])
        assert made(handle, method) == [("item", 7, CHUNK), ("end", 7)]
        assert handle.calls == [("arguments",)] * 2


def test_a_call_is_not_made_three_times():
    handle = Handle([Gone("died\nat length")], [Gone("died\nat length")], [CHUNK])
    assert made(handle) == [("lost", 7, "Gone: died")]


def test_a_stream_that_has_begun_is_lost_and_not_repeated():
    handle = Handle([CHUNK, Gone()], [CHUNK])
    assert [kind for kind, *_ in made(handle)] == ["item", "lost"] and len(handle.calls) == 1


def test_a_cancelled_stream_is_cancelled_on_the_replica():
    handle = Handle([CHUNK, None])
    joined, sent = linked(handle)

    async def leave():
        joined.take(("call", 7, "stream", ()))
        task = joined.tasks[7]
        while not sent:
            await asyncio.sleep(0.01)
        joined.take(("cancel", 7))
        joined.take(("cancel", 8))  # that has ended meanwhile
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert handle.cancelled == 1 and not joined.tasks


def app(running: int, deployed=1.0, status="RUNNING"):
    deployment = SimpleNamespace(replica_states={"RUNNING": running, "STARTING": 1})
    return SimpleNamespace(
        last_deployed_time_s=deployed, status=status, deployments={DEPLOYMENT: deployment}
    )


def test_the_service_is_told_of_replicas_and_of_a_cluster_that_is_away(monkeypatch):
    monkeypatch.setattr(link, "STATUS_SECONDS", 0)
    monkeypatch.setattr(link, "GIVE_UP_SECONDS", 0.05)
    handle = Handle(*([{"facts": n}] for n in range(3)))
    being_made = SimpleNamespace(deployments={})
    renewed = app(2, deployed=2.0)
    seen = [None, being_made, app(0), app(1), app(2), app(2), Gone(), app(2), renewed]
    joined, sent = linked(handle, [*seen, *[Gone()] * 10_000])
    asyncio.run(joined.watch())
    assert sent[:3] == [("away", NO_REPLICA)] * 3
    assert sent[3:6] == [("about", {"facts": 0}), ("replicas", 1), ("replicas", 2)]
    assert sent[6:8] == [("away", NO_CLUSTER), ("replicas", 2)]
    assert sent[8:10] == [("about", {"facts": 1}), ("away", NO_CLUSTER)]
    assert set(sent[10:]) <= {("away", NO_CLUSTER)}
