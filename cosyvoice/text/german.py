"""German: the classes of written things and their words."""

import re

from cosyvoice.text.european import (
    DAY,
    MONTH,
    ROMAN,
    START,
    TIME,
    TO,
    YEAR,
    European,
    Noun,
    any_of,
    nouns,
    pairs,
    roman,
    with_capitals,
)
from cosyvoice.text.spans import Reader, before, reader

DIGITS = tuple("null eins zwei drei vier fünf sechs sieben acht neun".split())
TO_NINETEEN = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn"
).split()
TENS = " zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split(" ")
LARGE = (
    (10**12, "Billion", "Billionen"),
    (10**9, "Milliarde", "Milliarden"),
    (10**6, "Million", "Millionen"),
)
ORDINALS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}

MONTHS = (
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split()
)
SHORT_MONTHS = {
    "jan": 1, "feb": 2, "mär": 3, "mrz": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "sept": 9, "okt": 10, "nov": 11, "dez": 12, "jänner": 1,
}  # fmt: skip

SCALES = nouns("""
Mio.,Mio,Millionen,Million,millionen f Million/Millionen
Mrd.,Mrd,Milliarden,Milliarde,milliarden f Milliarde/Milliarden
Bio.,Billionen,Billion f Billion/Billionen
Tsd.,Tausend,tausend n tausend/tausend
""")
CURRENCIES = nouns("""
€,EUR,Euro,euro m Euro/Euro
$,US$,USD,US-Dollar m Dollar/Dollar
£,GBP n Pfund/Pfund
CHF,Fr.,SFr. m Franken/Franken
¥,JPY m Yen/Yen
CNY,RMB,元 m Yuan/Yuan
₽,RUB m Rubel/Rubel
₩,KRW m Won/Won
₹,INR f Rupie/Rupien
kr,SEK,NOK,DKK f Krone/Kronen
zł,PLN m Złoty/Złoty
DM m Mark/Mark
₿,BTC m Bitcoin/Bitcoin
ct,Ct,Cent,¢ m Cent/Cent
""")
CENTS = {
    "Euro": Noun("Cent", "Cent"),
    "Dollar": Noun("Cent", "Cent"),
    "Pfund": Noun("Penny", "Pence"),
    "Franken": Noun("Rappen", "Rappen"),
    "Rubel": Noun("Kopeke", "Kopeken", "f"),
    "Mark": Noun("Pfennig", "Pfennig"),
}
UNITS = nouns("""
km m Kilometer/Kilometer
m m Meter/Meter
dm m Dezimeter/Dezimeter
cm m Zentimeter/Zentimeter
mm m Millimeter/Millimeter
μm m Mikrometer/Mikrometer
nm m Nanometer/Nanometer
km²,km2,qkm m Quadratkilometer/Quadratkilometer
m²,m2,qm m Quadratmeter/Quadratmeter
cm²,cm2 m Quadratzentimeter/Quadratzentimeter
m³,m3 m Kubikmeter/Kubikmeter
cm³,cm3,ccm m Kubikzentimeter/Kubikzentimeter
ha m Hektar/Hektar
kg n Kilogramm/Kilogramm
g n Gramm/Gramm
mg n Milligramm/Milligramm
μg n Mikrogramm/Mikrogramm
t f Tonne/Tonnen
l,L m Liter/Liter
ml,mL m Milliliter/Milliliter
cl m Zentiliter/Zentiliter
dl m Deziliter/Deziliter
hl m Hektoliter/Hektoliter
h,Std. f Stunde/Stunden
min,Min.,Min f Minute/Minuten
s,Sek.,sek,sec f Sekunde/Sekunden
ms f Millisekunde/Millisekunden
km/h,kmh m Kilometer_pro_Stunde/Kilometer_pro_Stunde
W n Watt/Watt
kW n Kilowatt/Kilowatt
MW n Megawatt/Megawatt
GW n Gigawatt/Gigawatt
Wh f Wattstunde/Wattstunden
kWh,kwh f Kilowattstunde/Kilowattstunden
MWh f Megawattstunde/Megawattstunden
PS f Pferdestärke/PS
V n Volt/Volt
mV,mv n Millivolt/Millivolt
kV n Kilovolt/Kilovolt
A n Ampere/Ampere
mA n Milliampere/Milliampere
mAh f Milliamperestunde/Milliamperestunden
Ω n Ohm/Ohm
Hz n Hertz/Hertz
kHz n Kilohertz/Kilohertz
MHz n Megahertz/Megahertz
GHz n Gigahertz/Gigahertz
dB n Dezibel/Dezibel
Pa n Pascal/Pascal
hPa n Hektopascal/Hektopascal
kPa n Kilopascal/Kilopascal
bar n Bar/Bar
J n Joule/Joule
kJ n Kilojoule/Kilojoule
kcal f Kilokalorie/Kilokalorien
cal f Kalorie/Kalorien
N n Newton/Newton
KB n Kilobyte/Kilobyte
MB n Megabyte/Megabyte
GB n Gigabyte/Gigabyte
TB n Terabyte/Terabyte
Mbit,MBit n Megabit/Megabit
Gbit,GBit n Gigabit/Gigabit
Mbps n Megabit_pro_Sekunde/Megabit_pro_Sekunde
U/min,UpM,rpm f Umdrehung_pro_Minute/Umdrehungen_pro_Minute
px n Pixel/Pixel
mmHg m Millimeter_Quecksilbersäule/Millimeter_Quecksilbersäule
mmol n Millimol/Millimol
ft m Fuß/Fuß
mph f Meile_pro_Stunde/Meilen_pro_Stunde
Stk.,Stck. n Stück/Stück
° m Grad/Grad
""")
SIGNS = pairs("""
+ = plus
- = minus
± = plus minus
* = mal
× = mal
· = mal
/ = geteilt durch
÷ = geteilt durch
: = geteilt durch
^ = hoch
= = gleich
< = kleiner als
> = größer als
≤ = kleiner gleich
≥ = größer gleich
≠ = ungleich
≈ = ungefähr gleich
& = und
§§ = Paragrafen
§ = Paragraf
% = Prozent
‰ = Promille
€ = Euro
$ = Dollar
£ = Pfund
° = Grad
√ = Wurzel aus
π = Pi
∞ = unendlich
@ = at
# = Hashtag
© = Copyright
→ = Pfeil
~ = ungefähr
""")
ABBREVIATIONS = pairs("""
z. B. = zum Beispiel
Z. B. = Zum Beispiel
d. h. = das heißt
D. h. = Das heißt
u. a. = unter anderem
usw. = und so weiter
usf. = und so fort
etc. = et cetera
bzw. = beziehungsweise
ca. = circa
Ca. = Circa
ggf. = gegebenenfalls
evtl. = eventuell
inkl. = inklusive
exkl. = exklusive
zzgl. = zuzüglich
vgl. = vergleiche
Vgl. = Vergleiche
o. Ä. = oder Ähnliches
o. ä. = oder ähnlich
u. Ä. = und Ähnliches
u. ä. = und ähnlich
u. U. = unter Umständen
i. d. R. = in der Regel
z. T. = zum Teil
z. Z. = zurzeit
z. Zt. = zurzeit
u. v. m. = und vieles mehr
v. a. = vor allem
m. E. = meines Erachtens
i. A. = im Auftrag
n. Chr. = nach Christus
v. Chr. = vor Christus
s. o. = siehe oben
s. u. = siehe unten
bspw. = beispielsweise
sog. = sogenannte
max. = maximal
min. = minimal
mind. = mindestens
durchschn. = durchschnittlich
allg. = allgemein
geb. = geboren
gest. = gestorben
verh. = verheiratet
abzgl. = abzüglich
einschl. = einschließlich
entspr. = entsprechend
Nr. = Nummer
Nrn. = Nummern
Abb. = Abbildung
Abs. = Absatz
Art. = Artikel
Kap. = Kapitel
Bd. = Band
Tab. = Tabelle
Tel. = Telefon
Temp. = Temperatur
Dr. = Doktor
Prof. = Professor
Dipl.-Ing. = Diplom-Ingenieur
Hr. = Herr
Hrn. = Herrn
Frl. = Fräulein
Mr. = Mister
Mrs. = Misses
Ms. = Miss
St. = Sankt
Hbf. = Hauptbahnhof
Bhf. = Bahnhof
bzgl. = bezüglich
Hbf = Hauptbahnhof
Str. = Straße
Pl. = Platz
Jh. = Jahrhundert
Jhd. = Jahrhundert
Jh = Jahrhundert
Mo. = Montag
Di. = Dienstag
Mi. = Mittwoch
Do. = Donnerstag
Fr. = Freitag
Sa. = Samstag
So. = Sonntag
MwSt. = Mehrwertsteuer
GmbH & Co. KG = GmbH und Co KG
""")

# Nouns that follow 1 or an ordinal; of others the endings tell.
FEMININE = frozenset(
    "stunde minute sekunde woche nacht person frau karte flasche tasse seite klasse etage liga "
    "runde halbzeit reihe staffel folge phase stufe ausgabe welle generation bundesliga kugel dose "
    "auflage katze tochter schwester stadt mal_ million milliarde chance stimme straße sache "
    "portion tonne meile krone packung tablette familie".split()
)
NEUTER = frozenset(
    "kind jahr buch auto haus zimmer kilo stück bier glas ticket tor spiel kapitel jahrhundert "
    "quartal semester obergeschoss stockwerk halbjahr mal bild gebot reich viertel drittel paar "
    "brot hotel restaurant fenster hemd kleid geschenk getränk wasser paket fahrrad telefon handy "
    "bett "
    "messer team mitglied opfer wort lied schwein schaf huhn baby mädchen ende auge gebäude "
    "päckchen "
    "interview konzert theater museum jahrzehnt semester prozent "
    "ei tier land pferd pfund kilogramm gramm foto video problem ergebnis".split()
)
FEMININE_ENDINGS = ("ung", "heit", "keit", "schaft", "tion", "tät", "ik", "ie", "in", "sion")
# Nouns in -e that are not feminine
MASCULINE_IN_E = frozenset(
    "name junge kunde kollege käse löwe hase affe neffe zeuge buchstabe gedanke".split()
)
NEUTER_ENDINGS = ("chen", "lein", "ment", "um")
# Words before an ordinal, after which it ends in -n, and in -e
OBLIQUE = (
    r"\b(?:[AaIiVvBb]m|[Vv]om|[Zz]um|[Zz]ur|[Bb]eim|[Dd]en|[Dd]em|[Dd]es|[Ss]eit dem|[Aa]b dem"
    r"|[Ii]ns?"
    r"|(?:[KkMmDdSs]?ein|ihr|unser|jed|dies)(?:en|em|er|es)"
    r"|(?:[Ii]n|[Mm]it|[Aa]us|[Bb]ei|[Nn]ach|[Vv]on|[Zz]u|[Ss]eit|[Aa]uf|[Aa]n|[Aa]b|[Vv]or"
    r"|[Uu]nter"
    r"|[Üü]ber|[Hh]inter|[A-ZÄÖÜ][a-zäöüß]+(?:e|ung|heit|keit|nn|ng|nde)) der"
    r"|[Bb]is zum) $"
)
BEFORE_DATES = r"\b(?:[Bb]is|[Ss]eit|[Aa]b|[Vv]on|[Zz]wischen|[Nn]ach|[Vv]or) $"
WEAK = r"\b(?:[Dd]er|[Dd]ie|[Dd]as|[Dd]iese[rs]?|[Jj]ede[rs]?|[Ee]ine|[Mm]eine|[Ss]eine|[Ii]hre) $"
BEFORE_DATIVE = r"\b(?:[Mm]it|[Vv]on|[Bb]ei|[Nn]ach|[Ss]eit|[Vv]or|[Ii]n|[Aa]us|[Zz]u) $"
BEFORE_ACCUSATIVE = (
    r"\b(?:ha(?:t|be|ben|tte)|kauf(?:t|te|e|en)|nehme|nimmt|braucht?e?|sehe|sieht|möchte"
    r"|trinke|trinkt"
    r"|esse|isst|gibt|bestelle|[Ff]ür|[Uu]m|[Oo]hne|[Dd]urch|[Gg]egen|[Pp]ro|noch"
    r"|nur|etwa|nehmen) $"
)
NUMBERED = (
    r"\b(?:Nummer|Nr\.|Seite|Kapitel|Platz|Zimmer|Gleis|Linie|Teil|Band|Raum|Klasse|Stufe"
    r"|Phase|Artikel"
    r"|Absatz|Runde|Abbildung|Tabelle|Version|Tag|Bus|Kanal|Halle|Station|Level|Punkt|Rang|Typ) $"
)
RULERS = r"[A-ZÄÖÜ][a-zäöüß]{2,}"


IN_ADJECTIVES = (  # what is joined to a number: 17-jährig
    "jähr|fach|prozentig|tägig|stündig|minütig|monatig|wöchig|köpfig|stellig|teilig|zeilig|stöckig"
    "|seitig|malig|stufig|gängig"
)
IN_COMPOUNDS = ("m", "km", "cm", "mm", "kg", "g", "l", "ml", "W", "kW", "V", "GB", "MB", "TB")
HALF = {"m": "ein halber", "f": "eine halbe", "n": "ein halbes"}


class German(European):
    digits = DIGITS
    months, month_short = tuple(MONTHS), SHORT_MONTHS
    minus, plus, plus_minus = "minus", "plus", "plus minus"
    comma, point = "Komma", "Punkt"
    to, against = "bis", "zu"
    percent, per_mille = "Prozent", "Promille"
    per = each = "pro"
    by = "mal"
    weekdays = {
        "mo": "Montag", "di": "Dienstag", "mi": "Mittwoch", "do": "Donnerstag", "fr": "Freitag",
        "sa": "Samstag", "so": "Sonntag",
    }  # fmt: skip
    over, squared, cubed = "zu", "zum Quadrat", "hoch drei"
    dot, at, slash, dash = "Punkt", "at", "Schrägstrich", "Bindestrich"
    underscore, colon = "Unterstrich", "Doppelpunkt"
    scales, currencies, cents, units = SCALES, CURRENCIES, CENTS, UNITS
    temperatures = {"C": "Celsius", "F": "Fahrenheit", "K": "Kelvin"}
    signs, abbreviations = SIGNS, with_capitals(ABBREVIATIONS)
    clock_words = r"(?P<word> ?(?:Uhr|h)(?!\w))?"
    date_between = r",? "
    day_mark = r"\."
    telephone = r"(?<![\w.,])(?:\(0\d{1,5}\)|0\d{1,5}) ?[/ -] ?\d{2,}(?:[ -]\d{1,})*(?!\w)"

    def cardinal(self, n: int, gender: str = "") -> str:
        """105 -> einhundertfünf; 1 -> eins, ein or eine."""
        words = []
        for unit, one, many in LARGE:
            count, n = divmod(n, unit)
            if count:
                words.append(f"eine {one}" if count == 1 else f"{below_million(count)} {many}")
        if n or not words:
            words.append(ending(n, gender))
        return " ".join(words)

    def ordinal(self, n: int, end: str) -> str:
        """3, "en" -> dritten."""
        return f"{ordinal_stem(n)}{end}"

    def say_cardinal(self, match: re.Match[str]) -> str | None:
        """1 agrees with its noun; after the name of what is numbered it stands alone."""
        if before(match, NUMBERED, 24):
            return self.amount(match, is_counted=False)
        words = super().say_cardinal(match) or ""
        gender = self.gender_after(match.string[match.end() : match.end() + 40])
        if match[0] != "1" or not gender:
            return words
        if before(match, BEFORE_DATIVE, 16):
            return "einer" if gender == "f" else "einem"
        return "einen" if gender == "m" and before(match, BEFORE_ACCUSATIVE, 16) else words

    def gender_after(self, text: str) -> str:
        noun = re.match(r" ([A-ZÄÖÜ][a-zäöüß]+)", text)
        if noun:
            return gender_of(noun[1])
        return "n" if re.match(r" (?:[a-zäöüß]{3,}(?:er|es)) [A-ZÄÖÜ]", text) else ""

    def year(self, figures: str) -> str:
        n = int(figures)
        if not 1100 <= n < 2000:
            return self.cardinal(n)
        hundreds, rest = divmod(n, 100)
        return TO_NINETEEN[hundreds] + "hundert" + (ending(rest, "") if rest else "")

    def with_cents(self, cents: int, cent: Noun) -> str:
        return self.cardinal(cents)

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        end = "en" if before(match, BEFORE_DATES, 12) else self.ending_before(match, "er")
        words = [self.ordinal(day, end), self.months[month - 1]]
        if year:
            words.append(self.year(year) if len(year) == 4 else self.integer(year))
        return " ".join(words)

    def ending_before(self, match: re.Match[str], alone: str) -> str:
        """The ending of an ordinal, by the words before it."""
        if before(match, OBLIQUE, 30):
            return "en"
        if before(match, WEAK, 30):
            return "e"
        return alone

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        words = [self.cardinal(hour, "n"), "Uhr"]
        if second and int(second):
            words += [
                self.counted_unit(minute, self.units["min"]),
                "und",
                self.counted_unit(int(second), self.units["s"]),
            ]
        elif minute:
            words.append(self.cardinal(minute))
        return " ".join(words)

    def counted_unit(self, n: int, unit: Noun) -> str:
        return f"{self.cardinal(n, unit.gender)} {unit.one if n == 1 else unit.many}"

    def say_times(self, match: re.Match[str]) -> str | None:
        """9:00-18:00 -> neun bis achtzehn Uhr."""
        words = super().say_times(match) or ""
        return words.replace(" Uhr bis", " bis", 1) if match["low"].endswith(":00") else words

    def fraction(self, top: int, bottom: int) -> str:
        if bottom == 1:
            return f"{self.cardinal(top)} Eintel"
        if bottom == 2:
            return "ein halb" if top == 1 else f"{self.cardinal(top, 'n')} halbe"
        part = ordinal_stem(bottom) + "el"
        return f"{self.cardinal(top, 'n')} {part.capitalize()}"

    def half(self, whole: int, rest: str) -> str:
        """½ Tasse -> eine halbe Tasse."""
        gender = "" if whole else self.gender_after(rest)
        return HALF[gender] if gender else super().half(whole, rest)

    def part_of_unit(self, words: str, noun: Noun) -> str:
        return f"{HALF[noun.gender] if words == 'ein halb' else words} {noun.one}"

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        if (top, bottom) == (1, 2):
            return "eineinhalb" if whole == 1 else f"{self.cardinal(whole, 'n')}einhalb"
        return f"{self.cardinal(whole)} {self.fraction(top, bottom)}"

    def calendar_readers(self) -> list[Reader]:
        names = any_of([*self.months, *(name.capitalize() for name in SHORT_MONTHS)])
        until = r" ?(?:-|–|—|bis|und|/) ?"
        dotted = TIME.format(sign=r"\.")
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"{START}(?P<day>{DAY})\.(?P<month>{MONTH})\.(?P<year>)(?![\w]|\d)",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"{START}(?P<low>{DAY})\.?(?P<to>{until})(?P<high>{DAY})\. ?"
                rf"(?P<name>{names}\.?)(?!\w)(?:,? (?P<year>{YEAR})(?!\d))?",
                self.say_days,
            ),
            reader(
                "date",
                rf"{START}(?P<low>{DAY}\.{MONTH}\.)(?:{TO})(?P<day>{DAY})\.(?P<month>{MONTH})\."
                rf"(?P<year>{YEAR})?(?!\d)",
                self.say_date_range,
            ),
            reader("time", rf"(?<![\w.,]){dotted} ?(?P<word>Uhr|h)(?!\w)", self.say_time),
            reader("time", rf"(?<=\b[Uu]m ){dotted}(?![\w]|[.,]\d)(?P<word>)", self.say_time),
            reader(
                "time",
                r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4]) ?(?P<word>Uhr)(?: (?P<minute>[0-5]?\d)"
                r"(?![\w.,:]))?(?P<second>)",
                self.say_hour,
            ),
            reader(
                "time",
                rf"(?<![\w.,:])(?P<low>\d{{1,2}}(?:[:.][0-5]\d)?){TO}(?P<high>\d{{1,2}}"
                rf"(?:[:.][0-5]\d)?) ?Uhr(?!\w)",
                self.say_hours,
            ),
            reader(
                "year",
                r"(?:(?<=\bJahr )|(?<=\bJahre )|(?<=\bJahren )|(?<=\bSommer )|(?<=\bWinter )|"
                r"(?<=\bHerbst )|(?<=\bEnde )|(?<=\bMitte )|(?<=\bAnfang )|(?<=\())"
                r"(?P<low>1[1-9]\d\d)(?!\w|[.,:/]\d)",
                self.say_year,
            ),
            reader("year", r"(?<=\b[Ii][nm] )(?P<low>1[1-9]\d\d)(?!\w|[.,:/]\d)", self.say_year),
            reader(
                "year",
                r"(?<![\w.,:/-])(?P<low>1[5-9]\d\d)(?!\w|[.,:/-]\d| [A-ZÄÖÜ€$%]| (?:Tsd|Mio))",
                self.say_year,
            ),
            reader("year", r"(?<![\w.,:/-])(?P<low>1[5-9]\d[1-9])(?= [A-ZÄÖÜ])", self.say_year),
            reader("code", r"(?<=\bPLZ )\d{5}(?!\d)", self.say_digits),
            reader(
                "year",
                rf"(?<![\w.,:/-])(?P<low>{YEAR})(?:{TO}|(?P<slash>/))(?P<high>{YEAR}|\d\d)(?!\w"
                rf"|[.,:/]\d)",
                self.say_years,
            ),
            reader(
                "year",
                r"(?<![\w.,])(?P<low>1[1-9]\d0)er(?= |-)",
                lambda m: self.year(m["low"]) + "er",
            ),
            reader(
                "cardinal", r"(?<![\w.,])(\d0)er(?= |-)", lambda m: self.cardinal(int(m[1])) + "er"
            ),
            reader(
                "date",
                rf"(?<=\b)(?P<month_name>{names}\.?) (?P<low>1[1-9]\d\d)(?!\w|[.,:/]\d)",
                self.say_month_year,
            ),
        ]

    def say_days(self, match: re.Match[str]) -> str | None:
        """3.-5. März"""
        end = self.ending_before(match, "er")
        word = {"und": "und", "/": "und"}.get(match["to"].strip(), self.to)
        words = [self.ordinal(int(match["low"]), end), word,
                 self.ordinal(int(match["high"]), "en" if end != "er" else "er"),
                 self.months[self.month_number(match["name"]) - 1]]  # fmt: skip
        if match["year"]:
            words.append(self.year(match["year"]))
        return " ".join(words)

    def say_date_range(self, match: re.Match[str]) -> str | None:
        day, month = match["low"].split(".")[:2]
        end = self.ending_before(match, "er")
        first = f"{self.ordinal(int(day), end)} {self.months[int(month) - 1]}"
        last = (
            f"{self.ordinal(int(match['day']), 'en' if end == 'en' else 'er')} "
            f"{self.months[int(match['month']) - 1]}"
        )
        year = f" {self.year(match['year'])}" if match["year"] else ""
        return f"{first} {self.to} {last}{year}"

    def say_month_year(self, match: re.Match[str]) -> str | None:
        month = self.months[self.month_number(match["month_name"]) - 1]
        return f"{month} {self.year(match['low'])}"

    def say_year(self, match: re.Match[str]) -> str | None:
        return self.year(match["low"])

    def say_years(self, match: re.Match[str]) -> str | None:
        high = match["high"]
        words = self.year(high) if len(high) == 4 else self.integer(high)
        return f"{self.year(match['low'])} {'' if match['slash'] else self.to} {words}".replace(
            "  ", " "
        )

    def say_hour(self, match: re.Match[str]) -> str | None:
        return self.time(int(match["hour"]), int(match["minute"] or 0), None, match)

    def say_hours(self, match: re.Match[str]) -> str | None:
        """9-18 Uhr, 9:30-18 Uhr"""
        words = []
        for each in (match["low"], match["high"]):
            hour, _, minute = each.replace(".", ":").partition(":")
            if int(hour) > 24:
                return None
            words.append(self.time(int(hour), int(minute or 0), None, match))
        return f" {self.to} ".join([words[0].removesuffix(" Uhr"), words[1]])

    def number_readers(self) -> list[Reader]:
        nouns_ = r"[A-ZÄÖÜ][a-zäöüß]+"
        return [
            *super().number_readers(),
            reader(
                "ordinal",
                rf"(?<![\w.,])(?P<n>\d{{1,6}})\.(?= (?P<next>[a-zäöüß]+ )?(?P<noun>{nouns_}))",
                self.say_ordinal,
            ),
            reader("ordinal", r"(?<![\w.,])(?P<n>\d{1,3})\.(?= [a-zäöüß])", self.say_ordinal),
            reader("ordinal", r"(?<![\w.,])(?P<n>\d{1,3})\.(?=, )", self.say_ordinal),
            reader(
                "ordinal",
                r"(?:(?<=\b[aA]m )|(?<=\b[dD]em )|(?<=\b[vV]om )|(?<=\b[zZ]um )|(?<=\b[dD]en )|"
                r"(?<=\b[bB]eim ))(?P<n>\d{1,2})\.\Z|\A(?P<only>\d{1,7})\.\Z",
                self.say_ordinal,
            ),
            reader(
                "ordinal",
                r"(?<![\w.,])(?P<n>\d{1,6})(?:-?t?)(?P<end>er|en|em|es|e)(?!\w)",
                self.say_suffixed,
            ),
            reader(
                "ordinal",
                rf"(?<![\w.,])(?P<n>\d{{1,3}})\.{TO}(?P<high>\d{{1,3}})\.(?= [a-zäöüßA-ZÄÖÜ])",
                self.say_ordinals,
            ),
            reader("abbreviation", r"(?<!\w)Fr\.(?= [A-ZÄÖÜ])", "Frau"),
            reader("abbreviation", r"(?<!\w)([A-ZÄÖÜ][a-zäöüß]+)str\.", lambda m: f"{m[1]}straße"),
            reader("abbreviation", r"(?<=[a-z])-Str\.", "-Straße"),
            reader("address", r"(?:(?<=, )|(?<=\bD-))\d{5}(?= [A-ZÄÖÜ])", self.say_digits),
            reader("telephone", r"(?<=\bNotruf )1\d\d(?!\d)", self.say_digits),
            reader(
                "cardinal",
                rf"(?<![\w.,])(?P<n>\d{{1,4}})-(?P<rest>(?:{IN_ADJECTIVES})\w*)",
                lambda m: self.cardinal(int(m["n"]), "n") + m["rest"].lower(),
                re.I,
            ),
            reader(
                "measure",
                rf"(?<![\w.,])(?P<n>\d{{1,6}})-(?P<unit>{'|'.join(IN_COMPOUNDS)})(?=-)",
                lambda m: f"{self.cardinal(int(m['n']), 'n')}-{self.units[m['unit']].one}",
            ),
            reader(
                "fraction",
                r"(?<![\w.,/])(?P<top>[13])/4 Stunde(?!\w)",
                lambda m: f"eine {'Viertel' if m['top'] == '1' else 'Dreiviertel'}stunde",
            ),
            reader(
                "roman",
                rf"(?:(?<=\b[dD]er )|(?<=\b[dD]ie )|(?<=\b[dD]as ))(?P<roman>{ROMAN})\."
                r"(?= [A-ZÄÖÜ])",
                lambda m: self.ordinal(roman(m["roman"]), "e"),
            ),
            reader("abbreviation", r"(?<!\w)S\.(?= ?\d)", "Seite"),
            reader("roman", rf"(?<=[a-zäöüß] )(?P<roman>{ROMAN})\.(?!\w)", self.say_ruler),
            reader(
                "roman",
                rf"(?:(?<=Kapitel )|(?<=Teil )|(?<=Band )|(?<=Akt ))(?P<roman>{ROMAN})(?!\w)",
                lambda m: self.cardinal(roman(m["roman"])),
            ),
            reader(
                "cardinal",
                r"(?<![\w.,])(\d{1,2})(?: ?x(?!\w| ?\d)|-mal|mal)(?!\w)",
                lambda m: self.cardinal(int(m[1]), "n") + "mal",
            ),
        ]

    def say_ordinal(self, match: re.Match[str]) -> str | None:
        """3. Platz; a figure at the end of a sentence is none."""
        groups = match.groupdict()
        noun, adjective = groups.get("noun") or "", groups.get("next")
        end = self.ending_before(match, "")
        if not end:
            is_first = not match.string[: match.start()].strip()
            if noun and not (is_first or adjective or is_known(noun.lower())):
                return None
            end = {"f": "e", "n": "es"}.get(gender_of(noun), "er") if noun else "er"
        return self.ordinal(int(groups.get("n") or groups["only"]), end)

    def say_ordinals(self, match: re.Match[str]) -> str | None:
        end = self.ending_before(match, "er")
        low, high = (self.ordinal(int(match[each]), end) for each in ("n", "high"))
        return f"{low} {self.to} {high}"

    def say_suffixed(self, match: re.Match[str]) -> str | None:
        if match["end"] == "er" and match["n"].endswith("0") and "t" not in match[0]:
            return self.cardinal(int(match["n"])) + "er"
        return self.ordinal(int(match["n"]), match["end"])

    def say_ruler(self, match: re.Match[str]) -> str | None:
        """Ludwig XIV. -> Ludwig der Vierzehnte."""
        end = "e"
        article = "der"
        if before(match, r"\b(?:von|mit|bei|unter|an|zu|nach|seit|aus) [A-ZÄÖÜ][a-zäöüß]+ ", 40):
            article, end = "dem", "en"
        elif before(match, r"\b[A-ZÄÖÜ][a-zäöüß]+s ", 30):
            article, end = "des", "en"
        if not before(match, rf"{RULERS} ", 30):
            return None
        name = re.search(r"(\w+) \Z", match.string[: match.start()])
        if name and (name[1].endswith("a") or name[1] in ("Elisabeth", "Margarethe", "Isabel")):
            article, end = ("die", "e") if article == "der" else ("der", "en")
        return f"{article} {self.ordinal(roman(match['roman']), end).capitalize()}"


def ending(n: int, gender: str) -> str:
    """Words of a number below a million, whose last "ein" agrees with the noun."""
    words = below_million(n)
    if n % 100 == 1:
        return words + {"": "s", "f": "e"}.get(gender, "")
    return words


def below_million(n: int) -> str:
    """101 -> einhundertein, which takes an ending; 0 -> null."""
    thousands, rest = divmod(n, 1000)
    words = below_thousand(thousands) + "tausend" if thousands else ""
    return words + below_thousand(rest) if rest else words or "null"


def below_thousand(n: int) -> str:
    hundreds, rest = divmod(n, 100)
    words = TO_NINETEEN[hundreds] + "hundert" if hundreds else ""
    if rest < 20:
        return words + (TO_NINETEEN[rest] if rest else "")
    tens, one = divmod(rest, 10)
    return words + (TO_NINETEEN[one] + "und" if one else "") + TENS[tens]


def ordinal_stem(n: int) -> str:
    """3 -> dritt, 21 -> einundzwanzigst."""
    small = n % 100
    words = below_million(n) if n < 10**6 else GERMAN.cardinal(n).replace(" ", "").lower()
    if n >= 10**6:
        return re.sub("en$|e$", "", words) + "st"
    if small in ORDINALS:
        return words[: len(words) - len(TO_NINETEEN[small])] + ORDINALS[small]
    return words + ("t" if 0 < small < 20 or n == 0 else "st")


def gender_of(noun: str) -> str:
    word = noun.lower()
    if word in NEUTER or word.endswith(NEUTER_ENDINGS):
        return "n"
    if word in FEMININE or word.endswith(FEMININE_ENDINGS):
        return "f"
    return "f" if word.endswith("e") and word not in MASCULINE_IN_E else "m"


def is_known(noun: str) -> bool:
    return noun in FEMININE or noun in NEUTER or noun in KNOWN or noun.endswith(FEMININE_ENDINGS)


KNOWN = frozenset(
    "platz stock tag monat geburtstag versuch weltkrieg teil akt satz grad mann rang band schritt "
    "punkt preis advent sieg januar weihnachtstag bezirk sieger vorsitzende bürgermeister "
    "mannschaft absatz artikel paragraf spieltag jahrestag hochzeitstag".split()
)
GERMAN = German()
GRAMMAR = GERMAN.grammar()
