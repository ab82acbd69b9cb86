"""The service as each server runs it, started on loopback for a benchmark or a load.

uvicorn is `python all_api.py`; nginx stands before gunicorn with the files of deploy/; ray-1 and
ray-2 are `python all_api.py` before engines on a Ray cluster of so many nodes of one core. werkzeug
and waitress run the plain Flask app: a thread for each listener, for comparison.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 180
STOP_SECONDS = 90
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
    if server.startswith("ray-") and not (
        find_spec("ray") and (ROOT / "deploy/ray_app.py").exists()
    ):
        lacking.append("ray")
    return ", ".join(lacking)


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
) -> Iterator[tuple[str, int]]:
    """The address and the process id of a running service.

    folder: for its files. app: a module, such as FAKE with the fake engine of the tests.
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
        if server.startswith("ray-"):
            address = stack.enter_context(cluster(int(server[4:]), environment, folder))
            environment |= {"COSYVOICE_ENGINE": "ray", "RAY_ADDRESS": address}
        process = stack.enter_context(running(command(server, app, port), environment, folder))
        wait_until_ready(f"http://127.0.0.1:{port}", process, folder)
        if server == "nginx":
            yield stack.enter_context(nginx(port, folder)), process.pid
        else:
            yield f"http://127.0.0.1:{port}", process.pid


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
    raise RuntimeError(f"the service did not start: {(folder / 'service.log').read_text()[-2000:]}")


def wait_until_open(address: str):
    """Wait until something listens at host:port."""
    host, _, port = address.rpartition(":")
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.3)
    raise RuntimeError(f"nothing listens at {address}")


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
def cluster(nodes: int, environment: dict, folder: Path) -> Iterator[str]:
    """The address of a Ray cluster on this machine: nodes of one core, and a head of none."""
    from ray.util import get_node_ip_address

    address = f"{get_node_ip_address()}:{free_port()}"  # Ray does not take a loopback address
    start = [str(Path(sys.executable).with_name("ray")), "start", "--block"]
    start += ["--disable-usage-stats", "--object-store-memory=100000000"]
    environment = {"RAY_raylet_start_wait_time_s": "120", **environment}  # on a busy machine
    head = [
        "--head",
        f"--port={address.split(':')[1]}",
        "--num-cpus=0",
        "--include-dashboard=false",
    ]
    kinds = [head, *[[f"--address={address}", "--num-cpus=1"]] * nodes]
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(running([*start, *kind], environment, folder))
            wait_until_open(address)  # by the head, before the others join
        replicas = [f"--{bound}_replicas={nodes}" for bound in ("min", "max")]
        deploy = [sys.executable, "deploy/ray_app.py", *replicas, "--cpus=1"]
        environment = {**environment, "RAY_ADDRESS": address}
        end = time.monotonic() + START_SECONDS
        while subprocess.run(
            deploy, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
        ).returncode:
            if time.monotonic() > end:  # the head listens some time before it answers
                raise RuntimeError(f"the engines did not start: {' '.join(deploy)}")
        yield address


# what processes use, on Linux; 0 elsewhere


def family(pid: int) -> list[Path]:
    """The folders in /proc of a process and of those that it and they have started."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:  # grows while it is read
        found += [child for child, parent in parents.items() if parent == each]
    return [Path(f"/proc/{each}") for each in found]


def usage(pid: int) -> dict[str, float]:
    """memory (MB), threads, files (open ones) and CPU seconds of a process and its children.

    CPU seconds also count children that have ended.
    """
    total = {"memory": 0.0, "threads": 0, "files": 0, "cpu": 0.0}
    for folder in family(pid):
        with contextlib.suppress(OSError):
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            total["cpu"] += sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")
            total["threads"] += int(after_name[17])
            total["memory"] += int(after_name[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6
            total["files"] += len(os.listdir(folder / "fd"))
    return total
