"""Italian: the classes of written things and their words."""

import re

from cosyvoice.text.european import (
    DAY,
    MONTH,
    ROMAN,
    YEAR,
    European,
    Noun,
    Number,
    any_of,
    nouns,
    pairs,
    roman,
    with_capitals,
)
from cosyvoice.text.spans import Reader, after, before, reader

TO_NINETEEN = (
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici "
    "quindici sedici diciassette diciotto diciannove"
).split()
TENS = " dieci venti trenta quaranta cinquanta sessanta settanta ottanta novanta".split(" ")
LARGE = (
    (10**12, "bilione", "bilioni"),
    (10**9, "miliardo", "miliardi"),
    (10**6, "milione", "milioni"),
)
ORDINALS = " primo secondo terzo quarto quinto sesto settimo ottavo nono decimo".split(" ")
MONTHS = (
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
).split()
SHORT_MONTHS = {
    "gen": 1, "genn": 1, "feb": 2, "febb": 2, "mar": 3, "apr": 4, "mag": 5, "giu": 6, "lug": 7,
    "ago": 8,
    "set": 9, "sett": 9, "ott": 10, "nov": 11, "dic": 12,
}  # fmt: skip
SCALES = nouns("""
milioni,milione,mln,Mln,mio m milione/milioni
miliardi,miliardo,mld,Mld,mrd m miliardo/miliardi
mila n mila/mila
""")
CURRENCIES = nouns("""
€,EUR,eur,euro m euro/euro
$,US$,USD m dollaro/dollari
£,GBP f sterlina/sterline
CHF m franco_svizzero/franchi_svizzeri
¥,JPY m yen/yen
CNY,RMB,元 m yuan/yuan
₽,RUB m rublo/rubli
₩,KRW m won/won
₹,INR f rupia/rupie
₿,BTC m bitcoin/bitcoin
¢ m centesimo/centesimi
""")
CENTS = {
    "euro": Noun("centesimo", "centesimi"),
    "dollaro": Noun("centesimo", "centesimi"),
    "sterlina": Noun("penny", "penny"),
    "franco svizzero": Noun("centesimo", "centesimi"),
    "rublo": Noun("copeca", "copechi", "m"),
}
UNITS = nouns("""
km m chilometro/chilometri
m m metro/metri
dm m decimetro/decimetri
cm m centimetro/centimetri
mm m millimetro/millimetri
μm m micrometro/micrometri
nm m nanometro/nanometri
km²,km2,kmq m chilometro_quadrato/chilometri_quadrati
m²,m2,mq m metro_quadrato/metri_quadrati
cm²,cm2,cmq m centimetro_quadrato/centimetri_quadrati
m³,m3,mc m metro_cubo/metri_cubi
cm³,cm3,cc m centimetro_cubo/centimetri_cubi
ha m ettaro/ettari
kg m chilogrammo/chilogrammi
g,gr m grammo/grammi
mg m milligrammo/milligrammi
μg m microgrammo/microgrammi
hg m etto/etti
q m quintale/quintali
t f tonnellata/tonnellate
l,L m litro/litri
ml,mL m millilitro/millilitri
cl,cL m centilitro/centilitri
dl,dL m decilitro/decilitri
hl,hL m ettolitro/ettolitri
h f ora/ore
min m minuto/minuti
s,sec m secondo/secondi
ms m millisecondo/millisecondi
km/h m chilometro_all'ora/chilometri_all'ora
m/s m metro_al_secondo/metri_al_secondo
W m watt/watt
kW m chilowatt/chilowatt
MW m megawatt/megawatt
GW m gigawatt/gigawatt
Wh m wattora/wattora
kWh m chilowattora/chilowattora
MWh m megawattora/megawattora
CV m cavallo/cavalli
V m volt/volt
kV m chilovolt/chilovolt
A m ampere/ampere
mA m milliampere/milliampere
mAh m milliampereora/milliampereora
Ω m ohm/ohm
Hz m hertz/hertz
kHz m chilohertz/chilohertz
MHz m megahertz/megahertz
GHz m gigahertz/gigahertz
dB m decibel/decibel
Pa m pascal/pascal
hPa m ettopascal/ettopascal
kPa m chilopascal/chilopascal
bar m bar/bar
J m joule/joule
kJ m chilojoule/chilojoule
kcal f chilocaloria/chilocalorie
cal f caloria/calorie
N m newton/newton
KB,kB m kilobyte/kilobyte
MB m megabyte/megabyte
GB m gigabyte/gigabyte
TB m terabyte/terabyte
Mbit m megabit/megabit
Gbit m gigabit/gigabit
Mbps m megabit_al_secondo/megabit_al_secondo
px m pixel/pixel
mmHg m millimetro_di_mercurio/millimetri_di_mercurio
mmol f millimole/millimoli
mph m miglio_all'ora/miglia_all'ora
giri/min m giro_al_minuto/giri_al_minuto
d m giorno/giorni
° m grado/gradi
""")
SIGNS = pairs("""
+ = più
- = meno
± = più o meno
* = per
× = per
· = per
/ = diviso
÷ = diviso
: = diviso
^ = elevato a
= = uguale a
< = minore di
> = maggiore di
≤ = minore o uguale a
≥ = maggiore o uguale a
≠ = diverso da
≈ = circa uguale a
& = e
§ = paragrafo
% = per cento
‰ = per mille
€ = euro
$ = dollari
£ = sterline
° = gradi
√ = radice di
π = pi greco
∞ = infinito
@ = chiocciola
# = cancelletto
© = copyright
→ = freccia
~ = circa
""")
ABBREVIATIONS = pairs("""
p. es. = per esempio
per es. = per esempio
ad es. = ad esempio
es. = esempio
ecc. = eccetera
etc. = eccetera
cioè = cioè
ca. = circa
c.a. = corrente anno
Sig. = Signor
sig. = signor
Sig.ra = Signora
sig.ra = signora
Sig.na = Signorina
sig.na = signorina
Sigg. = Signori
Dott. = Dottor
dott. = dottor
Dott.ssa = Dottoressa
dott.ssa = dottoressa
Dr. = Dottor
Dr.ssa = Dottoressa
Prof. = Professor
prof. = professor
Prof.ssa = Professoressa
prof.ssa = professoressa
Ing. = Ingegner
ing. = ingegner
Avv. = Avvocato
avv. = avvocato
Arch. = Architetto
arch. = architetto
Geom. = Geometra
Rag. = Ragionier
On. = Onorevole
on. = onorevole
Sen. = Senatore
Gen. = Generale
Gent.mo = Gentilissimo
Gent.ma = Gentilissima
Egr. = Egregio
Spett. = Spettabile
n. = numero
N. = Numero
n° = numero
N° = numero
nr. = numero
nn. = numeri
pag. = pagina
pagg. = pagine
cap. = capitolo
art. = articolo
artt. = articoli
vol. = volume
fig. = figura
tab. = tabella
tel. = telefono
Tel. = Telefono
cell. = cellulare
v. = vedi
cfr. = confronta
a.C. = avanti Cristo
a. C. = avanti Cristo
d.C. = dopo Cristo
d. C. = dopo Cristo
max. = massimo
min. = minimo
p.za = piazza
P.za = Piazza
p.zza = piazza
P.zza = Piazza
v.le = viale
V.le = Viale
c.so = corso
C.so = Corso
dip. = dipartimento
Dip. = Dipartimento
S.p.A. = società per azioni
S.r.l. = società a responsabilità limitata
lun. = lunedì
mar. = martedì
mer. = mercoledì
gio. = giovedì
ven. = venerdì
sab. = sabato
dom. = domenica
""")
FEMININE = frozenset(
    "volta persona ora settimana parte notte stazione città classe fase base mano chiave foto mot"
    "o auto "
    "gente arte legge rete serie".split()
)
MASCULINE = frozenset("problema sistema tema programma clima panorama poeta artista giorno".split())
FEMININE_ENDINGS = ("a", "zione", "sione", "gione", "tà", "tù", "trice", "ice")


# Words before a date such as 12/10
AFTER = "|".join(
    rf"(?<=\b{word} )"
    for word in "lunedì martedì mercoledì giovedì venerdì sabato domenica il dal al del".split()
)


class Italian(European):
    digits = tuple(TO_NINETEEN[:10])
    months, month_short = tuple(MONTHS), SHORT_MONTHS
    minus, plus, plus_minus = "meno", "più", "più o meno"
    comma, point = "virgola", "punto"
    to, against = "a", "a"
    percent, per_mille = "per cento", "per mille"
    per, each = "per", "al"
    by = "per"
    weekdays = {
        "lun": "lunedì", "mar": "martedì", "mer": "mercoledì", "gio": "giovedì", "ven": "venerdì",
        "sab": "sabato", "dom": "domenica",
    }  # fmt: skip
    over, squared, cubed = "su", "al quadrato", "al cubo"
    dot, at, slash, dash = "punto", "chiocciola", "slash", "trattino"
    underscore, colon = "trattino basso", "due punti"
    scales, currencies, cents, units = SCALES, CURRENCIES, CENTS, UNITS
    temperatures = {"C": "Celsius", "F": "Fahrenheit", "K": "Kelvin"}
    signs, abbreviations = SIGNS, with_capitals(ABBREVIATIONS)
    date_between = " (?:del )?"
    day_mark = "º|°|"
    telephone = (
        r"(?<![\w.,/])(?:0\d{1,3}[ /.-]?\d{3,4}[ .-]?\d{2,4}|3\d\d[ .-]?\d{3}[ .-]?\d{3,4}"
        r"|800[ .-]?\d{3}[ .-]?\d{3})(?![\w])"
    )

    def cardinal(self, n: int, gender: str = "") -> str:
        """1 -> uno, un or una; 23 -> ventitré."""
        words = []
        rest = n
        for unit, one, many in LARGE:
            count, rest = divmod(rest, unit)
            if count:
                words += ["un", one] if count == 1 else [accented(below_million(count)), many]
        if rest or not words:
            if rest == 1 and not words and gender:
                return "una" if gender == "f" else "un"
            words.append(accented(below_million(rest)))
        return " ".join(words)

    def decimals(self, figures: str) -> str:
        rest = figures.lstrip("0")
        zeros = ["zero"] * (len(figures) - len(rest))
        if len(rest) > 3:
            return self.spell(figures)
        return " ".join([*zeros, self.cardinal(int(rest))] if rest else zeros)

    def form(self, noun: Noun, number: Number) -> str:
        return noun.one if number.is_one else noun.many

    def gender_after(self, text: str) -> str:
        noun = re.match(r" ([a-zàèéìòù]+)", text)
        if not noun or noun[1] in (
            "e",
            "o",
            "a",
            "di",
            "da",
            "in",
            "su",
            "per",
            "che",
            "ma",
            "è",
            "al",
        ):
            return ""
        return "f" if is_feminine(noun[1]) else "m"

    def say_cardinal(self, match: re.Match[str]) -> str | None:
        """1 ora -> un'ora"""
        words = super().say_cardinal(match) or ""
        vowel = re.match(r" [aeiou]", match.string[match.end() :])
        return words[:-1] + "'" if vowel and re.search(r"\buna$", words) else words

    def ordinal(self, n: int, feminine: bool = False) -> str:
        """3 -> terzo, 21 -> ventunesimo."""
        if n <= 10:
            words = ORDINALS[n]
        else:
            stem = below_million(n) if n < 10**6 else self.cardinal(n).replace(" ", "")
            if n % 10 == 3 and n % 100 != 13:
                words = stem + "esimo"
            elif n % 10 == 6 and n % 100 != 16:
                words = stem + "esimo"
            elif stem.endswith("mila"):
                words = stem[:-4] + "millesimo"
            else:
                words = stem[:-1] + "esimo"
        return words[:-1] + "a" if feminine else words

    def of_scale(self, noun: Noun) -> str:
        return f"di {noun.many}"

    def counted(self, match: re.Match[str], noun: Noun, scale: Noun | None = None) -> str:
        if scale and scale.one == "mila":
            return f"{self.amount(match)}mila {noun.many}"
        words = super().counted(match, noun, scale)
        return re.sub(r"\buna (?=[aeio])", "un'", words)  # un'ora

    def with_cents(self, cents: int, cent: Noun) -> str:
        return f"e {super().with_cents(cents, cent)}"

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        words = [self.day(day, match), self.months[month - 1]]
        if "del " in match[0]:
            words.append("del")
        if year:
            words.append(self.integer(year))
        return " ".join(words)

    def day(self, day: int, match: re.Match[str]) -> str:
        return "primo" if day == 1 else self.cardinal(day)

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        words = [self.cardinal(hour) if hour != 1 else "una"]
        if minute:
            words += ["e", self.cardinal(minute)]
        if second and int(second):
            words += [
                "e",
                self.cardinal(int(second), "m"),
                "secondi" if int(second) > 1 else "secondo",
            ]
        return " ".join(words)

    def fraction(self, top: int, bottom: int) -> str:
        name = "mezzo" if bottom == 2 else self.ordinal(bottom)
        return f"{self.cardinal(top, 'm')} {name if top == 1 else name[:-1] + 'i'}"

    def say_fraction(self, match: re.Match[str]) -> str | None:
        """n. 104/1992: the year of a law."""
        if before(match, r"(?:\bn\.|\bnumero|[Ll]egge|[Dd]ecreto) $", 12) and match["top"]:
            return f"{self.cardinal(int(match['top']))} del {self.cardinal(int(match['bottom']))}"
        return super().say_fraction(match)

    def half(self, whole: int, rest: str) -> str:
        """½ tazza -> mezza tazza."""
        gender = "" if whole else self.gender_after(rest)
        return ("mezza" if gender == "f" else "mezzo") if gender else super().half(whole, rest)

    def part_of_unit(self, words: str, noun: Noun) -> str:
        if words == "un mezzo":
            return f"{'mezza' if noun.gender == 'f' else 'mezzo'} {noun.one}"
        return f"{words} di {noun.one}"

    def per_unit(self, noun: Noun) -> str:
        return f"al {noun.one}" if noun.one == "secondo" else super().per_unit(noun)

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        if (top, bottom) == (1, 2):
            return f"{self.cardinal(whole)} e mezzo"
        return f"{self.cardinal(whole)} e {self.fraction(top, bottom)}"

    def calendar_readers(self) -> list[Reader]:
        names = any_of([*self.months, *(name.capitalize() for name in self.months)])
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"(?:{AFTER})(?P<day>{DAY})/(?P<month>{MONTH})(?P<year>)(?![\w/])",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"(?<![\w.,])(?P<low>{DAY}[º°]?)(?: ?[-–] ?)(?P<high>{DAY}) (?P<name>{names})"
                rf"(?: (?P<year>{YEAR}))?(?!\w)",
                self.say_days,
            ),
            reader(
                "time",
                r"(?<=\b[oO]re )(?P<hour>[01]?\d|2[0-4])(?:\.(?P<minute>[0-5]\d))?(?P<second>)"
                r"(?![\w]|[.,:]\d)",
                self.say_hour,
            ),
            reader(
                "time",
                r"(?<=\balle )(?P<hour>[01]?\d|2[0-4])\.(?P<minute>[0-5]\d)(?P<second>)(?![\w]"
                r"|[.,:]\d)",
                self.say_hour,
            ),
        ]

    def say_hour(self, match: re.Match[str]) -> str | None:
        return self.time(int(match["hour"]), int(match["minute"] or 0), None, match)

    def say_days(self, match: re.Match[str]) -> str | None:
        words = f" {self.to} ".join(
            self.day(int(re.sub(r"\D", "", match[each])), match) for each in ("low", "high")
        )
        year = f" {self.integer(match['year'])}" if match["year"] else ""
        return f"{words} {match['name'].lower()}{year}"

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader("code", r"(?<=\bCAP )\d{5}(?!\d)", self.say_digits),
            reader(
                "ordinal", r"(?<![\w.,])(?P<n>\d{1,7})(?P<end>[ºª°ao])(?![\w°])", self.say_ordinal
            ),
            reader(
                "roman",
                rf"(?<!\w)(?P<roman>{ROMAN})(?P<end>[ºª°])?(?= (?:secolo|sec\.|edizione|capitolo"
                rf"|congresso|Congresso|legislatura|anniversario|guerra|Guerra))",
                self.say_roman,
            ),
            reader(
                "roman",
                rf"(?<=[a-zàèéìòù] )(?P<roman>{ROMAN})(?P<end>[ºª°])?(?![\w'])",
                self.say_ruler,
            ),
            reader(
                "cardinal",
                r"(?<![\w.,])(\d{1,2})[xX](?!\w)",
                lambda m: self.cardinal(int(m[1])) + " per",
            ),
        ]

    def say_ordinal(self, match: re.Match[str]) -> str | None:
        n = int(match["n"])
        return self.ordinal(n, match["end"] in "ªa") if n else None

    def say_roman(self, match: re.Match[str]) -> str | None:
        """XX secolo -> ventesimo secolo."""
        noun = match.string[match.end() : match.end() + 20]
        feminine = re.match(r" (?:edizione|legislatura|[Gg]uerra|conferenza)", noun) is not None
        return self.ordinal(roman(match["roman"]), feminine)

    def say_ruler(self, match: re.Match[str]) -> str | None:
        """Luigi XIV -> Luigi quattordicesimo; after a name or a word that is numbered."""
        if before(match, r"\b(?:[Ss]ecolo|[Ss]ec\.|[Cc]apitolo|[Tt]omo|[Vv]olume|[Aa]tto) ", 20):
            return self.ordinal(roman(match["roman"]))
        if not before(match, r"[A-ZÀÈ][a-zàèéìòù]{2,} ", 20) or match["roman"] in (
            "C",
            "D",
            "L",
            "M",
        ):
            return None
        feminine = before(match, r"\b(?:Elisabetta|Caterina|Cristina|Margherita|Maria) ", 20)
        return self.ordinal(roman(match["roman"]), feminine)

    def say_temperature(self, match: re.Match[str]) -> str | None:
        """1° piano and 3° are ordinals."""
        if re.fullmatch(r"[1-9]°", match[0]) and not before(
            match, r"(?:\ba|gradi|circa|temperatura|a circa) ", 14
        ):
            return None
        if re.fullmatch(r"\d{1,2}°", match[0]) and after(
            match, r" (?!per|in|e |al|di|a |con|circa|sotto|sopra|gradi)[a-zàèéìòù]"
        ):
            return None
        return super().say_temperature(match)


def below_million(n: int) -> str:
    """Without the accent of a last tre; 0 -> zero."""
    thousands, rest = divmod(n, 1000)
    words = (
        ("mille" if thousands == 1 else below_thousand(thousands, True) + "mila")
        if thousands
        else ""
    )
    return words + below_thousand(rest) if rest else words or "zero"


def below_thousand(n: int, before_mila: bool = False) -> str:
    hundreds, rest = divmod(n, 100)
    words = (("" if hundreds == 1 else TO_NINETEEN[hundreds]) + "cento") if hundreds else ""
    if not rest:
        return words
    if words and (rest == 8 or rest // 10 == 8):
        words = words[:-1]  # centotto, centottanta
    if rest < 20:
        return words + (
            ("un" if rest == 1 and not words else TO_NINETEEN[rest])
            if before_mila
            else TO_NINETEEN[rest]
        )
    tens, one = divmod(rest, 10)
    ten = TENS[tens]
    if one in (1, 8):
        ten = ten[:-1]
    last = "un" if one == 1 and before_mila else TO_NINETEEN[one] if one else ""
    return words + ten + last


def accented(words: str) -> str:
    """A word that ends in tre has an accent, but for tre itself."""
    return words[:-1] + "é" if words.endswith("tre") and words != "tre" else words


def is_feminine(noun: str) -> bool:
    return noun in FEMININE or (noun.endswith(FEMININE_ENDINGS) and noun not in MASCULINE)


ITALIAN = Italian()
GRAMMAR = ITALIAN.grammar()
