"""Chinese numbers: cardinals, decimals, ordinals, fractions, plain ranges and Roman numerals.

Two is 两 before what is counted (两个, 两天), and 二 where it numbers (第二, 二楼) or stands alone.
The patterns of a written number are here for the other modules.
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
LONGEST_COUNT = 11  # digits; a longer number is one of a card or an account, unless it is round


def any_of(words: str) -> str:
    """A pattern for one of these words, the longest first."""
    return f"(?:{'|'.join(sorted(words.split(), key=len, reverse=True))})"


# Patterns of written numbers
WHOLE = r"(?:\d{1,3}(?:,\d{3})+(?![\d,]*\d)|\d+)"
NUMBER = rf"(?:{WHOLE}(?:\.\d+)?)"
FROM_HERE = r"(?<!\d)(?<!\d\.)"  # a number does not begin inside another one
TO_HERE = r"(?!\d|\.\d)"
# A minus sign, where no range, code or word can end before it.
MINUS = rf"(?<![A-Za-z\d)\]}}%°′_.,;\-–~])(?<!\d:)(?<!\d[{HAN}])(?<!\d[{HAN}]{{2}})(?<!\d [{HAN}])-"
SIGNED = rf"(?P<minus>{MINUS})?{FROM_HERE}"  # before a number
TO = r" ?(?:-{1,2}|–|—{1,2}|~|至|到) ?"
TENS = r"(?:[百千]?[万亿]|万亿|百|千(?![米克瓦卡伏帕赫焦字]))"
VALUE = rf"(?:{NUMBER}{TENS}?)"
SIZES = {"百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
MANY = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}

COUNTER = any_of(
    """
    个 只 条 张 本 件 位 名 人 家 次 遍 天 周 岁 块 毛 角 米 里 斤 吨 倍 种 类 项 套 台 部 辆 架 艘
    杯 瓶 碗 盘 箱 盒 包 袋 份 篇 首 句 段 页 字 行 列 间 座 栋 道 门 科 届 场 局 轮 回 趟 番 顿 餐
    桌 颗 粒 根 支 枝 把 双 对 副 串 朵 棵 株 头 匹 枚 层 批 股 笔 宗 桩 起 例 步 声 口 滴 片 堆 团
    束 捆 卷 扇 面 幅 秒 分 刻 晚 夜 者 侧 边 方 国 地 省 市 校 县 村 户 队 组 期 岸 极 派 尺 寸 丈
    亩 升 克 厘 毫 度 点 时 死 伤 男 女 万 亿 百 千 袭 盏 席 款 员 瓣 拨 胞 连 栏 桶 筐 罐 壶 杆 成
    亲 旁 脚 课 节 门 室\\d 年(?!级) 小时 分钟 星期 礼拜 季度 世纪 平方 立方 公里 公斤 公顷 公分
    英里 英尺 英寸 英镑 英亩 海里 加仑 光年 [美日欧韩港澳台加新泰]?元 卢布 法郎 泰铢 卢比
    (?:kg|km|cm|mm|ml|h|L|g|m)(?![A-Za-z])
    """
)
NUMBERED = any_of(  # what looks as if it were counted, and is numbered
    r"""
    月(?!饼) 号 日 楼 班 年级 路 线 等 级 环 孩 胎 战 手 维 代 型 区 单元 院 中 把手 次元 两 分之
    百五 位数 点\d 次方 人转 人台 分频 部曲 里河 道贩
    """
)
COUNTED = re.compile(rf" ?(?!{NUMBERED}){COUNTER}")
NUMBERING = rf"第[{CHINESE_TO_TEN}百]*|[初老周]|星期|礼拜|[十百]"  # before a number


# Words


def whole(text: str) -> str:
    """The words of a whole number; one too long for words, or with a leading zero, by digits."""
    text = text.replace(",", "")
    by_digits = len(text) > LONGEST or (len(text) > 1 and text[0] == "0")
    return telephone_digits(text) if by_digits else chinese_number(int(text))


def number(text: str) -> str:
    """-1,234.50 -> 负一千二百三十四点五零."""
    sign = "负" if text[:1] == "-" else ""
    units, _, decimals = text.lstrip("+-").partition(".")
    return sign + whole(units) + ("点" + chinese_digits(decimals) if decimals else "")


def ordinal(text: str) -> str:
    """Of a number that numbers: 200 -> 二百."""
    words = number(text)
    return "二百" + words[2:] if words.startswith("两百") else words


def amount(text: str) -> str:
    """A number of what follows it: 2 -> 两. It may end with 万 and the like, w, K, M, B or T."""
    match = re.match(rf"(-?{NUMBER}) ?", text)
    assert match is not None
    figures, unit = match[1], text[match.end() :]
    if unit.upper() in MANY:
        return in_ten_thousands(figures, MANY[unit.upper()])
    return ("两" if figures == "2" else number(figures)) + unit.replace("w", "万").replace(
        "W", "万"
    )


def in_ten_thousands(figures: str, unit: int) -> str:
    """2.5 million -> 两百五十万."""
    value = round(float(figures.replace(",", "")) * unit)
    for size, name in ((10**12, "万亿"), (10**8, "亿"), (10**4, "万")):
        if value >= size:
            return amount(f"{value / size:.10f}".rstrip("0").rstrip(".")) + name
    return chinese_number(value)


def both(first: str, last: str | None, joint: str | None = None) -> str:
    """The words of a range, or of its only number."""
    return first if last is None else f"{first}{joint if joint in ('至', '到') else '到'}{last}"


# Cardinals


def cardinal(match: re.Match[str]) -> str:
    text = match[0].replace(",", "")
    if before(match, "第"):
        return ordinal(text)
    if len(text) > LONGEST_COUNT and not text.endswith("000"):
        return telephone_digits(text)
    if is_year(match, text):
        return chinese_digits(text)
    if text.lstrip("-") == "2" and is_counted(match):
        return "负" * (text[0] == "-") + "两"
    return number(text)


def is_counted(match: re.Match[str]) -> bool:
    """Whether what follows is counted, and not numbered."""
    if before(match, NUMBERING):
        return False
    if before(match, "[大高研小]") and after(match, "[女男学班的下上生]"):
        return False
    return COUNTED.match(match.string, match.end()) is not None


def is_year(match: re.Match[str], text: str) -> bool:
    """Whether four digits without 年 are a year: 在2024, 2024巴黎奥运会."""
    if not re.fullmatch(r"(?:19|20)\d\d", text) or text == "2000":
        return False
    if after(match, rf" ?(?:[多余来几+%]|{COUNTER})"):
        return before(match, "(?:始|建|写|生|摄|成立)于")
    if before(match, r"[共约近达超为有花了过等余量数分值额价×÷*/=><≥≤+-] ?"):
        return False
    return after(match, f"[{HAN}]") or before(match, "[在于从到自至截]")


# Fractions

VULGAR = dict(
    zip(
        "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞",
        "二分之一 三分之一 三分之二 四分之一 四分之三 五分之一 五分之二 五分之三 五分之四 "
        "六分之一 六分之五 八分之一 八分之三 八分之五 八分之七".split(),
    )
)


def fraction(match: re.Match[str]) -> str:
    """1/2 -> 二分之一, 1 1/2 -> 一又二分之一."""
    sign = "负" if match["minus"] else ""
    units = whole(match["units"]) + "又" if match["units"] else ""
    return f"{sign}{units}{ordinal(match['below'])}分之{ordinal(match['above'])}"


def vulgar_fraction(match: re.Match[str]) -> str:
    return (whole(match[1]) + "又" if match[1] else "") + VULGAR[match[2]]


# Ranges and ordinals


def plain_range(match: re.Match[str]) -> str | None:
    """3-4 -> 三到四, 3万-5万 -> 三万到五万."""
    first, last, sign = match["first"], match["last"], match["to"].strip()
    if size_of(first, last) >= size_of(last) and sign not in ("到", "至", "~"):
        return None
    words = number_with_tens
    if before(match, "第"):
        words = ordinal
    elif is_counted(match) and size_of(last) <= 10:
        words = amount
    return both(words(first), words(last), sign)


def number_with_tens(text: str) -> str:
    return amount(text) if text[-1] in SIZES else number(text)


def size_of(text: str, other: str = "") -> float:
    """3万 -> 30000; in 3-5万 the unit of the second number is that of both."""
    figures = text.rstrip("百千万亿")
    size = float(figures.replace(",", ""))
    for name in text[len(figures) :] or other.lstrip("0123456789.,"):
        size *= SIZES[name]
    return size


def neighbours(match: re.Match[str]) -> str | None:
    """2、3天 -> 两三天."""
    first, last = int(match[1]), int(match[2])
    return amount(match[1]) + number(match[2]) if last == first + 1 and is_counted(match) else None


def ordinals(match: re.Match[str]) -> str:
    """第1、2名 -> 第一、二名."""
    return re.sub(r"\d+", lambda figures: ordinal(figures[0]), match[0])


# Roman numerals

MONARCH = any_of(
    """
    路易 亨利 查理 查尔斯 爱德华 乔治 伊丽莎白 约翰 保罗 本笃 彼得 尼古拉 亚历山大 腓特烈 威廉
    詹姆斯 拿破仑 庇护 弗朗西斯 菲利普 腓力 卡洛斯 凯瑟琳 叶卡捷琳娜 玛丽 古斯塔夫 利奥 格里高利
    拉美西斯 托勒密
    """
)
CLASSED = r" ?(?:[型期级类章卷度部世因相区节册组]|临床|代)"
NUMERAL = r"(?<![A-Za-z\d])(?P<span>[IVXL]+)(?![A-Za-z\d])"
# Before what it numbers; one letter but I is hardly a number: V型, X级, L码.
NUMERAL_OF_CLASS = r"(?<![A-Za-z\d])(?P<span>[IVX]{2,}|I|V(?= ?[类级期]))(?![A-Za-z\d])"
SEVERAL = r"(?<![A-Za-z\d])(?P<span>[IVX]{2,})(?![A-Za-z\d]|设计|系统)"


def roman_number(match: re.Match[str]) -> str:
    return chinese_number(roman(match["span"]))


def monarch(match: re.Match[str]) -> str:
    return roman_number(match) + ("" if after(match, "世") else "世")


READERS = (
    reader("cardinal", rf"(?:{MINUS})?{FROM_HERE}{WHOLE}(?!\.\d)", cardinal),
    reader("digits", r"\d+", lambda match: telephone_digits(match[0])),
    reader("decimal", rf"(?:{MINUS})?{FROM_HERE}{WHOLE}\.\d+{TO_HERE}", lambda m: number(m[0])),
    reader(
        "fraction",
        rf"(?<![A-Za-z\d/.])(?P<minus>{MINUS})?(?:(?P<units>\d+) )?"
        r"(?P<above>\d+) ?/ ?(?P<below>\d+)(?![\d/]|\.\d)",
        fraction,
    ),
    reader("fraction", rf"(?<!\d)(\d+)? ?([{''.join(VULGAR)}])", vulgar_fraction),
    reader(
        "decimal", rf"(?<=\d[米秒])\d\d(?![\d.])(?! ?{COUNTER})", lambda m: chinese_digits(m[0])
    ),
    reader("fraction", r"-(?=百分之|\d+分之)", "负"),
    reader(
        "range",
        rf"{FROM_HERE}(?P<first>{VALUE})(?P<to>{TO})(?P<last>{VALUE}){TO_HERE}",
        plain_range,
    ),
    reader("range", r"(?<![\d第、])([1-9])、([1-9])(?![\d、])", neighbours),
    reader("ordinal", r"第\d+(?:[、和及或与]第?\d+)+", ordinals),
    reader(
        "ordinal",
        r"(?<![A-Za-z])(?:[Nn][Oo]\.?|№) ?(?P<n>\d{1,3})(?!\d)",
        lambda match: "第" + ordinal(match["n"]),
    ),
    reader("ordinal", r"(?<!\d)(\d+)(?:st|nd|rd|th)(?![A-Za-z])", lambda m: "第" + ordinal(m[1])),
    reader("roman", rf"{MONARCH} ?{NUMERAL}", monarch),
    reader("roman", rf"第 ?{NUMERAL}", roman_number),
    reader("roman", rf"{NUMERAL_OF_CLASS}(?=(?:、[IVX]+){{0,4}}{CLASSED})", roman_number),
    reader("roman", rf"(?<=[{HAN}、]){SEVERAL}", roman_number),
)
