"""Chinese money: signs and codes of currencies, ranges, and prices per unit."""

import re

from cosyvoice.text.chinese.numbers import (
    MINUS,
    NUMBER,
    SIGNED,
    TENS,
    TO,
    VALUE,
    amount,
    any_of,
    both,
)
from cosyvoice.text.chinese.units import PER_UNIT, per
from cosyvoice.text.spans import before, reader

SIGNS = {
    "¥": "元",
    "$": "美元",
    "€": "欧元",
    "£": "英镑",
    "¢": "美分",
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
NAMES = SIGNS | CODES

SIGN = "|".join(re.escape(sign) for sign in sorted(SIGNS, key=len, reverse=True))
ONE_SIGN = "|".join(re.escape(sign) for sign in SIGNS if len(sign) == 1)
CODE = rf"(?i:{any_of(' '.join(CODES))})(?![A-Za-z])"
MANY = rf"(?: ?{TENS}|[KMBTkmwW](?![A-Za-z]))?"
SAID_AGAIN = "(?: ?(?:元人民币|美元|欧元|英镑|日元|港元|元|块钱|块|USD|RMB|CNY))?"  # ¥5元, $5美元


def name_of(sign: str) -> str:
    return NAMES[sign] if sign in NAMES else NAMES[sign.upper()]


def money(match: re.Match[str]) -> str:
    """¥12.5, $2.5M, ¥8/斤, $5-$10."""
    name = name_of(match["sign"])
    minus = "负" if match["minus"] or match["inner"] else ""
    first = amount(match["first"]) + (name if match["again"] else "")
    words = both(first, match["last"] and amount(match["last"]))
    if match["more"]:
        words += "多" + (match["tens"] or "")
    return minus + words + name + per(match["per"])


def money_before_sign(match: re.Match[str]) -> str:
    """50USD, 20€."""
    words = both(amount(match["first"]), match["last"] and amount(match["last"]))
    return "负" * bool(match["minus"]) + words + name_of(match["sign"]) + per(match["per"])


def per_amount(match: re.Match[str]) -> str | None:
    """The slash of ¥3.99/500g and 6.5L/100km."""
    amounts = rf"[¥$€£] ?{NUMBER}|\d ?(?:[元块]|L|kWh|k?g|mg|mmol|kcal|kJ)"
    return "每" if before(match, amounts) else None


READERS = (
    reader(
        "money",
        rf"(?P<minus>{MINUS} ?)?(?<![A-Za-z])(?P<sign>{SIGN}|{CODE}) ?(?P<inner>-)?"
        rf"(?P<first>{NUMBER}{MANY})(?:{TO}(?P<again>{SIGN})?(?P<last>{NUMBER}{MANY}))?"
        rf"(?P<more>\+(?! ?\d)(?P<tens>{TENS})?)?{SAID_AGAIN}{PER_UNIT}",
        money,
    ),
    reader(
        "money",
        rf"{SIGNED}(?P<first>{VALUE})(?:{TO}(?P<last>{VALUE}))? ?"
        rf"(?P<sign>{ONE_SIGN}|{CODE}){PER_UNIT}(?!\d)",
        money_before_sign,
    ),
    reader("money", r"(?<=[A-Za-z\d元块])/(?=\d+ ?[A-Za-z])", per_amount),
)
