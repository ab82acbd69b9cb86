"""What wetext's grammars read as something else or not at all, rewritten so that they read it: numbers, units, dates and signs.

Rules are (pattern, replacement) in the order in which they are applied, to text outside of marks such as <|en|>.
"""

import unicodedata

DECIMAL = r"\d+(?:\.\d+)?"
MANY = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
CHINESE_DIGITS = dict(zip("0123456789", "零幺二三四五六七八九"))  # of telephone numbers and codes
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
YEAR = r"(?:1[5-9]|20)\d\d"
CODE = "验证码|密码|口令|尾号|卡号|学号|工号|编号|单号|账号|帐号|编码|邮编|邀请码|取件码|代码|群号?|QQ号?|qq号?|微信号?"
SERVICE = r"100(?:0[1-9]|[189]\d)|11185|12[1-3]\d\d|9[56]\d{3}"  # telephone numbers that are names
HOLIDAYS = (
    "劳动节|假期|小长假|黄金周|国庆|儿童节|青年节|妇女节|建军节|事变|运动|晚会|大促|购物节|大?地震"
)
FILES = "html?|js|py|php|txt|md|json|csv|pdf|docx?|xlsx?|jpg|png|zip|exe|mp[34]"
ENDINGS = f"com|cn|net|org|io|edu|gov|ai|me|tv|cc|{FILES}"  # of addresses and files
GREEK = dict(
    zip(
        "αβγδθλμπσφωΔΣΩ",
        "阿尔法 贝塔 伽马 德尔塔 西塔 拉姆达 缪 派 西格玛 斐 欧米伽 德尔塔 西格玛 欧米伽".split(),
    )
)
POWER = r"(?<=[\dA-Za-z])\^\{?(-?\d+)\}?"  # 10^6
CHINESE_MATHEMATICS = {
    "≈": "约等于",
    "≠": "不等于",
    "≤": "小于等于",
    "≥": "大于等于",
    "∠": "角",
    "∵": "因为",
    "∴": "所以",
    "∞": "无穷大",
}
CHINESE_SIGNS = [  # what wetext's Chinese grammar reads as another number, or not at all
    (r"(?<![\d/.])(?:24[/×*]7|7[×*]24)(?![\d/.])(?:小时)?", "七乘二十四小时"),
    *CHINESE_MATHEMATICS.items(),
    (r"√ ?(?=[\dA-Za-z])", "根号"),
    (POWER, r"的\1次方"),
    (r"(?<=[A-Za-z])\+\+", "加加"),
    (r"(?<![A-Za-z])([CF])#", r"\1 sharp"),  # C++, C#
    (r"(?<=[A-Za-z²³])\+(?=[A-Za-z\d])", "加"),
    (r"(?<=[A-Za-z²³]) ?= ?(?=[\w-])", "等于"),
    (r"(?<=\d) ?\* ?(?=\d)", "乘"),
    # addresses, and "&"
    (r"(?a:\b)https?://", ""),
    (r"(?a:\b)www\.", "www点"),
    (rf"(?<=[A-Za-z0-9])\.(?=(?:{ENDINGS})(?![A-Za-z0-9]))", "点"),
    (r"(?<=[A-Za-z0-9])@(?=[A-Za-z0-9])", " at "),
    (r"(?<=[一-鿿]) ?& ?| ?& ?(?=[一-鿿])", "和"),
    (r"(?<=[A-Za-z0-9])&(?=[A-Za-z0-9])", " and "),
    # items of a list
    (r"[①-⑳]", lambda m: f"{int(unicodedata.numeric(m[0]))}，"),
    (
        r"(?:^|(?<=[。；：;:\s]))(?:[（(]([一二三四五六七八九十]{1,3}|\d{1,2})[）)]|(\d{1,2})[.．）)])(?=\s*[^\W\d])(?! ?班)",
        lambda m: f"{m[1] or m[2]}，",
    ),
    # what is read digit by digit: codes, services, CA1234, 9.18事变, 85折
    (
        rf"(?<![\d.])({SERVICE})(?=[号的]?(?:客服|官网|网站|软件|小程序|公众号|热线|电话))",
        lambda m: one_by_one(m[1]),
    ),
    (
        rf"((?:{CODE})[：: 是为]{{0,2}})(\d{{4,11}})(?![\d.,%％]|[元块个万亿人位年])",
        lambda m: m[1] + one_by_one(m[2]),
    ),
    (
        r"(?<![A-Za-z\d])(?!USD|RMB|CNY|EUR|HKD|TOP|NO)([A-Z]{1,3})-?(\d{3,4})(?![\d.,:：A-Za-z]|[元块个万亿人页年月分岁米])",
        lambda m: m[1] + one_by_one(m[2]),
    ),
    (rf"(?<![\d.])(\d{{1,2}})[.·](\d{{1,2}})(?={HOLIDAYS})", lambda m: plain(m[1] + m[2])),
    (r"(?<![\d.])([1-9]{2})(?=折)", lambda m: plain(m[1])),
    (r"第(\d+)/(\d+)([页章集关步])", r"第\1\3，共\2\3"),
    (r"(血压\D{0,4}\d{2,3})/(?=\d{2,3}(?!\d))", r"\1，"),
    (r"(?<![\d/.])(\d\d?)/(\d\d?)(?=[日号])", r"\1月\2"),
    (r"(?<![\d/.])0(\d)/0?(\d{1,2})(?![\d/.])", r"\1月\2日"),
    (r"(?<![\d/.])(1[0-2]|[1-9])/1(?![\d/.])", r"\1月1日"),
    (
        r"(?<![\d/.])(1[0-2]|[1-9])/(1[3-9]|2\d|3[01]|\1)(?![\d/.]|[的 ]?[一-鿿]?[寸份杯])",
        r"\1月\2日",
    ),  # no fraction anyone writes
    (r"(?<![-=<>])[>＞] ?(?=-?\d)", "大于"),
    (r"(?<![-=<>])[<＜] ?(?=-?\d)", "小于"),
    (
        r"((?:周|星期|礼拜)[一二三四五六日天]) ?[-–—~～] ?(?=(?:周|星期|礼拜)?[一二三四五六日天])",
        r"\1至",
    ),
    (r"(%|\d\.\d+|\d(?=.[￥¥$€£]))[-–—~～](?=[￥¥$€£]?\d)(?![\d.]+=)", r"\1到"),
    (r"(?<=[\d点分时半])[-–—~～](?=早上|上午|中午|下午|傍晚|晚上|凌晨|次日|第二天)", "到"),
    (
        rf"(?<![\d./-])({YEAR})[-–—~～]({YEAR})(?![\d./~～–—-]|[元块个人米斤])",
        lambda m: f"{plain(m[1])}到{plain(m[2])}" if m[1] < m[2] else m[0],
    ),
    (r"(比分\D{0,3}\d{1,3})[-–—](?=\d)", r"\1比"),
    (r"(?<=\d)[-–—](?=\d{1,3}(?:[大小险完]?[胜负平]|战[胜平]|击败|领先|落后|逆转))", "比"),
    (r"(?<=\d)[-–—~～](?=\d\d?[点时])", "到"),
    (r"(?<=[\d年月日号])[–—](?=\d)", "-"),
    (r"[Ⅰ-Ⅻ]", lambda m: unicodedata.normalize("NFKC", m[0])),
    (r"(?<![A-Za-z])([VX]*I[IVX]*)(?=[型期级类章卷])", lambda m: str(roman(m[1]))),
    (
        rf"(?<=[￥¥$€£])({DECIMAL})([KMBT])(?![A-Za-z])",
        lambda m: in_ten_thousands(float(m[1]) * MANY[m[2]]),
    ),
    ("㎡", "m²"),
    (r"(?<=\d) ?kWh", "千瓦时"),
    (r"(?<=\d) ?V(?![A-Za-z\d])", "伏"),
    (r"(?<=\d) ?W(?![A-Za-z\d])", "瓦"),
    (rf"({DECIMAL})‰", r"千分之\1"),
    (r"(?<=\d)w(?![A-Za-z])", "万"),
    (r"(?<=[\d万千百])\+(?=[个人家款种位名条次项所座部本张套件台城国])", "多"),
    (r"(?<=[\d万])\+(?!\d)", "加"),
    (r"(?<=\d) ?g(?![A-Za-z网手信时通基])", "克"),
    (r"(?<=\d) ?t(?![A-Za-z\d])", "吨"),
    (r"(?<![\d.])((?:19|20)\d0)s", r"\1年代"),
    (r"(?:(?<=[号栋幢座室图表例])|(?<=房间))(\d{1,4})-(?=\d{1,5}(?![\d月日号点时:：]))", r"\1杠"),
    (r"(?<=[A-Z])-(?=\d)", " "),  # 3栋8-302, COVID-19
    (
        r"(?<![\d.A-Za-z/+*×=-])(0|[1-9]\d{0,2})[-–—]([1-9]\d{0,2})(?=[，。！？；、）]|[,.!?;)](?!\d)|$|之间|左右|上下|不等|以[内上下])",
        lambda m: f"{m[1]}到{m[2]}" if int(m[1]) < int(m[2]) else m[0],
    ),
    (
        r"((?:[拨叫呼警救号]|打(?!折)|报(?![价告名])|电话|热线)[^\d，。]{0,3})?(?<![\d.A-Za-z/+=~-])(110|119|120)"
        r"(?=[一-鿿，。！？；、”’）]|[,.!?;)](?!\d)|$)(?!.{0,2}(?:急救|救护|报警|火警|电话|热线|来了))",
        lambda m: (
            m[0] if m[1] else {"110": "一百一十", "119": "一百一十九", "120": "一百二十"}[m[2]]
        ),
    ),  # nobody calls it
    (r"(?<=\d) (?=\d\d?/\d\d?(?![\d/]))", "又"),  # 1 1/2
    (
        r"(?<![\d/.])(\d{1,3})/(\d{1,3})(?![\d/.])",
        lambda m: f"{fraction_part(m[2])}分之{fraction_part(m[1])}",
    ),
    *(
        (rf"{sign}({DECIMAL}[百千万亿]+)(?:{name})?", rf"\1{name}")
        for sign, name in {"[￥¥]": "元", r"\$": "美元", "€": "欧元", "£": "英镑"}.items()
    ),
    (r"\b([Nn][Oo])\.\s*(?=\d)", r"\1 "),
    (r"(?<=\d)v(?=\d)", "V"),
    (r"(?<=\d)[,，](?=\d)", "， "),  # 10，1 is no 101
    (r"(?<=\d) ?kΩ", "千欧姆"),
    (r"(?<=\d) ?Ω", "欧姆"),
    (r"(?<!\d)[αβγδθλμπσφωΔΣΩ]", lambda m: GREEK[m[0]]),
]
COUNTED = "War|Chapter|Part|Volume|Book|Act|Scene|Type|Phase|Stage|Class|Division|Section|Article|Episode|Season|Bowl|Rocky"
RULERS = "|".join(
    """Henry Elizabeth Charles Louis George Edward Richard William James Philip John Paul Pius Benedict Gregory Leo Innocent
    Clement Urban Alexander Nicholas Catherine Napoleon Frederick Wilhelm Ferdinand Francis Ramses Otto Gustav Leopold""".split()
)
NUMERAL = r"([IVX]{2,}|[VX]|L[IVX]+|I(?=[.,;:!?)]|['’]s|$| (?:of|is|and|or|error)\b))\b"  # the pronoun I is none
HERTZ = {None: "", "k": "kilo", "M": "mega", "G": "giga"}
UNITS = {
    "m": "meter",
    "l": "liter",
    "L": "liter",
    "V": "volt",
    "W": "watt",
    "kWh": "kilowatt hour",
    "hrs?": "hour",
    "secs?": "second",
}
MONTHS = (
    "January February March April May June July August September October November December".split()
)
SHORT = {
    r"vs\b\.?": "versus",
    r"e\.g\.,?": "for example",
    r"i\.e\.,?": "that is",
    r"w/o\b": "without",
    r"etc\b(?:\.(?=,| [a-z]))?": "et cetera",
}
POWERS = {"²": "squared", "³": "cubed"}
ENGLISH_SIGNS = [  # likewise of its English grammar
    *((rf"\b{short}", words) for short, words in SHORT.items()),
    (r"\bSt\. (?=[A-Z])", "Saint "),
    (r"(?<=[a-z] )St\.(?=,| [a-z])|(?<=[a-z] )St\b(?=\.$)", "Street"),
    *(
        (
            rf"\b((?i:{before})) (1[0-2]|[1-9])/({day})(?![\d/.]*\d|-?[ -](?:inch|of|cup|the)\b)",
            lambda m: f"{m[1]} {MONTHS[int(m[2]) - 1]} {ordinal(int(m[3]))}",
        )
        for before, day in {
            "on|since|until|due": r"3[01]|[12]?\d",
            "by|before|after|from|to": r"3[01]|2\d|1[1-57-9]|1",
        }.items()
    ),  # no "by 1/3"
    (
        r"(?i)\b((?:call|dial|phone|tel|fax|number)\b[^\d.]{0,16})(\d{3})-(\d{4})(?![\d-])",
        lambda m: f"{m[1]}{' '.join(m[2])}, {' '.join(m[3])}",
    ),
    (r"\bhttps?://(?=\w)", ""),
    (rf"(?<![/.\w])([\w-]+)\.((?:{FILES})\b)(?![/.]\w)", r"\1 dot \2"),
    (r"\bw/ ?(?=[a-z])", "with "),
    (r"(?<=\d) ?y/o\b", " years old"),
    (r"\b([CF])#", r"\1 sharp"),
    (r"(?<=\d)(?<!\b0) ?x ?(?=\d)", " by "),
    (POWER, r" to the power of \1"),
    (r"(?<!\d)(?<!\d )\b([A-Za-z])([²³])", lambda m: f"{m[1]} {POWERS[m[2]]}"),
    *(
        (f" ?{sign} ?", f" {words} ")
        for sign, words in {
            "≈": "approximately",
            "≠": "is not equal to",
            "(?<=[A-Za-z])=": "equals",
            "√": "the square root of",
            "∞": "infinity",
        }.items()
    ),
    (r"(?<![\d/.])9/11(?![\d/.])", "9 11"),
    (
        rf"\b({'|'.join(MONTHS)}) (\d\d?)(?=, {YEAR}\b| {YEAR}\b|[,.;!?](?!\d)|$)",
        lambda m: f"{m[1]} {ordinal(int(m[2]))}",
    ),
    (r"(?<![\d.])(\d+) ?m (\d+) ?s\b", r"\1 min \2 seconds"),
    (r"\b(\d)['’′] ?(\d\d?)(?:[\"”″]|''|’’)", r"\1 foot \2"),
    (r"(?<=\d) ?(?:ft|feet|foot) (\d\d?) ?in\b", r" feet \1 inches"),
    (r"(?<=\d) ?(k|M|G)?Hz\b", lambda m: f" {HERTZ[m[1]]}hertz"),
    *(
        (rf"(?<![$€£\w.])({DECIMAL}){short}(?= [a-z]+s\b)(?<!\b[48]K)", rf"\1 {word}")
        for short, word in {"K": "thousand", "M": "million", "B": "billion"}.items()
    ),  # 5M users, but 4K videos
    (rf"\b({YEAR}) ?[-–~～] ?({YEAR})\b", r"\1 to \2"),
    (r"\b24/7\b", "24 7"),
    (r"\b[Nn]o\. ?(?=\d)", "number "),
    (r"\bN[oO]\.", "no."),
    (r"\b([A-Z])\.(?=\s+[A-Z]\.)", r"\1"),  # "A. B. C." -> "A B C.", where wetext says "ABC"
    (r"\b(1\d|20)([1-9]0)s\b", r"\1 '\2s"),  # the 1990s
    (r"(?<=\d) ?[–~～] ?(?=\d)", "-"),
    (r"(?<=\d) ?[-–~～] ?(?=[$€£])|(?<=\w)[~～](?=\w)", " to "),
    (r"[~～](?=\d)", "about "),
    (r"(?<=[A-Za-z])[~～]", ""),
    (r"#(?=\d)", "number "),
    *(
        (rf" ?{sign} ?(?=[-$€£]?\d)", f" {words} ")
        for sign, words in {
            ">=": "greater than or equal to",
            "≥": "greater than or equal to",
            "<=": "less than or equal to",
            "≤": "less than or equal to",
            "(?<![-=])>": "greater than",
            "<": "less than",
            "±": "plus or minus",
        }.items()
    ),
    *(
        (rf"{sign}({DECIMAL}) ?(?:{short}\b|{word})", rf"\1 {word} {name}")
        for short, word in {"[Kk]": "thousand", "T": "trillion"}.items()
        for sign, name in {r"\$": "dollars", "€": "euros", "£": "pounds"}.items()
    ),
    (rf"\b((?i:{COUNTED})) {NUMERAL}", lambda m: f"{m[1]} {roman(m[2])}"),
    (
        rf"\b({RULERS}) {NUMERAL}(?!(?<= [A-Z])\. [A-Z])",
        lambda m: f"{m[1]} the {ordinal(roman(m[2]))}",
    ),
    (r"(?<=\d) ?m/s\b", " meters per second"),
    *(
        (
            rf"(?<![\d.,$€£h])(?<!h )(1|\d[\d,]*(?:\.\d+)?) ?{unit}\b(?!/| ?\d)",
            lambda m, name=name: f"{m[1]} {name}{'s' * (m[1] != '1')}",
        )
        for unit, name in UNITS.items()
    ),
    (r"\b(\d+)/\1\b(?!/)", r"\1 out of \1"),
    (r"(?<=\d)\+(?![\d+])", " plus"),
    (r"(?<=[Cc]all )(?:911|112|999)\b", lambda m: " ".join(m[0])),
]


def one_by_one(number: str) -> str:
    """As telephone numbers are read; what is no digit stays."""
    return "".join(CHINESE_DIGITS.get(digit, digit) for digit in number)


def plain(number: str) -> str:
    """Digits of a year or a day that has a name."""
    return one_by_one(number).replace("幺", "一")


def in_ten_thousands(number: float) -> str:
    """2500000 -> 250万"""
    unit, name = next(
        (unit, name)
        for unit, name in ((1e12, "万亿"), (1e8, "亿"), (1e4, "万"), (1, ""))
        if max(number, 1) >= unit
    )
    return f"{number / unit:.10g}{name}"


def roman(numeral: str) -> int:
    """XIV -> 14"""
    values = [ROMAN[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, values[1:] + [0]))


def ordinal(number: int) -> str:
    return f"{number}{'th' if 10 < number < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def fraction_part(number: str) -> str:
    return "二" if number == "2" else number  # wetext's 两 is for counting
