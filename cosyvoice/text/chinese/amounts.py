"""Chinese amounts: money, percentages, temperatures and measures, with their ranges."""

import re

from cosyvoice.text.chinese.numbers import (
    FROM_HERE,
    MINUS,
    NUMBER,
    TENS,
    TO,
    amount,
    both,
    number,
)
from cosyvoice.text.language import HAN
from cosyvoice.text.spans import after, before, reader

SIGNS = {
    "¥": "元",
    "$": "美元",
    "€": "欧元",
    "£": "英镑",
    "₩": "韩元",
    "₹": "印度卢比",
    "₽": "卢布",
    "฿": "泰铢",
    "₫": "越南盾",
    "₱": "菲律宾比索",
    "₺": "土耳其里拉",
    "₴": "格里夫纳",
    "₿": "比特币",
    "US$": "美元",
    "A$": "澳元",
    "AU$": "澳元",
    "C$": "加元",
    "CA$": "加元",
    "CAD$": "加元",
    "HK$": "港元",
    "NT$": "新台币",
    "S$": "新加坡元",
    "NZ$": "新西兰元",
    "R$": "巴西雷亚尔",
    "J¥": "日元",
    "JP¥": "日元",
    "JPY¥": "日元",
    "CN¥": "元",
    "RMB¥": "元",
}
CODES = {
    "RMB": "元",
    "CNY": "元",
    "USD": "美元",
    "EUR": "欧元",
    "GBP": "英镑",
    "JPY": "日元",
    "HKD": "港元",
    "TWD": "新台币",
    "NTD": "新台币",
    "KRW": "韩元",
    "AUD": "澳元",
    "CAD": "加元",
    "SGD": "新加坡元",
    "NZD": "新西兰元",
    "CHF": "瑞士法郎",
    "RUB": "卢布",
    "INR": "印度卢比",
    "THB": "泰铢",
    "MYR": "林吉特",
    "VND": "越南盾",
    "PHP": "菲律宾比索",
    "IDR": "印尼盾",
    "BRL": "巴西雷亚尔",
    "TRY": "土耳其里拉",
    "ZAR": "南非兰特",
    "SEK": "瑞典克朗",
    "NOK": "挪威克朗",
    "DKK": "丹麦克朗",
    "AED": "阿联酋迪拉姆",
    "SAR": "沙特里亚尔",
    "MXN": "墨西哥比索",
    "ARS": "阿根廷比索",
    "BTC": "比特币",
    "ETH": "以太币",
    "USDT": "泰达币",
}
MONEY = SIGNS | CODES

UNITS = {
    # length, area, volume
    "nm": "纳米",
    "μm": "微米",
    "um": "微米",
    "mm": "毫米",
    "cm": "厘米",
    "dm": "分米",
    "m": "米",
    "km": "公里",
    "in": "英寸",
    "inch": "英寸",
    "ft": "英尺",
    "yd": "码",
    "mi": "英里",
    "ly": "光年",
    "mm²": "平方毫米",
    "cm²": "平方厘米",
    "dm²": "平方分米",
    "m²": "平方米",
    "km²": "平方千米",
    "ha": "公顷",
    "hm²": "公顷",
    "mm³": "立方毫米",
    "cm³": "立方厘米",
    "dm³": "立方分米",
    "m³": "立方米",
    "km³": "立方千米",
    "Nm³": "标准立方米",
    "μL": "微升",
    "ml": "毫升",
    "cl": "厘升",
    "dL": "分升",
    "L": "升",
    "l": "升",
    "gal": "加仑",
    # mass
    "ng": "纳克",
    "μg": "微克",
    "ug": "微克",
    "mcg": "微克",
    "mg": "毫克",
    "g": "克",
    "kg": "千克",
    "t": "吨",
    "lb": "磅",
    "lbs": "磅",
    "oz": "盎司",
    "ct": "克拉",
    # time
    "ns": "纳秒",
    "μs": "微秒",
    "us": "微秒",
    "ms": "毫秒",
    "s": "秒",
    "sec": "秒",
    "min": "分钟",
    "mins": "分钟",
    "h": "小时",
    "hr": "小时",
    "hrs": "小时",
    # speed, frequency
    "km/h": "每小时公里",
    "kph": "公里每小时",
    "mph": "英里每小时",
    "rpm": "转每分钟",
    "fps": "帧每秒",
    "Hz": "赫兹",
    "kHz": "千赫兹",
    "MHz": "兆赫兹",
    "GHz": "吉赫兹",
    "THz": "太赫兹",
    "bpm": "次每分钟",
    # force, pressure, energy, power
    "N": "牛",
    "kN": "千牛",
    "N·m": "牛米",
    "kgf": "千克力",
    "Pa": "帕",
    "hPa": "百帕",
    "kPa": "千帕",
    "MPa": "兆帕",
    "GPa": "吉帕",
    "bar": "巴",
    "mbar": "毫巴",
    "atm": "大气压",
    "psi": "磅每平方英寸",
    "mmHg": "毫米汞柱",
    "J": "焦",
    "kJ": "千焦",
    "MJ": "兆焦",
    "GJ": "吉焦",
    "cal": "卡",
    "kcal": "千卡",
    "eV": "电子伏特",
    "keV": "千电子伏特",
    "MeV": "兆电子伏特",
    "mW": "毫瓦",
    "W": "瓦",
    "kW": "千瓦",
    "MW": "兆瓦",
    "GW": "吉瓦",
    "TW": "太瓦",
    "Wh": "瓦时",
    "kWh": "千瓦时",
    "kW·h": "千瓦时",
    "MWh": "兆瓦时",
    "GWh": "吉瓦时",
    "TWh": "太瓦时",
    "hp": "马力",
    # electricity
    "mV": "毫伏",
    "V": "伏",
    "kV": "千伏",
    "kVA": "千伏安",
    "μA": "微安",
    "mA": "毫安",
    "kA": "千安",
    "mAh": "毫安时",
    "Ah": "安时",
    "Ω": "欧姆",
    "kΩ": "千欧姆",
    "MΩ": "兆欧姆",
    "pF": "皮法",
    "nF": "纳法",
    "μF": "微法",
    "uF": "微法",
    "mH": "毫亨",
    "dB": "分贝",
    "dBA": "分贝",
    "dBm": "分贝毫瓦",
    # matter and light
    "mol": "摩尔",
    "mmol": "毫摩尔",
    "μmol": "微摩尔",
    "umol": "微摩尔",
    "nmol": "纳摩尔",
    "pmol": "皮摩尔",
    "mEq": "毫当量",
    "IU": "国际单位",
    "mIU": "毫国际单位",
    "U": "单位",
    "lx": "勒克斯",
    "lux": "勒克斯",
    "lm": "流明",
    "cd": "坎德拉",
    "nit": "尼特",
    "nits": "尼特",
    "Sv": "西弗",
    "mSv": "毫西弗",
    "μSv": "微西弗",
    "Bq": "贝克勒尔",
    "Gy": "戈瑞",
    "rad": "弧度",
    # data
    "bps": "比特每秒",
    "kbps": "千比特每秒",
    "Mbps": "兆比特每秒",
    "Gbps": "吉比特每秒",
    "bit": "比特",
    "bits": "比特",
    "px": "像素",
    "MP": "百万像素",
    # degrees
    "°": "度",
    "′": "分",
    "″": "秒",
    "′′": "秒",
}
for size in ("mm", "cm", "dm", "m", "km"):  # as typed without the small figure
    for figure, power in (("2", "²"), ("3", "³"), ("^2", "²"), ("^3", "³")):
        UNITS[size + figure] = UNITS[size + power]
LOOSE = {unit.casefold(): words for unit, words in reversed(UNITS.items()) if len(unit) > 1}
LONG_AFTER = {"N", "J", "U", "MP"}  # letters that are a unit only after an amount with a point
PER = {
    "s": "秒",
    "s²": "二次方秒",
    "s2": "二次方秒",
    "s^2": "二次方秒",
    "sec": "秒",
    "min": "分钟",
    "h": "小时",
    "hr": "小时",
    "d": "天",
    "day": "天",
    "wk": "周",
    "mo": "月",
    "month": "月",
    "y": "年",
    "yr": "年",
    "year": "年",
    "K": "开尔文",
    "M": "月",
} | {unit: words for unit, words in UNITS.items() if unit not in ("h", "s", "min")}
LETTERS = r"[A-Za-zμΩ]+"
UNIT = rf"(?:{LETTERS}(?:·[mh])?(?:[²³]|\^?[23](?![\d.]))?|°(?!C|F|c(?![A-Za-z]))|′′|[′″])"
DENOMINATOR = rf"(?:{LETTERS}(?:[²³]|\^?[23](?!\d))?|平方米|立方米|平米|公里|千米|千克|公斤|小时|分钟|[年月日天周时分秒个人次斤克米吨件盒瓶袋包份位升台套张间晚亩度只条杯碗片颗粒辆股桶顿课节本箱支根科户]|)"


def unit_words(unit: str) -> str | None:
    return UNITS.get(unit) or (LOOSE.get(unit.casefold()) if len(unit) > 1 else None)


def money(match: re.Match[str]) -> str | None:
    """¥12.5, $2.5M, ¥8/斤, $5-$10."""
    name = MONEY[match["sign"].upper() if match["sign"].upper() in MONEY else match["sign"]]
    sign = "负" if "-" in (match["minus"] or "") + (match["inner"] or "") else ""
    first = money_amount(match["first"], name)
    if match["last"]:
        if match["between"]:
            first += name
        first += "到" + money_amount(match["last"], name)
    more = "多" if match["more"] else ""
    return sign + first + more + (match["tens"] or "") + name + per(match["per"])


def money_amount(text: str, name: str) -> str:
    return amount(text)


def per(unit: str | None) -> str:
    if not unit:
        return ""
    return "每" + (PER.get(unit) or unit)


def money_after(match: re.Match[str]) -> str | None:
    """50USD, 20€."""
    name = MONEY[match["sign"].upper() if match["sign"].upper() in MONEY else match["sign"]]
    first = both(amount(match["first"]), match["last"] and amount(match["last"]))
    return ("负" if match["minus"] else "") + first + name + per(match["per"])


def percent(match: re.Match[str]) -> str:
    """15%, -3.5‰, 15-20%."""
    share = {"%": "百分之", "‰": "千分之", "‱": "万分之"}[match["sign"]]
    sign = "负" if match["minus"] else "正" if match["plus"] and False else ""
    first = part(match["first"], match["sign"])
    last = match["last"] and part(match["last"], match["sign"])
    if last and match["own"]:
        last = share + last
    return sign + share + both(first, last, (match["to"] or "").strip())


def part(text: str, sign: str) -> str:
    return "百" if text == "100" and sign == "%" else number(text)


def temperature(match: re.Match[str]) -> str:
    """-5~3°C."""
    name = "华氏度" if match["scale"] in "fF" else "摄氏度"
    sign = "负" if match["minus"] else ""
    last = match["last"] and number(match["last"])
    first = number(match["first"]) if last else amount(match["first"])
    if before(match, "零下 ?"):
        sign = ""
    return sign + both(first, last, (match["to"] or "").strip()) + name


def measure(match: re.Match[str]) -> str | None:
    """25kg, 5-10 km, 75次/min, 3m/s²."""
    unit, below = match["unit"], match["below"]
    name = unit_words(unit)
    if name is None or is_letter(match, unit) or (match["middle"] and not unit_words(match["middle"])):
        return None
    words = ("负" if match["minus"] else "") + measured(match)
    if below:
        of = PER.get(below) or unit_words(below) or below
        if not below.isascii() or below in PER or unit_words(below):
            fast = of == "小时" and unit.casefold() in ("km", "m", "mi")
            return f"每小时{words}{name}" if fast else f"{words}{name}每{of}"
        return None
    return words + name


def measured(match: re.Match[str]) -> str:
    first = amount(match["first"].replace(" ", ""))
    last = match["last"] and amount(match["last"])
    return both(first, last, (match["to"] or "").strip())


def is_letter(match: re.Match[str], unit: str) -> bool:
    """Whether what looks like a unit is a letter of a name: 5A景区, 4G手机, 3M胶带, 60s的."""
    if unit in ("g", "t", "s", "h", "l", "m", "V", "W", "L", "in"):
        return unit == "g" and after(match, "网|手机|信号|通信|基站") or unit == "in" and not match["below"] and after(match, " [a-z]")
    if unit in ("N", "J", "U"):
        return not (match["below"] or re.search(r"\.", match["first"]) or before(match, "[力能功量热]|胰岛素|注射"))
    return False


def frequency(match: re.Match[str]) -> str | None:
    """75次/min, 8元/斤: after a counted number."""
    below = match["below"]
    of = PER.get(below) or unit_words(below) or (None if below.isascii() else below)
    return "每" + of if of and before(match, rf"\d ?[百千万亿]*[{HAN}]{{1,3}}|\^\d{{1,2}}") else None


def blood_pressure(match: re.Match[str]) -> str:
    return f"{number(match['high'])}到{number(match['low'])}" + ("毫米汞柱" if match["unit"] else "")


SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
CODE = "|".join(sorted(CODES, key=len, reverse=True))
SYMBOL = "|".join(re.escape(sign) for sign in SIGNS if len(sign) == 1)
PER_UNIT = rf"(?: ?/ ?(?P<per>{DENOMINATOR})(?![A-Za-z]))?"

READERS = (
    reader(
        "money",
        rf"(?P<minus>{MINUS} ?)?(?<![A-Za-z])(?P<sign>{SIGN}|(?:{CODE})(?![A-Za-z])) ?(?P<inner>-)?"
        rf"(?P<first>{NUMBER}(?:[KMBTkmwW](?![A-Za-z]))?)(?:(?P<to>{TO})(?P<between>{SIGN})?(?P<last>{NUMBER}(?:[KMBTkmwW](?![A-Za-z]))?))?"
        rf"(?P<more>\+(?! ?\d))?(?P<tens>{TENS})?(?: ?(?:元人民币|美元|欧元|英镑|日元|港元|元|块钱|块|USD|RMB|CNY))?{PER_UNIT}",
        money,
    ),
    reader(
        "money",
        rf"(?P<minus>{MINUS})?{FROM_HERE}(?P<first>{NUMBER}{TENS}?)(?:{TO}(?P<last>{NUMBER}{TENS}?))? ?"
        rf"(?P<sign>{SYMBOL}|(?i:{CODE})(?![A-Za-z])){PER_UNIT}(?!\d)",
        money_after,
    ),
    reader(
        "percent",
        rf"(?P<minus>{MINUS})?(?P<plus>\+)?{FROM_HERE}(?P<first>{NUMBER}) ?(?:(?P<own>[%‰‱])?(?P<to>{TO})(?P<last>-?{NUMBER}))? ?(?P<sign>[%‰‱])",
        percent,
    ),
    reader(
        "temperature",
        rf"(?P<minus>{MINUS})?{FROM_HERE}(?P<first>{NUMBER})(?: ?°[CFcf]?|度)?(?:(?P<to>{TO})(?P<last>-?{NUMBER}))? ?[°º](?P<scale>[CFcf])(?![A-Za-z])",
        temperature,
    ),
    reader(
        "measure",
        rf"(?P<minus>{MINUS})?{FROM_HERE}(?P<first>{NUMBER}{TENS}?)(?:(?: ?(?P<middle>{LETTERS}[²³]?))?(?P<to>{TO})(?P<last>{NUMBER}{TENS}?))? ?"
        rf"(?P<unit>{UNIT})(?![A-Za-z\d²³])(?: ?/ ?(?P<below>{DENOMINATOR})(?![A-Za-z\d]))?",
        measure,
    ),
    reader("measure", rf"(?<=[{HAN}\d]) ?/ ?(?P<below>{DENOMINATOR})(?![A-Za-z])", frequency),
    reader("measure", r"血压[^\d，。]{0,6}(?P<span>(?P<high>\d{2,3}) ?/ ?(?P<low>\d{2,3}) ?(?P<unit>mmHg|mmhg)?)(?![\d/])", blood_pressure),
    reader("measure", r"(?<![\d/])(?P<high>\d{2,3}) ?/ ?(?P<low>\d{2,3}) ?(?P<unit>mmHg|mmhg)", blood_pressure),
)
