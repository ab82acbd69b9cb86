"""Chinese signs: mathematics, scores, symbols and the numbers of list items."""

import re
import unicodedata

from cosyvoice.text.chinese.numbers import COUNTERS, NUMBER, number, ordinal, whole
from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import CHINESE_TO_TEN, chinese_number
from cosyvoice.text.spans import after, before, reader

OPERATORS = {
    "+": "加",
    "-": "减",
    "–": "减",
    "×": "乘",
    "*": "乘",
    "x": "乘",
    "X": "乘",
    "÷": "除以",
    "/": "除以",
    "·": "乘",
    "=": "等于",
    "==": "等于",
    "≠": "不等于",
    "!=": "不等于",
    "≈": "约等于",
    "≡": "恒等于",
    "<": "小于",
    ">": "大于",
    "≤": "小于等于",
    "≥": "大于等于",
    "<=": "小于等于",
    ">=": "大于等于",
    "≪": "远小于",
    "≫": "远大于",
    "^": "的",
    "±": "加减",
}
LONE = {
    "≈": "约等于",
    "≠": "不等于",
    "≡": "恒等于",
    "≤": "小于等于",
    "≥": "大于等于",
    "≪": "远小于",
    "≫": "远大于",
    "×": "乘",
    "÷": "除以",
    "∠": "角",
    "∵": "因为",
    "∴": "所以",
    "∞": "无穷大",
    "∈": "属于",
    "∉": "不属于",
    "⊂": "包含于",
    "⊆": "包含于",
    "∪": "并",
    "∩": "交",
    "∅": "空集",
    "⊥": "垂直于",
    "∥": "平行于",
    "△": "三角形",
    "∑": "求和",
    "∫": "积分",
    "∂": "偏",
    "∀": "任意",
    "∃": "存在",
    "∝": "正比于",
    "√": "根号",
    "±": "正负",
    "∆": "德尔塔",
    "∏": "求积",
}
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        "阿尔法 贝塔 伽马 德尔塔 艾普西龙 泽塔 伊塔 西塔 约塔 卡帕 拉姆达 缪 纽 克西 派 柔 西格玛 陶 宇普西龙 "
        "斐 凯 普西 欧米伽 伽马 德尔塔 西塔 拉姆达 克西 派 西格玛 斐 普西 欧米伽".split(),
    )
)
POWERS = {"²": "平方", "³": "立方"}
SMALL = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-"))
SMALL_SIGNS = "".join(SMALL)
OPERAND = rf"(?:[-√±]? ?(?:\d+/\d+|{NUMBER}(?:[万亿%])?[a-zA-Zπ]?|[A-Za-zα-ωπΔ])[²³{SMALL_SIGNS}]*)"
OPERATOR = r" ?(?:[<>=!]=|[-–+×÷*/·=≠≈<>≤≥^±xX]) ?"
def is_calculated(match: re.Match[str], text: str) -> bool:
    return re.search(r"=|[+×÷≠≈≤≥^±]|(?<=[\d)]) ?\* ?(?=\d)|[<>]", text) is not None


def tokens(text: str) -> list[str]:
    return re.findall(rf"\d+/\d+|{NUMBER}|[<>=!]=|.", text.replace(" ", ""))


def calculation(match: re.Match[str]) -> str | None:
    """The words of an expression, sign by sign."""
    text = match[0]
    if not is_calculated(match, text):
        return None
    words, operand = "", False
    pieces = tokens(text)
    index = 0
    while index < len(pieces):
        piece = pieces[index]
        if piece == "^":
            index += 1
            power = pieces[index] if index < len(pieces) else ""
            if power == "-" and index + 1 < len(pieces):
                index += 1
                power += pieces[index]
            words += power_words(power)
            operand = True
        elif piece[0] in SMALL_SIGNS:
            small = piece
            while index + 1 < len(pieces) and pieces[index + 1] in SMALL:
                index += 1
                small += pieces[index]
            words += small_power(small)
            operand = True
        elif piece[0].isdigit():
            words += fraction_words(piece) if "/" in piece else number(piece)
            operand = True
        elif piece in OPERATORS and operand and not (piece in "xX" and not is_times(pieces, index)):
            words += OPERATORS[piece]
            operand = False
        elif piece == "-":
            words += "负"
        elif piece == "+":
            words += "正"
        elif piece == "%":
            return None
        else:
            words += LONE.get(piece) or GREEK.get(piece) or piece
            operand = piece not in "√±"
        index += 1
    return words


def is_times(pieces: list[str], index: int) -> bool:
    """Whether an x between two numbers is a sign."""
    right = pieces[index + 1] if index + 1 < len(pieces) else ""
    return pieces[index - 1][:1].isdigit() and right[:1].isdigit()


def fraction_words(text: str) -> str:
    above, below = text.split("/")
    return f"{ordinal(below)}分之{ordinal(above)}"


def power_words(power: str) -> str:
    if power.lstrip("-").isdigit():
        return "的" + number(power) + "次方"
    return "的" + power + "次方"


def small_power(small: str) -> str:
    if small in POWERS:
        return POWERS[small]
    return "的" + number("".join(SMALL[char] for char in small).lstrip("+")) + "次方"


def circled(match: re.Match[str]) -> str:
    value = unicodedata.numeric(match[0], -1)
    if value < 0:
        value = unicodedata.numeric(unicodedata.normalize("NFKC", match[0]).strip("()."), 0)
    return chinese_number(int(value)) + "，"


def item(match: re.Match[str]) -> str:
    figures = match["n"]
    return (figures if not figures.isdigit() else whole(str(int(figures)))) + "，"


def page_of(match: re.Match[str]) -> str:
    return f"第{ordinal(match['n'])}{match['unit']}，共{number(match['all'])}{match['unit']}"


def plus(match: re.Match[str]) -> str:
    """10+ before what is counted is 十多, else 十加."""
    more = after(match, rf" ?(?:[家款种项余]|{COUNTERS.pattern}|城市|国家|企业|公司|用户|小时)")
    return "多" if more else "加"


OPERATED = r"[A-Za-z\d)\]²³π%]"
SENTENCE_START = r"(?:^|(?<=[。；;！？\n])|(?<=[：:。；;，] )|(?<=[：:])|(?<=[。；;！？] ))"

READERS = (
    # mathematics
    reader("mathematics", rf"(?<![A-Za-z\d.]){OPERAND}(?:{OPERATOR}{OPERAND})+(?![A-Za-z\d])", calculation),
    *(reader("mathematics", re.escape(sign), words) for sign, words in LONE.items()),
    *(reader("mathematics", rf"{letter}", words) for letter, words in GREEK.items()),
    reader("mathematics", rf"(?<=[A-Za-z\d{HAN}])\^\{{?(?P<n>-?\d+)\}}?", lambda m: power_words(m["n"])),
    reader("mathematics", rf"[{SMALL_SIGNS}]+", lambda m: small_power(m[0])),
    reader("mathematics", r"(?<![-<>=A-Za-z]) ?(?P<s>[<>]=?|==|!=) ?(?=[-\d¥$])", lambda m: OPERATORS[m["s"]]),
    reader("mathematics", rf"(?<=[A-Za-z\d)\]²³]) ?(?P<s>[<>]=?|={{1,2}}|!=) ?(?=[-A-Za-z\d({HAN}])(?!-)", lambda m: OPERATORS[m["s"]] if not after(m, "[>=]") else None),
    reader("mathematics", rf"(?<=[{HAN}]) ?= ?(?=[-{HAN}\dA-Za-z])", "等于"),
    reader("mathematics", rf"(?<={OPERATED}) ?\+ ?(?=[A-Za-z\d(])", "加"),
    reader("mathematics", rf"(?<=[{HAN}]) ?\+ ?(?=[{HAN}\dA-Za-z])", "加"),
    reader("mathematics", rf"(?<=[A-Za-z\d]) ?\+ ?(?=[{HAN}])(?<! )", lambda m: plus(m)),
    reader("mathematics", r"\+(?=\d)", lambda m: "加" if before(m, rf"[{HAN}]|^") else None),
    reader("mathematics", r"(?<=\d)\+", lambda m: plus(m)),
    reader("mathematics", r"(?<=\d)[wW]\+?(?![A-Za-z\d])", lambda m: "万" + (plus(m) if m[0][-1] == "+" else "") if m[0] != "W" else None),
    reader("mathematics", r"(?<=[A-Za-z])\+\+(?![A-Za-z\d])", "加加"),
    reader("mathematics", r"(?<=[A-Z])\+(?=[，。、！？ ）)]|$|级|股|轮)", "加"),
    reader("mathematics", r"(?<=[A-Z])-(?=[，。、！？ ）)]|$|级|股|轮)", "减"),
    reader("mathematics", r"(?<=\d) ?\* ?(?=\d)", "乘"),
    reader("mathematics", r"(?<=\d) ?[xX] ?(?=\d)", "乘"),
    reader("mathematics", r"~ ?(?=\d)", lambda m: "约" if not before(m, r"[A-Za-z\d]") else None),
    # lists
    reader("list item", r"[①-⓿㈠-㊰❶-➓]", circled),
    reader("list item", rf"{SENTENCE_START}\(?(?P<n>\d{{1,2}}|[{CHINESE_TO_TEN}]{{1,3}})\)(?! ?[班年月号])", item),
    reader("list item", rf"{SENTENCE_START}(?P<n>\d{{1,2}})[.、](?=\s*[^\W\d])", item),
    reader("ordinal", r"第(?P<n>\d+) ?/ ?(?P<all>\d+) ?(?P<unit>[页章集关步期回讲课])", page_of),
    # symbols
    reader("symbol", rf"(?<=\d)#(?=[{HAN}])", "号"),
    reader("symbol", r"#(?=\d)", lambda m: None if before(m, "[A-Za-z]") else ""),
    reader("symbol", r"(?<![A-Za-z])[CFcf]#", lambda m: f"{m[0][0]} sharp"),
    reader("symbol", rf"(?<=[{HAN}]) ?& ?| ?& ?(?=[{HAN}])", "和"),
    reader("symbol", r"(?<=[A-Za-z\d]) ?& ?(?=[A-Za-z\d])", " and "),
    reader("symbol", rf"@ ?(?=[{HAN}A-Za-z])", "艾特"),
    reader("symbol", r"%", "百分号"),
    reader("symbol", r"‰", "千分号"),
    reader("symbol", r"°[Cc]", "摄氏度"),
    reader("symbol", r"°[Ff]", "华氏度"),
    reader("symbol", r"°", "度"),
    reader("symbol", r"¥", "元"),
    reader("symbol", r"\$", "美元"),
    reader("symbol", r"€", "欧元"),
    reader("symbol", r"£", "英镑"),
    reader("symbol", rf"(?<=[{HAN}A-Za-z\d]) ?(?:→|->|➔|⇒) ?(?=[{HAN}A-Za-z\d])", "到"),
    reader("symbol", rf"(?<=[{HAN}])/(?=[{HAN}])", "，"),
    reader("symbol", r"§ ?(?P<n>\d+)", lambda m: "第" + ordinal(m["n"]) + "节"),
)
