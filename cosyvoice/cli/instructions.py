"""Instructions that the publishers of the models show, to be offered to callers.

A model follows others too, but these are the ones it was shown to follow. Source: the list in
upstream's utils/common.py (Fun-CosyVoice3) and its example.py (CosyVoice2).
"""

from dataclasses import dataclass

from cosyvoice.cli.model_list import FAMILY_2, FAMILY_3, INSTRUCT
from cosyvoice.utils.errors import InstructUnsupported


def no_instructions_error(model: str) -> InstructUnsupported:
    return InstructUnsupported(
        f"{model} does not follow instructions; load {INSTRUCT.name}",
        f"{model} 不支持自然语言控制，请加载 {INSTRUCT.name}",
    )


def no_directed_reference_error(model: str) -> InstructUnsupported:
    return InstructUnsupported(
        f"{model} does not follow instructions with a reference: "
        f"load {FAMILY_2.name} or {FAMILY_3.name}",
        f"{model} 不支持用参考音频做自然语言控制，请加载 {FAMILY_2.name} 或 {FAMILY_3.name}",
    )


@dataclass(frozen=True)
class Instruction:
    """text: what is sent. en, zh: what it does."""

    text: str
    kind: str  # dialect, emotion, speed, loudness or style
    en: str
    zh: str


DIALECTS = {
    "广东话": "Cantonese",
    "东北话": "Northeastern Mandarin",
    "甘肃话": "Gansu dialect",
    "贵州话": "Guizhou dialect",
    "河南话": "Henan dialect",
    "湖北话": "Hubei dialect",
    "湖南话": "Hunan dialect",
    "江西话": "Jiangxi dialect",
    "闽南话": "Hokkien",
    "宁夏话": "Ningxia dialect",
    "山西话": "Shanxi dialect",
    "陕西话": "Shaanxi dialect",
    "山东话": "Shandong dialect",
    "上海话": "Shanghainese",
    "四川话": "Sichuanese",
    "天津话": "Tianjin dialect",
    "云南话": "Yunnan dialect",
}
OF_COSYVOICE3 = (
    *(Instruction(f"请用{zh}表达。", "dialect", en, zh) for zh, en in DIALECTS.items()),
    Instruction("Please say a sentence as loudly as possible.", "loudness", "Loud", "大声"),
    Instruction("Please say a sentence in a very soft voice.", "loudness", "Soft", "轻声"),
    Instruction("请用尽可能慢地语速说一句话。", "speed", "Slow", "慢速"),
    Instruction("请用尽可能快地语速说一句话。", "speed", "Fast", "快速"),
    Instruction("请非常开心地说一句话。", "emotion", "Happy", "开心"),
    Instruction("请非常伤心地说一句话。", "emotion", "Sad", "伤心"),
    Instruction("请非常生气地说一句话。", "emotion", "Angry", "生气"),
    Instruction("我想体验一下小猪佩奇风格，可以吗？", "style", "Peppa Pig", "小猪佩奇"),
    Instruction("你可以尝试用机器人的方式解答吗？", "style", "Robot", "机器人"),
)
OF_COSYVOICE2 = (Instruction("用四川话说这句话", "dialect", "Sichuanese", "四川话"),)
INSTRUCTIONS = {FAMILY_2.name: OF_COSYVOICE2, FAMILY_3.name: OF_COSYVOICE3}


def instructions_of(family: str) -> tuple[Instruction, ...]:
    """The instructions shown for a family of models; none where there is no list."""
    return INSTRUCTIONS.get(family, ())
