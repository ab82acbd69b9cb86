"""What the languages of Europe share: how numbers are written, and readers made from words.

`European` finds the classes in texts of German, French, Spanish, Italian and Russian; a module for
each of them gives its words. Figures are written 1.234,56 or 1 234,56 in all of them, and 1,234.56
is understood too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from cosyvoice.text.grammar import Grammar, say_as_by_class
from cosyvoice.text.numbers import VULGAR
from cosyvoice.text.spans import Reader, reader

# A number as it is written: 1.234,56, 1 234,56, 1'234, 1,234.56, 3.5
GROUPED = r"[1-9]\d{0,2}(?:(?:\.\d{3})+|(?: \d{3})+|(?:'\d{3})+)(?!\d)"
ENGLISH_GROUPED = r"[1-9]\d{0,2}(?:(?:,\d{3})+(?=\.\d)|(?:,\d{3}){2,}(?!\d))"
UNSIGNED = rf"(?:(?:{ENGLISH_GROUPED}|{GROUPED}|\d+)(?:[.,]\d+)?)(?![.,]?\d)"
POWER = r"[²³]?"
START = r"(?<![\w.,])(?<!\d[ :/-])"
SIGN = r"(?:(?<![\w)])[-+±] ?)?"
NUMBER = rf"{SIGN}{UNSIGNED}"
TO = r" ?[-–—~] ?"


def amount_with(sign: str) -> str:
    """A pattern of one number or two, the first perhaps with the sign: 5, 10-20, 10%-20."""
    return rf"(?P<low>{NUMBER})(?:{sign}(?P<to>{TO})(?P<high>{UNSIGNED}))?"


AMOUNT = amount_with("")
SIZES = "mm|cm|m|km|px|мм|см|м"
WORD_END = r"(?![\w²³]|['’]\w)"
LETTER = r"[^\W\d_]"
AFTER_MONEY = r"(?:(?<=[€$£₽¥])|(?<=\bруб\.)|(?<=\bруб))"

LONGEST_IN_WORDS = 15  # figures; a longer number is read figure by figure


FRACTION = (
    r"(?<![\w.,:/])(?P<minus>-)?(?:(?P<whole>\d{1,4})(?: (?=\d)| ?(?=\D)))?"
    rf"(?:(?P<top>\d{{1,3}})/(?P<bottom>[1-9]\d{{0,3}})|(?P<vulgar>[{''.join(VULGAR)}]))"
)
TIME = r"(?P<hour>[01]?\d|2[0-4]){sign}(?P<minute>[0-5]\d)(?:{sign}(?P<second>[0-5]\d))?"
DAY, MONTH, YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:1\d|20|21)\d\d"
ROMAN = r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@dataclass(frozen=True)
class Noun:
    """What is counted: its forms, and its gender "m", "f" or "n".

    few is used after 2, 3 and 4 and after fractions, in Russian alone.
    """

    one: str
    many: str
    gender: str = "m"
    few: str = ""


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    sign: str  # "", "-", "+" or "±"
    whole: str
    decimals: str
    mark: str  # the sign before the decimals

    @property
    def value(self) -> int:
        return int(self.whole)

    @property
    def is_one(self) -> bool:
        return not self.decimals and self.value == 1


@lru_cache(maxsize=4096)
def parsed(written: str) -> Number:
    """1.234,5 -> 1234 and 5. The text must match NUMBER."""
    sign = written[0] if written[0] in "-+±" else ""
    text = written.lstrip("-+± ")
    whole = re.match(rf"{ENGLISH_GROUPED}|{GROUPED}|\d+", text)
    assert whole is not None
    rest = text[whole.end() :]
    return Number(sign, re.sub(r"\D", "", whole[0]), rest[1:], rest[:1])


def nouns(table: str) -> dict[str, Noun]:
    """A table of lines "signs gender one/many[/few]"; signs are separated by commas."""
    found = {}
    for line in table.strip().splitlines():
        signs, gender, words = line.split(None, 2)
        one, many, few = ([*words.replace("_", " ").split("/"), "", ""])[:3]
        for sign in signs.split(","):
            found[sign.replace("_", " ")] = Noun(one, many or one, gender, few)
    return found


def pairs(table: str) -> dict[str, str]:
    """A table of lines "written = words"."""
    rows = (line.partition(" = ") for line in table.strip().splitlines())
    return {written.strip(): words.strip() for written, _, words in rows}


def with_capitals(table: dict[str, str]) -> dict[str, str]:
    """A table of abbreviations, those in small letters also as they begin a sentence."""
    capital = {
        written[0].upper() + written[1:]: words[0].upper() + words[1:]
        for written, words in table.items()
        if len(written) > 2
    }
    return capital | table


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of these, the longest first; a blank in it may be missing."""
    found = (re.escape(word).replace(r"\ ", " ?") for word in sorted(words, key=len, reverse=True))
    return f"(?:{'|'.join(found)})"


def roman(numeral: str) -> int:
    """XIV -> 14."""
    values = [ROMAN_VALUES[letter] for letter in numeral]
    return sum(-a if a < b else a for a, b in zip(values, values[1:] + [0]))


class European:
    """One language: its words, and the readers made from them.

    A language overrides what it says differently. Numbers agree with what is counted: gender is
    that of the noun, or "" where none follows.
    """

    digits: tuple[str, ...]  # 0 to 9
    months: tuple[str, ...]
    month_short: Mapping[str, int]  # abbreviations
    minus, plus, plus_minus = "", "", ""
    comma, point = "", ""  # before decimals
    to = ""  # between two numbers
    against = ""  # between the numbers of a score
    percent, per_mille, degrees = "", "", ""
    per = ""  # between two units
    each = ""  # between a sum and a time: 49 €/month
    over = ""  # between two numbers that are no fraction: 120/80
    by = ""  # between two sizes: 80 x 60 cm
    squared, cubed = "", ""
    dot, at, slash, dash, underscore, colon = "", "", "", "", "", ""  # of addresses
    extension = ""
    scales: Mapping[str, Noun]
    currencies: Mapping[str, Noun]
    cents: Mapping[str, Noun]  # by the name of the currency
    units: Mapping[str, Noun]
    temperatures: Mapping[str, str]
    signs: Mapping[str, str]
    abbreviations: Mapping[str, str]
    weekdays: Mapping[str, str] = {}  # abbreviations, of ranges such as Mo-Fr
    clock_words = ""  # a pattern of what may follow a time, and is said with it
    date_between = ""  # a pattern between day, month and year
    telephone = ""

    # Numbers

    def cardinal(self, n: int, gender: str = "") -> str:
        raise NotImplementedError

    def spell(self, figures: str) -> str:
        """Figure by figure; other characters are left out."""
        return " ".join(self.digits[int(each)] for each in figures if each.isdigit())

    def integer(self, figures: str, gender: str = "") -> str:
        """Words of a row of figures; one with a leading zero, or a very long one, by figures."""
        if len(figures) > LONGEST_IN_WORDS or (len(figures) > 1 and figures[0] == "0"):
            return self.spell(figures)
        return self.cardinal(int(figures), gender)

    def decimals(self, figures: str) -> str:
        return self.spell(figures)

    def number(self, number: Number, gender: str = "") -> str:
        words = [self.sign(number.sign)]
        if number.decimals:
            mark = self.comma if number.mark == "," else self.point
            words += [self.whole_part(number, gender), mark, self.decimals(number.decimals)]
        else:
            words.append(self.integer(number.whole, gender))
        return " ".join(filter(None, words))

    def whole_part(self, number: Number, gender: str) -> str:
        """What stands before decimals."""
        return self.integer(number.whole)

    def sign(self, sign: str) -> str:
        return {"-": self.minus, "+": self.plus, "±": self.plus_minus}.get(sign, "")

    def form(self, noun: Noun, number: Number) -> str:
        """The form of what is counted."""
        return noun.one if number.is_one else noun.many

    def gender_after(self, text: str) -> str:
        """The gender of what a number counts, by the words after it; "" when it counts nothing."""
        return ""

    # Amounts: one number or two, of something

    def amount(self, match: re.Match[str], gender: str = "", is_counted: bool = True) -> str:
        """A point before decimals is said as one only where nothing is counted: version 3.5."""
        numbers = [parsed(match[each]) for each in ("low", "high") if match[each]]
        if is_counted:
            numbers = [replace(number, mark=",") for number in numbers]
        return f" {self.to} ".join(self.number(number, gender) for number in numbers)

    def last(self, match: re.Match[str]) -> Number:
        return parsed(match["high"] or match["low"])

    def counted(self, match: re.Match[str], noun: Noun, scale: Noun | None = None) -> str:
        """10-20 km: the amount and the name of what is counted."""
        if scale is None:
            return f"{self.amount(match, noun.gender)} {self.form_after(self.last(match), noun)}"
        words = f"{self.amount(match, scale.gender)} {self.form(scale, self.last(match))}"
        return f"{words} {self.of_scale(noun)}"

    def of_scale(self, noun: Noun) -> str:
        """The noun after a million."""
        return noun.many

    def form_after(self, number: Number, noun: Noun) -> str:
        """The noun after a number, which may end in millions."""
        is_scale = not number.decimals and number.value and number.value % 10**6 == 0
        return self.of_scale(noun) if is_scale else self.form(noun, number)

    def say_percent(self, match: re.Match[str]) -> str | None:
        return f"{self.amount(match)} {self.per_mille if match['sign'] == '‰' else self.percent}"

    def say_size(self, match: re.Match[str]) -> str | None:
        """80 x 60 cm"""
        numbers = [parsed(match[each]) for each in ("low", "high", "third") if match[each]]
        words = [self.number(number) for number in numbers]
        if match["first"] and (noun := self.unit(match["first"].strip())):
            words[0] += f" {self.form(noun, numbers[0])}"
        noun = self.unit(match["unit"])
        return f" {self.by} ".join(words) + f" {self.form(noun, numbers[-1])}" if noun else None

    def say_per_unit(self, match: re.Match[str]) -> str | None:
        """300/km²"""
        noun = self.unit(match["unit"])
        return f"{self.amount(match)} {self.per_unit(noun)}" if noun else None

    def say_part_of_unit(self, match: re.Match[str]) -> str | None:
        """3/4 l"""
        noun, words = self.unit(match["unit"]), self.say_fraction(match)
        if noun is None or words is None:
            return None
        if match["top"] and 10 <= int(match["top"]) < int(match["bottom"]):  # 50/60 Hz
            return f"{self.integer(match['top'])} {self.integer(match['bottom'])} {noun.many}"
        return self.mixed_unit(words, noun) if match["whole"] else self.part_of_unit(words, noun)

    def say_each_unit(self, match: re.Match[str]) -> str | None:
        """€/kg"""
        noun = self.unit(match["unit"])
        return self.per_unit(noun) if noun else None

    def part_of_unit(self, words: str, noun: Noun) -> str:
        return f"{words} {noun.one}"

    def mixed_unit(self, words: str, noun: Noun) -> str:
        return f"{words} {noun.many}"

    def say_temperature(self, match: re.Match[str]) -> str | None:
        scale = (match["scale"] or "").upper()
        number = self.last(match)
        degree = self.form(self.units["°"], number)
        words = f"{self.amount(match, self.units['°'].gender)} {degree}"
        return f"{words} {self.temperatures[scale]}" if scale else words

    def say_measure(self, match: re.Match[str]) -> str | None:
        noun = self.unit(match["unit"])
        if noun is None:
            return None
        scale = self.scales[self.listed(match["scale"], self.scales)] if match["scale"] else None
        return self.counted(match, noun, scale)

    def unit(self, written: str) -> Noun | None:
        """The unit of a sign; km/h and its like are units of their own, or made from two."""
        if written in self.units:
            return self.units[written]
        first, _, second = written.partition("/")
        if first in self.units and second in self.units:
            a, b = self.units[first], self.units[second]
            per = self.per_unit(b)
            return Noun(
                f"{a.one} {per}",
                f"{a.many} {per}",
                a.gender,
                f"{a.few} {per}",
            )
        return None

    def per_unit(self, noun: Noun) -> str:
        return f"{self.per} {noun.one}"

    def listed(self, written: str, table: Mapping[str, object]) -> str:
        """The key of a table that was written, perhaps without its blanks."""
        if written in table:
            return written
        return next(key for key in table if key.replace(" ", "") == written.replace(" ", ""))

    def say_money(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        sign = groups.get("before") or groups.get("after") or ""
        noun = self.currencies[sign]
        if groups.get("scale"):
            return self.counted(
                match, noun, self.scales[self.listed(groups["scale"] or "", self.scales)]
            )
        number = self.last(match)
        cent = self.cents.get(noun.one)
        if cent and not match["high"] and 1 <= len(number.decimals.rstrip("0")) <= 2:
            return self.price(number, noun, cent)
        if cent and not match["high"] and number.decimals and not number.decimals.strip("0"):
            whole = Number(number.sign, number.whole, "", "")
            return f"{self.number(whole, noun.gender)} {self.form_after(whole, noun)}"
        return self.counted(match, noun)

    def price(self, number: Number, noun: Noun, cent: Noun) -> str:
        """12,50 € in its two units."""
        cents = int(number.decimals.rstrip("0").ljust(2, "0"))
        small = Number("", str(cents), "", "")
        sign = self.sign(number.sign)
        if not number.value:
            return f"{sign} {self.cardinal(cents, cent.gender)} {self.form(cent, small)}".strip()
        whole = Number(number.sign, number.whole, "", "")
        words = f"{self.number(whole, noun.gender)} {self.form_after(whole, noun)}"
        return f"{words} {self.with_cents(cents, cent)}"

    def with_cents(self, cents: int, cent: Noun) -> str:
        return (
            f"{self.cardinal(cents, cent.gender)} {self.form(cent, Number('', str(cents), '', ''))}"
        )

    # Calendar and clock

    def year(self, figures: str) -> str:
        return self.integer(figures)

    def day(self, day: int, match: re.Match[str]) -> str:
        return self.cardinal(day)

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        """A whole date in words; month 1 to 12, year "" when none is written."""
        raise NotImplementedError

    def say_numeric_date(self, match: re.Match[str]) -> str | None:
        return self.date(int(match["day"]), int(match["month"]), match["year"] or "", match)

    def say_named_date(self, match: re.Match[str]) -> str | None:
        return self.date(
            int(match["day"]), self.month_number(match["name"]), match["year"] or "", match
        )

    def month_number(self, name: str) -> int:
        return self.month_names[name.lower().rstrip(".")]

    @cached_property
    def month_names(self) -> dict[str, int]:
        long = {name.lower(): index for index, name in enumerate(self.months, 1)}
        return long | dict(self.month_short)

    def say_time(self, match: re.Match[str]) -> str | None:
        return self.time(int(match["hour"]), int(match["minute"]), match["second"], match)

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        raise NotImplementedError

    def say_times(self, match: re.Match[str]) -> str | None:
        """9:00-18:00"""
        pattern = re.compile(TIME.format(sign=r"[:.h]"))
        found = [pattern.fullmatch(match[each]) for each in ("low", "high")]
        words = [self.say_time(each) for each in found if each]
        return f" {self.to} ".join(each for each in words if each)

    # Other classes

    def say_cardinal(self, match: re.Match[str]) -> str | None:
        rest = match.string[match.end() : match.end() + 40]
        return self.amount(match, self.gender_after(rest), is_counted=False)

    def say_range(self, match: re.Match[str]) -> str | None:
        return self.say_cardinal(match) if match["high"] else None

    def fraction(self, top: int, bottom: int) -> str:
        raise NotImplementedError

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        raise NotImplementedError

    def say_fraction(self, match: re.Match[str]) -> str | None:
        if match["vulgar"]:
            top, bottom = VULGAR[match["vulgar"]]
        else:
            top, bottom = int(match["top"]), int(match["bottom"])
        whole = match["whole"]
        if (top, bottom) == (24, 7):  # always open
            return f"{self.cardinal(24)} {self.cardinal(7)}"
        if not whole and (top > bottom and top >= 10 or 1900 <= bottom < 2100):
            return f"{self.cardinal(top)} {self.over} {self.cardinal(bottom)}"
        if (top, bottom) == (1, 2):
            words = self.half(int(whole or 0), match.string[match.end() : match.end() + 40])
        else:
            words = self.mixed(int(whole), top, bottom) if whole else self.fraction(top, bottom)
        return " ".join(filter(None, (self.sign(match["minus"] or ""), words)))

    def half(self, whole: int, rest: str) -> str:
        """½ or 1½ before the rest of the text, which may begin with what is halved."""
        return self.mixed(whole, 1, 2) if whole else self.fraction(1, 2)

    def say_score(self, match: re.Match[str]) -> str | None:
        return f"{self.integer(match[1])} {self.against} {self.integer(match[2])}"

    def say_telephone(self, match: re.Match[str]) -> str | None:
        number = match[0]
        parts = re.findall(r"\d+", number)
        words = [self.spell(part) for part in parts]
        if not number.startswith("+"):
            return ", ".join(words)
        if len(parts[0]) < 3 and len(parts) > 1:
            words[0] = self.cardinal(int(parts[0]))  # the code of a country
        return f"{self.plus} {', '.join(words)}"

    def say_digits(self, match: re.Match[str]) -> str | None:
        return self.spell(match[0])

    def say_mathematics(self, match: re.Match[str]) -> str | None:
        parts = re.split(r"((?<=[\d)²³])\s*[-+±*/×·÷:^=<>≤≥≠≈x]\s*)", match[0])
        return " ".join(filter(None, (self.mathematics_part(part) for part in parts)))

    def mathematics_part(self, part: str) -> str:
        power = {"²": self.squared, "³": self.cubed}.get(part[-1:], "")
        if re.fullmatch(NUMBER, part.rstrip("²³")):
            return f"{self.number(parsed(part.rstrip('²³')))} {power}".strip()
        sign = part.strip()
        return self.signs.get("×" if sign == "x" else sign, "")

    def say_sign(self, match: re.Match[str]) -> str | None:
        return self.signs[match[0].strip()]

    def say_address(self, match: re.Match[str]) -> str | None:
        """A mail or web address, or the name of a file, sign by sign."""
        names = {
            ".": self.dot, "@": self.at, "/": self.slash, "-": self.dash, "_": self.underscore,
            ":": self.colon,
        }  # fmt: skip
        words = []
        for part in re.findall(r"\d+|[^\W\d_]+|[^\w]|_", match[0]):
            if part.isdigit():
                words.append(self.integer(part) if len(part) < 3 else self.spell(part))
            elif part.lower() == "www":
                words.append(self.www)
            elif part.isalpha():
                words.append(self.address_word(part))
            else:
                words.append(names.get(part) or self.signs.get(part, ""))
        return " ".join(filter(None, words))

    www = "w w w"

    def address_word(self, word: str) -> str:
        return "h t t p s" if word == "https" else "h t t p" if word == "http" else word

    def say_abbreviation(self, match: re.Match[str]) -> str | None:
        return self.abbreviations[self.listed(match[0], self.abbreviations)]

    # Readers

    def readers(self) -> list[Reader]:
        return [
            *self.amount_readers(),
            *self.calendar_readers(),
            *self.number_readers(),
            *self.sign_readers(),
        ]

    def amount_readers(self) -> list[Reader]:
        of_scale = r"(?: (?:de |di |d'|of ))?"
        scale = rf"(?: ?(?P<scale>{any_of(self.scales)})(?!{LETTER}){of_scale})?"
        money = any_of(self.currencies)
        units = any_of(sign for sign in self.units if sign != "°")
        return [
            reader(
                "percent",
                rf"{START}{amount_with('(?: ?%)?')} ?(?P<sign>[%‰]){WORD_END}",
                self.say_percent,
            ),
            reader(
                "temperature",
                rf"{START}{amount_with('(?: ?° ?[CFK]?)?')} ?° ?(?P<scale>[CFK])?{WORD_END}",
                self.say_temperature,
                re.I,
            ),
            reader(
                "money",
                rf"{START}{AMOUNT}{scale}(?:,[-–—]+)? ?(?P<after>{money}){WORD_END}",
                self.say_money,
            ),
            reader("money", rf"(?<!\w)(?P<before>{money}) ?{AMOUNT}{scale}(?!\w)", self.say_money),
            reader(
                "measure",
                rf"{START}{AMOUNT}{scale} ?(?P<unit>{units}(?:/{units})?){WORD_END}",
                self.say_measure,
            ),
            reader(
                "measure",
                rf"{START}{AMOUNT} ?(?P<scale>{any_of(self.scales)})(?![\w])",
                self.say_scaled,
            ),
            reader(
                "measure",
                r"(?<!\w)(?:km|км)(?= \d)",
                self.units["km" if "km" in self.units else "км"].one,
            ),
            reader(
                "measure", rf"{START}{AMOUNT} ?/ ?(?P<unit>{units}){WORD_END}", self.say_per_unit
            ),
            reader("measure", rf"{FRACTION} ?(?P<unit>{units}){WORD_END}", self.say_part_of_unit),
            reader(
                "duration",
                r"(?<![\w.,'’′])(\d{1,3}) ?['’′] ?([0-5]?\d) ?(?:['’′]{2}|[\"”″])(?!\w)",
                self.say_minutes,
            ),
        ]

    def say_minutes(self, match: re.Match[str]) -> str | None:
        """5'30''"""
        signs = ("min", "s") if "min" in self.units else ("мин", "с")
        amounts = [
            (parsed(figures), self.units[sign]) for figures, sign in zip(match.groups(), signs)
        ]
        return " ".join(
            f"{self.number(number, noun.gender)} {self.form(noun, number)}"
            for number, noun in amounts
        )

    def say_scaled(self, match: re.Match[str]) -> str | None:
        return self.counted(match, self.scales[self.listed(match["scale"], self.scales)])

    def calendar_readers(self) -> list[Reader]:
        small = [*self.months, *self.month_short]
        names = any_of({*small, *(name.capitalize() for name in small)})
        clock = TIME.format(sign=":")
        plain = r"\d{1,2}:[0-5]\d(?::[0-5]\d)?"
        return [
            reader(
                "date",
                rf"{START}(?P<day>{DAY})(?P<s>[./-])(?P<month>{MONTH})(?P=s)(?P<year>{YEAR}"
                rf"|\d\d)(?![\w]|[./,]?\d){self.date_end}",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"{START}(?P<year>{YEAR})(?P<s>[./-])(?P<month>{MONTH})(?P=s)(?P<day>{DAY})"
                rf"(?![\w]|[./,-]?\d){self.date_end}",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"{START}(?P<day>{DAY})(?:{self.day_mark}) ?(?P<name>{names}\.?)(?!\w)"
                rf"(?:{self.date_between}(?P<year>{YEAR})(?!\d))?{self.date_end}",
                self.say_named_date,
            ),
            reader(
                "time", rf"(?<![\w.,:]){clock}(?![\d:]|[.,]\d){self.clock_words}", self.say_time
            ),
            reader(
                "time",
                rf"(?<![\w.,:])(?P<low>{plain}){TO}(?P<high>{plain})(?![\d:]|[.,]\d)",
                self.say_times,
            ),
        ]

    day_mark = ""  # after the day of a date
    date_end = ""  # after the year

    def number_readers(self) -> list[Reader]:
        return [
            reader("telephone", self.telephone, self.say_telephone),
            reader("telephone", r"(?<![\w.,-])\d{3}-\d{3}-\d{3,4}(?![\w-])", self.say_telephone),
            reader(
                "telephone",
                r"(?<![\w+])\+\d{1,3}(?:[ ./-]{0,2}\(?\d+\)?){1,6}(?!\w)",
                self.say_telephone,
            ),
            reader("digits", r"(?<![\w.,-])\d{4}(?:[ -]\d{4}){2,4}(?![\w-])", self.say_digits),
            reader("fraction", rf"{FRACTION}(?![\w/]|[.,]\d)", self.say_fraction),
            reader("score", r"(?<![\w.,:/-])(\d{1,3}):(\d{1,3})(?![\w:]|[.,]\d)", self.say_score),
            reader("range", rf"{START}{AMOUNT}(?!\w)", self.say_range),
            reader("cardinal", rf"{START}(?P<low>{NUMBER})(?P<high>)(?!\w)", self.say_cardinal),
            reader("cardinal", r"\d+", lambda match: self.integer(match[0])),
            reader(
                "decimal",
                rf"(?<={LETTER})(?P<low>\d+\.\d+)(?P<high>)(?![.,]?\d)",
                self.say_cardinal,
            ),
            reader(
                "mathematics",
                rf"(?<![\w.,]){NUMBER}{POWER}(?: ?[-+±*/×·÷:^x] ?{UNSIGNED}{POWER}){{0,6}}"
                rf"(?: ?[=<>≤≥≠≈] ?{NUMBER}{POWER}(?: ?[-+*/×·÷:^x] ?{UNSIGNED}{POWER}){{0,6}})+"
                rf"(?!\w)",
                self.say_mathematics,
            ),
            reader(
                "mathematics",
                rf"(?<![\w.,]){NUMBER}{POWER}(?: ?[+±*×·÷x] ?{UNSIGNED}{POWER}){{1,6}}(?!\w)",
                self.say_mathematics,
            ),
            reader("mathematics", rf"(?<![\w.,]){NUMBER}[²³](?!\w)", self.say_mathematics),
            reader(
                "measure",
                rf"{START}(?P<low>{NUMBER})(?P<first> ?(?:{SIZES}))? ?[x×] ?(?P<high>{UNSIGNED})"
                rf"(?: ?(?:{SIZES}))?(?: ?[x×] ?(?P<third>{UNSIGNED}))? ?(?P<unit>{SIZES})(?!\w)",
                self.say_size,
            ),
            reader("cardinal", r"(?<!\w)'(\d\d)(?!\w)", lambda match: self.integer(match[1])),
        ]

    def sign_readers(self) -> list[Reader]:
        units = any_of(self.units)
        name = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
        path = r"(?:[/?#][\w/?#=&%.~+-]*[\w/])?/?"
        top = (
            "com|org|net|edu|gov|info|io|eu|de|at|ch|fr|es|it|ru|uk|us|cn|jp|kr|hk|be|nl|pt|mx"
            "|ar|app|dev|ai|tv|me"
            "|рф"
        )
        return [
            reader(
                "address",
                rf"(?<![\w@.]){name}(?:[.+]{name})*@{name}(?:\.{name})+(?!\w)",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![\w@.])(?:https?://|www\.){name}(?:\.{name})*(?::\d+)?{path}(?!\w)",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![\w@.]){name}(?:\.{name})*\.(?:{top}){path}(?![\w@])",
                self.say_address,
            ),
            reader("address", r"(?<![\w@])@[A-Za-z_]\w*(?:\.[A-Za-z]\w*)*", self.say_address),
            reader(
                "address",
                rf"(?<![\w@.]){name}\.(?:pdf|docx?|xlsx?|pptx?|txt|csv|jpe?g|png|gif|mp3|mp4|wav"
                rf"|zip|exe|py|js|html?|json|xml)(?!\w)",
                self.say_address,
            ),
            reader("digits", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)", self.say_version),
            reader(
                "code",
                rf"(?<![\d.])(?!{GROUPED}(?![\d.]))\d+(?:\.\d+){{2,}}(?![\d.]*\d)",
                self.say_version,
            ),
            reader("symbol", rf"{AFTER_MONEY} ?/ ?(?={LETTER}{{2}})", self.each),
            reader("symbol", rf"{AFTER_MONEY} ?/ ?(?P<unit>{units}){WORD_END}", self.say_each_unit),
            reader(
                "symbol",
                any_of(sign for sign in self.signs if sign not in "-*/:^.,·<>"),
                self.say_sign,
            ),
            *self.weekday_readers(),
            reader(
                "abbreviation",
                rf"(?<![\w.]){any_of(self.abbreviations)}(?!{LETTER})",
                self.say_abbreviation,
            ),
        ]

    def weekday_readers(self) -> list[Reader]:
        if not self.weekdays:
            return []
        days = any_of(self.weekdays)
        pattern = rf"(?<!\w)(?P<low>{days})\.?{TO}(?P<high>{days})(?!\w)(?:\.(?= ?[\d,;)]))?"
        return [reader("abbreviation", pattern, self.say_weekdays, re.I)]

    def say_weekdays(self, match: re.Match[str]) -> str | None:
        """Mo-Fr"""
        low, high = (self.weekdays[match[each].lower()] for each in ("low", "high"))
        return f"{low} {self.to} {high}"

    def say_version(self, match: re.Match[str]) -> str | None:
        """1.2.3, or the address of a computer."""
        return f" {self.dot} ".join(self.integer(part) for part in match[0].split("."))

    def characters(self, text: str) -> str:
        """Letter by letter and figure by figure."""
        return " ".join(
            self.digits[int(char)] if char.isdecimal() else char
            for char in text
            if not char.isspace()
        )

    def grammar(self) -> Grammar:
        readers = tuple(self.readers())
        return Grammar(readers, say_as_by_class(readers, self.characters))
