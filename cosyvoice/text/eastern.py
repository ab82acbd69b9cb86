"""What Japanese, Korean and Cantonese share: numbers in groups of four figures, and readers.

`Eastern` finds the classes in a text; a module for each language gives its words. Figures are
written 1,234.56 in all three.
"""

import re
from collections.abc import Iterable, Mapping

from cosyvoice.text.grammar import Grammar, say_as_by_class
from cosyvoice.text.numbers import VULGAR
from cosyvoice.text.spans import Reader, reader

FIGURE = "A-Za-z0-9"
UNSIGNED = r"(?:(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?![.,]?\d))"
START = rf"(?<![{FIGURE}.])(?<!\d[,:/-])"
SIGN = rf"(?:(?<![{FIGURE})])[-+±] ?)?"
NUMBER = rf"(?:{SIGN}{UNSIGNED})"
TO = r" ?[-–—~] ?"
WORD_END = rf"(?![{FIGURE}²³])"
LONGEST_IN_WORDS = 16  # figures

YEAR, MONTH, DAY = r"(?:1[0-9]|20|21)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
CLOCK = r"(?P<hour>[01]?\d|2\d|30):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
PART_OF_DAY = r"(?P<half>[aApP]\.? ?[mM]\.?)"

FRACTION = (
    rf"(?<![{FIGURE}.,:/])(?P<minus>-)?(?:(?P<whole>\d{{1,4}}) )?"
    rf"(?:(?P<top>\d{{1,4}}) ?/ ?(?P<bottom>[1-9]\d{{0,9}})|(?P<vulgar>[{''.join(VULGAR)}]))"
)


def table(lines: str) -> dict[str, str]:
    """Lines "signs words", the signs separated by commas."""
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        signs, words = line.split(None, 1)
        found |= {sign.replace("_", " "): words for sign in signs.split(",")}
    return found


def any_of(words: Iterable[str]) -> str:
    """A pattern for one of these, the longest first."""
    return f"(?:{'|'.join(re.escape(word) for word in sorted(words, key=len, reverse=True))})"


def in_fours(figures: str) -> list[int]:
    """Groups of four figures, the highest first: 12345 -> 1, 2345."""
    first = len(figures) % 4
    parts = [figures[:first]] if first else []
    return [
        int(part)
        for part in [*parts, *(figures[at : at + 4] for at in range(first, len(figures), 4))]
    ]


class Eastern:
    """One language: its words, and the readers made from them."""

    digits: str  # 0 to 9
    zero = ""  # in telephone numbers and codes
    myriads: tuple[str, ...]  # "", 万, 億, 兆
    tens: tuple[str, ...]  # "", 十, 百, 千
    blank = ""  # between a number and what is counted
    point = ""
    minus, plus, plus_minus = "", "", ""
    to = ""
    against = ""  # between the numbers of a score
    over = ""  # between two numbers that are no fraction: 120/80
    squared, cubed = "", ""
    percent, per_mille = "", ""
    currencies: Mapping[str, str]
    units: Mapping[str, str]
    per = ""  # between two units
    each = ""  # {unit} and {words}: 199円/kg
    signs: Mapping[str, str]
    scales = ""  # characters of myriads that follow a figure
    joint = ""  # between the groups of a telephone number
    at, dot, slash, dash, underscore, colon = "", "", "", "", "", ""
    telephone = ""
    weekdays = ""
    morning, afternoon = "", ""

    # Numbers

    def below_myriad(self, n: int, leading: bool) -> str:
        raise NotImplementedError

    def cardinal(self, n: int) -> str:
        raise NotImplementedError

    def spell(self, figures: str) -> str:
        """Figure by figure; other characters are left out."""
        names = self.zero + self.digits[1:]
        return "".join(names[int(each)] for each in figures if each.isdigit())

    def integer(self, figures: str) -> str:
        figures = figures.replace(",", "")
        if len(figures) > LONGEST_IN_WORDS or (len(figures) > 1 and figures[0] == "0"):
            return self.spell(figures)
        return self.cardinal(int(figures))

    def number(self, written: str) -> str:
        sign = {"-": self.minus, "+": self.plus, "±": self.plus_minus}.get(written[:1], "")
        whole, _, decimals = written.lstrip("-+± ").partition(".")
        words = self.integer(whole)
        if decimals:
            words = f"{words}{self.blank}{self.point}{self.blank}{self.decimals(decimals)}"
        return f"{sign}{self.blank}{words}" if sign else words

    def decimals(self, figures: str) -> str:
        return "".join(self.digits[int(each)] for each in figures)

    def amount(self, match: re.Match[str]) -> str:
        low = self.number(match["low"])
        return f"{low}{self.to}{self.number(match['high'])}" if match["high"] else low

    # Amounts

    def counted(self, match: re.Match[str], name: str) -> str:
        """The amount, a scale such as 万, and the name of what is counted."""
        scale = match.groupdict().get("scale") or ""
        return f"{self.amount(match)}{scale}{self.blank}{name}"

    def say_percent(self, match: re.Match[str]) -> str | None:
        return self.counted(match, self.per_mille if match["sign"] == "‰" else self.percent)

    def say_money(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        words = self.counted(
            match, self.currencies[groups.get("before") or groups.get("after") or ""]
        )
        each = groups.get("each")
        return self.each.format(unit=self.units[each], words=words) if each else words

    def say_measure(self, match: re.Match[str]) -> str | None:
        return self.counted(match, self.unit(match["unit"]))

    def unit(self, written: str) -> str:
        if written in self.units:
            return self.units[written]
        first, _, second = written.partition("/")
        return f"{self.units[first]}{self.blank}{self.per_unit(self.units[second])}"

    def per_unit(self, name: str) -> str:
        return f"{self.per}{self.blank}{name}"

    def say_temperature(self, match: re.Match[str]) -> str | None:
        raise NotImplementedError

    # Calendar and clock

    def date(self, year: str, month: str, day: str, weekday: str) -> str:
        raise NotImplementedError

    def say_date(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        return self.date(
            groups.get("year") or "",
            match["month"],
            groups.get("day") or "",
            groups.get("weekday") or "",
        )

    def time(self, hour: int, minute: int, second: int) -> str:
        raise NotImplementedError

    def say_time(self, match: re.Match[str]) -> str | None:
        groups = match.groupdict()
        words = self.time(
            int(match["hour"]), int(groups.get("minute") or 0), int(groups.get("second") or 0)
        )
        half = (groups.get("half") or "")[:1].lower()
        return {"a": self.morning + self.blank, "p": self.afternoon + self.blank}.get(
            half, ""
        ) + words

    def say_hour(self, match: re.Match[str]) -> str | None:
        half = self.morning if match["half"][0] in "aA" else self.afternoon
        return f"{half}{self.blank}{self.cardinal(int(match['hour']))}"

    def say_times(self, match: re.Match[str]) -> str | None:
        """9:00~18:00"""
        low, high = ([int(part) for part in match[each].split(":")] for each in ("low", "high"))
        return self.between(self.time(low[0], low[1], 0), self.time(high[0], high[1], 0))

    def between(self, low: str, high: str) -> str:
        return f"{low}{self.to}{high}"

    # Other classes

    def fraction(self, top: str, bottom: str) -> str:
        raise NotImplementedError

    def mixed(self, whole: str, top: str, bottom: str) -> str:
        raise NotImplementedError

    def say_fraction(self, match: re.Match[str]) -> str | None:
        if match["vulgar"]:
            top, bottom = map(str, VULGAR[match["vulgar"]])
        else:
            top, bottom = match["top"], match["bottom"]
        whole = match["whole"]
        if not whole and len(top) > 1 and len(bottom) < 4 and int(top) > int(bottom):
            return f"{self.integer(top)}{self.over}{self.integer(bottom)}"
        words = self.mixed(whole, top, bottom) if whole else self.fraction(top, bottom)
        return f"{self.minus}{self.blank}{words}" if match["minus"] else words

    def say_part_of_unit(self, match: re.Match[str]) -> str | None:
        """1/2kg"""
        return f"{self.say_fraction(match)}{self.blank}{self.unit(match['unit'])}"

    def say_score(self, match: re.Match[str]) -> str | None:
        return f"{self.integer(match[1])}{self.against}{self.integer(match[2])}"

    def say_telephone(self, match: re.Match[str]) -> str | None:
        words = self.joint.join(self.spell(part) for part in re.findall(r"\d+", match[0]))
        return f"{self.plus}{self.blank}{words}" if match[0].startswith("+") else words

    def say_digits(self, match: re.Match[str]) -> str | None:
        return self.blank.join(self.spell(part) for part in re.findall(r"\d+", match[0]))

    def say_version(self, match: re.Match[str]) -> str | None:
        return f"{self.blank}{self.point}{self.blank}".join(
            self.integer(part) for part in match[0].split(".")
        )

    def say_range(self, match: re.Match[str]) -> str | None:
        return self.amount(match)

    def say_cardinal(self, match: re.Match[str]) -> str | None:
        return self.number(match[0])

    def say_mathematics(self, match: re.Match[str]) -> str | None:
        parts = re.split(r"((?<=[\d)²³])\s*[-+±*/×÷:^=<>≤≥≠≈]\s*)", match[0])
        return self.blank.join(filter(None, map(self.mathematics_part, parts)))

    def mathematics_part(self, part: str) -> str:
        number = part.rstrip("²³")
        if re.fullmatch(NUMBER, number):
            return self.number(number) + {"²": self.squared, "³": self.cubed}.get(part[-1], "")
        return self.signs.get(part.strip(), "")

    def say_sign(self, match: re.Match[str]) -> str | None:
        return self.signs[match[0].strip()]

    def say_address(self, match: re.Match[str]) -> str | None:
        """A mail or web address, or the name of a file, sign by sign."""
        names = {
            ".": self.dot, "@": self.at, "/": self.slash, "-": self.dash, "_": self.underscore,
            ":": self.colon,
        }  # fmt: skip
        parts = re.findall(r"\d+|[^\W\d_]+|[^\w]|_", match[0])
        words = []
        for index, part in enumerate(parts):
            if part.isdigit():
                words.append(self.spell(part))
            elif part.isalpha():
                words.append(self.address_word(part, index > 0 and parts[index - 1] == "."))
            else:
                words.append(names.get(part) or self.signs.get(part, ""))
        return self.blank.join(filter(None, words))

    def address_word(self, word: str, after_dot: bool) -> str:
        return " ".join(word) if word in ("www", "http", "https") else word

    # Readers

    def readers(self) -> list[Reader]:
        return [
            *self.amount_readers(),
            *self.calendar_readers(),
            *self.number_readers(),
            *self.sign_readers(),
        ]

    def amount_readers(self) -> list[Reader]:
        amount = rf"(?P<low>{NUMBER})(?:{TO}(?P<high>{UNSIGNED}))?"
        percents = rf"(?P<low>{NUMBER})(?:%?{TO}(?P<high>{UNSIGNED}))?"
        scale = rf" ?(?P<scale>[{self.scales}]*)"
        money, units = any_of(self.currencies), any_of(self.units)
        each = rf"(?: ?/ ?(?P<each>{units}){WORD_END})?"
        sign = any_of(name for name in self.currencies if name[0] < "\u3000" or name == "人民幣")
        return [
            reader("percent", rf"{START}{percents} ?(?P<sign>[%‰]){WORD_END}", self.say_percent),
            reader(
                "temperature",
                rf"{START}{amount} ?(?:°|º) ?(?P<unit>[CF])?{WORD_END}",
                self.say_temperature,
            ),
            reader(
                "money",
                rf"{START}{amount}{scale} ?(?P<after>{money}){each}{WORD_END}",
                self.say_money,
            ),
            reader(
                "money", rf"(?<![A-Za-z])(?P<before>{sign}) ?{amount}{scale}{each}", self.say_money
            ),
            reader(
                "measure",
                rf"{START}{amount}{scale} ?(?P<unit>{units}(?:/{units})?){WORD_END}",
                self.say_measure,
            ),
            reader(
                "range",
                rf"{START}(?P<low>{NUMBER}){TO}(?P<high>{UNSIGNED})(?![{FIGURE}-])",
                self.say_range,
            ),
        ]

    def calendar_readers(self) -> list[Reader]:
        weekday = rf"(?: ?\((?P<weekday>[{self.weekdays}])\))"
        plain = r"\d{1,2}:[0-5]\d"
        return [
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<year>{YEAR})(?P<s>[/.-])(?P<month>{MONTH})(?P=s)"
                rf"(?P<day>{DAY})(?![{FIGURE}/]|[.-]\d){weekday}?",
                self.say_date,
            ),
            reader(
                "date",
                rf"(?<![{FIGURE}.,/-])(?P<month>{MONTH})/(?P<day>{DAY})(?!\d){weekday}",
                self.say_date,
            ),
            reader(
                "time", rf"(?<![{FIGURE}.,:/]){CLOCK} ?{PART_OF_DAY}?(?![{FIGURE}:])", self.say_time
            ),
            reader("time", rf"(?<![A-Za-z]){PART_OF_DAY} ?{CLOCK}(?![{FIGURE}:])", self.say_time),
            reader(
                "time", rf"(?<![A-Za-z]){PART_OF_DAY} ?(?P<hour>1?\d)(?=時|时|시|點)", self.say_hour
            ),
            reader(
                "time",
                rf"(?<![{FIGURE}.,:/])(?P<hour>1?\d) ?{PART_OF_DAY}(?![{FIGURE}])",
                self.say_time,
            ),
            reader(
                "time",
                rf"(?<![{FIGURE}.,:/])(?P<low>{plain}){TO}(?P<high>{plain})(?![{FIGURE}:])",
                self.say_times,
            ),
        ]

    def number_readers(self) -> list[Reader]:
        vulgar = f"[{''.join(VULGAR)}]"
        return [
            reader("telephone", self.telephone, self.say_telephone),
            reader(
                "telephone",
                rf"(?<![{FIGURE}+])\+\d{{1,3}}(?:[ -]{{0,2}}\(?\d+\)?){{1,6}}(?![{FIGURE}])",
                self.say_telephone,
            ),
            reader("digits", r"(?<![\d.,-])\d{4}(?:[ -]\d{4}){2,4}(?![\d-])", self.say_digits),
            reader("fraction", rf"{FRACTION}(?![{FIGURE}/]|[.,]\d)", self.say_fraction),
            reader(
                "measure",
                rf"{FRACTION} ?(?P<unit>{any_of(self.units)}){WORD_END}",
                self.say_part_of_unit,
            ),
            reader(
                "fraction",
                rf"(?<![{FIGURE}.,:/])(?P<minus>-)?(?P<whole>\d{{1,4}})(?P<vulgar>{vulgar})"
                rf"(?P<top>)(?P<bottom>)",
                self.say_fraction,
            ),
            reader(
                "score",
                rf"(?<![{FIGURE}.,:/-])(\d{{1,3}}):(\d{{1,3}})(?![{FIGURE}:]|[.,]\d)",
                self.say_score,
            ),
            reader("score", r"\A(\d{1,2}) ?- ?(\d{1,2})\Z", self.say_score),
            reader("code", r"(?<![\d.,])\d+(?:\.\d+){2,}(?![\d.]*\d)", self.say_version),
            reader("cardinal", rf"{START}{NUMBER}", self.say_cardinal),
            reader("cardinal", r"\d+", lambda match: self.integer(match[0])),
            reader("decimal", r"(?<=[A-Za-z])\d+\.\d+(?![.,]?\d)", self.say_cardinal),
            reader(
                "mathematics",
                rf"(?<![{FIGURE}.,]){NUMBER}[²³]?(?: ?[-+±*/×÷:^] ?{UNSIGNED}[²³]?){{0,6}}"
                rf"(?: ?[=<>≤≥≠≈] ?{NUMBER}[²³]?(?: ?[-+*/×÷:^] ?{UNSIGNED}[²³]?){{0,6}})+"
                rf"(?![{FIGURE}])",
                self.say_mathematics,
            ),
            reader(
                "mathematics",
                rf"(?<![{FIGURE}.,]){NUMBER}[²³]?(?: ?[+±*×÷] ?{UNSIGNED}[²³]?){{1,6}}"
                rf"(?![{FIGURE}])",
                self.say_mathematics,
            ),
            reader(
                "mathematics", rf"(?<![{FIGURE}.,]){NUMBER}[²³](?![{FIGURE}])", self.say_mathematics
            ),
        ]

    def sign_readers(self) -> list[Reader]:
        name = r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
        path = r"(?:[/?#][A-Za-z0-9_/?#=&%.~+-]*[A-Za-z0-9/])?/?"
        top = "com|org|net|edu|gov|info|io|co|jp|kr|hk|cn|tw|tv|uk|de|fr|us|app|dev|ai|me"
        kinds = (
            "pdf|docx?|xlsx?|pptx?|txt|csv|jpe?g|png|gif|mp3|mp4|wav|zip|exe|py|js|html?|json"
            "|xml|hwp"
        )
        return [
            reader(
                "address",
                rf"(?<![{FIGURE}@.]){name}(?:[.+]{name})*@{name}(?:\.{name})+(?![{FIGURE}])",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![{FIGURE}@.])(?:https?://|www\.){name}(?:\.{name})*(?::\d+)?{path}",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![{FIGURE}@.]){name}(?:\.{name})*\.(?:{top})(?![{FIGURE}.]){path}"
                rf"(?![{FIGURE}@])",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![{FIGURE}@])@[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*",
                self.say_address,
            ),
            reader(
                "address",
                rf"(?<![{FIGURE}@.])(?:{name}|[^\W\d_]{{1,20}})\.(?:{kinds})(?![{FIGURE}])",
                self.say_address,
                re.I,
            ),
            reader(
                "symbol",
                any_of(sign for sign in self.signs if sign not in "-*/:^.,·<>"),
                self.say_sign,
            ),
        ]

    def characters(self, text: str) -> str:
        names = self.zero + self.digits[1:]
        return " ".join(
            names[int(char)] if char.isdecimal() else char for char in text if not char.isspace()
        )

    def grammar(self) -> Grammar:
        readers = tuple(self.readers())
        return Grammar(readers, say_as_by_class(readers, self.characters))
