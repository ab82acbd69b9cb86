"""French: the classes of written things and their words."""

import re

from cosyvoice.text.european import (
    DAY,
    MONTH,
    ROMAN,
    TIME,
    TO,
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
from cosyvoice.text.spans import Reader, before, reader

TO_SIXTEEN = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
).split()
TENS = " dix vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split(" ")
LARGE = ((10**12, "billion"), (10**9, "milliard"), (10**6, "million"))
MONTHS = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
)
SHORT_MONTHS = {
    "janv": 1, "fév": 2, "févr": 2, "fevrier": 2, "avr": 4, "juil": 7, "aout": 8, "sept": 9,
    "oct": 10,
    "nov": 11, "déc": 12, "decembre": 12,
}  # fmt: skip
SCALES = nouns("""
millions,million,M m million/millions
milliards,milliard,Md,Mds m milliard/milliards
mille n mille/mille
""")
CURRENCIES = nouns("""
€,EUR,euros,euro m euro/euros
$,US$,USD,dollars m dollar/dollars
$_CA,CAD m dollar_canadien/dollars_canadiens
£,GBP f livre/livres
CHF,fr. m franc_suisse/francs_suisses
F,FF m franc/francs
¥,JPY m yen/yens
CNY,RMB,元 m yuan/yuans
₽,RUB m rouble/roubles
₩,KRW m won/wons
₹,INR f roupie/roupies
₿,BTC m bitcoin/bitcoins
FCFA m franc_CFA/francs_CFA
DH,MAD m dirham/dirhams
ct,cts,¢ m centime/centimes
""")
CENTS = {
    "euro": Noun("centime", "centimes"),
    "dollar": Noun("cent", "cents"),
    "dollar canadien": Noun("cent", "cents"),
    "livre": Noun("penny", "pence"),
    "franc suisse": Noun("centime", "centimes"),
    "franc": Noun("centime", "centimes"),
    "rouble": Noun("kopeck", "kopecks"),
}
UNITS = nouns("""
km m kilomètre/kilomètres
m m mètre/mètres
dm m décimètre/décimètres
cm m centimètre/centimètres
mm m millimètre/millimètres
μm m micromètre/micromètres
nm m nanomètre/nanomètres
km²,km2 m kilomètre_carré/kilomètres_carrés
m²,m2 m mètre_carré/mètres_carrés
cm²,cm2 m centimètre_carré/centimètres_carrés
m³,m3 m mètre_cube/mètres_cubes
cm³,cm3 m centimètre_cube/centimètres_cubes
ha m hectare/hectares
kg m kilogramme/kilogrammes
g m gramme/grammes
mg m milligramme/milligrammes
μg m microgramme/microgrammes
t f tonne/tonnes
l,L m litre/litres
ml,mL m millilitre/millilitres
cl,cL m centilitre/centilitres
dl,dL m décilitre/décilitres
hl,hL m hectolitre/hectolitres
h f heure/heures
min,mn f minute/minutes
s,sec f seconde/secondes
ms f milliseconde/millisecondes
km/h m kilomètre_heure/kilomètres_heure
W m watt/watts
kW m kilowatt/kilowatts
MW m mégawatt/mégawatts
GW m gigawatt/gigawatts
Wh m wattheure/wattheures
kWh m kilowattheure/kilowattheures
MWh m mégawattheure/mégawattheures
ch m cheval/chevaux
V m volt/volts
kV m kilovolt/kilovolts
A m ampère/ampères
mA m milliampère/milliampères
mAh m milliampère-heure/milliampères-heures
Ω m ohm/ohms
Hz m hertz/hertz
kHz m kilohertz/kilohertz
MHz m mégahertz/mégahertz
GHz m gigahertz/gigahertz
dB m décibel/décibels
Pa m pascal/pascals
hPa m hectopascal/hectopascals
kPa m kilopascal/kilopascals
bar,bars m bar/bars
J m joule/joules
kJ m kilojoule/kilojoules
kcal f kilocalorie/kilocalories
cal f calorie/calories
N m newton/newtons
ko,Ko m kilooctet/kilooctets
Mo m mégaoctet/mégaoctets
Go m gigaoctet/gigaoctets
To m téraoctet/téraoctets
KB m kilooctet/kilooctets
MB m mégaoctet/mégaoctets
GB m gigaoctet/gigaoctets
TB m téraoctet/téraoctets
Mb m mégabit/mégabits
Mbit m mégabit/mégabits
Gbit m gigabit/gigabits
Mbps m mégabit_par_seconde/mégabits_par_seconde
tr/min m tour_par_minute/tours_par_minute
px m pixel/pixels
mmHg m millimètre_de_mercure/millimètres_de_mercure
mmol f millimole/millimoles
hab. m habitant/habitants
mph m mile_par_heure/miles_par_heure
° m degré/degrés
""")
SIGNS = pairs("""
+ = plus
- = moins
± = plus ou moins
* = fois
× = fois
· = fois
/ = divisé par
÷ = divisé par
: = divisé par
^ = puissance
= = égale
< = inférieur à
> = supérieur à
≤ = inférieur ou égal à
≥ = supérieur ou égal à
≠ = différent de
≈ = environ égal à
& = et
§ = paragraphe
% = pour cent
‰ = pour mille
€ = euros
$ = dollars
£ = livres
° = degré
√ = racine de
π = pi
∞ = infini
@ = arobase
# = dièse
© = copyright
→ = flèche
~ = environ
""")
ABBREVIATIONS = pairs("""
p. ex. = par exemple
par ex. = par exemple
ex. = exemple
etc. = et cetera
c.-à-d. = c'est-à-dire
c.à.d. = c'est-à-dire
c-à-d = c'est-à-dire
càd = c'est-à-dire
env. = environ
Mme = Madame
Mmes = Mesdames
Mlle = Mademoiselle
Mlles = Mesdemoiselles
MM. = Messieurs
Mgr = Monseigneur
Me = Maître
Dr = Docteur
Dr. = Docteur
Pr = Professeur
Pr. = Professeur
Prof. = Professeur
St = Saint
St. = Saint
Ste = Sainte
Ste. = Sainte
n° = numéro
N° = Numéro
no. = numéro
nos = numéros
n°s = numéros
art. = article
chap. = chapitre
vol. = volume
fig. = figure
éd. = édition
av. J.-C. = avant Jésus-Christ
ap. J.-C. = après Jésus-Christ
av. = avenue
bd = boulevard
bd. = boulevard
Bd = Boulevard
bld = boulevard
pl. = place
tél. = téléphone
Tél. = Téléphone
max. = maximum
min. = minimum
resp. = respectivement
cf. = confer
apr. = après
s.v.p. = s'il vous plaît
SVP = s'il vous plaît
svp = s'il vous plaît
R.-V. = rendez-vous
RDV = rendez-vous
rdv = rendez-vous
TTC = toutes taxes comprises
HT = hors taxes
lun. = lundi
mar. = mardi
mer. = mercredi
jeu. = jeudi
ven. = vendredi
sam. = samedi
dim. = dimanche
Mᵐᵉ = Madame
Mˡˡᵉ = Mademoiselle
Dʳ = Docteur
""")
FEMININE = frozenset(
    (
        "heure heures minute minutes seconde secondes semaine semaines personne personnes fois "
        "année années page pages femme femmes fille filles place places voiture voitures maison "
        "maisons chambre chambres table tables chaise chaises bouteille bouteilles tasse tasses "
        "pomme pommes ville villes école écoles classe classes équipe équipes question questions "
        "lettre lettres rue rues pièce pièces étoile étoiles victime victimes nuit nuits "
        "entreprise "
        "entreprises famille familles carte cartes voix tranche tranches cuillère cuillères "
        "baguette baguettes chose choses tonne tonnes boîte boîtes plante plantes partie parties "
        "sœur sœurs mère mères tante tantes dame dames amie amies cousine cousines assiette "
        "assiettes course courses route routes porte portes fenêtre fenêtres lampe lampes bougie "
        "bougies banane bananes orange oranges carotte carottes cerise cerises dose doses goutte "
        "gouttes soirée vache vaches chèvre chèvres poule poules machine machines nouvelle "
        "nouvelles ligne lignes marche marches colonne colonnes île îles langue langues règle "
        "règles loi lois arme armes balle balles médaille médailles action actions usine usines "
        "ferme fermes plage plages salle salles réponse réponses étape étapes demi-heure vidéo "
        "vidéos photo photos chanson chansons "
    ).split()
)
FEMININE_ENDINGS = (
    "tion", "tions", "sion", "sions", "ée", "ées", "ette", "ettes", "ance", "ances", "ence",
    "ences",
    "té", "tés", "ure", "ures", "euse", "euses", "trice", "trices", "elle", "elles", "esse",
    "esses",
)  # fmt: skip
MASCULINE = frozenset("musée musées lycée lycées trophée été comité comités côté côtés".split())


# Words before a date such as 12/10
AFTER = "|".join(
    rf"(?<=\b{word} )"
    for word in "lundi mardi mercredi jeudi vendredi samedi dimanche le du au".split()
)


class French(European):
    digits = tuple(TO_SIXTEEN[:10])
    months, month_short = tuple(MONTHS), SHORT_MONTHS
    minus, plus, plus_minus = "moins", "plus", "plus ou moins"
    comma, point = "virgule", "point"
    to, against = "à", "à"
    percent, per_mille = "pour cent", "pour mille"
    per = each = "par"
    by = "sur"
    weekdays = {
        "lun": "lundi", "mar": "mardi", "mer": "mercredi", "jeu": "jeudi", "ven": "vendredi",
        "sam": "samedi", "dim": "dimanche",
    }  # fmt: skip
    over, squared, cubed = "sur", "au carré", "au cube"
    dot, at, slash, dash = "point", "arobase", "slash", "tiret"
    underscore, colon = "tiret bas", "deux points"
    scales, currencies, cents, units = SCALES, CURRENCIES, CENTS, UNITS
    temperatures = {"C": "Celsius", "F": "Fahrenheit", "K": "Kelvin"}
    signs, abbreviations = SIGNS, with_capitals(ABBREVIATIONS)
    clock_words = r"(?: ?h(?:eures?)?(?!\w))?"
    date_between = " "
    day_mark = r"er|ER|ᵉʳ|"
    telephone = r"(?<![\w.,])(?:\(0\)|0)\d(?:[ .-]?\d\d){4}(?![\w])"

    def cardinal(self, n: int, gender: str = "") -> str:
        """80 -> quatre-vingts; 21 -> vingt et un, vingt et une before a feminine noun."""
        words = []
        for unit, name in LARGE:
            count, n = divmod(n, unit)
            if count:
                words += [below_thousand(count), name + ("s" if count > 1 else "")]
        thousands, rest = divmod(n, 1000)
        if thousands:
            words += (
                [
                    below_thousand(thousands).removesuffix("s")
                    if thousands % 100 in (0, 80) and thousands > 1
                    else below_thousand(thousands)
                ]
                if thousands > 1
                else []
            )
            words.append("mille")
        if rest or not words:
            words.append(below_thousand(rest))
        found = " ".join(words)
        ends_in_one = n % 10 == 1 and n % 100 not in (11, 71, 91)
        return found + "e" if gender == "f" and ends_in_one else found

    def decimals(self, figures: str) -> str:
        """As a number, after its zeros: 05 -> zéro cinq."""
        rest = figures.lstrip("0")
        zeros = ["zéro"] * (len(figures) - len(rest))
        if len(rest) > 3:
            return self.spell(figures)
        return " ".join([*zeros, self.cardinal(int(rest))] if rest else zeros)

    def form(self, noun: Noun, number: Number) -> str:
        """The singular for what is below two."""
        return noun.one if number.value < 2 else noun.many

    def gender_after(self, text: str) -> str:
        noun = re.match(r" ([a-zà-ÿœ-]+)(?: ([a-zà-ÿœ-]+))?", text)
        if not noun:
            return ""
        return "f" if is_feminine(noun[1]) or noun[1].endswith(("elles", "ites")) else "m"

    def whole_part(self, number: Number, gender: str) -> str:
        return self.integer(number.whole, gender)

    def ordinal(self, n: int, feminine: bool = False) -> str:
        """1 -> premier, 21 -> vingt et unième."""
        if n == 1:
            return "première" if feminine else "premier"
        words = self.cardinal(n)
        if words.endswith("s") and not words.endswith(("trois", "deux")):
            words = words[:-1]
        if words.endswith("cinq"):
            return words + "uième"
        if words.endswith("neuf"):
            return words[:-1] + "vième"
        return words.removesuffix("e") + "ième"

    def of_scale(self, noun: Noun) -> str:
        return (
            f"d'{noun.many}"
            if noun.many[0] in "aeiouyhéê" and noun.many not in ("yens", "yuans")
            else f"de {noun.many}"
        )

    def with_cents(self, cents: int, cent: Noun) -> str:
        return self.cardinal(cents)

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        words = [self.day(day, match), self.months[month - 1]]
        if year:
            words.append(self.integer(year))
        return " ".join(words)

    def day(self, day: int, match: re.Match[str]) -> str:
        return "premier" if day == 1 else self.cardinal(day)

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        words = [self.cardinal(hour, "f"), "heure" if hour < 2 else "heures"]
        if minute or (second and int(second)):
            words.append(self.cardinal(minute, "f"))
        if second and int(second):
            words += [
                "minute" if minute < 2 else "minutes",
                "et",
                self.cardinal(int(second), "f"),
                "seconde" if int(second) < 2 else "secondes",
            ]
        return " ".join(words)

    def fraction(self, top: int, bottom: int) -> str:
        name = {2: "demi", 3: "tiers", 4: "quart"}.get(bottom) or self.ordinal(bottom)
        return f"{self.cardinal(top)} {name}" + ("s" if top > 1 and name != "tiers" else "")

    def half(self, whole: int, rest: str) -> str:
        """½ tasse -> une demi tasse."""
        is_feminine_half = not whole and self.gender_after(rest) == "f"
        return "une demi" if is_feminine_half else super().half(whole, rest)

    def part_of_unit(self, words: str, noun: Noun) -> str:
        if words == "un demi":
            return f"{'une' if noun.gender == 'f' else 'un'} demi-{noun.one}"
        return f"{words} {self.of_scale(Noun(noun.one, noun.one))}"

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        if (top, bottom) == (1, 2):
            return f"{self.cardinal(whole)} et demi"
        return f"{self.cardinal(whole)} et {self.fraction(top, bottom)}"

    def say_telephone(self, match: re.Match[str]) -> str | None:
        """In pairs: 01 23 -> zéro un, vingt-trois."""
        groups = re.findall(r"\d+", match[0])
        if len(groups) == 1 or any(len(group) == 10 for group in groups):
            groups = re.findall(r"\d\d?", "".join(groups))
        words = ", ".join(self.group(group) for group in groups)
        return f"{self.plus} {words}" if match[0].startswith("+") else words

    def group(self, figures: str) -> str:
        zeros = len(figures) - len(figures.lstrip("0"))
        if len(figures) > 3:
            return self.spell(figures)
        rest = figures[zeros:]
        return " ".join(["zéro"] * zeros + ([self.cardinal(int(rest))] if rest else []))

    def calendar_readers(self) -> list[Reader]:
        names = any_of([*self.months, *(name.capitalize() for name in self.months)])
        TIME.format(sign=r" ?[hH] ?").replace("(?:", "(?:", 1)
        plain = r"\d{1,2} ?h(?: ?[0-5]\d)?"
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"(?:{AFTER})(?P<day>{DAY})/(?P<month>{MONTH})(?P<year>)(?![\w/])",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"(?<![\w.,])(?P<low>{DAY}(?:er)?)(?P<to> ?[-–/] ?| et | au )(?:(?P<mid>{DAY})"
                rf"(?: et |[-–/]))?(?P<high>{DAY}) (?P<name>{names})(?: (?P<year>{YEAR}))?(?!\w)",
                self.say_days,
            ),
            reader(
                "time",
                r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4]) ?[hH] ?(?P<minute>[0-5]\d)(?: ?(?:m|min"
                r"|mn) ?(?:(?P<second>[0-5]\d) ?s)?)?(?!\w)",
                self.say_time,
            ),
            reader(
                "time",
                r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4]) ?[hH](?P<minute>)(?P<second>)(?!\w)",
                self.say_hour,
            ),
            reader(
                "time", rf"(?<![\w.,:])(?P<low>{plain}){TO}(?P<high>{plain})(?!\w)", self.say_hours
            ),
        ]

    def say_hour(self, match: re.Match[str]) -> str | None:
        return self.time(int(match["hour"]), 0, None, match)

    def say_hours(self, match: re.Match[str]) -> str | None:
        words = []
        for each in (match["low"], match["high"]):
            hour, minute = (re.findall(r"\d+", each) + ["0"])[:2]
            words.append(self.time(int(hour), int(minute), None, match))
        return f" {self.to} ".join(words)

    def say_days(self, match: re.Match[str]) -> str | None:
        if match["to"] in (" et ", " au ") and not match["mid"]:
            link = match["to"]
        else:
            link = " " if match["mid"] or "/" in match["to"] else f" {self.to} "
        days = [match[each] for each in ("low", "mid", "high") if match[each]]
        words = link.join(self.day(int(re.sub(r"\D", "", day)), match) for day in days)
        year = f" {self.integer(match['year'])}" if match["year"] else ""
        return f"{words} {match['name'].lower()}{year}"

    def number_readers(self) -> list[Reader]:
        thousands = r"(?:[1-9]\d{0,2}(?: \d{3})+|\d{1,7})"
        return [
            *super().number_readers(),
            reader(
                "ordinal",
                rf"(?<![\w.,])(?P<n>{thousands}) ?(?P<end>ers?|ères?|eres?|res?|ᵉʳ|ʳᵉ|ième|ièmes"
                rf"|èmes?|emes?|es?|ᵉ|nde?s?|°)(?!\w)",
                self.say_ordinal,
            ),
            reader(
                "roman",
                rf"(?<!\w)(?=[IVX])(?P<roman>{ROMAN})(?P<end>ers?|ère|re|ème|e|ᵉ|ᵉʳ|º|°)(?!\w)",
                self.say_roman_ordinal,
            ),
            reader("roman", rf"(?<=[a-zéèêîôûçï] )(?P<roman>{ROMAN})(?![\w'])", self.say_ruler),
            reader("abbreviation", r"(?<!\w)M\.(?= (?:[A-ZÉ]|et M))", "Monsieur"),
            reader("abbreviation", r"(?<!\w)pp?\.(?= ?\d)", "page"),
            reader("abbreviation", r"(?<=[IVX]e )s\.|(?<=[IVX]ème )s\.", "siècle"),
            reader(
                "abbreviation", r"(?<!\w)24 ?h ?/ ?24(?!\w)", "vingt-quatre heures sur vingt-quatre"
            ),
            reader("abbreviation", r"(?<!\w)7 ?j ?/ ?7(?!\w)", "sept jours sur sept"),
            reader(
                "cardinal",
                r"(?<![\w.,])(\d{1,2})[xX](?!\w)",
                lambda m: self.cardinal(int(m[1]), "f") + " fois",
            ),
        ]

    def say_ordinal(self, match: re.Match[str]) -> str | None:
        n = int(re.sub(r"\D", "", match["n"]))
        end = match["end"]
        plural = "s" if end.endswith("s") else ""
        if end.startswith("nd"):
            return (
                ("second" if n == 2 and "e" not in end else "seconde") + plural if n == 2 else None
            )
        if end in ("e", "es", "s") and n == 1:
            return None
        return self.ordinal(n, end.startswith(("è", "r", "ʳ", "ere"))) + plural

    def say_roman_ordinal(self, match: re.Match[str]) -> str | None:
        return self.ordinal(roman(match["roman"]), match["end"] in ("ère", "re"))

    def say_ruler(self, match: re.Match[str]) -> str | None:
        """Louis XIV -> Louis quatorze; only after a name or a word that is numbered."""
        if not before(
            match, r"[A-ZÉ][a-zéèêîôûçï]{2,} |\b(?:chapitre|tome|acte|partie|volume|livre) ", 20
        ):
            return None
        if len(match["roman"]) == 1 and match["roman"] not in "VX":
            return (
                "un"
                if match["roman"] == "I"
                and before(match, r"\b(?:[Cc]hapitre|[Tt]ome|[Aa]cte|[Vv]olume) ", 20)
                else None
            )
        return self.cardinal(roman(match["roman"]))


def below_thousand(n: int) -> str:
    hundreds, rest = divmod(n, 100)
    words = ""
    if hundreds:
        words = ("" if hundreds == 1 else TO_SIXTEEN[hundreds] + " ") + "cent"
        words += "s" if hundreds > 1 and not rest else ""
    if rest or not words:
        words += (" " if words else "") + below_hundred(rest)
    return words


def below_hundred(n: int) -> str:
    if n <= 16:
        return TO_SIXTEEN[n]
    tens, one = divmod(n, 10)
    if tens in (7, 9):
        one += 10
    if n == 80:
        return "quatre-vingts"
    if not one:
        return TENS[tens]
    if one in (1, 11) and tens < 8:
        return f"{TENS[tens]} et {TO_SIXTEEN[one]}"
    last = TO_SIXTEEN[one] if one <= 16 else "dix-" + TO_SIXTEEN[one - 10]
    return f"{TENS[tens]}-{last}"


def is_feminine(noun: str) -> bool:
    return noun in FEMININE or (noun.endswith(FEMININE_ENDINGS) and noun not in MASCULINE)


FRENCH = French()
GRAMMAR = FRENCH.grammar()
