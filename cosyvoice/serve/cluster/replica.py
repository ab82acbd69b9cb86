"""A replica: a process of the cluster with the models, which speaks for the service.

It knows nothing of HTTP, users or stores. What it yields and returns is as in wire.py; an error is
an item too: {"error": one of ours} or {"failure": what happened, for the log}.
"""

import asyncio
import logging
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.model_list import INSTRUCT, PRETRAINED, choose_model
from cosyvoice.cli.verify import verifier_of
from cosyvoice.serve.cluster import FACTS, MAIN
from cosyvoice.serve.cluster.wire import pack, pack_error, unpack
from cosyvoice.utils.errors import InputError

log = logging.getLogger(__name__)
END = object()


class Stopped(Exception):
    """Nobody waits for this work any more."""


class Replica:
    """model, instruct_model: as COSYVOICE_MODEL and COSYVOICE_INSTRUCT_MODEL, on its own node.

    options: of AutoModel. max_concurrent: how many calls work at once. verify: of verifier_of, what
    reads sentences back.
    """

    def __init__(
        self,
        model: str,
        instruct_model: str,
        options: dict[str, Any],
        max_concurrent: int,
        verify: tuple[float | None, str] = (None, ""),
    ):
        self.instruct_model, self.options = instruct_model, options
        self.max_concurrent, self.verify = max_concurrent, verify
        self.threads = ThreadPoolExecutor(max_concurrent, "speak")
        self.loading = threading.Lock()
        self.main = self.load(choose_model(model, may_download=False))
        self.second: Any = None

    def load(self, folder: str) -> Any:
        verifier = verifier_of(folder, *self.verify)
        engine = AutoModel(folder, **self.options)
        engine.verifier = verifier
        return engine

    def engine(self, model: str) -> Any:
        """The main model, or the one that follows instructions, loaded at its first use.

        Raises FileNotFoundError when this node has no model for instructions.
        """
        if model == MAIN or self.main.supports_instruct:
            return self.main
        with self.loading:
            if self.second is None:
                folder = Path(self.instruct_model or PRETRAINED / INSTRUCT.name)
                if not folder.is_dir():
                    raise FileNotFoundError(f"{folder} is not there")
                self.second = self.load(str(folder))
            return self.second

    async def about(self, model: str) -> dict:
        """What the service must know of a model; loads it if need be. {"missing"} without one.

        It works beside the speech of other callers, for which the deployment takes one call more.
        """
        return await asyncio.to_thread(self._about, model)

    def _about(self, model: str) -> dict:
        try:
            engine = self.engine(model)
        except FileNotFoundError as error:
            return {"missing": str(error)}
        except Exception as error:  # files of every kind can be in the directory
            return error_item(error)
        facts = {name: getattr(engine, name) for name in FACTS}
        speakers = list(engine.list_available_spks())
        return {"facts": facts, "speakers": speakers, "max_concurrent": self.max_concurrent}

    async def call(self, model: str, method: str, values: list, named: dict) -> dict:
        """Run a method that returns one value; {"value"}, or an error."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self._call, model, method, values, named)

    def _call(self, model: str, method: str, values: list, named: dict) -> dict:
        try:
            run = getattr(self.engine(model), method)
            return {"value": pack(run(*unpack(values), **unpack(named)))}
        except Exception as error:
            return error_item(error)

    async def stream(
        self, model: str, method: str, values: list, named: dict
    ) -> AsyncIterator[dict]:
        """Run a method that yields chunks; {"chunk"} each, at last perhaps an error.

        When the caller leaves, the engine stops at its next step.
        """
        loop, items, stop = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def work():
            try:
                for item in self._items(stop, model, method, values, named):
                    loop.call_soon_threadsafe(items.put_nowait, item)
            finally:
                loop.call_soon_threadsafe(items.put_nowait, END)

        loop.run_in_executor(self.threads, work)
        try:
            while (item := await items.get()) is not END:
                yield item
        finally:
            stop.set()

    def _items(self, stop: threading.Event, model, method, values, named) -> Iterator[dict]:
        def check():
            if stop.is_set():
                raise Stopped()

        try:
            run = getattr(self.engine(model), method)
            with closing(run(*unpack(values), **unpack(named), check=check)) as chunks:
                for chunk in chunks:
                    check()
                    yield {"chunk": pack(chunk)}
        except Stopped:
            log.info("a caller has left")
        except Exception as error:
            yield error_item(error)


def error_item(error: Exception) -> dict:
    if isinstance(error, InputError):
        return {"error": pack_error(error)}
    return {"failure": "".join(traceback.format_exception(error))}
