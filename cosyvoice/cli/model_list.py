"""The models: which files a directory holds, where it can be downloaded, at which rates it speaks.

A family is a set of models that share their code, their rates and their saved voices. This module
imports the standard library only: tools/launch.py reads it before any package is installed.
"""

import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

PRETRAINED = Path(__file__).resolve().parents[2] / "pretrained_models"
NAME = r"[A-Za-z0-9._-]+"
MODEL_ID = re.compile(rf"(?!\.{{1,2}}/|pretrained_models/){NAME}/{NAME}(@{NAME})?")  # @revision


@dataclass(frozen=True)
class Layout:
    """The files of a model directory."""

    config: str  # the YAML file by which the directory is recognised
    language_model: str  # the class that the file names
    weights: tuple[str, ...]
    speaker_encoder: str
    speech_tokenizer: str
    speakers: str = "spk2info.pt"  # optional
    text_model: str = ""  # folder of Qwen2's sizes and vocabulary

    @property
    def needed(self) -> tuple[str, ...]:
        text_files = TEXT_MODEL_FILES if self.text_model else ()
        return (
            self.config,
            *self.weights,
            self.speaker_encoder,
            self.speech_tokenizer,
            *(f"{self.text_model}/{name}" for name in text_files),
        )

    @property
    def directs_references(self) -> bool:
        """Whether its models follow instructions with the voice of a recording."""
        return bool(self.text_model)

    @property
    def optional(self) -> tuple[str, ...]:
        return (self.speakers, "configuration.json", "README.md", "LICENSE*")


@dataclass(frozen=True)
class Family:
    name: str  # as saved voices name it
    layout: Layout
    token_rate: int  # speech tokens per second
    sample_rate: int  # Hz
    system_prompt: str = ""  # what the language model reads before an instruction or a text
    silent_tokens: frozenset[int] = frozenset()  # speech tokens of pauses and breaths


@dataclass(frozen=True)
class Model:
    name: str  # of its directory in pretrained_models/
    family: Family
    model_id: str = ""  # on ModelScope; "" for a model that is part of the repository
    follows_instructions: bool = False
    revision: str = "master"  # on ModelScope: a branch, a tag or a commit


TEXT_MODEL_FILES = ("config.json", "vocab.json")
NETWORKS = ("llm", "flow", "hift")
WEIGHTS = tuple(f"{network}.pt" for network in NETWORKS)
LAYOUT_300M = Layout(
    "cosyvoice.yaml", "TransformerLM", WEIGHTS, "campplus.onnx", "speech_tokenizer_v1.onnx"
)
LAYOUT_2 = Layout(
    "cosyvoice2.yaml",
    "Qwen2LM",
    WEIGHTS,
    "campplus.onnx",
    "speech_tokenizer_v2.onnx",
    text_model="CosyVoice-BlankEN",
)
LAYOUT_3 = replace(
    LAYOUT_2,
    config="cosyvoice3.yaml",
    language_model="CosyVoice3LM",
    speech_tokenizer="speech_tokenizer_v3.onnx",
)
LAYOUTS = (LAYOUT_300M, LAYOUT_2, LAYOUT_3)  # a directory has the first whose config it holds
FAMILY_25HZ = Family("CosyVoice-300M-25Hz", LAYOUT_300M, token_rate=25, sample_rate=22050)
FAMILY_50HZ = Family("CosyVoice-300M", LAYOUT_300M, token_rate=50, sample_rate=22050)
FAMILY_MINI = Family("CosyVoice-Mini-25Hz", LAYOUT_300M, token_rate=25, sample_rate=22050)
# As the small model's YAML names it. The last value of its speaker vectors is the mean pitch.
PITCHED_MINI = f"{FAMILY_MINI.name}-v2"
FAMILY_2 = Family("CosyVoice2-0.5B", LAYOUT_2, token_rate=25, sample_rate=24000)
FAMILY_3 = Family(
    "Fun-CosyVoice3-0.5B",
    LAYOUT_3,
    token_rate=25,
    sample_rate=24000,
    system_prompt="You are a helpful assistant.",
    silent_tokens=frozenset([1, 2, 28, 29, 55, 248, 494, 2241, 2242, 2322, 2323]),
)
OFFICIAL_FAMILIES = (FAMILY_25HZ, FAMILY_50HZ)  # of LAYOUT_300M; they share one speaker encoder

DEFAULT = Model("CosyVoice-300M-25Hz", FAMILY_25HZ, "iic/CosyVoice-300M-25Hz")
EMBEDDED = Model("CosyVoice-Mini-25Hz", FAMILY_MINI, follows_instructions=True)
INSTRUCT = Model(
    "CosyVoice-300M-Instruct", FAMILY_50HZ, "iic/CosyVoice-300M-Instruct", follows_instructions=True
)
MODELS = (
    DEFAULT,
    Model("CosyVoice-300M", FAMILY_50HZ, "iic/CosyVoice-300M"),
    Model("CosyVoice-300M-SFT", FAMILY_50HZ, "iic/CosyVoice-300M-SFT"),
    INSTRUCT,
    Model("CosyVoice2-0.5B", FAMILY_2, "iic/CosyVoice2-0.5B", follows_instructions=True),
    Model(
        "Fun-CosyVoice3-0.5B-2512",
        FAMILY_3,
        "FunAudioLLM/Fun-CosyVoice3-0.5B-2512",
        follows_instructions=True,
    ),
    EMBEDDED,
)
PREFERRED = (DEFAULT, EMBEDDED)  # without a choice, the first that is there is loaded
DOWNLOADABLE = {model.name: model for model in MODELS if model.model_id}


def family_of(layout: Layout, token_rate: int) -> Family:
    """The family of a directory whose YAML names none."""
    families = {FAMILY_2.layout: FAMILY_2, FAMILY_3.layout: FAMILY_3}
    by_rate = {family.token_rate: family for family in OFFICIAL_FAMILIES}
    return families.get(layout) or by_rate[token_rate]


def layout_of(folder: Path) -> Layout:
    """The layout that a directory's configuration file tells.

    Raises FileNotFoundError, or RuntimeError for a file that another model has under that name, as
    the first CosyVoice2 had.
    """
    there = [layout for layout in LAYOUTS if (folder / layout.config).is_file()]
    named = [named_language_model(folder / layout.config) for layout in there]
    for layout, name in zip(there, named):
        if name in ("", layout.language_model):
            return layout
    if not there:
        first, *others = (layout.config for layout in LAYOUTS)
        how = how_to_get(folder, LAYOUT_300M)
        raise FileNotFoundError(f"{folder / first} not found, nor {' or '.join(others)}: {how}")
    raise RuntimeError(
        f"{folder / there[0].config} is of a model family that is not supported under this name: "
        f"its language model is {named[0]}, not {there[0].language_model}; "
        "download the newest files of the model"
    )


def follows_instructions(folder: Path) -> bool:
    """Whether the model of a directory follows instructions, with a speaker or a saved voice.

    Of a 300M family only some do, which their configuration file or their name tells.
    """
    layout = layout_of(folder)
    text = (folder / layout.config).read_text(encoding="utf-8", errors="replace")
    if told := re.search(r"^supports_instruct:\s*(\w+)", text, re.M):
        return told[1].lower() == "true"
    return layout.directs_references or "-Instruct" in folder.name + folder.resolve().name


def named_language_model(config: Path) -> str:
    """The class of the language model in a configuration file, or ""."""
    text = config.read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^llm:\s*!new:[\w.]*?(\w+)\s*$", text, re.M)
    return found[1] if found else ""


def check_files(folder: Path, layout: Layout) -> None:
    """Raise FileNotFoundError that names the needed files that are missing, and how to get them."""
    if missing := [str(folder / name) for name in layout.needed if not (folder / name).is_file()]:
        raise FileNotFoundError(f"{', '.join(missing)} not found: {how_to_get(folder, layout)}")


def how_to_get(folder: Path, layout: Layout) -> str:
    models = [model for model in DOWNLOADABLE.values() if model.family.layout == layout]
    named = [model for model in models if model.name in (folder.name, folder.resolve().name)]
    model_id = (named + models)[0].model_id
    return (
        f"put the model's files in {folder}, "
        f"as `modelscope download --model {model_id} --local_dir {folder}` does"
    )


def folder_of(model: Model) -> Path | None:
    """The directory of a model in pretrained_models/, if it is there."""
    folder = PRETRAINED / model.name
    return folder if (folder / model.family.layout.config).is_file() else None


def choose_model(model: str, may_download: bool) -> str:
    """The directory to load. model: a directory, a ModelScope id, or "" for the best one there is.

    Raises FileNotFoundError that says what to do when there is none. A worker of a server must not
    download: the server's start-up limit would stop it in the middle.
    """
    if not model:
        for preferred in PREFERRED:
            if folder := folder_of(preferred):
                return str(folder)
        raise FileNotFoundError(
            f"no model in {PRETRAINED}: put {' or '.join(each.name for each in PREFERRED)} there, "
            "or set COSYVOICE_MODEL"
        )
    return str(find_model(model, may_download))


def find_model(model: str | Path, may_download=True) -> Path:
    """The directory of a path, a name or a ModelScope id. Raises FileNotFoundError.

    A name is that of a directory in pretrained_models/.
    """
    if Path(model).is_dir():
        return Path(model)
    if (PRETRAINED / model).is_dir():
        return PRETRAINED / model
    if str(model) in DOWNLOADABLE:
        raise FileNotFoundError(
            f"{model} is not downloaded; run once: python -m cosyvoice download {model}"
        )
    if not MODEL_ID.fullmatch(str(model)):
        raise FileNotFoundError(
            f"{model} not found: give a model directory, a name such as {DEFAULT.name}, "
            f"or a ModelScope id such as {DEFAULT.model_id} or {DEFAULT.model_id}@master"
        )
    if may_download:
        return download(str(model))
    try:
        return ask_modelscope(str(model), local_files_only=True)
    except Exception as error:  # of many libraries
        raise FileNotFoundError(
            f"{model} is not downloaded; run once: python all_api.py --model_dir {model}"
        ) from error


def download(model_id: str, folder: Path | None = None) -> Path:
    """Download a model into a folder, or to where ModelScope keeps its downloads.

    model_id: owner/name or owner/name@revision. ModelScope's library compares each file with the
    hub's list of that revision, a file that is there already as well: its size, and its SHA-256
    where the list has one. A file that differs is fetched again and never kept. Raises
    RuntimeError that names the files and says how to go on, and ConnectionError without a network.
    """
    page = f"https://modelscope.cn/models/{model_id.partition('@')[0]}"
    by_hand = f"or put the files of {page} into {folder or 'a directory and name it'}"
    try:
        return ask_modelscope(model_id, local_dir=str(folder) if folder else None)
    except ConnectionError as error:
        raise ConnectionError(
            "modelscope.cn cannot be reached: check the network, or HTTPS_PROXY where it needs "
            f"a proxy, then run the same command again to go on; {by_hand}"
        ) from error
    except Exception as error:  # of many libraries
        raise RuntimeError(
            f"the download stopped ({error})\n"
            "files that differ from the hub's list were not kept; "
            "check the network and the room on the disk, then run the same command again to go on; "
            + by_hand
        ) from error


def ask_modelscope(model_id: str, **options) -> Path:
    """The folder of a model's files. options: of ModelScope's snapshot_download.

    Its warnings about each try are left out: what ends a download is raised.
    """
    from modelscope import snapshot_download

    logging.getLogger("modelscope_hub").setLevel(logging.ERROR)

    name, _, revision = model_id.partition("@")
    patterns = {name for layout in LAYOUTS for name in (*layout.needed, *layout.optional)}
    return Path(
        snapshot_download(
            name, revision=revision or None, allow_patterns=sorted(patterns), **options
        )
    )
