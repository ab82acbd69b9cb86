"""Units of measure as they are written, and their Chinese names."""

from cosyvoice.text.chinese.numbers import any_of

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
    "A": "安",
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
    "pct": "个百分点",
    "bp": "个基点",
    # data, said as letters
    "KB": "KB",
    "MB": "MB",
    "GB": "GB",
    "TB": "TB",
    "PB": "PB",
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
    for typed, raised in (("2", "²"), ("3", "³"), ("^2", "²"), ("^3", "³")):
        UNITS[size + typed] = UNITS[size + raised]
IN_ANY_CASE = {unit.casefold(): words for unit, words in reversed(UNITS.items()) if len(unit) > 1}

PER = {  # below a slash, where the name is another one
    "s": "秒",
    "s²": "二次方秒",
    "s2": "二次方秒",
    "s^2": "二次方秒",
    "d": "天",
    "day": "天",
    "wk": "周",
    "mo": "月",
    "month": "月",
    "M": "月",
    "y": "年",
    "yr": "年",
    "year": "年",
    "K": "开尔文",
}
LETTERS = r"[A-Za-zμΩ]{1,6}"
RAISED = r"(?:[²³]|\^?[23](?![\d.]))?"
UNIT = rf"(?:{LETTERS}(?:·[mh])?{RAISED}|°(?!C|F|c(?![A-Za-z]))|′′|′)(?![A-Za-z\d²³])"
HAN_BELOW = any_of(
    """
    平方米 立方米 平米 公里 千米 千克 公斤 毫升 毫克 毫米 厘米 盎司 英里 公顷 小时 分钟 季度 学期
    课时 人次 工作日 年 月 日 天 周 时 分 秒 个 人 次 斤 克 米 吨 磅 件 盒 瓶 袋 包 份 位 升 台 套
    张 间 晚 亩 度 只 条 杯 碗 片 颗 粒 辆 股 桶 顿 课 节 本 箱 支 根 科 户 场 季
    """
)
BELOW = (  # what can stand below a slash
    rf"(?:\({LETTERS}·{LETTERS}\)|{LETTERS}{RAISED}(?![A-Za-z\d])|{HAN_BELOW})"
)
PER_UNIT = rf"(?: ?/ ?(?P<per>{BELOW}))?"


def unit_name(unit: str) -> str | None:
    """kg and KG -> 千克; None for what is no unit. One letter counts in its own case only."""
    return UNITS.get(unit) or (IN_ANY_CASE.get(unit.casefold()) if len(unit) > 1 else None)


def name_below(unit: str) -> str | None:
    if unit[0] == "(":  # mg/(kg·d)
        names = [name_below(part) for part in unit[1:-1].split("·")]
        return "每".join(name for name in names if name) if all(names) else None
    return PER.get(unit) or unit_name(unit) or (None if unit.isascii() else unit)


def per(unit: str | None) -> str:
    """月 -> 每月; nothing for no unit."""
    return f"每{name_below(unit) or unit}" if unit else ""
