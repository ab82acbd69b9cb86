"""Chinese numbers: cardinals, decimals, ordinals, fractions, Roman numerals, and their patterns.

Two is 两 before what is counted (两个, 两天), and 二 where it numbers (第二, 二楼) or stands alone.
"""

import re

from cosyvoice.text.language import HAN
from cosyvoice.text.numbers import (
    CHINESE_TO_TEN,
    chinese_digits,
    chinese_number,
    roman,
    telephone_digits,
)
from cosyvoice.text.spans import after, before, reader

LONGEST = 16  # digits that words have names for
WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?![\d,]*\d)|\d+)"
NUMBER = rf"(?:{WHOLE}(?:\.\d+)?)"
FROM_HERE = r"(?<![\d])(?<!\d\.)"  # a number does not begin inside another one
TO_HERE = r"(?!\d|\.\d)"
# A minus sign, where no range, code or word can end before it.
MINUS = rf"(?<![A-Za-z\d)\]}}%°′_.,;\-–~])(?<!\d:)(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})-"
TO = r" ?(?:-{1,2}|–|—{1,2}|~|至|到) ?"
MANY = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
TENS = r"(?:[百千]?[万亿]|万亿|百|千(?![米克瓦卡伏帕赫焦字]))"

COUNTERS = re.compile(
    r" ?(?:[个只条张本件位名人家次遍天周岁块毛角米里斤吨倍种类项套台部辆架艘杯瓶碗盘箱盒包袋份篇首句段页字行列间座栋"
    r"道门科届场局轮回趟番顿餐桌颗粒根支枝把双对副串朵棵株头匹只枚层批股笔宗桩起例步声口滴片块堆团束捆卷"
    r"扇面幅届秒分刻晚夜者侧边方国地省市校省县村户队组成期岸极派尺寸丈亩升克厘毫倍度点时座死伤男女"
    r"万亿百千袭盏席款员瓣拨胞胎连栏桶筐罐壶杆]"
    r"|年(?!级)|小时|分钟|星期|礼拜|季度|世纪|平方|立方|公[里斤顷分]|英[里尺寸镑亩]|海里|加仑|盎司"
    r"|[美日欧韩港澳台加新泰]?元|卢布|法郎|泰铢|卢比|光年|室\d|(?:kg|km|cm|mm|ml|h|L|g|m)(?![A-Za-z]))"
)
NUMBERED = re.compile(  # what looks as if it were counted, and is numbered
    r"月(?!饼)|号|日|楼|班|年级|路|线|等|级|环|孩|胎|战|手|维|代|型|区|单元|院|中|把手|次元|"
    r"两|分之|百五|位数|点\d|次方|人转|人台|分频|成熟|部曲|里河|条杠|道贩"
)


def whole(text: str) -> str:
    """The words of a whole number; one too long for words, or with a leading zero, by digits."""
    text = text.replace(",", "")
    by_digits = len(text) > LONGEST or (len(text) > 1 and text[0] == "0")
    return telephone_digits(text) if by_digits else chinese_number(int(text))


def number(text: str) -> str:
    """-1,234.50 -> 负一千二百三十四点五零."""
    sign = "负" if text[:1] == "-" else ""
    before_point, _, decimals = text.lstrip("+-").partition(".")
    return sign + whole(before_point) + ("点" + chinese_digits(decimals) if decimals else "")


def ordinal(text: str) -> str:
    """Of a number that numbers: 200 -> 二百."""
    words = number(text)
    return "二百" + words[2:] if words.startswith("两百") else words


def amount(text: str) -> str:
    """A number of what follows it: 2 -> 两. It may end with 万 and the like, w, K, M, B or T."""
    match = re.fullmatch(rf"(-?{NUMBER}) ?(.*)", text)
    assert match is not None
    digits, unit = match[1], match[2]
    if unit.upper() in MANY:
        return in_ten_thousands(digits, MANY[unit.upper()])
    unit = "万" if unit in ("w", "W") else unit
    return ("两" if digits == "2" else number(digits)) + unit


def in_ten_thousands(digits: str, unit: int) -> str:
    """2.5 million -> 两百五十万."""
    value = round(float(digits.replace(",", "")) * unit)
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万")):
        if value >= size:
            return amount(f"{value / size:.10g}") + name
    return chinese_number(value)


def counted(match: re.Match[str]) -> str:
    """The words of a number that stands before Chinese text."""
    text = match[0]
    if text.lstrip("-") == "2" and is_counted(match):
        return text[:-1].replace("-", "负") + "两"
    return number(text)


def is_counted(match: re.Match[str]) -> bool:
    """Whether what follows is counted, and not numbered."""
    rest = match.string[match.end() : match.end() + 8]
    if before(match, rf"第[{CHINESE_TO_TEN}百]*|[初老周]|星期|礼拜|[十百]"):
        return False
    if before(match, "[大高研小]") and after(match, "[女男学班的下上生]"):
        return False
    return COUNTERS.match(rest) is not None and NUMBERED.match(rest) is None


def cardinal(match: re.Match[str]) -> str:
    text = match[0].replace(",", "")
    if before(match, "第"):
        return ordinal(text)
    if len(text) >= 12 and not text.endswith("000"):
        return telephone_digits(text)  # the number of a card or an account
    if is_year(match, text):
        return chinese_digits(text)
    return counted(match)


def is_year(match: re.Match[str], text: str) -> bool:
    """Whether four digits without 年 are a year: 在2024, 2024巴黎奥运会."""
    if not re.fullmatch(r"(?:19|20)\d\d", text) or text == "2000":
        return False
    if after(match, rf" ?[多余来几+%]|{COUNTERS.pattern}"):
        return before(match, "(?:始|建|写|生|摄|成立)于")
    if before(match, r"[共约近达超为有花了过等余量数分值额价×÷*/=><≥≤+-] ?"):
        return False
    return after(match, f"[{HAN}]") or before(match, "[在于从到自至截]")


def fraction(match: re.Match[str]) -> str:
    """1/2 -> 二分之一, 1 1/2 -> 一又二分之一."""
    many = whole(match["whole"]) + "又" if match["whole"] else ""
    sign = "负" if match["minus"] else ""
    return f"{sign}{many}{ordinal(match['below'])}分之{ordinal(match['above'])}"


VULGAR = dict(
    zip(
        "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞",
        "二分之一 三分之一 三分之二 四分之一 四分之三 五分之一 五分之二 五分之三 五分之四 六分之一 "
        "六分之五 八分之一 八分之三 八分之五 八分之七".split(),
    )
)


def vulgar_fraction(match: re.Match[str]) -> str:
    return (whole(match[1]) + "又" if match[1] else "") + VULGAR[match[2]]


def plain_range(match: re.Match[str]) -> str | None:
    """3-4 -> 三到四, 3万-5万 -> 三万到五万."""
    first, last, sign = match["first"], match["last"], match["to"].strip()
    if size_of(first, last) >= size_of(last) and sign not in ("到", "至", "~"):
        return None
    words = number_with_tens
    if before(match, "第"):
        words = ordinal
    elif is_counted(match):
        words = amount
    return both(words(first), words(last), sign)


def number_with_tens(text: str) -> str:
    return amount(text) if text[-1] in "百千万亿" else number(text)


def size_of(text: str, other: str = "") -> float:
    """3万 -> 30000; in 3-5万 the unit of the second number is that of both."""
    figures = text.rstrip("百千万亿")
    unit = text[len(figures) :] or other.lstrip("0123456789.,")
    size = float(figures.replace(",", ""))
    for name in unit:
        size *= {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}[name]
    return size


def both(first: str, last: str | None, joint: str | None = None) -> str:
    """The words of a range, or of its only number."""
    return first if last is None else f"{first}{joint if joint in ('至', '到') else '到'}{last}"


def ordinals(match: re.Match[str]) -> str:
    """第1、2名 -> 第一、二名."""
    return re.sub(r"\d+", lambda digits: ordinal(digits[0]), match[0])


MONARCH = (
    "路易|亨利|查理|查尔斯|爱德华|乔治|伊丽莎白|约翰|保罗|本笃|彼得|尼古拉|亚历山大|腓特烈|威廉|詹姆斯|拿破仑|"
    "庇护|弗朗西斯|菲利普|腓力|卡洛斯|凯瑟琳|叶卡捷琳娜|玛丽|古斯塔夫|利奥|格里高利|拉美西斯|托勒密"
)
ROMAN = r"[IVXL]+"


def roman_number(match: re.Match[str]) -> str | None:
    try:
        value = roman(match["span"])
    except KeyError:
        return None
    return chinese_number(value)


def monarch(match: re.Match[str]) -> str | None:
    words = roman_number(match)
    return words + ("" if after(match, "世") else "世") if words else None


READERS = (
    reader("cardinal", rf"(?:{MINUS})?{FROM_HERE}{WHOLE}(?!\.\d)", cardinal),
    reader("digits", r"\d+", lambda match: telephone_digits(match[0])),
    reader("decimal", rf"(?:{MINUS})?{FROM_HERE}{WHOLE}\.\d+(?!\d|\.\d)", lambda m: number(m[0])),
    reader(
        "fraction",
        rf"(?<![\d/.])(?P<minus>{MINUS})?(?:(?P<whole>\d+) )?(?P<above>\d+) ?/ ?(?P<below>\d+)(?![\d/]|\.\d)",
        fraction,
    ),
    reader("fraction", rf"(\d+)? ?([{''.join(VULGAR)}])", vulgar_fraction),
    reader("fraction", r"-(?=(?:百分之|\d+分之))", "负"),
    reader("range", rf"{FROM_HERE}(?P<first>{NUMBER}{TENS}?)(?P<to>{TO})(?P<last>{NUMBER}{TENS}?){TO_HERE}", plain_range),
    reader("ordinal", r"第\d+(?:[、和及或与]第?\d+)+", ordinals),
    reader("ordinal", r"(?<![A-Za-z])(?:No|NO|no|№)\.? ?(?P<n>\d{1,3})(?!\d)", lambda m: "第" + ordinal(m["n"])),
    reader("ordinal", r"(?<!\d)(\d+)(?:st|nd|rd|th)(?![A-Za-z])", lambda m: "第" + ordinal(m[1])),
    reader("roman", rf"(?:{MONARCH}) ?(?P<span>{ROMAN})(?![A-Za-z\d])", monarch),
    reader("roman", rf"第 ?(?P<span>{ROMAN})(?![A-Za-z\d])", roman_number),
    reader(
        "roman",
        r"(?<![A-Za-z\d])(?P<span>[VX]*I[IVX]*|I)(?= ?(?:[型期级类章卷度部世因相区]|临床|代|[、和及与][IVX]+[^A-Za-z]))",
        roman_number,
    ),
    reader("roman", rf"(?<=[{HAN}])(?P<span>[IVX]{{2,}})(?![A-Za-z\d]|设计|系统)", roman_number),
)
