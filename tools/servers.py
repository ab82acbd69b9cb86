"""The service as each server runs it, started on loopback for a benchmark or a load.

uvicorn is `python all_api.py`; nginx stands before gunicorn with the files of deploy/; ray-1 and
ray-2 are `python all_api.py` before engines on a Ray cluster of so many nodes, each with a core of
its own that the rest shares (see only_cores). werkzeug and waitress run the plain Flask app: a
thread for each listener, for comparison.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180
STOP_SECONDS = 90
OBJECTS = 100_000_000  # bytes of a Ray node's store
THREADS = 100  # of the servers that need one for each listener
APP = "all_api"
FAKE = "tests.support.fake_server"
WERKZEUG = (
    "import importlib, sys, werkzeug.serving; app = importlib.import_module(sys.argv[1]).app; "
    "werkzeug.serving.run_simple('127.0.0.1', int(sys.argv[2]), app, threaded=True)"
)
NGINX = """daemon off; pid {folder}/pid; error_log {folder}/error.log;
worker_rlimit_nofile 8192; events {{ worker_connections 4096; }}
http {{ access_log off; {limits} client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port} backlog=1024; {locations} }} }}
"""
SERVERS = ("uvicorn", "gunicorn", "nginx", "werkzeug", "waitress", "ray-1", "ray-2")
PACKAGES = {"gunicorn": ["gunicorn"], "nginx": ["gunicorn"], "waitress": ["waitress"]}


def missing(server: str) -> str:
    """What this machine lacks to run a server; "" for nothing."""
    lacking = [name for name in PACKAGES.get(server, []) if not find_spec(name)]
    if server == "nginx" and not nginx_program():
        lacking.append("nginx")
    if nodes_of(server) and not find_spec("ray"):
        lacking.append("ray")
    if nodes_of(server) > len(cores()):
        lacking.append(f"{nodes_of(server)} cores")
    return ", ".join(lacking)


def nodes_of(server: str) -> int:
    """How many nodes of a Ray cluster it has."""
    return int(server[4:]) if server.startswith("ray-") else 0


def command(server: str, app: str, port: int) -> list[str]:
    """What runs the app of a module."""
    python = [sys.executable]
    if server == "werkzeug":
        return [*python, "-c", WERKZEUG, app, str(port)]
    if server == "waitress":
        listen = [f"--listen=127.0.0.1:{port}", f"--threads={THREADS}"]
        return [*python, "-m", "waitress", *listen, f"{app}:app"]
    if server in ("gunicorn", "nginx"):
        return [*python, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", f"{app}:app"]
    return [*python, "-m", app]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def service(
    server: str, model: str, folder: Path, app: str = APP, **settings: str
) -> Iterator[tuple[str, list[int]]]:
    """The address and the processes of a running service, which have started all its others.

    folder: for its files. app: a module, such as FAKE with the fake engine of the tests. Engines on
    a Ray cluster always run the model.
    """
    port = free_port()
    environment = {
        **os.environ,
        "COSYVOICE_MODEL": model,
        "PORT": str(port),
        "OUTPUT_DIR": str(folder / "output"),
        "STORE_DIR": str(folder / "store"),
        **settings,
    }
    with contextlib.ExitStack() as stack:
        others: list[int] = []
        if nodes := nodes_of(server):
            stack.enter_context(only_cores(cores()[:nodes]))
            address, others = stack.enter_context(cluster(nodes, environment, folder))
            environment |= {"COSYVOICE_ENGINE": "ray", "RAY_ADDRESS": address}
        process = stack.enter_context(running(command(server, app, port), environment, folder))
        wait_until_ready(f"http://127.0.0.1:{port}", process, folder)
        processes = [process.pid, *others]
        if server == "nginx":
            yield stack.enter_context(nginx(port, folder)), processes
        else:
            yield f"http://127.0.0.1:{port}", processes


@contextlib.contextmanager
def running(words: list[str], environment: dict, folder: Path) -> Iterator[subprocess.Popen]:
    """A process that ends with the block; it writes into folder/service.log."""
    with open(folder / "service.log", "ab") as log:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_ready(url: str, process: subprocess.Popen, folder: Path):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/ready", timeout=2).ok:
                return
        time.sleep(0.3)
    raise RuntimeError(f"the service did not start: {end_of_log(folder)}")


def end_of_log(folder: Path) -> str:
    return (folder / "service.log").read_text("utf-8", "replace")[-3000:]


def nginx_program() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def nginx(service_port: int, folder: Path) -> Iterator[str]:
    """The address of an nginx before the service, with the locations of deploy/nginx.conf."""
    port = free_port()
    locations = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    locations = locations.replace("127.0.0.1:9883", f"127.0.0.1:{service_port}")
    limits = (ROOT / "deploy/nginx-limits.conf").read_text("utf-8")
    path = folder / "nginx.conf"
    text = NGINX.format(folder=folder, port=port, locations=locations, limits=limits)
    path.write_text(text, "utf-8")
    words = [nginx_program() or "nginx", "-c", str(path), "-p", str(folder)]
    with running(words, dict(os.environ), folder):
        time.sleep(1)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def cluster(nodes: int, environment: dict, folder: Path) -> Iterator[tuple[str, list[int]]]:
    """The address and processes of a Ray cluster on this machine: a replica on each of its nodes.

    A node has one core; the head has none for replicas. Ray ends them all even when this process is
    killed.
    """
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # on a busy machine
    from ray.cluster_utils import Cluster

    here = Cluster()
    try:
        here.add_node(num_cpus=0, object_store_memory=OBJECTS, include_dashboard=False)
        for core in cores()[:nodes]:
            with only_cores([core]):
                here.add_node(num_cpus=1, object_store_memory=OBJECTS)
        start_engines(nodes, {**environment, "RAY_ADDRESS": here.address}, folder)
        kinds = [each for node in here.list_all_nodes() for each in node.all_processes.values()]
        yield here.address, [each.process.pid for kind in kinds for each in kind]
    finally:
        here.shutdown()


def start_engines(replicas: int, environment: dict, folder: Path):
    """Run deploy/ray_app.py. Raises a RuntimeError with what it said."""
    numbers = [f"--{bound}_replicas={replicas}" for bound in ("min", "max")]
    words = [sys.executable, "deploy/ray_app.py", *numbers, "--cpus=1"]
    with running(words, environment, folder) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(START_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"the engines did not start: {end_of_log(folder)}")


def cores() -> list[int]:
    """The numbers of the cores that this process may use; none where a system does not tell."""
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []


@contextlib.contextmanager
def only_cores(numbers: list[int]) -> Iterator[None]:
    """What starts in the block, in this thread, runs on these cores alone to its end. Linux only.

    So a cluster of two nodes has two cores in all, one of one node has one: the head, the service
    and the listeners take their time from the same cores.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, numbers)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# what processes use, on Linux; 0 elsewhere


def family(processes: Iterable[int]) -> list[Path]:
    """The folders in /proc of processes and of those that they and these have started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = list(processes)
    for each in found:  # grows while it is read
        found += [child for child, parent in parents.items() if parent == each]
    return [Path(f"/proc/{each}") for each in found]


def usage(processes: Iterable[int]) -> dict[str, float]:
    """memory (MB), threads, files (open ones) and CPU seconds of processes and their children.

    CPU seconds also count children that have ended.
    """
    total = {"memory": 0.0, "threads": 0, "files": 0, "cpu": 0.0}
    for folder in family(processes):
        with contextlib.suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            total["cpu"] += sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")
            total["threads"] += int(after_name[17])
            total["memory"] += int(after_name[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
            total["files"] += len(os.listdir(folder / "fd"))
    return total
