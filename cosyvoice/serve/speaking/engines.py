"""The model of the service, and a second one for instructions, loaded at its first use."""

import logging
import sys
import threading
import time
from pathlib import Path

from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.model_list import INSTRUCT, PRETRAINED, choose_model
from cosyvoice.serve.config import Config
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Engine

log = logging.getLogger(__name__)


def load_model(config: Config, is_script: bool) -> Engine:
    """The engine to speak with. Without one a program ends with a sentence, and a module raises."""
    try:
        return load(choose_model(config.model, may_download=is_script))
    except (FileNotFoundError, RuntimeError) as error:
        if is_script:
            sys.exit(f"no model to speak with / 无可用模型: {error}")
        raise


def load(folder: str) -> Engine:
    begin = time.monotonic()
    engine: Engine = AutoModel(folder)
    engine.load_seconds = time.monotonic() - begin
    log.info("loaded %s on %s in %.1f s", engine.model_family, engine.device, engine.load_seconds)
    return engine


class Instruct:
    """The model for 自然语言控制: the main one if it follows instructions, else a second one."""

    def __init__(self, main: Engine, config: Config):
        self.main, self.config, self.loading = main, config, threading.Lock()
        self.second: Engine | None = None

    @property
    def engines(self) -> list[Engine]:
        """The models that are loaded, the main one first."""
        return [self.main] if self.second is None else [self.main, self.second]

    def get(self) -> Engine:
        """The model, loaded if need be. Raises a 404 Problem that says which model is missing."""
        if self.main.supports_instruct:
            return self.main
        with self.loading:
            if self.second is None:
                self.second = load(self._directory())
            return self.second

    def _directory(self) -> str:
        name = INSTRUCT.name
        path = Path(self.config.instruct_model or PRETRAINED / name)
        if not path.is_dir():
            raise Problem(
                404,
                "no_instruct_model",
                "mode",
                "自然语言控制 needs a model that follows instructions; the operator can download "
                f"{INSTRUCT.model_id} into pretrained_models/{name} "
                "or set COSYVOICE_INSTRUCT_MODEL",
                f"自然语言控制 需要支持指令的模型；管理员可将 {INSTRUCT.model_id} 下载到 "
                f"pretrained_models/{name}，或设置 COSYVOICE_INSTRUCT_MODEL",
            )
        return str(path)
