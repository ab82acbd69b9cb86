"""The link: a process of the service that calls the replicas through the handle of Ray Serve.

It is a process of its own because Ray ends a program whose cluster has gone. The service starts it
and another one after it. They talk over a pipe, in pickled tuples of plain values:

to the link    ("call", number, method, arguments)   ("cancel", number)   None at the end
from it        ("away", why)   ("about", of the main model)   ("replicas", how many run)
               ("item", number, item)   ("end", number)   ("lost", number, why)

"lost" is the end of a call whose replica has gone. A call that has given nothing by then is made
once more first, with the same arguments.
"""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from multiprocessing.connection import Connection
from typing import Any

from cosyvoice.serve.cluster import APP, DEPLOYMENT, MAIN

log = logging.getLogger(__name__)
AT_WORK = "RUNNING", "PENDING_MIGRATION"  # states of a replica that takes calls, by Serve's names
CONNECT_SECONDS = 2.0  # for the address to take a connection
CANCEL_SECONDS = 1.0  # that it may take to tell the replicas of calls that are cancelled
RETRY_SECONDS = 2.0  # between two attempts to reach the cluster
STATUS_SECONDS = 1.0  # between two looks at the replicas
PATIENCE = 10.0  # seconds for an answer about the replicas, after which the cluster is away
GIVE_UP_SECONDS = 30.0  # without an answer, after which the calls at work are lost
TRIES = 2  # of a call whose replica goes before it has given anything
NO_CLUSTER = "the Ray cluster does not answer / Ray 集群没有应答"
NO_REPLICA = (
    "no engine runs on the Ray cluster: deploy/ray_app.py starts them"
    " / Ray 集群上没有运行中的引擎：请用 deploy/ray_app.py 启动"
)


class Link:
    """One connection to the cluster. All but receive() runs in the event loop.

    serve: the module of Ray, or what stands for it.
    """

    def __init__(self, pipe: Connection, serve: Any):
        self.pipe, self.serve = pipe, serve
        self.tasks: dict[int, asyncio.Task] = {}  # of the calls at work, by number
        self.handle: Any = None
        self.asked: tuple = ()  # which deployment was asked about, and in what state

    async def run(self):
        """Work until the service or the cluster has gone, then end this process."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        receive = threading.Thread(target=self.receive, args=(loop, ended), daemon=True)
        receive.start()
        watch = loop.create_task(self.watch())
        end = loop.create_task(ended.wait())
        await asyncio.wait([watch, end], return_when=asyncio.FIRST_COMPLETED)
        for task in list(self.tasks.values()):
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        await asyncio.sleep(CANCEL_SECONDS)
        os._exit(0)  # Ray would wait for a cluster that has gone, and threads for its answer

    def receive(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Event):
        with contextlib.suppress(EOFError, OSError):
            while (message := self.pipe.recv()) is not None:
                loop.call_soon_threadsafe(self.take, message)
        loop.call_soon_threadsafe(ended.set)

    def take(self, message: tuple):
        kind, number, *rest = message
        if kind == "call":
            self.tasks[number] = asyncio.create_task(self.work(number, *rest))
        elif number in self.tasks:
            self.tasks[number].cancel()

    async def work(self, number: int, method: str, arguments: tuple):
        """Make a call and send on what it gives."""
        try:
            for tries_left in reversed(range(TRIES)):
                if await self._try(number, method, arguments, tries_left > 0):
                    return
        finally:
            del self.tasks[number]

    async def _try(self, number: int, method: str, arguments: tuple, again: bool) -> bool:
        """Whether the call has ended; False to make it again."""
        from ray.exceptions import RayTaskError

        given = False
        try:
            async for item in self.items(method, arguments):
                self.pipe.send(("item", number, item))
                given = True
            self.pipe.send(("end", number))
        except RayTaskError as error:  # a fault in the replica's own code
            self.pipe.send(("item", number, {"failure": str(error)}))
        except Exception as error:  # Ray and Serve have many for a replica or node that is gone
            if again and not given:
                log.warning("a replica has gone before it gave anything; the call is repeated")
                return False
            self.pipe.send(("lost", number, one_line(error)))
        return True

    async def items(self, method: str, arguments: tuple) -> AsyncIterator[dict]:
        """What the method of a replica gives. Cancelled, it cancels the work there."""
        if method != "stream":
            yield await getattr(self.handle, method).remote(*arguments)
            return
        answer = self.handle.options(method_name="stream", stream=True).remote(*arguments)
        try:
            async for item in answer:
                yield item
        finally:
            answer.cancel()

    async def watch(self):
        """Tell the service how many replicas run, until the cluster gives no answer for long.

        Calls at work go on meanwhile: the head may be slow, or away for a moment.
        """
        told: tuple = ()
        answered = time.monotonic()
        while time.monotonic() - answered < GIVE_UP_SECONDS:
            try:
                status = await asyncio.wait_for(asyncio.to_thread(self.serve.status), PATIENCE)
                news = await self.news(status.applications.get(APP))
                answered = time.monotonic()
            except Exception as error:
                log.warning("no news of the replicas: %s", one_line(error))
                news = "away", NO_CLUSTER
            if news != told or news[0] == "away":
                self.pipe.send(told := news)
            await asyncio.sleep(STATUS_SECONDS)

    async def news(self, app: Any) -> tuple:
        """The message for what the status says of the application (None: there is none)."""
        deployment = app and app.deployments.get(DEPLOYMENT)  # none while it is being made
        replicas = deployment.replica_states if deployment else {}
        running = sum(replicas.get(state, 0) for state in AT_WORK)
        if not running:
            return "away", NO_REPLICA
        deployed = app.last_deployed_time_s, app.status  # replicas of before may answer meanwhile
        if self.asked != deployed:
            self.handle = self.handle or self.serve.get_app_handle(APP)
            self.pipe.send(("about", await self.handle.about.remote(MAIN)))
            self.asked = deployed
        return "replicas", running


def one_line(error: Exception) -> str:
    """The kind of an error and the first line of its text; Ray's have many."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def connect(address: str, pipe: Connection):
    """Join the cluster, however long it takes. Raises OSError or EOFError at the service's end."""
    import ray

    told = ""
    while True:
        try:
            probe(address)
            return ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # of many kinds; a wrong machine or version is one
            if not isinstance(error, OSError) and one_line(error) != told:
                log.warning("the cluster cannot be joined: %s", told := one_line(error))
            pipe.send(("away", NO_CLUSTER))
            if pipe.poll(RETRY_SECONDS) and pipe.recv() is None:
                raise EOFError from error


def probe(address: str):
    """Raises OSError at an address host:port that takes no connection. Ray itself waits long."""
    host, _, port = address.rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


def main():
    """python -m cosyvoice.serve.cluster.link ADDRESS NUMBER_OF_THE_PIPE"""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")  # what matters the link says itself
    address, number = sys.argv[1:]
    pipe = Connection(int(number))
    with contextlib.suppress(OSError, EOFError):  # the service has gone
        connect(address, pipe)
        from ray import serve

        asyncio.run(Link(pipe, serve).run())


if __name__ == "__main__":
    main()
