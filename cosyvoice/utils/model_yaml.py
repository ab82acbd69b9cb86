"""A model's cosyvoice.yaml -> the objects it describes; it can name only what official files name.

hyperpyyaml imports and calls whatever a file names, so the tags are checked before it sees them.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hyperpyyaml import load_hyperpyyaml, resolve_references

# Of CosyVoice-300M and its relatives, CosyVoice2, CosyVoice3 and our own model. Exact names: under
# a prefix such as "cosyvoice." every function that any module imports could be reached.
APPLY = "random.seed numpy.random.seed torch.manual_seed torch.cuda.manual_seed_all".split()
NEW = """
    cosyvoice.llm.llm.TransformerLM
    cosyvoice.llm.llm.Qwen2LM
    cosyvoice.llm.llm.Qwen2Encoder
    cosyvoice.llm.llm.CosyVoice3LM
    cosyvoice.transformer.encoder.ConformerEncoder
    cosyvoice.transformer.encoder.TransformerEncoder
    cosyvoice.transformer.upsample_encoder.UpsampleConformerEncoder
    cosyvoice.transformer.upsample_encoder.PreLookaheadLayer
    cosyvoice.flow.flow.MaskedDiffWithXvec
    cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    cosyvoice.flow.flow.CausalMaskedDiffWithDiT
    cosyvoice.flow.length_regulator.InterpolateRegulator
    cosyvoice.flow.flow_matching.ConditionalCFM
    cosyvoice.flow.flow_matching.CausalConditionalCFM
    cosyvoice.flow.decoder.ConditionalDecoder
    cosyvoice.flow.decoder.CausalConditionalDecoder
    cosyvoice.flow.DiT.dit.DiT
    cosyvoice.hifigan.generator.HiFTGenerator
    cosyvoice.hifigan.generator.CausalHiFTGenerator
    cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
    cosyvoice.hifigan.f0_predictor.CausalConvRNNF0Predictor
    cosyvoice.hifigan.hifigan.HiFiGan
    cosyvoice.hifigan.discriminator.MultipleDiscriminator
    cosyvoice.hifigan.discriminator.MultiResSpecDiscriminator
    cosyvoice.hifigan.discriminator.MultiResolutionDiscriminator
    matcha.hifigan.models.MultiPeriodDiscriminator
    omegaconf.DictConfig
""".split()
PROCESSORS = """parquet_opener tokenize filter resample truncate compute_fbank compute_whisper_fbank
    compute_f0 parse_embedding shuffle sort batch padding""".split()
NAME = (
    """
    cosyvoice.utils.common.ras_sampling
    cosyvoice.tokenizer.tokenizer.get_tokenizer
    cosyvoice.tokenizer.tokenizer.get_whisper_tokenizer
    cosyvoice.tokenizer.tokenizer.get_qwen_tokenizer
    cosyvoice.tokenizer.phoneme.get_tokenizer
    whisper.tokenizer.get_tokenizer
    matcha.utils.audio.mel_spectrogram
""".split()
    + [f"cosyvoice.dataset.processor.{name}" for name in PROCESSORS]
)
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in "null bool int float str seq map".split()}
ALLOWED = PLAIN | {
    f"!{tag}:{name}"
    for tag, names in {"apply": APPLY, "new": NEW, "name": NAME}.items()
    for name in names
}
NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
# "<width>", or arithmetic such as "<chunk_size> * <ratio>"
REFERENCE = re.compile(r"<\w+>(?: *[-+*/] *(?:<\w+>|\d+(?:\.\d+)?))*")


def load_model_yaml(text: str, path: str | Path, overrides: dict | None = None) -> dict[str, Any]:
    """The objects of the text of a cosyvoice.yaml; overrides replace entries of the top level.

    path: the file, for messages. Raises RuntimeError, and nothing of the text has run, when it
    names what official files do not, or is no YAML.
    """
    import ruamel.yaml

    try:
        _check(ruamel.yaml.YAML().compose(text), path)
        resolved = resolve_references(text, overrides).getvalue()
        # What will be built, as references can put strings together
        _check(ruamel.yaml.Loader(resolved).get_single_node(), path)
    except (ruamel.yaml.error.MarkedYAMLError, ruamel.yaml.reader.ReaderError) as error:
        raise RuntimeError(f"{path} is damaged: download it again ({error})") from error
    return load_hyperpyyaml(resolved)


def _check(root, path: str | Path) -> None:
    """Raises RuntimeError for the first node that official files do not have."""
    if root is None or root.id != "mapping":
        raise RuntimeError(f"{path} is damaged: it holds no entries; download it again")
    numbers = {str(key.value) for key, value in root.value if value.tag in NUMBERS}
    for node in _nodes(root, set()):
        value = node.value if node.id == "scalar" else ""
        if node.tag == "!ref":
            names = re.findall(r"<(\w+)>", value)
            wrong = not REFERENCE.fullmatch(value) or (
                value != f"<{names[0]}>" and not numbers.issuperset(names)
            )
        else:
            # hyperpyyaml reads "(...)" as YAML of any kind, and "<...>" as a reference.
            wrong = node.tag not in ALLOWED or re.search(r"^\s*\(|<[^>]*>", value)
        if wrong:
            raise RuntimeError(_refusal(path, node, value))


def _nodes(node, seen: set[int]) -> Iterator[Any]:
    """The node and all nodes below it, each once."""
    todo = [node]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if node.id == "mapping":
            todo += [part for pair in node.value for part in pair]
        elif node.id == "sequence":
            todo += node.value


def _refusal(path: str | Path, node, value: str) -> str:
    line = f", line {node.start_mark.line + 1}" if node.start_mark else ""
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    what = tag if node.tag not in PLAIN else ""
    shown = f"{what} {value}".strip()[:100]
    return (
        f"{path}{line}: {shown!r} is refused, since a model's file could run any program by it. "
        "Allowed are plain values, !ref <name> with arithmetic on numbers, and !new:, !name: and "
        "!apply: with the classes and functions of official files, which "
        "cosyvoice/utils/model_yaml.py lists; "
        "download the model from its official place / "
        f"模型文件中有不允许的内容 {shown!r}：只允许官方文件使用的类和函数，请从官方重新下载"
    )
