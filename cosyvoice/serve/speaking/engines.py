"""The model of the service, and a second one for instructions, loaded at its first use."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.model_list import INSTRUCT, PRETRAINED, choose_model
from cosyvoice.cli.verify import Verifier, verifier_of
from cosyvoice.llm.steps import check_graphs
from cosyvoice.serve.config import Config, StartError
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.speaking.engine import Engine
from cosyvoice.serve.speaking.resting import RETRY_SECONDS, Resting
from cosyvoice.utils.errors import InputError
from cosyvoice.utils.precision import best_device, plan

log = logging.getLogger(__name__)
MAX_ERROR = 400  # characters shown; networks that do not fit list all their weights


def load_model(
    config: Config, is_script: bool, is_busy: Callable[[], bool] = lambda: False
) -> Engine:
    """The engine to speak with. Raises a StartError. A module never downloads.

    is_busy: as of Resting.
    """
    try:
        plan(config.precision, best_device())
    except InputError as error:
        raise StartError(f"PRECISION: {error.en}", f"PRECISION：{error.zh}") from error
    try:
        check_graphs(bool(config.cuda_graphs))
    except InputError as error:
        raise StartError(f"CUDA_GRAPHS: {error.en}", f"CUDA_GRAPHS：{error.zh}") from error
    try:
        folder = choose_model(config.model, may_download=is_script)
    except Exception as error:  # a download can fail in many ways
        raise StartError(
            f"there is no model to speak with: {short(error)}",
            "没有可用的模型：请将模型放入 pretrained_models/，"
            "或用 COSYVOICE_MODEL 指定模型目录或 ModelScope 名称",
        ) from error
    verifier_for(folder, config, may_download=is_script)
    try:
        return open_engine(folder, config, is_busy)
    except Exception as error:  # files of every kind can be in the directory
        raise StartError(
            f"the model in {folder} cannot be loaded: {short(error)}",
            f"无法加载 {folder} 中的模型：文件缺失或损坏，请重新下载，"
            "或用 COSYVOICE_MODEL 指定其他模型",
        ) from error


def short(error: Exception) -> str:
    """An error on one line. Those that are not our own begin with their kind."""
    is_own = isinstance(error, (FileNotFoundError, RuntimeError))
    text = " ".join(str(error).split())
    return text[:MAX_ERROR] if is_own and text else f"{type(error).__name__}: {text[:MAX_ERROR]}"


def open_engine(folder: str, config: Config, is_busy: Callable[[], bool]) -> Engine:
    """The model of a folder, loaded; it leaves memory when idle if UNLOAD_AFTER says so."""
    opening = partial(load, folder, config)
    return Resting(opening, config.unload_after, is_busy) if config.unload_after else opening()


def load(folder: str, config: Config) -> Engine:
    verifier = verifier_for(folder, config)
    engine = AutoModel(folder, **config.model_options)
    engine.verifier = verifier
    return engine


def verifier_for(folder: str, config: Config, may_download=False) -> Verifier | None:
    """What reads the model's sentences back. Raises a StartError when it cannot be had."""
    try:
        return verifier_of(folder, config.verify_limit, config.verify_model, may_download)
    except InputError as error:
        raise StartError(f"VERIFY: {error.en}", f"VERIFY：{error.zh}") from error


class Instruct:
    """The model for 自然语言控制: the main one if it follows instructions, else a second one."""

    def __init__(self, main: Engine, config: Config, is_busy: Callable[[], bool] = lambda: False):
        self.main, self.config, self.loading = main, config, threading.Lock()
        self.is_busy = is_busy
        self.second: Engine | None = None
        self.next_attempt = 0.0
        folder = config.instruct_model
        if folder and not main.supports_instruct and not Path(folder).is_dir():
            raise StartError(
                f"COSYVOICE_INSTRUCT_MODEL {folder} is not a directory: "
                f"download {INSTRUCT.model_id} there, correct the path, or unset it",
                f"COSYVOICE_INSTRUCT_MODEL {folder} 不是目录：请将 {INSTRUCT.model_id} 下载到该处、"
                "改正路径，或取消该变量",
            )

    @property
    def engines(self) -> list[Engine]:
        """The models that are loaded, the main one first."""
        return [self.main] if self.second is None else [self.main, self.second]

    def get(self) -> Engine:
        """The model, loaded if need be.

        Raises a 404 Problem that says which model is missing, or a 503 for one that is damaged.
        """
        if self.main.supports_instruct:
            return self.main
        with self.loading:
            if self.second is None:
                self.second = self._load(self._directory())
            return self.second

    def _load(self, folder: str) -> Engine:
        if time.monotonic() < self.next_attempt:
            raise damaged_error()
        try:
            return open_engine(folder, self.config, self.is_busy)
        except Exception as error:
            self.next_attempt = time.monotonic() + RETRY_SECONDS
            log.error("the model in %s cannot be loaded", folder, exc_info=error)
            raise damaged_error() from error

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


def damaged_error() -> Problem:
    return Problem(
        503,
        "instruct_model_damaged",
        "mode",
        "the model for 自然语言控制 cannot be loaded; use another mode, "
        "and tell the operator, whose log has the reason",
        "自然语言控制 的模型无法加载；请改用其他模式，并联系管理员（原因见日志）",
        {"Retry-After": str(round(RETRY_SECONDS))},
    )
