"""What the service needs beside its model: checked when it starts, and again while it runs.

At the start a fault ends the service with one sentence in each language. Later it makes GET /ready
a 503 that says what is broken. The object store in OSS is not asked: it is on the network, and
strangers may call /ready.
"""

import contextlib
import importlib
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cosyvoice.encoders.mark import Watermark
from cosyvoice.encoders.mp3 import AudioSegment, check_encoder
from cosyvoice.serve.config import Config, StartError
from cosyvoice.serve.places import check_folder, check_port, has_oss
from cosyvoice.serve.storage.work_folders import WorkFolders

log = logging.getLogger(__name__)
PROBE_BYTES = 1_000_000  # written to see whether a disk takes files
LOOK_SECONDS = 5.0  # what was seen is good for so long


@contextlib.contextmanager
def one_sentence(is_script: bool) -> Iterator[None]:
    """End the start with the sentence of a StartError alone, without a stack trace.

    gunicorn prints an AppImportError alone and ends, while it starts a worker that exits again and
    again. Any other importer gets the StartError.
    """
    try:
        yield
    except StartError as error:
        if is_script:
            sys.exit(str(error))
        if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn"):  # which gunicorn sets
            from gunicorn.errors import AppImportError

            raise AppImportError(str(error)) from None
        raise


def check_settings(config: Config, is_script: bool, environ=os.environ):
    """Check what can be checked before the model is loaded. Raises a StartError."""
    check_folder("OUTPUT_DIR", config.output_dir)
    check_folder("OUTPUT_DIR", config.output_dir / ".leases")
    if not has_oss(environ):
        check_folder("STORE_DIR", config.store_dir)
    check_reference_folder(config.reference_dir)
    if is_script:
        check_port(config.host, config.port)


def load_watermark(name: str) -> Callable[[int], Watermark] | None:
    """The function that WATERMARK names: sample rate -> a Watermark for one sound.

    Raises a StartError for one that cannot be had.
    """
    if not name:
        return None
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise StartError(
            f"WATERMARK is {name!r}, which cannot be loaded: {error}; "
            "write module:function and install what it needs, or leave it empty",
            f"无法加载 WATERMARK {name!r}：{error}；请写成 模块:函数 并安装所需的包，或留空",
        ) from error
    return made


def check_reference_folder(folder: Path):
    """A missing folder only means no local references; it need not be writable."""
    try:
        if folder.exists():
            next(os.scandir(folder), None)
        else:
            log.warning("there is no REFERENCE_DIR %s: references are uploads and objects", folder)
    except OSError as error:
        raise StartError(
            f"REFERENCE_DIR {folder} cannot be read as a folder ({error.strerror}): "
            "correct the path or its permissions",
            f"无法读取目录 REFERENCE_DIR {folder}：请检查路径和权限",
        ) from error


def check_mp3(sample_rate: int, bitrate: str, scratch: Path):
    """Encode a little. Raises a StartError."""
    try:
        check_encoder(sample_rate, bitrate, scratch)
    except RuntimeError as error:
        raise StartError(
            str(error),
            f"无法以 {sample_rate} Hz、{bitrate} 编码 MP3："
            "请重新安装 imageio-ffmpeg，或修改 MP3_BITRATE",
        ) from error


class Needs:
    """What must go on working while the service runs. Thread-safe.

    scratch: the folder of this process for what does not fit in memory. store_dir: None for OSS.
    """

    def __init__(
        self, work_folders: WorkFolders, output_dir: Path, scratch: Path, store_dir: Path | None
    ):
        self.work_folders, self.output_dir = work_folders, output_dir
        self.scratch, self.store_dir = scratch, store_dir
        self.known: list[str] = []  # what was broken at the last look
        self.next_look = 0.0
        self.looking = threading.Lock()

    def faults(self) -> list[str]:
        """A sentence in each language for each thing that is broken. It names no path.

        Looks again when the last look is LOOK_SECONDS old, in one thread at a time.
        """
        if time.monotonic() >= self.next_look and self.looking.acquire(blocking=False):
            try:
                found = list(self._look())
                if found != self.known:
                    log.log(
                        logging.ERROR if found else logging.INFO,
                        "%s",
                        "; ".join(found) or "what was broken works again",
                    )
                self.known, self.next_look = found, time.monotonic() + LOOK_SECONDS
            finally:
                self.looking.release()
        return self.known

    def _look(self) -> Iterator[str]:
        if not self._takes_files(self.output_dir):
            yield (
                "no file can be written in OUTPUT_DIR: give write access or free some space"
                " / OUTPUT_DIR 无法写入文件：请检查权限和磁盘空间"
            )
        elif not self.scratch.is_dir():
            yield (
                "the working folder in OUTPUT_DIR was removed: restart the service"
                " / OUTPUT_DIR 中的工作目录已被删除：请重启服务"
            )
        if self.store_dir and not self.store_dir.is_dir():
            yield (
                "STORE_DIR is gone: put it back, with the voices in it"
                " / STORE_DIR 已不存在：请恢复该目录及其中的音色"
            )
        elif self.store_dir and not self._takes_files(self.store_dir):
            yield (
                "no file can be written in STORE_DIR: give write access or free some space"
                " / STORE_DIR 无法写入文件：请检查权限和磁盘空间"
            )
        if not shutil.which(AudioSegment.converter):
            yield (
                "ffmpeg is gone: reinstall imageio-ffmpeg and restart the service"
                " / 找不到 ffmpeg：请重新安装 imageio-ffmpeg 并重启服务"
            )

    def _takes_files(self, folder: Path) -> bool:
        try:
            with self.work_folders.folder(folder) as work:
                (work / "probe").write_bytes(bytes(PROBE_BYTES))
        except OSError as error:
            if not self.known:
                log.warning("%s: %s", folder, error)
            return False
        return True
