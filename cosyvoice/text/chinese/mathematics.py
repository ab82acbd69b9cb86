"""Chinese mathematics: expressions as a whole, and single signs."""

import re

from cosyvoice.text.chinese.numbers import COUNTER, NUMBER, number, ordinal
from cosyvoice.text.language import HAN
from cosyvoice.text.spans import after, before, reader

OPERATORS = {
    "+": "加",
    "-": "减",
    "–": "减",
    "×": "乘",
    "*": "乘",
    "x": "乘",
    "X": "乘",
    "·": "乘",
    "÷": "除以",
    "/": "除以",
    "=": "等于",
    "==": "等于",
    "!=": "不等于",
    "≠": "不等于",
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
    "±": "正负",
}
SIGNS = {  # said wherever they stand
    "≈": "约等于",
    "≠": "不等于",
    "≡": "恒等于",
    "≤": "小于等于",
    "≥": "大于等于",
    "≪": "远小于",
    "≫": "远大于",
    "×": "乘",
    "÷": "除以",
    "±": "正负",
    "√": "根号",
    "∠": "角",
    "△": "三角形",
    "∆": "德尔塔",
    "⊥": "垂直于",
    "∥": "平行于",
    "≌": "全等于",
    "∽": "相似于",
    "∵": "因为",
    "∴": "所以",
    "∞": "无穷大",
    "∝": "正比于",
    "∈": "属于",
    "∉": "不属于",
    "⊂": "包含于",
    "⊆": "包含于",
    "∪": "并",
    "∩": "交",
    "∅": "空集",
    "∀": "任意",
    "∃": "存在",
    "∑": "求和",
    "∏": "求积",
    "∫": "积分",
    "∂": "偏",
}
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        "阿尔法 贝塔 伽马 德尔塔 艾普西龙 泽塔 伊塔 西塔 约塔 卡帕 拉姆达 缪 纽 克西 派 柔 西格玛 "
        "陶 宇普西龙 斐 凯 普西 欧米伽 伽马 德尔塔 西塔 拉姆达 克西 派 西格玛 斐 普西 "
        "欧米伽".split(),
    )
)
POWERS = {"²": "平方", "³": "立方"}
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-"))
LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

# An expression: operands and operators. A letter behind a number is a variable and no unit, and a
# word of letters stands by itself, so that each text is cut in one way only.
SMALL = "".join(RAISED)
VARIABLES = "abcijknpqruvxyzABNXYZ"
LETTERS = r"(?<![A-Za-z\d])(?:[A-Za-z]{2,12}[-_])?[A-Za-z]{1,12}(?![A-Za-z])"
RAISE = rf"(?:[{SMALL}]{{1,4}}|\^\{{?-?[\dA-Za-z]{{1,6}}\}}?)?"
FIGURES = rf"(?<!\d){NUMBER}(?![\d:])[%°]?(?:[{VARIABLES}](?![A-Za-z\d]))?"
ATOM = rf"(?:{FIGURES}|{LETTERS}|[{''.join(GREEK)}]|…{{1,2}}){RAISE}"
OPERAND = rf"[(\[]{{0,3}}[-+√±∠△]{{0,2}}{ATOM}(?:{ATOM}|\({ATOM}\)){{0,3}}[)\]]{{0,3}}"
OVER = rf"/(?= ?[\d(√-]| ?[{VARIABLES}](?![A-Za-z]))"  # what follows is no unit
TIMES = r"(?<=\d)[xX](?=\d)|(?<=\d )[xX](?= \d)"
OPERATOR = rf" ?(?:[<>=!]=|[-–+×÷*·=≠≈≡<>≤≥≪≫±](?![=>+])|{OVER}|{TIMES}) ?"
EXPRESSION = rf"(?<![A-Za-z\d.]){OPERAND}(?:{OPERATOR}{OPERAND}){{1,40}}(?![A-Za-z\d]|\.\d)"
PROOF = re.compile(r"[=+×÷≠≈≡≤≥±<>≪≫]|\d ?\* ?\d")  # a hyphen or a slash alone is none
TOKEN = re.compile(
    rf"\d+/\d+(?![\d/])|{NUMBER}%?|[<>=!]=|\^\{{?(?P<power>-?[\dA-Za-z]+)\}}?"
    rf"|(?P<raised>[{SMALL}]+)"
    rf"|[A-Za-z]{{2,}}[-_][A-Za-z]+|[A-Za-z]+|[^ ]"
)


def expression(match: re.Match[str]) -> str | None:
    """1/4+1/2, 8÷4=2, x²+y=z: the words sign by sign, where the signs show a calculation."""
    if not PROOF.search(match[0]):
        return None
    words, operand = "", False  # operand: whether one stands before the token
    found = list(TOKEN.finditer(match[0]))
    for index, token in enumerate(found):
        times = operand and index + 1 < len(found) and is_between_numbers(found, index)
        word, operand = token_words(token, operand, times)
        words += word
    return words


def is_between_numbers(found: list[re.Match[str]], index: int) -> bool:
    return found[index - 1][0][-1].isdecimal() and found[index + 1][0][0].isdecimal()


def token_words(token: re.Match[str], operand: bool, times: bool) -> tuple[str, bool]:
    """The words of one token, and whether an operand ends with it."""
    text = token[0]
    if token["power"]:
        return power(token["power"]), True
    if token["raised"]:
        return raised(text, token.string[token.start() - 1 : token.start()]), True
    if text[0].isdecimal():
        return operand_number(text), True
    if text in OPERATORS and operand and (text not in "xX" or times):
        return OPERATORS[text], False
    if text in ("-", "+"):
        return ("负" if text == "-" else "正"), False
    if text in "()[]":
        return "", operand or text in ")]"
    if text in ("°", "…"):
        return ("度" if text == "°" else "点点点"), True
    return SIGNS.get(text) or GREEK.get(text) or text, text not in "√±∠△"


def operand_number(text: str) -> str:
    if "/" in text:
        above, below = text.split("/")
        if int(above) >= int(below):
            return f"{number(above)}除以{number(below)}"
        return f"{ordinal(below)}分之{ordinal(above)}"
    return "百分之" + number(text[:-1]) if text[-1] == "%" else number(text)


def power(text: str) -> str:
    """6 -> 的六次方."""
    return f"的{re.sub(r'-?[0-9]+', lambda figures: number(figures[0]), text)}次方"


def raised(text: str, left: str) -> str:
    """² -> 平方, ⁻³ -> 的负三次方, and the charge of an ion: ³⁺ -> 三正."""
    if text in POWERS:
        return ("的" if left.isdecimal() else "") + POWERS[text]
    plain = "".join(RAISED[char] for char in text)
    figures = re.fullmatch(r"[-+]?\d+", plain)
    if figures:
        return power(plain.lstrip("+"))
    return (
        re.sub(r"\d+", lambda digits: number(digits[0]), plain)
        .replace("+", "正")
        .replace("-", "负")
    )


def scientific(match: re.Match[str]) -> str:
    """1e-4 -> 一乘十的负四次方."""
    figures, exponent = re.split("[eE]", match[0])
    return f"{number(figures)}乘十{power(exponent.lstrip('+'))}"


def sign(match: re.Match[str]) -> str:
    return OPERATORS[match["sign"]]


def plus(match: re.Match[str]) -> str:
    """10+ before what is counted is 十多, else 十加."""
    more = after(match, rf" ?(?:[家款种项余]|{COUNTER}|城市|国家|企业|公司|用户|小时)")
    return "多" if more else "加"


def leading_plus(match: re.Match[str]) -> str | None:
    return "加" if before(match, rf"[{HAN}]|^") else None


def about(match: re.Match[str]) -> str | None:
    return None if before(match, r"[A-Za-z\d]") else "约"


def ten_thousands(match: re.Match[str]) -> str:
    """10w+ -> 十万加."""
    return "万" + (plus(match) if match[0].endswith("+") else "")


READERS = (
    reader("mathematics", EXPRESSION, expression),
    *(reader("mathematics", re.escape(each), words) for each, words in (SIGNS | GREEK).items()),
    reader(
        "mathematics",
        rf"(?<=[A-Za-z\d{HAN})])\^\{{?(?P<n>-?\d{{1,9}}|[A-Za-z]{{1,6}})\}}?",
        lambda m: power(m["n"]),
    ),
    reader("mathematics", rf"(?<![A-Za-z\d.]){NUMBER}[eE][-+]?\d{{1,3}}(?!\w)", scientific),
    reader(
        "mathematics", rf"[{SMALL}]+", lambda m: raised(m[0], m.string[m.start() - 1 : m.start()])
    ),
    reader("mathematics", "[₀-₉]+", lambda m: number(m[0].translate(LOWERED))),
    # comparison
    reader("mathematics", r"(?<![-<>=A-Za-z]) ?(?P<sign>[<>]=?|==|!=) ?(?=[-\d¥$])", sign),
    reader(
        "mathematics",
        rf"(?<=[A-Za-z\d)\]²³%|{HAN}]) ?(?P<sign>[<>]=?|={{1,2}}|!=)(?![<>=]) ?"
        rf"(?=[-A-Za-z\d(¥${HAN}])(?!-[^\d])",
        sign,
    ),
    # + and -
    reader("mathematics", rf"(?<=[A-Za-z\d)\]²³%{HAN}]) ?\+ ?(?=[A-Za-z\d(¥$])", "加"),
    reader("mathematics", rf"(?<=[A-Za-z{HAN}]) ?\+ ?(?=[{HAN}])", "加"),
    reader("mathematics", r"(?<=[\d万亿千百%])\+", plus),
    reader("mathematics", r"\+(?=[\d¥$])", leading_plus),
    reader("mathematics", r"(?<=[A-Za-z])\+\+(?![A-Za-z])", "加加"),
    reader("mathematics", rf"(?<=[A-Za-z{HAN}])\+(?=[，。、！？ )\"”]|$)", "加"),
    reader("mathematics", r"(?<![A-Za-z])(?<=[A-Z])-(?=[，。、！？ )]|$|级|股|轮)", "减"),
    # × as it is typed
    reader("mathematics", r"(?<=\d) ?[*xX] ?(?=\d)", "乘"),
    # amounts
    reader(
        "mathematics",
        r"(?<=\d)w\+?(?![A-Za-z\d])|(?<=\d)W(?:\+|(?=[人元块粉赞播阅]))",
        ten_thousands,
    ),
    reader("mathematics", r"~ ?(?=\d)", about),
)
