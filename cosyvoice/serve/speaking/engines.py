"""Which model the service speaks with, and the second one for instructions, loaded when it is first needed."""

import logging
import re
import sys
import threading
import time
from pathlib import Path

from cosyvoice.cli.cosyvoice import CosyVoice
from cosyvoice.serve.config import ROOT, Config
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.routes.metrics import MODEL_LOAD

log = logging.getLogger(__name__)
MODELS = ROOT / "pretrained_models"
CHOICE = ("CosyVoice-300M-25Hz", "CosyVoice-Mini-25Hz")  # the first that is there
INSTRUCT = "CosyVoice-300M-Instruct"
MODEL_ID = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


def load_model(config: Config, is_script: bool) -> CosyVoice:
    """The engine to speak with. A program ends with one sentence when there is none; an imported module raises."""
    try:
        return load(choose_model(config, may_download=is_script))
    except (FileNotFoundError, RuntimeError) as error:
        if is_script:
            sys.exit(f"no model to speak with / 无可用模型: {error}")
        raise


def load(folder: str) -> CosyVoice:
    begin = time.monotonic()
    engine = CosyVoice(folder)
    MODEL_LOAD.labels(engine.model_family).set(seconds := time.monotonic() - begin)
    log.info("loaded %s on %s in %.1f s", engine.model_family, engine.model.device, seconds)
    return engine


def choose_model(config: Config, may_download: bool) -> str:
    """The directory (or ModelScope id) to load. Raises FileNotFoundError that says what to do when there is none.

    A worker of a server must not download: it would be killed in the middle by the server's start-up limit.
    """
    if not config.model:
        for name in CHOICE:
            if (MODELS / name / "cosyvoice.yaml").is_file():
                return str(MODELS / name)
        raise FileNotFoundError(
            f"no model in {MODELS}: put {CHOICE[0]} or {CHOICE[1]} there, or set COSYVOICE_MODEL"
        )
    if Path(config.model).exists():
        return config.model
    if not MODEL_ID.fullmatch(config.model):
        raise FileNotFoundError(
            f"COSYVOICE_MODEL {config.model!r} is neither a directory nor a ModelScope id such as iic/CosyVoice-300M-25Hz"
        )
    return config.model if may_download else _downloaded(config.model)


def _downloaded(model_id: str) -> str:
    from modelscope import snapshot_download

    try:
        return snapshot_download(model_id, local_files_only=True)
    except ValueError as error:
        raise FileNotFoundError(
            f"{model_id} is not downloaded; run once: python all_api.py --model_dir {model_id}"
        ) from error


class Instruct:
    """The model for 自然语言控制: the main one if it follows instructions, else a second one, loaded at first use."""

    def __init__(self, main: CosyVoice, config: Config):
        self.main, self.config, self.second, self.loading = main, config, None, threading.Lock()

    @property
    def loaded(self) -> CosyVoice | None:
        """The model if it can speak right now."""
        return self.main if self.main.supports_instruct else self.second

    def get(self) -> CosyVoice:
        """The model, loaded if need be. Raises a 404 Problem that says which model is missing."""
        with self.loading:
            if self.loaded is None:
                self.second = load(self._directory())
            return self.loaded

    def _directory(self) -> str:
        path = Path(self.config.instruct_model or MODELS / INSTRUCT)
        if not path.is_dir():
            raise Problem(
                404,
                "no_instruct_model",
                "mode",
                f"自然语言控制 needs a model that follows instructions; the operator can download iic/{INSTRUCT} "
                f"into pretrained_models/{INSTRUCT} or set COSYVOICE_INSTRUCT_MODEL",
                f"自然语言控制 需要支持指令的模型；管理员可将 iic/{INSTRUCT} 下载到 pretrained_models/{INSTRUCT}，或设置 COSYVOICE_INSTRUCT_MODEL",
            )
        return str(path)
