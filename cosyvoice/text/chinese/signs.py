"""Chinese signs: the numbers of list items, and symbols that have a name."""

import re
import unicodedata

from cosyvoice.text.chinese.numbers import number, ordinal, whole
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import CHINESE_TO_TEN, chinese_number
from cosyvoice.text.spans import before, reader

NAMED = {
    "%": "百分号",
    "‰": "千分号",
    "°C": "摄氏度",
    "°c": "摄氏度",
    "°F": "华氏度",
    "°": "度",
    "¥": "元",
    "$": "美元",
    "€": "欧元",
    "£": "英镑",
}
TESTED = {"+": "阳性", "-": "阴性", "±": "弱阳性"}  # 尿蛋白(+)
SENTENCE_START = r"(?:^|(?<=[。；;！？：:])|(?<=[：:。；;，！？.] ))"


def circled(match: re.Match[str]) -> str:
    """① and ❶ -> 一."""
    value = unicodedata.numeric(match[0], -1)
    if value < 0:
        plain = unicodedata.normalize("NFKC", match[0]).strip("().")
        return plain + "，"
    return chinese_number(int(value)) + "，"


def item(match: re.Match[str]) -> str:
    figures = match["n"]
    return (whole(str(int(figures))) if figures.isdecimal() else figures) + "，"


def page_of(match: re.Match[str]) -> str:
    """第1/3页 -> 第一页，共三页."""
    return f"第{ordinal(match['n'])}{match['unit']}，共{number(match['all'])}{match['unit']}"


def class_of_school(match: re.Match[str]) -> str:
    """高三(2)班 -> 高三二班."""
    return ordinal(match["n"]) if match["n"].isdecimal() else match["n"]


def hash_sign(match: re.Match[str]) -> str | None:
    return None if before(match, "[A-Za-z]") else ""


READERS = (
    reader("list item", r"[①-⓿㈠-㊰❶-➓]", circled),
    reader(
        "list item",
        rf"{SENTENCE_START}\((?P<n>\d{{1,2}}|[{CHINESE_TO_TEN}]{{1,3}})\)(?! ?[班年月号])",
        item,
    ),
    reader("list item", rf"{SENTENCE_START}(?P<n>\d{{1,2}})(?:\)|[.、](?!\d)) ?(?=[^\W\d])", item),
    reader("ordinal", r"第(?P<n>\d+) ?/ ?(?P<all>\d+) ?(?P<unit>[页章集关步期回讲课])", page_of),
    reader("ordinal", rf"\((?P<n>\d{{1,2}}|[{CHINESE_TO_TEN}]{{1,3}})\)(?=班)", class_of_school),
    reader("ordinal", r"§ ?(?P<n>\d+)", lambda match: f"第{ordinal(match['n'])}节"),
    *(reader("symbol", re.escape(sign), words) for sign, words in NAMED.items()),
    reader("symbol", rf"(?<=\d)#(?=[{HAN}，。、]|$)", "号"),
    reader("symbol", r"#(?=\d)", hash_sign),
    reader("symbol", r"(?<![A-Za-z])[CFcf]#", lambda match: f"{match[0][0]} sharp"),
    reader("symbol", rf"(?<=[{HAN}]) ?& ?| ?& ?(?=[{HAN}])", "和"),
    reader("symbol", r"(?<=[A-Za-z\d]) ?& ?(?=[A-Za-z\d])", " and "),
    reader("symbol", rf"@ ?(?=[{HAN}A-Za-z])", "艾特"),
    reader("symbol", r"(?<=[^\s，。：]) ?(?:→|->|➔|⇒) ?(?=[^\s，。：])", "到"),
    *(
        reader("symbol", rf"(?<=[{HAN}A-Za-z]) ?\({re.escape(sign)}\)", words)
        for sign, words in TESTED.items()
    ),
    reader("symbol", rf"(?<=[{HAN}])/(?=[{HAN}])", "，"),
)
