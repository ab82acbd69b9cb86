"""Spanish: the classes of written things and their words."""

import re

from cosyvoice.text.european import (
    DAY,
    MONTH,
    ROMAN,
    TIME,
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

TO_TWENTY_NINE = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro "
    "veinticinco veintiséis veintisiete veintiocho veintinueve"
).split()
TENS = " diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(" ")
HUNDREDS = (
    " ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos "
    "novecientos"
).split(" ")
ORDINAL_ONES = " primero segundo tercero cuarto quinto sexto séptimo octavo noveno".split(" ")
ORDINAL_TENS = (
    " décimo vigésimo trigésimo cuadragésimo quincuagésimo sexagésimo septuagésimo octogésimo "
    "nonagésimo"
).split(" ")
ORDINAL_HUNDREDS = (
    " centésimo ducentésimo tricentésimo cuadringentésimo quingentésimo sexcentésimo "
    "septingentésimo octingentésimo noningentésimo"
).split(" ")
PARTS = {2: "medio", 3: "tercio", 4: "cuarto", 5: "quinto", 6: "sexto", 7: "séptimo", 8: "octavo",
         9: "noveno", 10: "décimo", 100: "centésimo", 1000: "milésimo"}  # fmt: skip
MONTHS = (
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
).split()
SHORT_MONTHS = {
    "ene": 1, "feb": 2, "mar": 3, "abr": 4, "may": 5, "jun": 6, "jul": 7, "ago": 8, "sep": 9,
    "sept": 9,
    "setiembre": 9, "oct": 10, "nov": 11, "dic": 12,
}  # fmt: skip
SCALES = nouns("""
millones,millón,M,MM m millón/millones
billones,billón m billón/billones
trillones,trillón m trillón/trillones
mil n mil/mil
""")
CURRENCIES = nouns("""
€,EUR,euros,euro m euro/euros
$,dólares m dólar/dólares
US$,USD m dólar_estadounidense/dólares_estadounidenses
£,GBP f libra/libras
CHF m franco_suizo/francos_suizos
¥,JPY m yen/yenes
CNY,RMB,元 m yuan/yuanes
₽,RUB m rublo/rublos
₩,KRW m won/wones
₹,INR f rupia/rupias
₿,BTC m bitcóin/bitcoines
MXN m peso_mexicano/pesos_mexicanos
ARS m peso_argentino/pesos_argentinos
COP m peso_colombiano/pesos_colombianos
CLP m peso_chileno/pesos_chilenos
S/,PEN m sol/soles
R$,BRL m real/reales
₧,pta,ptas f peseta/pesetas
₡,CRC m colón/colones
Q,GTQ m quetzal/quetzales
¢ m centavo/centavos
""")
CENTS = {
    "euro": Noun("céntimo", "céntimos"),
    "dólar": Noun("centavo", "centavos"),
    "dólar estadounidense": Noun("centavo", "centavos"),
    "libra": Noun("penique", "peniques"),
    "franco suizo": Noun("céntimo", "céntimos"),
    "peso mexicano": Noun("centavo", "centavos"),
    "peso argentino": Noun("centavo", "centavos"),
    "sol": Noun("céntimo", "céntimos"),
    "rublo": Noun("kopek", "kopeks"),
}
UNITS = nouns("""
km m kilómetro/kilómetros
m m metro/metros
dm m decímetro/decímetros
cm m centímetro/centímetros
mm m milímetro/milímetros
μm m micrómetro/micrómetros
nm m nanómetro/nanómetros
km²,km2 m kilómetro_cuadrado/kilómetros_cuadrados
m²,m2 m metro_cuadrado/metros_cuadrados
cm²,cm2 m centímetro_cuadrado/centímetros_cuadrados
m³,m3 m metro_cúbico/metros_cúbicos
cm³,cm3,cc m centímetro_cúbico/centímetros_cúbicos
ha f hectárea/hectáreas
kg,kgs,Kg m kilogramo/kilogramos
g,gr m gramo/gramos
mg m miligramo/miligramos
μg m microgramo/microgramos
t f tonelada/toneladas
l,L m litro/litros
ml,mL m mililitro/mililitros
cl,cL m centilitro/centilitros
dl,dL m decilitro/decilitros
hl,hL m hectolitro/hectolitros
h,hs,hrs f hora/horas
min m minuto/minutos
s,seg m segundo/segundos
ms m milisegundo/milisegundos
km/h,kph m kilómetro_por_hora/kilómetros_por_hora
W m vatio/vatios
kW m kilovatio/kilovatios
MW m megavatio/megavatios
GW m gigavatio/gigavatios
Wh m vatio_hora/vatios_hora
kWh m kilovatio_hora/kilovatios_hora
MWh m megavatio_hora/megavatios_hora
CV,cv m caballo/caballos
V m voltio/voltios
kV m kilovoltio/kilovoltios
A m amperio/amperios
mA m miliamperio/miliamperios
mAh m miliamperio_hora/miliamperios_hora
Ω m ohmio/ohmios
Hz m hercio/hercios
kHz m kilohercio/kilohercios
MHz m megahercio/megahercios
GHz m gigahercio/gigahercios
dB m decibelio/decibelios
Pa m pascal/pascales
hPa m hectopascal/hectopascales
kPa m kilopascal/kilopascales
bar m bar/bares
J m julio/julios
kJ m kilojulio/kilojulios
kcal f kilocaloría/kilocalorías
cal f caloría/calorías
N m newton/newtons
KB,kB m kilobyte/kilobytes
MB m megabyte/megabytes
GB m gigabyte/gigabytes
TB m terabyte/terabytes
Mbit m megabit/megabits
Gbit m gigabit/gigabits
Mbps m megabit_por_segundo/megabits_por_segundo
rpm f revolución_por_minuto/revoluciones_por_minuto
px m píxel/píxeles
mmHg m milímetro_de_mercurio/milímetros_de_mercurio
mmol m milimol/milimoles
lb,lbs f libra/libras
oz f onza/onzas
ft m pie/pies
mi f milla/millas
mph f milla_por_hora/millas_por_hora
hab. m habitante/habitantes
° m grado/grados
""")
SIGNS = pairs("""
+ = más
- = menos
± = más menos
* = por
× = por
· = por
/ = entre
÷ = entre
: = entre
^ = elevado a
= = igual a
< = menor que
> = mayor que
≤ = menor o igual que
≥ = mayor o igual que
≠ = distinto de
≈ = aproximadamente igual a
& = y
§ = sección
% = por ciento
‰ = por mil
€ = euros
$ = dólares
£ = libras
° = grados
√ = raíz de
π = pi
∞ = infinito
@ = arroba
# = almohadilla
© = copyright
→ = flecha
~ = aproximadamente
""")
ABBREVIATIONS = pairs("""
p. ej. = por ejemplo
P. ej. = Por ejemplo
ej. = ejemplo
etc. = etcétera
c/u = cada uno
ref. = referencia
exp. = expediente
es decir = es decir
Sr. = Señor
sr. = señor
Sra. = Señora
sra. = señora
Sres. = Señores
Srta. = Señorita
srta. = señorita
Dr. = Doctor
dr. = doctor
Dra. = Doctora
dra. = doctora
Prof. = Profesor
Profa. = Profesora
Ing. = Ingeniero
Lic. = Licenciado
Arq. = Arquitecto
Gral. = General
Dña. = Doña
Da. = Doña
D.ª = Doña
Ud. = usted
ud. = usted
Vd. = usted
Uds. = ustedes
uds. = ustedes
Vds. = ustedes
EE. UU. = Estados Unidos
EE.UU. = Estados Unidos
EEUU = Estados Unidos
ee. uu. = Estados Unidos
RR. HH. = recursos humanos
JJ. OO. = Juegos Olímpicos
a. C. = antes de Cristo
a. de C. = antes de Cristo
d. C. = después de Cristo
d. de C. = después de Cristo
av. = avenida
Av. = Avenida
avda. = avenida
Avda. = Avenida
c/ = calle
C/ = calle
pza. = plaza
Pza. = Plaza
pl. = plaza
P.º = Paseo
ctra. = carretera
Ctra. = Carretera
esq. = esquina
izda. = izquierda
izq. = izquierda
dcha. = derecha
n.º = número
N.º = número
nº = número
Nº = número
núm. = número
Núm. = Número
n.os = números
pág. = página
págs. = páginas
cap. = capítulo
art. = artículo
vol. = volumen
fig. = figura
tel. = teléfono
Tel. = teléfono
tfno. = teléfono
Tfno. = teléfono
tlf. = teléfono
Tlf. = teléfono
ext. = extensión
aprox. = aproximadamente
dto. = descuento
máx. = máximo
mín. = mínimo
Sto. = Santo
Sta. = Santa
S.A. = sociedad anónima
S. A. = sociedad anónima
S.L. = sociedad limitada
S. L. = sociedad limitada
Cía. = compañía
dpto. = departamento
Dpto. = Departamento
admón. = administración
vs. = versus
lun. = lunes
mié. = miércoles
jue. = jueves
vier. = viernes
vie. = viernes
sáb. = sábado
dom. = domingo
""")
FEMININE = frozenset(
    "veces vez noche noches mujer mujeres ciudad ciudades flor flores parte partes clase clases "
    "calle calles llave llaves nave naves torre torres base bases fase fases mano manos foto fotos "
    "moto motos radio tarde tardes sede sedes leche gente imagen imágenes señal señales red redes "
    "ley leyes voz voces luz luces actriz actrices cárcel canciones sal serie series especie "
    "especies".split()
)
MASCULINE = frozenset(
    "día días problema problemas programa programas sistema sistemas tema temas mapa mapas idioma "
    "idiomas planeta planetas clima poema poemas kilogramo para hasta contra desde cada planetas "
    "aniversario artistas turistas futbolistas policías atletas periodistas deportistas diplomas "
    "ella nada dálmatas".split()
)
FEMININE_ENDINGS = (
    "a",
    "as",
    "ción",
    "ciones",
    "sión",
    "siones",
    "dad",
    "dades",
    "tad",
    "tades",
    "tud",
)


# Words before a date such as 12/10
AFTER = "|".join(
    rf"(?<=\b{word} )"
    for word in "lunes martes miércoles jueves viernes sábado domingo el del al".split()
)


class Spanish(European):
    digits = tuple(TO_TWENTY_NINE[:10])
    months, month_short = tuple(MONTHS), SHORT_MONTHS
    minus, plus, plus_minus = "menos", "más", "más menos"
    comma, point = "coma", "punto"
    to, against = "a", "a"
    percent, per_mille = "por ciento", "por mil"
    per, each = "por", "al"
    by = "por"
    weekdays = {
        "lun": "lunes", "mar": "martes", "mié": "miércoles", "mie": "miércoles", "jue": "jueves",
        "vie": "viernes", "sáb": "sábado", "sab": "sábado", "dom": "domingo",
        "l": "lunes", "v": "viernes",
    }  # fmt: skip
    over, squared, cubed = "sobre", "al cuadrado", "al cubo"
    dot, at, slash, dash = "punto", "arroba", "barra", "guion"
    underscore, colon = "guion bajo", "dos puntos"
    scales, currencies, cents, units = SCALES, CURRENCIES, CENTS, UNITS
    temperatures = {"C": "centígrados", "F": "Fahrenheit", "K": "Kelvin"}
    signs, abbreviations = SIGNS, with_capitals(ABBREVIATIONS)
    date_between = " (?:del? )?(?:año )?"
    day_mark = r"º|\.º|°|ro|(?= de )| de|"
    clock_words = (
        r"(?: ?(?P<half>[aApP]\. ?[mM]\.?|[aApP][mM])(?!\w))?(?: ?h(?:s|rs|oras)?\.?(?!\w))?"
    )
    telephone = (
        r"(?<![\w.,/])(?:[6789]\d{2}[ -]\d{3}[ -]\d{3}|[6789]\d{2}(?: \d\d){3}|9\d \d{3}"
        r"(?: \d\d){2}"
        r"|\(?\d{2,4}\)?[ -]\d{3,4}[ -]\d{4}|(?!(?:1\d|20)\d\d-)\d{4}-\d{4})(?![\w-])"
    )

    def cardinal(self, n: int, gender: str = "") -> str:
        """1 -> uno, un or una; 200 -> doscientos or doscientas."""
        if n >= 10**6:
            return self.millions(n, gender)
        thousands, rest = divmod(n, 1000)
        words = []
        if thousands:
            words += (
                [below_thousand(thousands, "f" if gender == "f" else "m")] if thousands > 1 else []
            )
            words.append("mil")
        if rest or not words:
            words.append(below_thousand(rest, gender))
        return " ".join(words)

    def millions(self, n: int, gender: str) -> str:
        words = []
        for unit, one, many in ((10**12, "billón", "billones"), (10**6, "millón", "millones")):
            count, n = divmod(n, unit)
            if count:
                words.append(f"un {one}" if count == 1 else f"{self.cardinal(count, 'm')} {many}")
        return " ".join([*words, self.cardinal(n, gender)] if n else words)

    def decimals(self, figures: str) -> str:
        """Two figures as a number: 14 -> catorce, 05 -> cero cinco."""
        if len(figures) == 2 and figures[0] != "0":
            return self.cardinal(int(figures))
        return self.spell(figures)

    def whole_part(self, number: Number, gender: str) -> str:
        return self.integer(number.whole, "f" if gender == "f" else "")

    def gender_after(self, text: str) -> str:
        noun = re.match(r" ([a-záéíóúñü]+)", text)
        if not noun or noun[1] in STOP:
            return ""
        return "f" if is_feminine(noun[1]) else "m"

    def ordinal(self, n: int, form: str = "o") -> str:
        """3 -> tercero, tercera or tercer; 21 -> vigésimo primero."""
        words = []
        if n >= 1000:
            count, n = divmod(n, 1000)
            words.append(("" if count == 1 else self.cardinal(count, "m")) + "milésimo")
        hundreds, rest = divmod(n, 100)
        if hundreds:
            words.append(ORDINAL_HUNDREDS[hundreds])
        if rest in (11, 12):
            words.append("undécimo" if rest == 11 else "duodécimo")
        else:
            tens, one = divmod(rest, 10)
            if tens == 1 and one:
                words.append(("decim" if one == 8 else "decimo") + ORDINAL_ONES[one])
            else:
                words += [ORDINAL_TENS[tens]] if tens else []
                words += [ORDINAL_ONES[one]] if one else []
        if form == "a":
            words = [word[:-1] + "a" for word in words]
        found = " ".join(words)
        return found[:-1] if form == "er" and found.endswith(("primero", "tercero")) else found

    def of_scale(self, noun: Noun) -> str:
        return f"de {noun.many}"

    def counted(self, match: re.Match[str], noun: Noun, scale: Noun | None = None) -> str:
        if scale and scale.one == "mil":
            return f"{self.amount(match, 'm')} mil {noun.many}"
        return super().counted(match, noun, scale)

    def with_cents(self, cents: int, cent: Noun) -> str:
        return f"con {super().with_cents(cents, cent)}"

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        words = [self.day(day, match), "de", self.months[month - 1]]
        if year:
            words += ["del" if re.search(r"\bdel ", match[0]) else "de", self.integer(year)]
            if "año" in match[0]:
                words.insert(-1, "año")
        return " ".join(words)

    def day(self, day: int, match: re.Match[str]) -> str:
        return "primero" if day == 1 else self.cardinal(day)

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        half = (match.groupdict().get("half") or "").lower()
        words = [self.cardinal(hour, "f")]
        is_colloquial = half or hour < 13
        if minute in (15, 30) and is_colloquial:
            words += ["y", "cuarto" if minute == 15 else "media"]
        elif minute:
            words += [self.cardinal(minute)] if minute >= 10 else ["y", self.cardinal(minute)]
        if second and int(second):
            name = "segundos" if int(second) > 1 else "segundo"
            words += ["y", self.cardinal(int(second), "m"), name]
        if half:
            words.append(part_of_day(hour, half[0]))
        return " ".join(words)

    def fraction(self, top: int, bottom: int) -> str:
        name = PARTS.get(bottom) or (avo(bottom) if bottom < 100 else "")
        if 100 < bottom < 1000 and bottom % 100 == 0:
            name = ORDINAL_HUNDREDS[bottom // 100]
        if not name:
            return f"{self.cardinal(top)} sobre {self.cardinal(bottom)}"
        return f"{self.cardinal(top, 'm')} {name}" + ("s" if top > 1 else "")

    def half(self, whole: int, rest: str) -> str:
        """½ taza -> media taza; 1½ tazas -> una y media tazas."""
        gender = self.gender_after(rest)
        if not gender:
            return super().half(whole, rest)
        half = "media" if gender == "f" else "medio"
        return f"{self.cardinal(whole, gender)} y {half}" if whole else half

    def part_of_unit(self, words: str, noun: Noun) -> str:
        if words == "un medio":
            return f"{'media' if noun.gender == 'f' else 'medio'} {noun.one}"
        return f"{words} de {noun.one}"

    def mixed_unit(self, words: str, noun: Noun) -> str:
        return (
            f"{words} {noun.one}" if words.startswith(("uno ", "una ")) else f"{words} {noun.many}"
        )

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        if (top, bottom) == (1, 2):
            return f"{self.cardinal(whole)} y medio"
        return f"{self.cardinal(whole)} y {self.fraction(top, bottom)}"

    def calendar_readers(self) -> list[Reader]:
        names = any_of([*self.months, *(name.capitalize() for name in self.months)])
        half = r"(?P<half>[aApP]\. ?[mM]\.?|[aApP][mM])"
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"(?:{AFTER})(?P<day>{DAY})/(?P<month>{MONTH})(?P<year>)(?![\w/])",
                self.say_numeric_date,
            ),
            reader(
                "date",
                rf"(?<![\w.,])(?P<low>{DAY})(?P<to> ?[-–] ?| al | y )(?P<high>{DAY}) de "
                rf"(?P<name>{names})(?: (?P<del>del?) (?P<year>{YEAR}))?(?!\w)",
                self.say_days,
            ),
            reader(
                "time",
                r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4])\.(?P<minute>[0-5]\d)(?P<second>) ?(?:h|hs"
                r"|horas)(?!\w)\.?",
                self.say_time,
            ),
            reader(
                "time",
                rf"(?<![\w.,:])(?P<hour>1?\d)(?:[.:](?P<minute>[0-5]\d))?(?P<second>) ?{half}"
                rf"(?!\w)",
                self.say_hour,
            ),
            reader(
                "time",
                r"(?<=\blas )(?P<hour>[01]?\d|2[0-4])(?P<minute>)(?P<second>)(?!\w|[.,:/-]\d| "
                r"(?:\d|per|pers|chic|muj|niñ|cas|dos))",
                self.say_hour,
            ),
            reader(
                "time",
                r"(?<![\w.,:])" + TIME.format(sign="h") + r"(?:min)?(?![\w:]|[.,]\d)",
                self.say_time,
            ),
            reader(
                "time",
                r"(?<=\bla )(?P<hour>1)(?P<minute>)(?P<second>)(?!\w|[.,:/-]\d)",
                self.say_hour,
            ),
        ]

    def say_hour(self, match: re.Match[str]) -> str | None:
        return self.time(int(match["hour"]), int(match["minute"] or 0), None, match)

    def say_days(self, match: re.Match[str]) -> str | None:
        link = match["to"] if match["to"].strip() in ("al", "y") else f" {self.to} "
        words = link.join(self.day(int(match[each]), match) for each in ("low", "high"))
        year = f" {match['del']} {self.integer(match['year'])}" if match["year"] else ""
        return f"{words} de {match['name'].lower()}{year}"

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader(
                "ordinal",
                r"(?<![\w.,])(?P<n>\d{1,4}|\d\.\d{3})\.?(?P<end>[ºª°]|er|ᵉʳ|[oa](?= [a-z])|ros?"
                r"|ras?|[dt][oa]s?|[vm][oa]s?)(?![\w°])",
                self.say_ordinal,
            ),
            reader("roman", rf"(?<=[a-záéíóúñ] )(?P<roman>{ROMAN})(?![\w'])", self.say_roman),
            reader(
                "roman",
                rf"(?<!\w)(?P<roman>{ROMAN})(?= (?:edición|aniversario|congreso|Congreso|Guerra"
                rf"|asamblea|Asamblea|Edición|Cumbre|cumbre)\b)",
                self.say_roman_first,
            ),
            reader(
                "roman",
                rf"(?<!\w)[sS]\. (?P<roman>{ROMAN})(?!\w)",
                lambda m: "siglo " + self.cardinal(roman(m["roman"])),
            ),
            reader("abbreviation", r"(?<!\w)D\.(?= [A-ZÁÉÍÓÚ])", "Don"),
            reader(
                "cardinal",
                r"(?<![\w.,])(\d{1,2})[xX](?!\w)",
                lambda m: self.cardinal(int(m[1])) + " por",
            ),
        ]

    def say_ordinal(self, match: re.Match[str]) -> str | None:
        n, end = int(match["n"].replace(".", "")), match["end"]
        if not n:
            return None
        rest = match.string[match.end() :]
        is_short = re.match(r" (?!(?:de|en|y|del|a|que|por)\b)[a-záéíóúñ]", rest)  # primer piso
        if end in "ªa" or end.startswith(("ra", "da", "ta", "va", "ma")):
            form = "a"
        elif end in ("er", "ᵉʳ") or (end in "º°o" and is_short):
            form = "er"
        else:
            form = "o"
        return self.ordinal(n, form) + ("s" if end.endswith("s") else "")

    def say_roman(self, match: re.Match[str]) -> str | None:
        """Siglo XXI -> veintiuno; Felipe VI -> sexto; Alfonso XIII -> trece."""
        value = roman(match["roman"])
        if before(
            match,
            r"\b(?:[Ss]iglos?|[Cc]apítulo|[Tt]omo|[Vv]olumen|[Pp]arte|[Aa]cto|[Ff]ase|[Aa]nexo"
            r"|año|[Tt]ítulo) ",
            20,
        ):
            return self.cardinal(value)
        if not before(match, r"[A-ZÁÉÍÓÚ][a-záéíóúñ]{2,} ", 20) or match["roman"] in (
            "C",
            "D",
            "L",
            "M",
        ):
            return None
        if value > 10:
            return self.cardinal(value)
        return self.ordinal(value, "a" if before(match, r"(?:a|Isabel) ", 20) else "o")

    def say_roman_first(self, match: re.Match[str]) -> str | None:
        feminine = re.match(
            r" (?:edición|guerra|asamblea|cumbre)", match.string[match.end() :], re.I
        )
        return self.ordinal(roman(match["roman"]), "a" if feminine else "er")


def avo(n: int) -> str:
    """The part of a whole: 12 -> doceavo, 30 -> treintavo."""
    words = SPANISH.cardinal(n).replace(" y ", "i").translate(str.maketrans("áéíóú", "aeiou"))
    return re.sub("uno$", "un", words).removesuffix("a") + "avo"


STOP = frozenset(
    "y o de del a al en por que con se es para más menos son fue le lo la el como si no hasta "
    "entre sobre u e ni".split()
)


def below_thousand(n: int, gender: str) -> str:
    if n == 100:
        return "cien"
    hundreds, rest = divmod(n, 100)
    words = [HUNDREDS[hundreds]] if hundreds else []
    if gender == "f" and hundreds > 1:
        words[0] = words[0][:-2] + "as"
    if rest or not words:
        words.append(below_hundred(rest, gender))
    return " ".join(words)


def below_hundred(n: int, gender: str) -> str:
    if n < 30:
        words = TO_TWENTY_NINE[n]
    else:
        tens, one = divmod(n, 10)
        words = f"{TENS[tens]} y {TO_TWENTY_NINE[one]}" if one else TENS[tens]
    if n % 10 == 1 and n != 11 and gender:
        if gender == "f":
            return words[:-1] + "a"
        return "veintiún" if n == 21 else words[:-1]
    return words


def part_of_day(hour: int, half: str) -> str:
    """What Spanish says for a. m. and p. m."""
    if half == "a":
        return "de la noche" if hour == 12 else "de la mañana"
    return "del mediodía" if hour == 12 else "de la noche" if hour >= 8 else "de la tarde"


def is_feminine(noun: str) -> bool:
    return noun in FEMININE or (noun.endswith(FEMININE_ENDINGS) and noun not in MASCULINE)


SPANISH = Spanish()
GRAMMAR = SPANISH.grammar()
