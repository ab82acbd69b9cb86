"""Start CosyVoice from a fresh checkout: make `.venv`, install packages, serve, open the page.

Standard library only, since it runs before anything is installed. `run.bat` and `tools/launch.sh`,
which `run.sh`, `test.sh` and `check.sh` use, find a Python or get one, and call it:

    python tools/launch.py [--locked] [--no-browser] [options of all_api.py]
    python tools/launch.py --test [--locked] [options of pytest]
    python tools/launch.py --check [--locked] [--fix]

With --locked exactly the tested versions are installed, each checked by its digest (*.lock files).
A second run finds the requirements unchanged and starts at once. pip's own settings (PIP_INDEX_URL,
pip.conf, ...) are honoured, so mirrors and CPU-only or CUDA builds of torch are chosen there.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import venv
import webbrowser
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".venv"
PYTHON = ENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CPU_TORCH = "https://download.pytorch.org/whl/cpu"  # Linux wheels on PyPI bring several GB of CUDA
UV_OPTIONS = {  # settings of pip -> options of uv; pip looks into all indexes for the best version
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
PLACE = "made_in"  # the key of pyvenv.cfg that says where `.venv` was made
PAGE_WAIT = 600  # seconds a big model may take to load before we stop waiting to open the page


def say(en: str, zh: str) -> None:
    print(f"[CosyVoice] {en} / {zh}", flush=True)


def digest(*requirements: Path) -> str:
    """Hash of requirements files, of those they include, and of the interpreter they are for."""
    parts = [sys.version]
    for path in requirements:
        parts.append(text := path.read_text("utf-8"))
        included = [line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
        parts += [(path.parent / name).read_text("utf-8") for name in included]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def make_env() -> None:
    """Create `.venv`, again when its interpreter does not run or when the folder was moved.

    Programs in an environment name its path, so that it cannot be moved.
    """
    if was_moved():
        say("this folder was moved: making .venv again", "本文件夹已被移动：正在重新创建 .venv")
    elif runs_pip():
        return
    else:
        say("making the environment .venv", "正在创建运行环境 .venv")
    try:
        venv.create(ENV, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        fail(
            "this Python cannot make environments; "
            "on Debian or Ubuntu run: sudo apt install python3-venv",
            "此 Python 无法创建虚拟环境；"
            "在 Debian 或 Ubuntu 上请运行: sudo apt install python3-venv",
        )
    with (ENV / "pyvenv.cfg").open("a", encoding="utf-8") as file:
        file.write(f"{PLACE} = {ENV.resolve()}\n")


def was_moved() -> bool:
    """`.venv` was made in another place. One that does not say where is taken as it is."""
    settings = ENV / "pyvenv.cfg"
    lines = settings.read_text("utf-8").splitlines() if settings.is_file() else []
    places = [line.partition(" = ")[2] for line in lines if line.startswith(f"{PLACE} = ")]
    return places not in ([], [str(ENV.resolve())])


def runs_pip() -> bool:
    return (
        PYTHON.exists()
        and subprocess.run([PYTHON, "-c", "import pip"], capture_output=True).returncode == 0
    )


def pip_settings() -> dict:
    """What pip's environment variables and files set, such as {"index-url": "https://..."}."""
    told = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True)
    lines = [line.partition("=") for line in reversed(told.stdout.splitlines())]
    return {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in lines}


def has_own_index() -> bool:
    """pip's settings name a package index or a folder of packages."""
    return not {"index-url", "extra-index-url", "find-links", "no-index"}.isdisjoint(pip_settings())


def installer() -> list:
    """The command that installs packages: pip, or uv with pip's settings where this folder has one.

    uv needs a quarter of the time. Its cache is in this folder, where files are linked, not copied.
    """
    uv = ROOT / ".python" / ("uv.exe" if os.name == "nt" else "uv")
    if not uv.exists():
        # what is imported is compiled then: a small part of what is installed
        pip = [PYTHON, "-m", "pip", "install"]
        return [*pip, "--disable-pip-version-check", "--no-compile"]
    settings = pip_settings()
    options = [
        part
        for name, option in UV_OPTIONS.items()
        for value in settings.get(name, "").replace("\\n", " ").split()
        for part in (option, value)
    ]
    places = ["--python", PYTHON, "--cache-dir", uv.parent / "cache", "--no-config"]
    like_pip = ["--system-certs", "--index-strategy", "unsafe-best-match"]
    return [uv, "pip", "install", *places, *like_pip, *options]


def wants_cpu_torch() -> bool:
    """Linux without an NVIDIA driver, and no package index chosen by the user."""
    if not sys.platform.startswith("linux") or shutil.which("nvidia-smi"):
        return False
    return not has_own_index()


def install(name: str, locked: bool = False) -> None:
    """Install a requirements file, or its lock file, unless the environment already has it."""
    requirements, stamp = ROOT / name, ENV / f"{name}.installed"
    lock, torch_lock = requirements.with_suffix(".lock"), ROOT / "requirements-torch.lock"
    wanted = digest(*((lock, torch_lock) if locked else (requirements,)))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("installing packages; the first time takes a few minutes", "正在安装依赖，首次需要几分钟")
    pip = installer()
    if locked:
        install_lock([*pip, "--require-hashes", "-r", lock], pip, torch_lock)
    else:
        if wants_cpu_torch():
            run([*pip, torch_version(), "--index-url", CPU_TORCH])
        run([*pip, "-r", requirements])
    stamp.write_text(wanted)


def install_lock(hashed: list, pip: list, torch_lock: Path) -> None:
    """Install a lock file and torch.

    The digests are those of PyPI's files. A torch of another index is a build of its own: only its
    version is fixed. It comes last, so that it finds the packages that it needs already there.
    """
    if wants_cpu_torch():
        run(hashed)
        run([*pip, torch_version(), "--index-url", CPU_TORCH])
    elif has_own_index():
        run(hashed)
        run([*pip, torch_version()])
    else:
        run([*hashed, "-r", torch_lock])


def torch_version() -> str:
    """The line of requirements.txt that says which torch."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def run(command) -> None:
    if subprocess.run(command, cwd=ROOT).returncode:
        fail(
            "installation failed: the lines above say why; "
            "check the network or choose a mirror with PIP_INDEX_URL, then start again",
            "安装失败，原因见上方；请检查网络，或用 PIP_INDEX_URL 指定镜像后重试",
        )


def fail(en: str, zh: str) -> NoReturn:
    """End with a sentence, after a list of what is there and what is missing."""
    show_selfcheck()
    sys.exit(f"[CosyVoice] {en} / {zh}")


def show_selfcheck() -> None:
    """It needs no packages, so that any Python can run it."""
    python = PYTHON if runs_pip() else sys.executable
    subprocess.run([python, "-m", "cosyvoice", "selfcheck"], cwd=ROOT)


def get_model(arguments: list) -> None:
    """Download the official model when no model is there and none is named."""
    if option(arguments, "model_dir", os.environ.get("COSYVOICE_MODEL", "")) or any(
        ROOT.glob("pretrained_models/*/cosyvoice.yaml")
    ):
        return
    from cosyvoice.cli.model_list import DEFAULT

    name = DEFAULT.name
    say(
        f"no model in pretrained_models: downloading {name}, several GB, once",
        f"pretrained_models 中没有模型：正在下载 {name}（数 GB，仅一次）",
    )
    if subprocess.run([PYTHON, "-m", "cosyvoice", "download", name], cwd=ROOT).returncode:
        fail(
            f"{name} was not downloaded: start again to go on, or name a model with --model_dir",
            f"{name} 未能下载：重新启动可继续下载，或用 --model_dir 指定模型",
        )


def open_page_when_ready(url: str, service: subprocess.Popen) -> None:
    """Open the page once the service answers; give up when it ends or after PAGE_WAIT seconds."""
    deadline = time.monotonic() + PAGE_WAIT
    while service.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                say(f"ready: {url}", f"已就绪: {url}")
                webbrowser.open(url)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)


def option(arguments: list, name: str, default: str) -> str:
    for i, argument in enumerate(arguments):
        if argument == f"--{name}" and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(f"--{name}="):
            return argument.split("=", 1)[1]
    return default


def serve(arguments: list) -> int:
    browser = "--no-browser" not in arguments
    arguments = [a for a in arguments if a != "--no-browser"]
    port = option(arguments, "port", os.environ.get("PORT", "9883"))
    service = subprocess.Popen([PYTHON, "all_api.py", *arguments], cwd=ROOT)
    if browser:
        threading.Thread(
            target=open_page_when_ready, args=(f"http://127.0.0.1:{port}", service), daemon=True
        ).start()
    try:
        status = service.wait()
    except KeyboardInterrupt:  # Ctrl-C reaches the service as well; wait for it to end
        return service.wait()
    if status > 0:  # a negative one is the signal that ended it
        show_selfcheck()
    return status


def check(fix: bool) -> int:
    """Run the formatter, the linter and the type checker. Returns 0 when none of them complains."""
    ruff_format = ["ruff", "format", *([] if fix else ["--check"])]
    ruff_check = ["ruff", "check", *(["--fix"] if fix else [])]
    commands = (ruff_format, ruff_check, ["mypy"])
    return max(
        subprocess.run([PYTHON, "-m", *command], cwd=ROOT).returncode for command in commands
    )


def main(arguments: list) -> int:
    if sys.version_info < (3, 10):  # noqa: UP036  (an older Python may have been called)
        sys.exit(
            f"[CosyVoice] Python 3.10 or newer is needed, this is {sys.version.split()[0]}"
            f" / 需要 Python 3.10 或更高版本，当前为 {sys.version.split()[0]}"
        )
    locked = "--locked" in arguments
    arguments = [a for a in arguments if a != "--locked"]
    make_env()
    if "--test" in arguments:
        install("requirements-test.txt", locked)
        return subprocess.run(
            [PYTHON, "-m", "pytest", *(a for a in arguments if a != "--test")], cwd=ROOT
        ).returncode
    if "--check" in arguments:
        install("requirements-test.txt", locked)
        return check(fix="--fix" in arguments)
    install("requirements.txt", locked)
    get_model(arguments)
    return serve(arguments)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
