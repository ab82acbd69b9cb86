"""Money in English."""

from __future__ import annotations

import re

from cosyvoice.text.english.context import describes_noun, group
from cosyvoice.text.english.numbers import (
    LETTER,
    NUMBER,
    SIGN,
    SIGNS,
    START,
    TO,
    digits,
    ends_of_range,
    number,
    plural,
    quantity,
    whole_number,
)
from cosyvoice.text.english.tables import any_of, table
from cosyvoice.text.english.units import PER
from cosyvoice.text.spans import after, reader

# Name in the singular, then the signs and codes before or after an amount
SYMBOLS = table("""
    dollar: $
    US dollar: US$
    Australian dollar: A$ AU$
    Canadian dollar: C$ CA$
    Hong Kong dollar: HK$
    New Taiwan dollar: NT$
    New Zealand dollar: NZ$
    Singapore dollar: S$
    real: R$
    Mexican peso: MX$
    euro: €
    pound: £
    yen: ¥ JP¥
    yuan: CN¥
    won: ₩
    rupee: ₹ Rs Rs.
    ruble: ₽
    lira: ₺
    dong: ₫
    peso: ₱
    naira: ₦
    shekel: ₪
    baht: ฿
    hryvnia: ₴
    bitcoin: ₿
""")
CODES = table("""
    US dollar: USD
    euro: EUR
    pound: GBP
    yen: JPY
    yuan: CNY RMB
    won: KRW
    rupee: INR
    Australian dollar: AUD
    Canadian dollar: CAD
    Hong Kong dollar: HKD
    Taiwan dollar: TWD
    Singapore dollar: SGD
    New Zealand dollar: NZD
    Swiss franc: CHF
    Swedish krona: SEK
    Norwegian krone: NOK
    Danish krone: DKK
    zloty: PLN
    ruble: RUB
    real: BRL
    Mexican peso: MXN
    baht: THB
    lira: TRY
    rand: ZAR
    dirham: AED
    riyal: SAR
    peso: PHP
    bitcoin: BTC
    ether: ETH
    USDT: USDT
""")
AFTER_ONLY = table("krone: kr; zloty: zł; koruna: Kč")
NAMES = SYMBOLS | CODES | AFTER_ONLY
# The hundredth part of a unit; the others have none that is in use.
PARTS = table("""
    cent: dollar US_dollar Australian_dollar Canadian_dollar Hong_Kong_dollar New_Zealand_dollar
    cent: New_Taiwan_dollar Taiwan_dollar Singapore_dollar euro rand; pence: pound; paisa: rupee
    kopeck: ruble; centavo: real Mexican_peso peso; centime: Swiss_franc; kobo: naira
""")
PLURALS = table("""
    yen: yen; yuan: yuan; won: won; dong: dong; baht: baht; rand: rand; ether: ether; USDT: USDT
    reais: real; kroner: krone; Norwegian kroner: Norwegian_krone; Danish kroner: Danish_krone
    Swedish kronor: Swedish_krona; paise: paisa; pence: pence; kobo: kobo
""")
SCALES = table("""
    thousand: k K
    million: m M mn mm MM mil
    billion: b B bn Bn
    trillion: t T tn
""")
SCALE = (
    r"(?: ?(?:hundred|thousand|million|billion|trillion|lakh|crore)\b"
    rf"| ?{any_of(SCALES)}(?![A-Za-z\d]))?"
)
EUROPEAN = r"(?:\d{1,3}(?:\.\d{3})+|\d+),\d\d(?![\d,])"  # 1.234,56
BEFORE = any_of(SYMBOLS | CODES)
AFTER = any_of([*CODES, *AFTER_ONLY, *"€£¥₩₹₽₺₫₱₪฿₿"])
PER_WHAT = rf"(?:\s?/\s?(?P<per>{any_of(PER)}|[a-z]{{3,12}})(?![{LETTER}\d/]))?"
COIN = r" (?:bill|note|coin|check|cheque|stamp|ticket|gift card)s?\b"
RESOLUTIONS = frozenset("144 240 360 480 540 576 720 1080 1440 2160 4320".split())


def amount(currency: str, written: str, scale: str) -> str:
    """$20.50 -> twenty dollars and fifty cents, $2.5M -> two point five million dollars."""
    name = NAMES[currency]
    if re.fullmatch(EUROPEAN, written):
        written = written.replace(".", "").replace(",", ".")
    if scale:
        return f"{number(written)} {scale_name(scale)} {money_name(name, one=False)}"
    whole, _, decimals = written.partition(".")
    decimals = decimals.rstrip("0").ljust(2, "0") if decimals else ""
    if decimals and (len(decimals) > 2 or name not in PARTS):
        return f"{number(written.rstrip('0'))} {money_name(name, one=False)}"
    return with_cents(name, whole or "0", int(decimals or 0))


def with_cents(name: str, whole: str, cents: int) -> str:
    words = []
    if whole.strip("0,") or not cents:
        words.append(f"{cardinal(whole)} {money_name(name, one=whole == '1')}")
    if cents:
        words.append(f"{number(str(cents))} {money_name(PARTS[name], one=cents == 1)}")
    return " and ".join(words)


def cardinal(written: str) -> str:
    """As a number, however long it is without commas."""
    if len(written) > 36:
        return digits(written)
    return whole_number(f"{int(written.replace(',', '')):,}")


def scale_name(written: str) -> str:
    """2.5M -> million."""
    return SCALES.get(written.strip(), written.strip())


def money_name(name: str, one: bool) -> str:
    """dollar -> dollars, yen -> yen; one penny is not one pence."""
    if one:
        return "penny" if name == "pence" else name
    return PLURALS.get(name) or plural(name)


def say_money(match: re.Match[str]) -> str:
    """$5, $5-10, $1.2M-$1.5M, $60/hr, -$3."""
    currency = match["code"] or match["currency"]
    low, high, scale = match["low"], match["high"], match["scale"]
    if high and match["again"]:
        words = f"{amount(currency, low, scale)} to "
        words += amount(match["again"], high, match["high_scale"])
    elif high:
        words = f"{number(low)} to {amount(currency, high, match['high_scale'] or scale)}"
    else:
        words = amount(currency, low, scale)
    if after(match, COIN) or describes_noun(match):
        words = re.sub(r"(dollar|pound|euro|cent|rupee|bitcoin)s$", r"\1", words)
    sign = SIGNS.get(match["sign"] or match["inner"], "")
    return sign + words + (" plus" if match["plus"] else "") + per_words(match)


def say_money_after(match: re.Match[str]) -> str:
    """100 EUR, 500 kr, 3-5 €."""
    *low, high = ends_of_range(match["number"])
    words = [number(each) for each in low] + [amount(match["currency"], high, match["scale"])]
    return SIGNS.get(match["sign"], "") + " to ".join(words) + per_words(match)


def per_words(match: re.Match[str]) -> str:
    """$60/hr -> per hour."""
    what = group(match, "per")
    return f" per {PER.get(what, what)}" if what else ""


def say_cents(match: re.Match[str]) -> str | None:
    """25¢ and 50p; 720p is a resolution."""
    if match["sign"] == "p" and match["number"] in RESOLUTIONS:
        return None
    name = "cent" if match["sign"] == "¢" else "pence"
    return f"{quantity(match['number'])} {money_name(name, one=match['number'] == '1')}"


MONEY = (
    reader(
        "money",
        rf"(?P<sign>{SIGN})(?<![{LETTER}\d])(?P<currency>{BEFORE}) ?(?P<inner>[-+]?)"
        rf"(?P<low>{EUROPEAN}|{NUMBER})(?P<scale>{SCALE})"
        rf"(?:{TO}(?P<again>{BEFORE})? ?(?P<high>{NUMBER})(?P<high_scale>{SCALE}))?(?P<plus>\+)?"
        rf"(?: (?P<code>USD|CAD|AUD|NZD|HKD|SGD|TWD|MXN)\b)?{PER_WHAT}",
        say_money,
    ),
    reader(
        "money",
        rf"(?P<sign>{SIGN}){START}(?P<number>{EUROPEAN}|{NUMBER}(?:{TO}{NUMBER})?)"
        rf"(?P<scale>{SCALE})"
        rf" ?(?P<currency>{AFTER})(?![{LETTER}\d$]){PER_WHAT}",
        say_money_after,
    ),
    reader(
        "money",
        rf"{START}(?P<number>{NUMBER}(?:{TO}{NUMBER})?)(?P<sign>¢|p(?![{LETTER}\d]))",
        say_cents,
    ),
)
