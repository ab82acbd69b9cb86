"""The engine that is a Ray cluster: each call runs on a replica, which sends sound as it is made.

The service loads no model here, and nothing of Ray: a process of its own (serve/cluster/link.py)
holds the connection. What the service must know of the models is asked once for each deployment and
kept. While the cluster is away, a call is a 503 Problem with Retry-After.
"""

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from multiprocessing import Pipe
from typing import Any

from cosyvoice.cli.model_list import INSTRUCT
from cosyvoice.serve.cluster import FACTS, FOR_INSTRUCTIONS, MAIN, SECRETS
from cosyvoice.serve.cluster.wire import pack, unpack, unpack_error
from cosyvoice.serve.config import StartError
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Chunks, Engine, Voice
from cosyvoice.serve.speaking.engines import Instruct, damaged_error

log = logging.getLogger(__name__)
POLL = 0.1  # seconds between two looks whether the caller still wants the sound
RESTART_SECONDS = 2.0  # from the end of a link to the start of the next one
END_SECONDS = 10.0  # that a link may take to end
TOLD_AFTER = 10.0  # seconds without a cluster after which the log says so
PATIENCE = 60.0  # seconds that a call waits for a cluster that has gone away meanwhile
RETRY_AFTER = 5  # seconds, told to callers while the cluster is away
JOINING = "the service is joining the Ray cluster / 服务正在连接 Ray 集群"
LOST = "the connection to the Ray cluster has ended / 与 Ray 集群的连接已断开"


def go_on():
    """The check of a call that nobody ends."""


class Cluster:
    """Keeps a link to the cluster and passes calls through it. Thread-safe."""

    def __init__(self, address: str):
        self.address = address
        self.about: dict | None = None  # what a replica has told of the main model, see Replica
        self.replicas = 0  # that run, as far as is known
        self.reason: str | None = JOINING  # why the cluster is away; None while it is there
        self.away_since, self.has_told = time.monotonic(), False
        self.on_places: Callable[[int], None] = lambda places: None
        self.calls: dict[int, queue.SimpleQueue] = {}  # where the answers to each call go
        self.last_number = 0
        self.guard = threading.Lock()
        self.pipe: Any = None
        self.process: subprocess.Popen | None = None
        self.closed = False
        self.thread = threading.Thread(target=self._keep_linked, name="cluster", daemon=True)
        self.thread.start()

    @property
    def places(self) -> int:
        """How many calls the replicas work on at once; 1 while that is not known."""
        return max(1, self.replicas * self.about["max_concurrent"]) if self.about else 1

    def tell_places(self, on_places: Callable[[int], None]):
        """Let on_places(places) be called now and whenever the number may have changed."""
        self.on_places = on_places
        on_places(self.places)

    def items(
        self, method: str, arguments: tuple, check: Callable[[], None] = go_on
    ) -> Iterator[dict]:
        """What a method of a replica gives. Closing it, or check by raising, stops the work there.

        Raises a 503 Problem when the cluster is away, a RuntimeError for a fault or an end in the
        middle, and our own errors as the replica raised them.
        """
        number, answers = self._begin(method, arguments)
        kind, is_given = "", False
        try:
            while (message := self._next(answers, check))[0] == "item":
                is_given = True
                yield checked(message[1])
            kind = message[0]
        finally:
            self._end(number, has_ended=kind == "end")
        if kind == "lost":
            log.warning("a call was lost: %s", message[1])
            raise RuntimeError("the replica has gone in the middle") if is_given else away_error()

    def _next(self, answers: queue.SimpleQueue, check: Callable[[], None]) -> tuple:
        begin = time.monotonic()
        while min(time.monotonic() - begin, self._seconds_away()) < PATIENCE:
            check()
            with contextlib.suppress(queue.Empty):
                return answers.get(timeout=POLL)
        return "lost", self.reason

    def close(self):
        """End the link; for tests, as it ends with the process."""
        self.closed = True
        with self.guard:
            self._send(None)
        self.thread.join()

    def _begin(self, method: str, arguments: tuple) -> tuple[int, queue.SimpleQueue]:
        with self.guard:
            if self.reason is not None:
                raise away_error()
            self.last_number += 1
            answers: queue.SimpleQueue = queue.SimpleQueue()
            self.calls[self.last_number] = answers
            self._send(("call", self.last_number, method, arguments))
            return self.last_number, answers

    def _end(self, number: int, has_ended: bool):
        with self.guard:
            del self.calls[number]
            if not has_ended:
                self._send(("cancel", number))

    def _send(self, message: tuple | None):
        try:
            self.pipe.send(message)
        except OSError:  # the link has just ended, which _keep_linked tells all calls
            log.debug("the link has ended")

    # the thread that receives

    def _keep_linked(self):
        while not self.closed:
            try:
                self._receive_all(self._start())
            except (EOFError, OSError):
                self._note_end_of_link()
            self._end_process()
            time.sleep(RESTART_SECONDS)

    def _start(self):
        """Start a link; returns our end of its pipe."""
        ours, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cosyvoice.serve.cluster.link", self.address]
                + [str(theirs.fileno())],
                env=without_secrets(os.environ),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C is for the service, which lets streams end
            )
        with self.guard:
            self.pipe = ours
        return ours

    def _end_process(self):
        if self.process is None:  # the system could not start it
            return
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _receive_all(self, pipe):
        while True:
            kind, *rest = pipe.recv()
            if kind == "about":
                self.about = rest[0]
            elif kind == "replicas":
                self._note_there(rest[0])
            elif kind == "away":
                self._note_away(rest[0])
            elif answers := self.calls.get(rest[0]):
                answers.put((kind, *rest[1:]))

    def _note_there(self, replicas: int):
        log.info("the Ray cluster at %s has %d replicas", self.address, replicas)
        with self.guard:
            self.reason, self.has_told, self.replicas = None, False, replicas
        self.on_places(self.places)

    def _note_away(self, reason: str):
        was_there = self.reason is None
        with self.guard:
            if was_there:
                self.away_since = time.monotonic()
            self.reason = reason
        if not self.has_told and (was_there or self._seconds_away() >= TOLD_AFTER):
            self.has_told = True
            log.warning("%s (%s); callers get 503 meanwhile", reason, self.address)

    def _note_end_of_link(self):
        if self.closed:
            return
        if self.reason is None:
            self._note_away(LOST)
        with self.guard:
            for answers in self.calls.values():
                answers.put(("lost", LOST))

    def _seconds_away(self) -> float:
        return time.monotonic() - self.away_since if self.reason is not None else 0.0


class RayEngine:
    """A model of the cluster as an Engine. A new inference method needs one line here.

    model: MAIN or FOR_INSTRUCTIONS. about: what a replica tells of it; of the main model the
    cluster's, as it is known by then. The facts of an Engine are a 503 Problem before that.
    """

    model_state = "loaded"  # a replica keeps its models
    model_family: str
    sample_rate: int
    token_rate: int
    supports_instruct: bool
    supports_instruct2: bool
    load_seconds: float
    device: str
    precision: str

    def __init__(self, cluster: Cluster, model: str = MAIN, about: dict | None = None):
        self.cluster, self.model, self.own_about = cluster, model, about

    def __getattr__(self, name: str):
        """The facts; Python calls this for what is not set."""
        if name not in FACTS:
            raise AttributeError(name)
        return self.about()["facts"][name]

    def about(self) -> dict:
        about = self.own_about or self.cluster.about
        if about is None:
            raise away_error()
        return about

    def fault(self) -> str | None:
        """Why it cannot speak now, in both languages, or None."""
        return self.cluster.reason

    def list_available_spks(self) -> list[str]:
        return list(self.about()["speakers"])

    def inference_sft(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_sft", values, named)

    def inference_zero_shot(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_zero_shot", values, named)

    def inference_cross_lingual(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_cross_lingual", values, named)

    def inference_instruct(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_instruct", values, named)

    def inference_instruct2(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_instruct2", values, named)

    def inference_vc(self, *values: Any, **named: Any) -> Chunks:
        return self._stream("inference_vc", values, named)

    def speaker_voice(self, *values: Any, **named: Any) -> Voice:
        return self._call("speaker_voice", values, named)

    def make_voice(self, *values: Any, **named: Any) -> Voice:
        return self._call("make_voice", values, named)

    def _call(self, method: str, values: tuple, named: dict) -> Voice:
        arguments = (self.model, method, pack(values), pack(named))
        (item,) = self.cluster.items("call", arguments)
        return unpack(item["value"])

    def _stream(self, method: str, values: tuple, named: dict) -> Chunks:
        check = named.pop("check", None) or go_on
        arguments = (self.model, method, pack(values), pack(named))
        for item in self.cluster.items("stream", arguments, check):
            yield unpack(item["chunk"])


class RayInstruct(Instruct):
    """The model for 自然语言控制 of the cluster: the main one, or one that each replica loads."""

    def __init__(self, main: Engine, cluster: Cluster):
        self.main, self.cluster, self.asking = main, cluster, threading.Lock()
        self.second: RayEngine | None = None
        self.deployment: dict | None = None  # what was known of the cluster when `second` was made

    def get(self) -> Engine:
        """The model. Raises a 404 Problem when the nodes have none, or a 503."""
        if self.main.supports_instruct:
            return self.main
        with self.asking:
            if self.second is None or self.deployment is not self.cluster.about:
                self.deployment, self.second = self.cluster.about, self._ask()
            return self.second

    def _ask(self) -> RayEngine:
        try:
            (about,) = self.cluster.items("about", (FOR_INSTRUCTIONS,))
        except RuntimeError as error:
            log.error("the model for instructions cannot be used", exc_info=error)
            raise damaged_error() from error
        if "missing" in about:
            raise no_instruct_model_error()
        return RayEngine(self.cluster, FOR_INSTRUCTIONS, about)


def join_cluster(address: str) -> Cluster:
    """Raises a StartError where that is not possible. A cluster that is away is waited for."""
    if sys.platform == "win32" or find_spec("ray") is None:
        raise StartError(
            "COSYVOICE_ENGINE=ray needs Linux or macOS and the packages of "
            "requirements-cluster.txt: install them, or unset it to run the model here",
            "COSYVOICE_ENGINE=ray 需要 Linux 或 macOS，并安装 requirements-cluster.txt 中的软件包；"
            "如需在本机运行模型请取消该变量",
        )
    return Cluster(address)


def checked(item: dict) -> dict:
    """An item of a replica that is no error; else raises what it stands for."""
    if "error" in item:
        raise unpack_error(item["error"])
    if "failure" in item:
        raise RuntimeError(f"the engine of a replica failed:\n{item['failure']}")
    return item


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in SECRETS}


def away_error() -> Problem:
    return Problem(
        503,
        "cluster_away",
        None,
        f"the engines do not answer at the moment; try again in {RETRY_AFTER} s",
        f"语音引擎暂时无法连接；请在 {RETRY_AFTER} 秒后重试",
        {"Retry-After": str(RETRY_AFTER)},
    )


def no_instruct_model_error() -> Problem:
    name = INSTRUCT.name
    return Problem(
        404,
        "no_instruct_model",
        "mode",
        "自然语言控制 needs a model that follows instructions; the operator can put "
        f"{INSTRUCT.model_id} into pretrained_models/{name} on the nodes of the cluster, "
        "or set COSYVOICE_INSTRUCT_MODEL for deploy/ray_app.py",
        f"自然语言控制 需要支持指令的模型；管理员可在集群各节点将 {INSTRUCT.model_id} 放入 "
        f"pretrained_models/{name}，或为 deploy/ray_app.py 设置 COSYVOICE_INSTRUCT_MODEL",
    )
