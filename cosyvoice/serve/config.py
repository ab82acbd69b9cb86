"""What an operator can set: command line for `python all_api.py`, environment variables everywhere.

One table, read once. OSS credentials are the exception: the store reads them when it first needs
them, so that they are neither kept here nor shown when a Config is printed.
"""

import argparse
import os
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def setting(default, help: str, env: str = "", flag: str = ""):
    return field(default=default, metadata={"help": help, "env": env, "flag": flag})


@dataclass(frozen=True)
class Config:
    """Every setting with its default.

    The environment variable is the name in capitals unless one is given.
    """

    host: str = setting(
        "127.0.0.1", "address to listen on; 0.0.0.0 opens the service to the network", flag="--host"
    )
    port: int = setting(9883, "port to listen on", flag="--port")
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
    max_text_chars: int = setting(10_000, "longest tts_text, characters")
    max_concurrent: int = setting(
        2,
        "requests that generate at once; one keeps all cores busy, "
        "two let a short one start beside a long one",
    )
    max_queue: int = setting(16, "requests that wait for their turn; more are refused with 503")
    request_timeout: float = setting(
        120.0, "seconds without new audio after which a request ends with an error"
    )
    max_body_mb: int = setting(20, "largest request body, MB; 30 s of 48 kHz stereo WAV is 5.8 MB")
    max_reference_mb: int = setting(20, "largest reference audio fetched from the store, MB")
    max_voice_mb: int = setting(8, "largest saved voice fetched from the store, MB")
    mp3_bitrate: str = setting("96k", "bit rate of streamed MP3")
    threads: int = setting(40, "listeners served at once by `python all_api.py`")
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
    cors_origins: tuple = setting(
        (), "origins, comma separated, whose pages may call the service from a browser; * is any"
    )
    allowed_hosts: tuple = setting(
        (),
        "host names, comma separated, by which the service may be addressed; empty: "
        "on a loopback address only localhost, otherwise any; * is any",
    )

    def __post_init__(self):
        for f in fields(self):
            value = getattr(self, f.name)
            if f.type in (int, float) and not (value > 0 or f.name == "max_queue" and value == 0):
                raise ValueError(f"{_env(f)} is {value}; it must be above 0")
        if self.port > 65535:
            raise ValueError(f"PORT is {self.port}; it must be at most 65535")

    def __repr__(self):
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "api_key"}
        return f"Config({shown})"


def read_config(argv=None, environ=os.environ) -> Config:
    """Settings from the environment and, when argv is given, from the command line above it.

    Raises ValueError that names the variable and what it may hold; with argv it exits with that.
    """
    try:
        values = {
            f.name: _convert(f, environ[_env(f)])
            for f in fields(Config)
            if environ.get(_env(f), "") != ""
        }
        return Config(**{**values, **(_read_arguments(argv) if argv is not None else {})})
    except ValueError as error:
        if argv is not None:
            sys.exit(str(error))
        raise


def _env(f) -> str:
    return f.metadata["env"] or f.name.upper()


def _read_arguments(argv) -> dict:
    parser = argparse.ArgumentParser(description="The CosyVoice speech service.")
    for f in fields(Config):
        if f.metadata["flag"]:
            parser.add_argument(
                f.metadata["flag"],
                dest=f.name,
                type=f.type,
                default=argparse.SUPPRESS,
                help=f"{f.metadata['help']} (environment: {_env(f)})",
            )
    return vars(parser.parse_args(argv))


def _convert(f, text: str):
    if f.type is tuple:
        return tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    try:
        return f.type(text)
    except ValueError as error:
        kind = "number" if f.type in (int, float) else "path"
        raise ValueError(f"{_env(f)} is {text!r}; it must be a {kind}") from error
