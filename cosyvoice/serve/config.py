"""What an operator can set: command line for `python all_api.py`, environment variables everywhere.

One table, read once. OSS credentials are the exception: the store reads them when it first needs
them, so that they are neither kept here nor shown when a Config is printed.
"""

import argparse
import contextlib
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cosyvoice.serve.addresses import host_of, is_host, origin_of

ROOT = Path(__file__).resolve().parents[2]
KBPS = 8, 320  # of MP3, least and most
VERIFY_LIMIT = 0.05  # of VERIFY=on


class StartError(ValueError):
    """The service cannot start: what is wrong and what to do, a sentence in each language."""

    def __init__(self, en: str, zh: str):
        super().__init__(" ".join(f"{en} / {zh}".split()))
        self.en, self.zh = en, zh


def setting(
    default,
    help: str,
    env: str = "",
    flag: str = "",
    most: float = math.inf,
    zero: bool = False,
    read: Callable[[str], str] | None = None,
    choices: tuple[str, ...] = (),
):
    """A field of Config.

    most: largest number. zero: whether 0 is allowed. read: of each part of a list; "" if it is
    wrong. choices: of a text, all there are.
    """
    about = {"help": help, "env": env, "flag": flag, "most": most, "zero": zero, "read": read}
    about["choices"] = choices
    return field(default=default, metadata=about)


def read_host(text: str) -> str:
    """A host as an operator writes it: a name or address, also with a port or as https://name."""
    host = text.partition("://")[2] or text
    if text == "*":
        return text
    return host_of(host) if "/" not in host and is_host(host_of(host)) else ""


def read_origin(text: str) -> str:
    """An origin as an operator writes it: scheme and host, perhaps a port, no path."""
    if text in ("*", "null"):
        return text
    scheme, _, host = text.partition("://")
    return origin_of(text) if scheme and "/" not in host and is_host(host_of(host)) else ""


@dataclass(frozen=True)
class Config:
    """Every setting with its default.

    The environment variable is the name in capitals unless one is given.
    """

    host: str = setting(
        "127.0.0.1", "address to listen on; 0.0.0.0 opens the service to the network", flag="--host"
    )
    port: int = setting(9883, "port to listen on", flag="--port", most=65535)
    model: str = setting(
        "",
        "model directory or ModelScope id; empty: the best one in pretrained_models/",
        env="COSYVOICE_MODEL",
        flag="--model_dir",
    )
    instruct_model: str = setting(
        "",
        "model for 自然语言控制 if the main one does not follow instructions; "
        "empty: pretrained_models/CosyVoice-300M-Instruct when it is there",
        env="COSYVOICE_INSTRUCT_MODEL",
    )
    precision: str = setting(
        "auto",
        "numbers that the networks compute with: auto (fastest here of what is harmless), float32, "
        "bfloat16, float16 or int8",
        flag="--precision",
    )
    flow_steps: int = setting(
        0,
        "Euler steps of the flow, at most 64; fewer are faster and change the sound; "
        "0: as many as the model says",
        most=64,
        zero=True,
    )
    flow_guidance: float = setting(
        1.0,
        "time in 0..1 at which the flow's guidance ends; before 1 is faster and changes the sound",
        most=1,
        zero=True,
    )
    cuda_graphs: int = setting(
        0,
        "1: on an NVIDIA GPU, replay the steps of the language model as CUDA graphs; untested",
        most=1,
        zero=True,
    )
    engine: str = setting(
        "local",
        "where the models run: local (in this process) or ray (on a Ray cluster, docs/cluster.md)",
        env="COSYVOICE_ENGINE",
        flag="--engine",
        choices=("local", "ray"),
    )
    ray_address: str = setting(
        "auto", "of the Ray cluster, host:port; auto: of the one this machine is in"
    )
    max_text_chars: int = setting(10_000, "longest tts_text, characters")
    max_job_chars: int = setting(
        200_000, "longest text of a long job (POST /jobs), characters", most=2_000_000
    )
    job_days: float = setting(7.0, "days that a finished long job is kept", most=3650)
    max_concurrent: int = setting(
        2,
        "requests that generate at once; one keeps all cores busy, "
        "two let a short one start beside a long one",
    )
    max_queue: int = setting(
        16, "requests that wait for their turn; more are refused with 503", zero=True
    )
    request_timeout: float = setting(
        120.0, "seconds without new audio after which a request ends with an error", most=86_400
    )
    hold_back: float = setting(
        10.0,
        "seconds at most that a stream begins late where sound is made slower than it is heard, "
        "so that it does not stutter; 0: never",
        most=600,
        zero=True,
    )
    unload_after: float = setting(
        0.0,
        "seconds without work after which a model leaves memory; the next request loads it again; "
        "0: never",
        most=604_800,
        zero=True,
    )
    max_body_mb: int = setting(
        20, "largest request body, MB; 30 s of 48 kHz stereo WAV is 5.8 MB", most=10_000
    )
    max_reference_mb: int = setting(
        20, "largest reference audio fetched from the store, MB", most=10_000
    )
    max_source_mb: int = setting(
        60,
        "largest audio to convert, MB, also as the body of POST /voice_conversion; "
        "ten minutes of 48 kHz mono WAV are 57.6 MB",
        most=10_000,
    )
    max_voice_mb: int = setting(8, "largest saved voice fetched from the store, MB", most=10_000)
    mp3_bitrate: str = setting("96k", "bit rate of streamed MP3")
    mark: str = setting(
        "files",
        "where sound says that a machine made it: files (whole ones), or always (in streams too, "
        "whose MP3, AAC and WAV then begin with the mark)",
        choices=("files", "always"),
    )
    watermark: str = setting(
        "",
        "module:function that makes an inaudible watermark for each sound; empty: none; "
        "see docs/marks.md",
    )
    verify: str = setting(
        "",
        "each sentence is read back, and spoken again, at most twice, while more of it is wrong "
        f"than this limit, such as 0.1; on: {VERIFY_LIMIT}; empty: never; see docs/verify.md",
    )
    verify_model: str = setting(
        "",
        "what VERIFY hears with: a folder of faster-whisper's, or a name it knows; empty: the "
        "small model's own tokens, for other models small",
    )
    threads: int = setting(40, "listeners served at once by `python all_api.py`", most=10_000)
    output_dir: Path = setting(ROOT / "output", "working files of requests")
    reference_dir: Path = setting(ROOT / "参考音频", "reference audio that requests can name")
    store_dir: Path = setting(
        ROOT / "local_store", "the object store's place when OSS credentials are not set"
    )
    oss_prompt_prefix: str = setting(
        "",
        "only store keys with this prefix can be named as reference; "
        "{user_id} in it stands for the request's user",
    )
    api_key: str = setting(
        "", "if set, requests need `Authorization: Bearer <key>`; this key may act for every user"
    )
    api_keys_file: str = setting(
        "", 'JSON file {"key": ["user id", ...] or "*"}: who may act for which users'
    )
    legacy_api: int = setting(
        0,
        "1: answer callers of the Windows bundle too, see docs/legacy-api.md",
        most=1,
        zero=True,
    )
    legacy_user: str = setting(
        "", "whose saved voices callers of LEGACY_API list and use when they name no user_id"
    )
    cors_origins: tuple = setting(
        (),
        "origins, comma separated, whose pages may call the service from a browser; * is any",
        read=read_origin,
    )
    allowed_hosts: tuple = setting(
        (),
        "host names, comma separated, by which the service may be addressed; empty: "
        "on a loopback address only localhost, otherwise any; * is any",
        read=read_host,
    )

    def __post_init__(self):
        for f in fields(self):
            if f.type in (int, float):
                _check_number(f, getattr(self, f.name))
            _check_choice(f, getattr(self, f.name))
        _ = self.verify_limit
        rate = re.fullmatch(r"([0-9]{1,3})(k|000)", self.mp3_bitrate)
        if not rate or not KBPS[0] <= int(rate[1]) <= KBPS[1]:
            raise StartError(
                f"MP3_BITRATE is {self.mp3_bitrate!r}; "
                f"it must be a bit rate from {KBPS[0]}k to {KBPS[1]}k, such as 96k",
                f"MP3_BITRATE 为 {self.mp3_bitrate!r}，"
                f"须为 {KBPS[0]}k 至 {KBPS[1]}k 的码率，如 96k",
            )

    @property
    def verify_limit(self) -> float | None:
        """The error rate that VERIFY allows, None when nothing is read back. Raises StartError."""
        known = {"": None, "off": None, "0": None, "on": VERIFY_LIMIT, "1": VERIFY_LIMIT}
        if self.verify.lower() in known:
            return known[self.verify.lower()]
        with contextlib.suppress(ValueError):
            if 0 < (limit := float(self.verify)) < 1:
                return limit
        raise StartError(
            f"VERIFY is {self.verify!r}; it must be on, off, or a number between 0 and 1: "
            "the share of words that may be wrong in a sentence, such as 0.1",
            f"VERIFY 为 {self.verify!r}，须为 on、off 或 0 与 1 之间的数"
            "（一句中允许出错的字词比例，如 0.1）",
        )

    @property
    def model_options(self) -> dict[str, Any]:
        """Of cosyvoice.cli.cosyvoice.AutoModel."""
        names = ("precision", "flow_steps", "flow_guidance", "cuda_graphs")
        return {name: getattr(self, name) for name in names}

    def __repr__(self):
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "api_key"}
        return f"Config({shown})"


def read_config(argv=None, environ=os.environ) -> Config:
    """Settings from the environment and, when argv is given, from the command line above it.

    Raises a StartError that names the variable and what it may hold; with argv it exits with that.
    """
    try:
        given = {f.name: environ[_env(f)] for f in fields(Config) if environ.get(_env(f), "") != ""}
        if argv is not None:
            given |= _read_arguments(argv)
        return Config(
            **{f.name: _convert(f, given[f.name]) for f in fields(Config) if f.name in given}
        )
    except StartError as error:
        if argv is not None:
            sys.exit(str(error))
        raise


def _env(f) -> str:
    return f.metadata["env"] or f.name.upper()


def _check_number(f, value: float):
    """Raises a StartError for a number outside its range, and for one that is none (NaN)."""
    most = f.metadata["most"]
    if not (0 < value <= most or f.metadata["zero"] and value == 0):
        up_to = ("", "") if most == math.inf else (f" and at most {most}", f" 且不超过 {most}")
        raise StartError(
            f"{_env(f)} is {value}; it must be above 0{up_to[0]}",
            f"{_env(f)} 为 {value}，须大于 0{up_to[1]}",
        )


def _check_choice(f, value):
    """Raises a StartError for a text that is none of those there are."""
    choices = f.metadata["choices"]
    if choices and value not in choices:
        raise StartError(
            f"{_env(f)} is {value!r}; it must be one of {', '.join(choices)}",
            f"{_env(f)} 为 {value!r}，须为 {'、'.join(choices)} 之一",
        )


def _read_arguments(argv) -> dict[str, str]:
    parser = argparse.ArgumentParser(description="The CosyVoice speech service.")
    for f in fields(Config):
        if f.metadata["flag"]:
            parser.add_argument(
                f.metadata["flag"],
                dest=f.name,
                default=argparse.SUPPRESS,
                help=f"{f.metadata['help']} (environment: {_env(f)})",
            )
    return vars(parser.parse_args(argv))


def _convert(f, text: str):
    if f.type is tuple:
        parts = [part.strip().rstrip("/") for part in text.split(",") if part.strip()]
        return tuple(_read_part(f, part) for part in parts)
    try:
        return f.type(text)
    except ValueError as error:
        raise StartError(
            f"{_env(f)} is {text!r}; it must be a number", f"{_env(f)} 为 {text!r}，须为数字"
        ) from error


def _read_part(f, text: str) -> str:
    """One part of a list, in the spelling that requests are compared with."""
    if part := f.metadata["read"](text):
        return part
    example = "https://page.example" if f.metadata["read"] is read_origin else "speech.example.com"
    raise StartError(
        f"{_env(f)} holds {text!r}; write each part like {example}, or * for any",
        f"{_env(f)} 中的 {text!r} 有误；每一项应形如 {example}，或用 * 表示任意",
    )
