"""Chinese percentages, temperatures and measures, with their ranges."""

import re

from cosyvoice.text.chinese.numbers import (
    FROM_HERE,
    MINUS,
    NUMBER,
    SIGNED,
    TO,
    VALUE,
    amount,
    both,
    number,
)
from cosyvoice.text.chinese.units import BELOW, LETTERS, UNIT, name_below, unit_name
from cosyvoice.text.language import HAN
from cosyvoice.text.spans import after, before, reader

SHARES = {"%": "百分之", "‰": "千分之", "‱": "万分之"}
NO_UNIT_BEFORE = {  # letters of names: 3G网, 5N
    "g": "网|手机|信号|通信|基站",
    "in": " [a-z]",
}
UNIT_AFTER = {  # letters that are units of what is spoken about
    "N": "[力重压]",
    "r": "转速",
    "J": "[能功热]",
    "U": "[酶素射]",
    "A": "电流|保险|额定|输出|充电|插座",
}


def percent(match: re.Match[str]) -> str:
    """15%, -3.5‰, 15-20%, 10%-20%."""
    share = SHARES[match["sign"]]
    last = match["last"] and number(match["last"])
    if last and match["own"]:
        last = share + last
    first = "百" if match["first"] == "100" and share == "百分之" else number(match["first"])
    sign = "负" if match["minus"] else "加" if match["plus"] else ""
    per = f"每{match['per']}" if match["per"] else ""
    return per + sign + share + both(first, last, joint(match))


def joint(match: re.Match[str]) -> str:
    return (match["to"] or "").strip()


def temperature(match: re.Match[str]) -> str:
    """-5~3°C."""
    name = "华氏度" if match["scale"] in "fF" else "摄氏度"
    minus = "负" if match["minus"] and not before(match, "零下 ?") else ""
    if match["last"] is None:
        return minus + amount(match["first"]) + name
    return minus + both(number(match["first"]), number(match["last"]), joint(match)) + name


def measure(match: re.Match[str]) -> str | None:
    """25kg, 5-10 km, 3m/s², 60km/h."""
    unit, below = match["unit"], match["below"]
    name, of = unit_name(unit), below and name_below(below)
    if name is None or not is_unit(match, unit) or (below and not of):
        return None
    if match["own"] and unit_name(match["own"]) != name:
        return None
    last = amount(match["last"]) if match["last"] else None
    words = "负" * bool(match["minus"]) + both(amount(match["first"]), last, joint(match)) + name
    if not of:
        return words
    if of == "小时" and name in ("公里", "米", "英里"):
        return words if before(match, "时速 ?|每小时") else f"每小时{words}"
    return f"{words}每{of}"


def is_unit(match: re.Match[str], unit: str) -> bool:
    """Whether a letter is a unit, and not part of a name."""
    if unit in UNIT_AFTER:
        return (
            bool(match["below"])
            or "." in match["first"]
            or before(match, rf"(?:{UNIT_AFTER[unit]})\D{{0,5}}")
        )
    return not (unit in NO_UNIT_BEFORE and after(match, NO_UNIT_BEFORE[unit]))


def per_unit(match: re.Match[str]) -> str | None:
    """The end of 75次/min, 8元/斤 and 10^9/L."""
    of = name_below(match["below"])
    counted = before(match, rf"\d ?[百千万亿]*[{HAN}]{{1,3}}|\^\d{{1,2}}")
    return f"每{of}" if of and counted else None


def blood_pressure(match: re.Match[str]) -> str:
    return f"{number(match['high'])}到{number(match['low'])}{'毫米汞柱' if match['unit'] else ''}"


OF_UNIT = rf"(?P<unit>{UNIT})(?: ?/ ?(?P<below>{BELOW}))?"
PRESSURES = r"(?P<high>\d{2,3}) ?/ ?(?P<low>\d{2,3})"

READERS = (
    reader(
        "percent",
        rf"(?:(?P<minus>{MINUS})|(?<![\d%])(?P<plus>\+))?{FROM_HERE}(?P<first>{NUMBER}) ?"
        rf"(?:(?P<own>[%‰‱])?(?P<to>{TO})(?P<last>-?{NUMBER}))? ?(?P<sign>[%‰‱])"
        r"(?: ?/ ?(?P<per>[日天周月年次]))?",
        percent,
    ),
    reader(
        "temperature",
        rf"{SIGNED}(?P<first>{NUMBER})"
        rf"(?:(?: ?°[CFcf]?|度)?(?P<to>{TO})(?P<last>-?{NUMBER}))? ?"
        r"[°º](?P<scale>[CFcf])(?![A-Za-z])",
        temperature,
    ),
    reader(
        "measure",
        rf"{SIGNED}(?P<first>{VALUE})(?P<own>)(?P<to>)(?P<last>)? ?{OF_UNIT}",
        measure,
    ),
    reader(
        "measure",
        rf"{SIGNED}(?P<first>{VALUE})(?: ?(?P<own>{LETTERS}[²³]?))?"
        rf"(?P<to>{TO})(?P<last>{VALUE}) ?{OF_UNIT}",
        measure,
    ),
    reader(
        "measure",
        rf"{FROM_HERE}(?:12|24|36|48|72)H(?![A-Za-z\d])",
        lambda m: f"{number(m[0][:-1])}小时",
    ),
    reader("measure", rf"(?<=[{HAN}\d]) ?/ ?(?P<below>{BELOW})", per_unit),
    reader(
        "measure",
        rf"血压[^\d，。]{{0,6}}(?P<span>{PRESSURES} ?(?P<unit>(?i:mmHg))?)(?![\d/])",
        blood_pressure,
    ),
    reader("measure", rf"(?<![\d/]){PRESSURES} ?(?P<unit>(?i:mmHg))", blood_pressure),
)
