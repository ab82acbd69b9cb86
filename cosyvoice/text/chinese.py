"""Chinese: any text with Chinese in it -> its spoken form.

The sign rules rewrite what wetext's Chinese grammar reads as something else or not at all: numbers,
units, dates and signs. They are (pattern, replacement) and are applied in this order.
"""

import re
import unicodedata

from cosyvoice.text.grammar import Note, spoken, unnoted
from cosyvoice.text.language import FILES, HAN, Rule, rewrite
from cosyvoice.text.numbers import (
    CHINESE_TO_TEN,
    DECIMAL,
    LONG_NUMBER,
    POWER,
    VERSION,
    YEAR,
    chinese_digits,
    in_ten_thousands,
    roman,
    telephone_digits,
)

THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3}|，000)+(?![\d,])")  # 1,234,567
MANY = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
CODE = (  # what a code is called, before its digits
    "验证码|密码|口令|尾号|卡号|学号|工号|编号|单号|账号|帐号|编码|邮编|邀请码|取件码|代码|"
    "群号?|QQ号?|qq号?|微信号?"
)
# Telephone numbers that are names: 10086
SERVICE = r"100(?:0[1-9]|[189]\d)|11185|12[1-3]\d\d|9[56]\d{3}"
HOLIDAYS = (
    "劳动节|假期|小长假|黄金周|国庆|儿童节|青年节|妇女节|建军节|事变|运动|晚会|大促|购物节|大?地震"
)
ENDINGS = f"com|cn|net|org|io|edu|gov|ai|me|tv|cc|{FILES}"  # of addresses and files
GREEK = dict(
    zip(
        "αβγδθλμπσφωΔΣΩ",
        "阿尔法 贝塔 伽马 德尔塔 西塔 拉姆达 缪 派 西格玛 斐 欧米伽 德尔塔 西格玛 欧米伽".split(),
    )
)
MATHEMATICS = {
    "≈": "约等于",
    "≠": "不等于",
    "≤": "小于等于",
    "≥": "大于等于",
    "∠": "角",
    "∵": "因为",
    "∴": "所以",
    "∞": "无穷大",
}
WEEKDAY = "(?:周|星期|礼拜)"
EMERGENCY = {"110": "一百一十", "119": "一百一十九", "120": "一百二十"}
CALLING = r"[拨叫呼警救号]|打(?!折)|报(?![价告名])|电话|热线"  # before an emergency number
CALLED = "急救|救护|报警|火警|电话|热线|来了"  # after one
END_OF_CLAUSE = r"[，。！？；、）]|[,.!?;)](?!\d)|$"
SIGNS: list[Rule] = [
    (r"(?<![\d/.])(?:24[/×*]7|7[×*]24)(?![\d/.])(?:小时)?", "七乘二十四小时"),
    *MATHEMATICS.items(),
    (r"√ ?(?=[\dA-Za-z])", "根号"),
    (POWER, r"的\1次方"),
    (r"(?<=[A-Za-z])\+\+", "加加"),
    (r"(?<![A-Za-z])([CF])#", r"\1 sharp"),
    (r"(?<=[A-Za-z²³])\+(?=[A-Za-z\d])", "加"),
    (r"(?<=[A-Za-z²³]) ?= ?(?=[\w-])", "等于"),
    (r"(?<=\d) ?\* ?(?=\d)", "乘"),
    # addresses, and "&"
    (r"(?a:\b)https?://", ""),
    (r"(?a:\b)www\.", "www点"),
    (rf"(?<=[A-Za-z0-9])\.(?=(?:{ENDINGS})(?![A-Za-z0-9]))", "点"),
    (r"(?<=[A-Za-z0-9])@(?=[A-Za-z0-9])", " at "),
    (rf"(?<=[{HAN}]) ?& ?| ?& ?(?=[{HAN}])", "和"),
    (r"(?<=[A-Za-z0-9])&(?=[A-Za-z0-9])", " and "),
    # items of a list
    (r"[①-⑳]", lambda m: f"{int(unicodedata.numeric(m[0]))}，"),
    (
        rf"(?:^|(?<=[。；：;:\s]))"
        rf"(?:[（(]([{CHINESE_TO_TEN}]{{1,3}}|\d{{1,2}})[）)]|(\d{{1,2}})[.．）)])"
        rf"(?=\s*[^\W\d])(?! ?班)",
        lambda m: f"{m[1] or m[2]}，",
    ),
    # what is read digit by digit: codes, services, CA1234, 9.18事变, 85折
    (
        rf"(?<![\d.])({SERVICE})(?=[号的]?(?:客服|官网|网站|软件|小程序|公众号|热线|电话))",
        lambda m: telephone_digits(m[1]),
    ),
    (
        rf"((?:{CODE})[：: 是为]{{0,2}})(\d{{4,11}})(?![\d.,%％]|[元块个万亿人位年])",
        lambda m: m[1] + telephone_digits(m[2]),
    ),
    (
        r"(?<![A-Za-z\d])(?!USD|RMB|CNY|EUR|HKD|TOP|NO)([A-Z]{1,3})-?(\d{3,4})"
        r"(?![\d.,:：A-Za-z]|[元块个万亿人页年月分岁米])",
        lambda m: m[1] + telephone_digits(m[2]),
    ),
    (rf"(?<![\d.])(\d{{1,2}})[.·](\d{{1,2}})(?={HOLIDAYS})", lambda m: chinese_digits(m[1] + m[2])),
    (r"(?<![\d.])([1-9]{2})(?=折)", lambda m: chinese_digits(m[1])),
    (r"第(\d+)/(\d+)([页章集关步])", r"第\1\3，共\2\3"),
    (r"(血压\D{0,4}\d{2,3})/(?=\d{2,3}(?!\d))", r"\1，"),
    (r"(?<![\d/.])(\d\d?)/(\d\d?)(?=[日号])", r"\1月\2"),
    (r"(?<![\d/.])0(\d)/0?(\d{1,2})(?![\d/.])", r"\1月\2日"),
    (r"(?<![\d/.])(1[0-2]|[1-9])/1(?![\d/.])", r"\1月1日"),
    # a date: as a fraction nobody would write it
    (
        rf"(?<![\d/.])(1[0-2]|[1-9])/(1[3-9]|2\d|3[01]|\1)(?![\d/.]|[的 ]?[{HAN}]?[寸份杯])",
        r"\1月\2日",
    ),
    (r"(?<![-=<>])[>＞] ?(?=-?\d)", "大于"),
    (r"(?<![-=<>])[<＜] ?(?=-?\d)", "小于"),
    (
        rf"({WEEKDAY}[一二三四五六日天]) ?[-–—~～] ?(?={WEEKDAY}?[一二三四五六日天])",
        r"\1至",
    ),
    (r"(%|\d\.\d+|\d(?=.[￥¥$€£]))[-–—~～](?=[￥¥$€£]?\d)(?![\d.]+=)", r"\1到"),
    (r"(?<=[\d点分时半])[-–—~～](?=早上|上午|中午|下午|傍晚|晚上|凌晨|次日|第二天)", "到"),
    (
        rf"(?<![\d./-])({YEAR})[-–—~～]({YEAR})(?![\d./~～–—-]|[元块个人米斤])",
        lambda m: f"{chinese_digits(m[1])}到{chinese_digits(m[2])}" if m[1] < m[2] else m[0],
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
    # 3栋8-302, COVID-19
    (r"(?:(?<=[号栋幢座室图表例])|(?<=房间))(\d{1,4})-(?=\d{1,5}(?![\d月日号点时:：]))", r"\1杠"),
    (r"(?<=[A-Z])-(?=\d)", " "),
    (
        rf"(?<![\d.A-Za-z/+*×=-])(0|[1-9]\d{{0,2}})[-–—]([1-9]\d{{0,2}})"
        rf"(?={END_OF_CLAUSE}|之间|左右|上下|不等|以[内上下])",
        lambda m: f"{m[1]}到{m[2]}" if int(m[1]) < int(m[2]) else m[0],
    ),
    # an amount: no verb of calling before it, no service after it
    (
        rf"((?:{CALLING})[^\d，。]{{0,3}})?(?<![\d.A-Za-z/+=~-])(110|119|120)"
        rf"(?=[{HAN}，。！？；、”’）]|[,.!?;)](?!\d)|$)(?!.{{0,2}}(?:{CALLED}))",
        lambda m: m[0] if m[1] else EMERGENCY[m[2]],
    ),
    # 1 1/2
    (r"(?<=\d) (?=\d\d?/\d\d?(?![\d/]))", "又"),
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
    # 10，1 is not 101
    (r"(?<=\d)[,，](?=\d)", "， "),
    (r"(?<=\d) ?kΩ", "千欧姆"),
    (r"(?<=\d) ?Ω", "欧姆"),
    (r"(?<!\d)[αβγδθλμπσφωΔΣΩ]", lambda m: GREEK[m[0]]),
]


def normalize_chinese(text: str, note: Note = unnoted) -> str:
    """The spoken form of one line of simplified Chinese. Thread-safe."""
    text = rewrite(SIGNS, THOUSANDS.sub(lambda m: re.sub("[,，]", "", m[0]), text))
    text = LONG_NUMBER.sub(lambda m: telephone_digits(re.sub("[+ -]", "", m[0])), text)
    text = VERSION.sub(lambda m: m[0].replace(".", "点"), text)
    text = replace_corner_mark(replace_blank(spoken(text.replace("～", "~"), "zh", note)))
    text = re.sub(r"(?<!(?a:\b)[A-Za-z])\.(?![A-Za-z0-9/])", "。", text).replace(" - ", "，")
    return re.sub(r"[，,、]+$", "。", remove_bracket(text).strip())


def replace_blank(text: str) -> str:
    """Without the blanks that touch a Chinese character."""
    return re.sub(r"(?<![!-~]) +| +(?![!-~])", "", text)


def replace_corner_mark(text: str) -> str:
    return text.replace("²", "平方").replace("³", "立方")


def remove_bracket(text: str) -> str:
    return re.sub("[（）【】`]", "", text).replace("——", " ")


def fraction_part(number: str) -> str:
    return "二" if number == "2" else number  # wetext's 两 is for counting
