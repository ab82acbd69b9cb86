"""`python -m cosyvoice selfcheck`: what is there and what is missing here, with its remedy.

Standard library only at the top: it also runs where packages are missing or damaged, and then says
so. tools/launch.py shows it when something fails.
"""

import ctypes
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cosyvoice.cli import model_list
from cosyvoice.cli.model_list import DEFAULT, LAYOUTS, MODELS, Layout
from cosyvoice.serve.config import ROOT, Config, StartError, read_config
from cosyvoice.serve.places import check_folder, check_port, has_oss

OK, NOTE, FAULT = "ok", "note", "fault"  # a fault keeps the service from working
LANGUAGES = ("en", "zh")
SIGNS = {
    "en": {OK: "ok", NOTE: "note", FAULT: "FAULT"},
    "zh": {OK: "正常", NOTE: "提示", FAULT: "故障"},
}
GB = 1 << 30
MODEL_BYTES = 8 * GB  # that the largest official model takes on the disk, while it is downloaded
LEAST_DISK, LEAST_MEMORY = GB // 2, GB  # that the small model needs
OFFICIAL_MEMORY = 4 * GB  # that an official model needs in float32
ASKING = 10  # seconds that a program or an address may take to answer
START_AGAIN = ("start run.sh or run.bat, which installs them", "运行 run.sh 或 run.bat，会自动安装")

VISUAL_C = (
    "install https://aka.ms/vs/17/release/vc_redist.x64.exe",
    "安装 https://aka.ms/vs/17/release/vc_redist.x64.exe",
)


@dataclass(frozen=True)
class Finding:
    """What was found about one thing, and what to do about it, in both languages."""

    about: str
    state: str
    en: str
    zh: str
    do_en: str = ""
    do_zh: str = ""


def selfcheck(arguments: Namespace) -> None:
    """Print the findings. Ends with status 1 when one is a fault."""
    found = list(findings())
    if arguments.json:
        told = {"ok": all_right(found), "findings": [asdict(each) for each in found]}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print("\n".join(line(each, arguments.language or language()) for each in found))
    if not all_right(found):
        sys.exit(1)


def findings() -> Iterator[Finding]:
    """One finding or several for each check, in order."""
    try:
        config = read_config()
    except StartError as error:
        yield Finding("settings", FAULT, error.en, error.zh)
        config = Config()
    for name, check in CHECKS.items():
        try:
            yield from check(config)
        except ImportError as error:
            told = f"cannot be looked at: {error}", f"无法检查：{error}"
            yield Finding(name, FAULT, *told, *START_AGAIN)
        except StartError as error:
            yield Finding(name, FAULT, error.en, error.zh)
        except (OSError, RuntimeError, ValueError) as error:
            yield Finding(name, FAULT, str(error), str(error))


def all_right(found: list[Finding]) -> bool:
    return all(each.state != FAULT for each in found)


def line(finding: Finding, language: str) -> str:
    """A finding as text, the remedy on a line of its own."""
    told, do = {
        "en": (finding.en, finding.do_en),
        "zh": (finding.zh, finding.do_zh),
    }[language]
    sign = f"[{SIGNS[language][finding.state]}]"
    return f"{sign:8}{finding.about}: {told}" + (f"\n        -> {do}" if do else "")


def language() -> str:
    """Of the system: zh or en."""
    if os.name == "nt":
        is_chinese = ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0xFF == 4  # type: ignore[attr-defined]
    else:
        set_to = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        is_chinese = next(filter(None, set_to), "").startswith("zh")
    return "zh" if is_chinese else "en"


def size(count: float) -> str:
    return f"{count / GB:.1f} GB" if count >= GB / 10 else f"{count / (1 << 20):.0f} MB"


def answer_of(command: list[str]) -> str:
    """What a program prints, or "" when it is not there or fails."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=ASKING)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


# the checks


def check_python(config: Config) -> Iterator[Finding]:
    fits = (3, 10) <= sys.version_info[:2] <= (3, 13) and sys.maxsize > 1 << 32
    told = f"{sys.version.split()[0]}, {sys.executable}"
    if fits:
        yield Finding("Python", OK, told, told)
    else:
        yield Finding(
            "Python",
            FAULT,
            f"{told}: 3.10 to 3.13 with 64 bits is needed",
            f"{told}：需要 64 位的 3.10 至 3.13",
            "start run.sh or run.bat, which gets one for this folder where none fits",
            "运行 run.sh 或 run.bat：若没有合适的 Python，会自动为本文件夹下载一份",
        )


def check_packages(config: Config) -> Iterator[Finding]:
    """The packages of requirements.txt that apply here, by their metadata."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        from pip._vendor.packaging.requirements import Requirement  # type: ignore[assignment]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    wanted = [Requirement(each.split("  #")[0]) for each in lines if each and each[0] != "#"]
    wanted = [each for each in wanted if not each.marker or each.marker.evaluate()]
    versions = {each.name: installed(each.name) for each in wanted}
    wrong = [
        f"{each.name} {versions[each.name]}".rstrip() + f" ({each.specifier})"
        for each in wanted
        if not each.specifier.contains(versions[each.name] or "0", prereleases=True)
    ]
    if wrong:
        listed = ", ".join(wrong)
        yield Finding(
            "packages",
            FAULT,
            f"missing or too old: {listed}",
            f"缺失或版本过旧：{listed}",
            *START_AGAIN,
        )
    else:
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield Finding("packages", OK, listed, listed)


def installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def check_torch(config: Config) -> Iterator[Finding]:
    """torch loads its libraries, it sees the GPU, and what PRECISION means then."""
    try:
        import torch
    except OSError as error:
        remedy = VISUAL_C if os.name == "nt" else START_AGAIN
        yield Finding(
            "torch",
            FAULT,
            f"its libraries cannot be loaded: {error}",
            f"无法加载其动态库：{error}",
            *remedy,
        )
        return
    yield from check_gpu(torch)
    from cosyvoice.utils.precision import best_device, plan

    meaning = f"PRECISION={config.precision}: {plan(config.precision, best_device())}"
    yield Finding("precision", OK, meaning, meaning)


def check_gpu(torch) -> Iterator[Finding]:
    query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    cards = answer_of(["nvidia-smi", *query]).replace("\n", "; ")
    built = f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    if torch.cuda.is_available():
        yield Finding("GPU", OK, f"{cards}; {built}", f"{cards}；{built}")
    elif not cards:
        cores = os.cpu_count()
        yield Finding(
            "GPU",
            OK,
            f"no NVIDIA GPU or driver; {cores} processor cores compute",
            f"没有 NVIDIA 显卡或驱动；使用 {cores} 个 CPU 核心",
        )
    elif torch.version.cuda:
        yield Finding(
            "GPU",
            NOTE,
            f"{cards}: not usable by {built}; the processor computes",
            f"{cards}：{built} 无法使用；改用 CPU",
            "update the driver of NVIDIA",
            "请更新 NVIDIA 驱动",
        )
    else:
        get = f"pip install torch=={torch.__version__.split('+')[0]}"
        yield Finding(
            "GPU",
            NOTE,
            f"{cards}: not used, since this torch was built without CUDA; the processor computes",
            f"{cards}：未使用，因为所装 torch 不含 CUDA；改用 CPU",
            f"in .venv: pip uninstall torch, then {get} --index-url "
            "https://download.pytorch.org/whl/cu126",
            f"在 .venv 中先 pip uninstall torch，再 {get} --index-url "
            "https://download.pytorch.org/whl/cu126",
        )


def check_encoder(config: Config) -> Iterator[Finding]:
    """An MP3 is made at the rates of all models."""
    from cosyvoice.encoders import mp3

    rates = sorted({model.family.sample_rate for model in MODELS})
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for rate in rates:
                mp3.check_encoder(rate, config.mp3_bitrate, Path(scratch))
    except RuntimeError as error:
        yield Finding(
            "encoder",
            FAULT,
            str(error),
            f"无法编码 MP3：{error}",
            "reinstall imageio-ffmpeg: remove .venv and start run.sh or run.bat again",
            "重新安装 imageio-ffmpeg：删除 .venv 后再次运行 run.sh 或 run.bat",
        )
        return
    program = mp3.AudioSegment.converter
    version = answer_of([program, "-version"]).split(" Copyright")[0]
    yield Finding("encoder", OK, f"{version}, {program}", f"{version}，{program}")


def check_models(config: Config) -> Iterator[Finding]:
    """Each model in pretrained_models/, and which one will be loaded."""
    for folder in sorted(path for path in model_list.PRETRAINED.glob("*") if path.is_dir()):
        yield from check_model(folder)
    get = f"python -m cosyvoice download {DEFAULT.name}"
    try:
        chosen = model_list.choose_model(config.model, may_download=False)
        model_list.layout_of(Path(chosen))
        yield Finding("model to load", OK, chosen, chosen)
    except (FileNotFoundError, RuntimeError) as error:
        yield Finding("model to load", FAULT, str(error), str(error), get, get)


def check_model(folder: Path) -> Iterator[Finding]:
    """The needed files of a directory are there and whole, as far as can be seen without a list."""
    name = f"models/{folder.name}"
    if not (layout := expected_layout(folder)):
        yield Finding(name, NOTE, "no model that is known", "不是已知的模型")
        return
    wrong = [f"{each} ({what})" for each in layout.needed if (what := wrong_with(folder / each))]
    if wrong:
        get = f"python -m cosyvoice download {folder.name}"
        do = (
            (get, get)
            if folder.name in model_list.DOWNLOADABLE
            else ("copy them again", "请重新复制")
        )
        listed = ", ".join(wrong)
        yield Finding(name, FAULT, f"incomplete: {listed}", f"不完整：{listed}", *do)
    else:
        total = size(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
        yield Finding(name, OK, f"complete, {total}", f"完整，{total}")


def expected_layout(folder: Path) -> Layout | None:
    """Which files a directory should have, by its configuration file or by its name."""
    by_config = (layout for layout in LAYOUTS if (folder / layout.config).is_file())
    by_name = (model.family.layout for model in MODELS if model.name == folder.name)
    return next(by_config, None) or next(by_name, None)


def wrong_with(path: Path) -> str:
    """What is seen to be wrong with a file of a model: missing, empty, cut short, or another."""
    if not path.is_file():
        return "missing"
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        return "empty"
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS: git lfs pull"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return "a web page"
    if head.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "cut short"
    return ""


def check_address(config: Config) -> Iterator[Finding]:
    address = f"{config.host}:{config.port}"
    try:
        check_port(config.host, config.port)
        yield Finding("port", OK, f"{address} is free", f"{address} 可用")
    except StartError:
        if not is_service(config):
            raise
        yield Finding(
            "port", OK, f"the service is running on {address}", f"服务正在 {address} 运行"
        )


def is_service(config: Config) -> bool:
    """Whether this service answers on the port already."""
    host = "127.0.0.1" if config.host in ("0.0.0.0", "::", "") else config.host
    try:
        with urllib.request.urlopen(f"http://{host}:{config.port}/health", timeout=2) as answer:
            return json.load(answer).get("status") == "ok"
    except (OSError, ValueError, AttributeError):
        return False


def check_store(config: Config) -> Iterator[Finding]:
    """OSS answers with these credentials, or a file can be written in the folder."""
    if has_oss():
        yield from check_oss()
    else:
        check_folder("STORE_DIR", config.store_dir)
        yield Finding("store", OK, f"folder {config.store_dir}", f"目录 {config.store_dir}")


def check_oss() -> Iterator[Finding]:
    from cosyvoice.serve.http.problem import Problem
    from cosyvoice.serve.storage.store import OssStore

    try:
        OssStore(os.environ).exists("selfcheck")
        yield Finding("store", OK, "OSS answers", "OSS 可访问")
    except Problem as problem:
        yield Finding(
            "store",
            FAULT,
            f"OSS does not answer as it should: {problem}",
            f"OSS 访问失败：{problem}",
            "check OSS_ENDPOINT, OSS_BUCKET, the credentials and the network",
            "请检查 OSS_ENDPOINT、OSS_BUCKET、密钥和网络",
        )


def check_disk(config: Config) -> Iterator[Finding]:
    check_folder("OUTPUT_DIR", config.output_dir)
    free = shutil.disk_usage(config.output_dir).free
    found = f"{size(free)} free", f"剩余 {size(free)}"
    yield room("disk", free, LEAST_DISK, MODEL_BYTES, found, ("free some space", "请清理磁盘"))


def check_memory(config: Config) -> Iterator[Finding]:
    free = free_memory()
    found = f"{size(free)} free", f"可用 {size(free)}"
    do = ("close other programs", "请关闭其他程序")
    yield room("memory", free, LEAST_MEMORY, OFFICIAL_MEMORY, found, do)


def room(
    about: str, free: int, least: int, wanted: int, found: tuple[str, str], do: tuple[str, str]
) -> Finding:
    """Bytes of disk or memory. least: for the small model. wanted: for an official one."""
    if free >= wanted:
        return Finding(about, OK, *found)
    return Finding(
        about,
        NOTE if free >= least else FAULT,
        *found,
        f"{do[0]}: an official model needs up to {size(wanted)}",
        f"{do[1]}：官方模型最多需要 {size(wanted)}",
    )


def free_memory() -> int:
    """Bytes of main memory that a program can have without another one losing any."""
    if os.name == "nt":
        return free_memory_of_windows()
    if sys.platform == "darwin":  # vm_stat's pages that are free or can be given up at once
        pages = dict(each.split(":") for each in answer_of(["vm_stat"]).splitlines()[1:])
        free = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")
        return os.sysconf("SC_PAGE_SIZE") * sum(int(pages[name].strip(" .")) for name in free)
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(each.split()[1]) << 10 for each in lines if each.startswith("MemAvailable"))


def free_memory_of_windows() -> int:
    """Source: MEMORYSTATUSEX of sysinfoapi.h; ullAvailPhys is its fourth field."""

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 5),
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return status.available


CHECKS: dict[str, Callable[[Config], Iterator[Finding]]] = {
    "Python": check_python,
    "packages": check_packages,
    "torch": check_torch,
    "encoder": check_encoder,
    "models": check_models,
    "port": check_address,
    "store": check_store,
    "disk": check_disk,
    "memory": check_memory,
}
