"""Russian: the classes of written things and their words.

Numbers agree with what they count in gender, and stand in a case. The case is told by the
preposition before the number or by the ending of the noun after it; else it is the nominative.
"""

import re
from dataclasses import replace

from cosyvoice.text.european import (
    DAY,
    ROMAN,
    TO,
    YEAR,
    European,
    Noun,
    Number,
    any_of,
    nouns,
    pairs,
    parsed,
    roman,
    with_capitals,
)
from cosyvoice.text.spans import Reader, after, before, reader

# Cases: n nominative, g genitive, d dative, a accusative, i instrumental, p prepositional
CASES = "ngdaip"
DIGITS = tuple("ноль один два три четыре пять шесть семь восемь девять".split())


def cases(table: str) -> dict[int, dict[str, str]]:
    """A table of lines: number, then its six cases."""
    found = {}
    for line in table.strip().splitlines():
        number, *words = line.split()
        found[int(number)] = dict(zip(CASES, words))
    return found


SMALL = cases("""
0 ноль ноля нолю ноль нолём ноле
1 один одного одному один одним одном
2 два двух двум два двумя двух
3 три трёх трём три тремя трёх
4 четыре четырёх четырём четыре четырьмя четырёх
5 пять пяти пяти пять пятью пяти
6 шесть шести шести шесть шестью шести
7 семь семи семи семь семью семи
8 восемь восьми восьми восемь восемью восьми
9 девять девяти девяти девять девятью девяти
40 сорок сорока сорока сорок сорока сорока
50 пятьдесят пятидесяти пятидесяти пятьдесят пятьюдесятью пятидесяти
60 шестьдесят шестидесяти шестидесяти шестьдесят шестьюдесятью шестидесяти
70 семьдесят семидесяти семидесяти семьдесят семьюдесятью семидесяти
80 восемьдесят восьмидесяти восьмидесяти восемьдесят восемьюдесятью восьмидесяти
90 девяносто девяноста девяноста девяносто девяноста девяноста
100 сто ста ста сто ста ста
200 двести двухсот двумстам двести двумястами двухстах
300 триста трёхсот трёмстам триста тремястами трёхстах
400 четыреста четырёхсот четырёмстам четыреста четырьмястами четырёхстах
500 пятьсот пятисот пятистам пятьсот пятьюстами пятистах
600 шестьсот шестисот шестистам шестьсот шестьюстами шестистах
700 семьсот семисот семистам семьсот семьюстами семистах
800 восемьсот восьмисот восьмистам восемьсот восемьюстами восьмистах
900 девятьсот девятисот девятистам девятьсот девятьюстами девятистах
""")
for _n, _stem in zip(
    [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 30],
    "десят одиннадцат двенадцат тринадцат четырнадцат пятнадцат шестнадцат семнадцат восемнадцат "
    "девятнадцат двадцат тридцат".split(),
):
    SMALL[_n] = dict(zip(CASES, (_stem + end for end in ("ь", "и", "и", "ь", "ью", "и"))))
ONE = {
    "f": dict(zip(CASES, "одна одной одной одну одной одной".split())),
    "n": dict(zip(CASES, "одно одного одному одно одним одном".split())),
}
TWO_FEMININE = {"n": "две", "a": "две"}
THOUSAND = Noun("тысяча", "тысяч", "f", "тысячи")
LARGE = (
    (10**12, Noun("триллион", "триллионов", "m", "триллиона")),
    (10**9, Noun("миллиард", "миллиардов", "m", "миллиарда")),
    (10**6, Noun("миллион", "миллионов", "m", "миллиона")),
    (10**3, THOUSAND),
)
# Stems of ordinals, which end as adjectives do
ORDINALS = {
    0: "нулев", 1: "перв", 2: "втор", 3: "трет", 4: "четвёрт", 5: "пят", 6: "шест", 7: "седьм",
    8: "восьм",
    9: "девят", 40: "сороков", 50: "пятидесят", 60: "шестидесят", 70: "семидесят",
    80: "восьмидесят", 90: "девяност", 100: "сот", 200: "двухсот", 300: "трёхсот",
    400: "четырёхсот", 500: "пятисот", 600: "шестисот", 700: "семисот", 800: "восьмисот",
    900: "девятисот",
}  # fmt: skip
STRESSED = {0, 2, 6, 7, 8, 40}  # these end in -ой
ADJECTIVE = {  # gender or "pl" -> endings by case; the stressed nominative is -ой
    "m": dict(zip(CASES, "ый ого ому ый ым ом".split())),
    "f": dict(zip(CASES, "ая ой ой ую ой ой".split())),
    "n": dict(zip(CASES, "ое ого ому ое ым ом".split())),
    "pl": dict(zip(CASES, "ые ых ым ые ыми ых".split())),
}
THIRD = {
    "m": dict(zip(CASES, "ий ьего ьему ий ьим ьем".split())),
    "f": dict(zip(CASES, "ья ьей ьей ью ьей ьей".split())),
    "n": dict(zip(CASES, "ье ьего ьему ье ьим ьем".split())),
    "pl": dict(zip(CASES, "ьи ьих ьим ьи ьими ьих".split())),
}
MONTHS = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()
SHORT_MONTHS = {
    "янв": 1, "фев": 2, "февр": 2, "мар": 3, "апр": 4, "июн": 6, "июл": 7, "авг": 8, "сен": 9,
    "сент": 9,
    "окт": 10, "ноя": 11, "нояб": 11, "дек": 12,
}  # fmt: skip
SCALES = nouns("""
тыс.,тыс f тысяча/тысяч/тысячи
млн.,млн m миллион/миллионов/миллиона
млрд.,млрд m миллиард/миллиардов/миллиарда
трлн.,трлн m триллион/триллионов/триллиона
""")
CURRENCIES = nouns("""
₽,руб.,руб,RUB,р. m рубль/рублей/рубля
$,USD,долл. m доллар/долларов/доллара
долл._США m доллар_США/долларов_США/доллара_США
€,EUR,евро m евро/евро/евро
£,GBP m фунт/фунтов/фунта
¥,JPY f иена/иен/иены
CNY,RMB,元 m юань/юаней/юаня
₴,UAH,грн. f гривна/гривен/гривны
₸,KZT m тенге/тенге/тенге
₩,KRW f вона/вон/воны
₹,INR f рупия/рупий/рупии
CHF m франк/франков/франка
₿,BTC m биткоин/биткоинов/биткоина
коп.,коп f копейка/копеек/копейки
¢ m цент/центов/цента
""")
CENT = Noun("цент", "центов", "m", "цента")
CENTS = {
    "рубль": Noun("копейка", "копеек", "f", "копейки"),
    "доллар": CENT,
    "евро": CENT,
    "фунт": Noun("пенс", "пенсов", "m", "пенса"),
    "гривна": Noun("копейка", "копеек", "f", "копейки"),
}
UNITS = nouns("""
км,km m километр/километров/километра
м,m m метр/метров/метра
дм m дециметр/дециметров/дециметра
см,cm m сантиметр/сантиметров/сантиметра
мм,mm m миллиметр/миллиметров/миллиметра
мкм m микрометр/микрометров/микрометра
нм m нанометр/нанометров/нанометра
км²,км2,km²,km2,кв._км m квадратный_километр/квадратных_километров/квадратных_километра
м²,м2,m²,m2,кв._м,кв.м m квадратный_метр/квадратных_метров/квадратных_метра
см²,см2 m квадратный_сантиметр/квадратных_сантиметров/квадратных_сантиметра
м³,м3,m³,m3,куб._м m кубический_метр/кубических_метров/кубических_метра
см³,см3 m кубический_сантиметр/кубических_сантиметров/кубических_сантиметра
га m гектар/гектаров/гектара
кг,kg m килограмм/килограммов/килограмма
г,g,гр. m грамм/граммов/грамма
мг,mg m миллиграмм/миллиграммов/миллиграмма
мкг m микрограмм/микрограммов/микрограмма
т f тонна/тонн/тонны
ц m центнер/центнеров/центнера
л,l,L m литр/литров/литра
мл,ml m миллилитр/миллилитров/миллилитра
мес.,мес m месяц/месяцев/месяца
ч,h,ч.,час. m час/часов/часа
мин,min,мин. f минута/минут/минуты
с,s,сек,сек. f секунда/секунд/секунды
мс f миллисекунда/миллисекунд/миллисекунды
Вт,W m ватт/ватт/ватта
кВт,kW m киловатт/киловатт/киловатта
МВт m мегаватт/мегаватт/мегаватта
ГВт m гигаватт/гигаватт/гигаватта
кВт·ч,kWh,кВт*ч,кВтч m киловатт-час/киловатт-часов/киловатт-часа
л.с.,л._с. f лошадиная_сила/лошадиных_сил/лошадиные_силы
В,V m вольт/вольт/вольта
кВ m киловольт/киловольт/киловольта
А m ампер/ампер/ампера
мА m миллиампер/миллиампер/миллиампера
мАч,mAh m миллиампер-час/миллиампер-часов/миллиампер-часа
Ом m ом/ом/ома
Гц,Hz m герц/герц/герца
кГц,kHz m килогерц/килогерц/килогерца
МГц,MHz m мегагерц/мегагерц/мегагерца
ГГц,GHz m гигагерц/гигагерц/гигагерца
дБ,dB m децибел/децибел/децибела
Па,Pa m паскаль/паскалей/паскаля
гПа m гектопаскаль/гектопаскалей/гектопаскаля
кПа m килопаскаль/килопаскалей/килопаскаля
атм f атмосфера/атмосфер/атмосферы
Дж m джоуль/джоулей/джоуля
кДж m килоджоуль/килоджоулей/килоджоуля
ккал,kcal f килокалория/килокалорий/килокалории
кал f калория/калорий/калории
Н m ньютон/ньютонов/ньютона
Кб,КБ m килобайт/килобайт/килобайта
Мб,МБ,MB m мегабайт/мегабайт/мегабайта
Гб,ГБ,GB m гигабайт/гигабайт/гигабайта
Тб,ТБ,TB,TB m терабайт/терабайт/терабайта
Мбит,Mbit m мегабит/мегабит/мегабита
Гбит m гигабит/гигабит/гигабита
мм_рт._ст.,mmHg m миллиметр_ртутного_столба/миллиметров_ртутного_столба/миллиметра_ртутного_столба
ммоль m миллимоль/миллимолей/миллимоля
шт.,шт f штука/штук/штуки
чел.,чел m человек/человек/человека
экз. m экземпляр/экземпляров/экземпляра
° m градус/градусов/градуса
""")
SIGNS = pairs("""
+ = плюс
- = минус
± = плюс-минус
* = умножить на
× = умножить на
· = умножить на
/ = разделить на
÷ = разделить на
: = разделить на
^ = в степени
= = равно
< = меньше
> = больше
≤ = меньше или равно
≥ = больше или равно
≠ = не равно
≈ = приблизительно равно
& = и
§ = параграф
% = процент
‰ = промилле
№ = номер
€ = евро
$ = доллар
₽ = рубль
° = градус
√ = корень из
π = пи
∞ = бесконечность
@ = собака
# = решётка
→ = стрелка
~ = примерно
""")
ABBREVIATIONS = pairs("""
т. е. = то есть
т. д. = так далее
и т. д. = и так далее
т. п. = тому подобное
и т. п. = и тому подобное
др. = другие
и др. = и другие
пр. = прочее
т. к. = так как
т. н. = так называемый
т. о. = таким образом
напр. = например
см. = смотри
ср. = сравни
г. н. э. = года нашей эры
н. э. = нашей эры
до н. э. = до нашей эры
в т. ч. = в том числе
в. = век
вв. = века
гг. = годы
мес. = месяц
ул. = улица
пр-т = проспект
просп. = проспект
пер. = переулок
пл. = площадь
наб. = набережная
б-р = бульвар
д. = дом
корп. = корпус
кв. = квартира
обл. = область
р-н = район
пос. = посёлок
эт. = этаж
каб. = кабинет
тел. = телефон
Тел. = Телефон
доб. = добавочный
стр. = страница
рис. = рисунок
табл. = таблица
гл. = глава
изд. = издание
проф. = профессор
акад. = академик
им. = имени
мин. = минут
макс. = максимум
руб. = рублей
пн = понедельник
вт = вторник
ср = среда
чт = четверг
пт = пятница
сб = суббота
вс = воскресенье
пн. = понедельник
вт. = вторник
чт. = четверг
пт. = пятница
сб. = суббота
вс. = воскресенье
США = США
""")
# Prepositions and words before a number -> its case
GENITIVE = (
    r"\b(?:[Оо]т|[Дд]о|[Ии]з|[Оо]коло|[Бб]олее|[Мм]енее|[Бб]ольше|[Мм]еньше|[Сс]выше|[Пп]орядка"
    r"|[Дд]ля|[Бб]ез|[Пп]осле|[Нн]е позднее"
    r"|[Рр]анее|[Вв] течение|[Нн]е более|[Нн]е менее|[Вв]озраста|[Кк]роме|[Сс]реди|[Уу]) $"
)
GENITIVE_SPAN = r"\b[Сс]о? $"  # с 9 до 18
ACCUSATIVE = r"\b(?:[Нн]а|[Зз]а|[Чч]ерез|[Пп]ро) $"
DATIVE = r"\b(?:[Кк]о?|[Пп]о направлению к|[Бб]лагодаря|[Рр]авн[аоы]?|[Рр]авен|[Рр]авняется) $"
PREPOSITIONAL = r"\b(?:[Оо]б?|[Пп]ри) $"
INSTRUMENTAL = r"\b(?:[Мм]ежду(?: [\d.,]+ и)?|[Нн]ад|[Пп]еред|[Пп]од) $"
FEMININE_NOUNS = frozenset(
    "ночь дочь дверь часть кровать тетрадь площадь вещь речь помощь жизнь степень цель мышь "
    "лошадь площади части двери ночи дочери вещи степени тетради цели лошади кровати мыши".split()
)
MASCULINE_IN_A = frozenset(
    "мужчина мужчины папа дедушка человека раза часа дня года месяца".split()
)


class Russian(European):
    digits = DIGITS
    months, month_short = tuple(MONTHS), SHORT_MONTHS
    minus, plus, plus_minus = "минус", "плюс", "плюс-минус"
    comma, point = "запятая", "точка"
    to, against = "до", "—"
    percent, per_mille = "процент", "промилле"
    per = each = "в"
    by = "на"
    over, squared, cubed = "на", "в квадрате", "в кубе"
    dot, at, slash, dash = "точка", "собака", "слеш", "дефис"
    underscore, colon = "нижнее подчёркивание", "двоеточие"
    scales, currencies, cents, units = SCALES, CURRENCIES, CENTS, UNITS
    temperatures = {"C": "Цельсия", "F": "Фаренгейта", "K": "Кельвина", "С": "Цельсия"}
    signs, abbreviations = SIGNS, with_capitals(ABBREVIATIONS)
    clock_words = r"(?P<word> ?(?:ч\.|часов|час\.))?"
    date_between = " "
    date_end = r"(?: ?(?P<god>г(?:ода|оду)?(?!\w)\.?(?! \d)))?"
    day_mark = r"-?(?:го|е|ое)?"
    telephone = (
        r"(?<![\w.,+])(?:8[ -]?\(?\d{3,5}\)?[ -]?\d{1,3}(?:[ -]?\d\d){2}"
        r"|\(\d{3,5}\) ?\d{1,3}(?:[ -]?\d\d){2}|\d{3}-\d\d-\d\d|\d\d-\d\d-\d\d)(?![\w-])"
    )
    www = "три дабл ю"

    def cardinal(self, n: int, gender: str = "", case: str = "n") -> str:
        """21, "f", "g" -> двадцати одной."""
        words: list[str] = []
        for unit, name in LARGE:
            count, n = divmod(n, unit)
            if count:
                if count > 1:
                    words += below_thousand(count, name.gender, case)
                words.append(declined(name, count, case))
        if n or not words:
            words += below_thousand(n, gender, case)
        return " ".join(words)

    def ordinal(self, n: int, gender: str = "m", case: str = "n") -> str:
        """2024 -> две тысячи двадцать четвёртый; gender "pl" for several."""
        for unit, name in LARGE:
            if n >= unit and n % unit == 0:
                stem = "тысячн" if unit == 1000 else f"{name.one}н"
                count = n // unit
                return (
                    (joined_genitive(count) if count > 1 else "") + stem + ADJECTIVE[gender][case]
                )
        last = n % 100 if 0 < n % 100 < 20 else n % 10 or n % 100 or n % 1000
        words = [self.cardinal(n - last)] if n > last else []
        return " ".join([*words, ordinal_word(last, gender, case)])

    def case_of(self, match: re.Match[str]) -> str:
        """The case that the words before a number ask for."""
        if before(match, GENITIVE, 24):
            return "g"
        if before(match, GENITIVE_SPAN, 6):
            rest = match.string[match.end() : match.end() + 40]
            groups = match.groupdict()
            if groups.get("high") or re.match(r"[^.,;]{0,24}\b(?:до|по) ", rest):
                return "g"
        if before(match, DATIVE, 24):
            return "d"
        if before(match, PREPOSITIONAL, 12):
            return "p"
        if before(match, INSTRUMENTAL, 24):
            return "i"
        if before(match, ACCUSATIVE, 12):
            return "a"
        return "n"

    def amount_in(self, match: re.Match[str], gender: str, case: str, mark: str = "") -> str:
        """mark: how decimals are read, whatever is written before them."""
        numbers = [parsed(match[each]) for each in ("low", "high") if match[each]]
        numbers = [replace(number, mark=mark or number.mark) for number in numbers]
        if not match["high"]:
            return self.number_in(numbers[0], gender, case)
        start = "от " if case in "na" else ""  # от пяти до десяти
        low, high = (self.number_in(n, gender, "g" if start else case) for n in numbers)
        return f"{start}{low} до {high}"

    def number_in(self, number: Number, gender: str, case: str) -> str:
        sign = self.sign(number.sign)
        if number.decimals:
            words = self.parts(number, case)
        elif len(number.whole) > 15 or (len(number.whole) > 1 and number.whole[0] == "0"):
            words = self.spell(number.whole)
        else:
            words = self.cardinal(number.value, gender, case)
        return f"{sign} {words}".strip()

    def parts(self, number: Number, case: str) -> str:
        """2,5 -> две целых пять десятых."""
        decimals = number.decimals
        if number.mark == "." or len(decimals) > 4:
            mark = self.point if number.mark == "." else self.comma
            return f"{self.integer(number.whole)} {mark} {self.spell(decimals)}"
        names = {1: "десят", 2: "сот", 3: "тысячн", 4: "десятитысячн"}
        part = int(decimals)
        whole = f"{self.cardinal(number.value, 'f', case)} {adjective('цел', number.value, case)}"
        name = adjective(names[len(decimals)], part, case)
        return f"{whole} {self.cardinal(part, 'f', case)} {name}"

    def number(self, number: Number, gender: str = "") -> str:
        return self.number_in(number, gender, "n")

    def noun_form(self, noun: Noun, number: Number, case: str) -> str:
        if number.decimals:
            return noun.few
        return declined(noun, number.value, case)

    def counted(self, match: re.Match[str], noun: Noun, scale: Noun | None = None) -> str:
        case = self.case_of(match)
        if noun.one.endswith("метр") and before(match, r"\b[Вв] $", 4) and after(match, r" от\b"):
            case = "p"
        number = self.last(match)
        first = scale or noun
        in_range = bool(match["high"])
        words = self.amount_in(match, first.gender, case, ",")
        form = self.noun_form(first, number, "g" if in_range and case in "na" else case)
        return f"{words} {form} {noun.many}" if scale else f"{words} {form}"

    def say_percent(self, match: re.Match[str]) -> str | None:
        if match["sign"] == "‰":
            return f"{self.amount(match)} промилле"
        return self.counted(match, Noun("процент", "процентов", "m", "процента"))

    def say_temperature(self, match: re.Match[str]) -> str | None:
        words = self.counted(match, self.units["°"])
        scale = (match["scale"] or "").upper()
        return (
            f"{words} {'по ' if scale == 'F' else ''}"
            f"{'Фаренгейту' if scale == 'F' else self.temperatures[scale]}"
            if scale
            else words
        )

    def say_scaled(self, match: re.Match[str]) -> str | None:
        return self.counted(match, self.scales[self.listed(match["scale"], self.scales)])

    def price(self, number: Number, noun: Noun, cent: Noun, case: str = "n") -> str:
        cents = int(number.decimals.rstrip("0").ljust(2, "0"))
        parts = [(number.value, noun), (cents, cent)] if number.value else [(cents, cent)]
        words = [
            f"{self.cardinal(n, each.gender, case)} {declined(each, n, case)}" for n, each in parts
        ]
        return " ".join(filter(None, [self.sign(number.sign), *words]))

    def say_money(self, match: re.Match[str]) -> str | None:
        groups, number, case = match.groupdict(), self.last(match), self.case_of(match)
        sign = groups.get("before") or groups.get("after") or ""
        noun = self.currencies[self.listed(sign, self.currencies)]
        if groups.get("scale"):
            scale = self.scales[self.listed(groups["scale"] or "", self.scales)]
            return self.counted(match, noun, scale)
        cent = self.cents.get(noun.one)
        if match["high"] or not number.decimals or len(number.decimals.rstrip("0")) > 2 or not cent:
            return self.counted(match, noun)
        if not number.decimals.strip("0"):
            words = self.cardinal(number.value, noun.gender, case)
            return f"{words} {declined(noun, number.value, case)}"
        return self.price(number, noun, cent, case)

    def per_unit(self, noun: Noun) -> str:
        word = noun.one
        return (
            f"в {word[:-1] + 'у' if noun.gender == 'f' else word}"
            if noun.one != "литр"
            else "на литр"
        )

    def say_each_unit(self, match: re.Match[str]) -> str | None:
        """руб./кг"""
        noun = self.unit(match["unit"])
        if noun and noun.one.endswith(("грамм", "тонна", "литр", "метр", "штука")):
            return f"за {noun.one[:-1] + 'у' if noun.gender == 'f' else noun.one}"
        return super().say_each_unit(match)

    def unit(self, written: str) -> Noun | None:
        if written in self.units:
            return self.units[written]
        compact = written.replace(" ", "")
        for key, noun in self.units.items():
            if key.replace(" ", "") == compact:
                return noun
        first, _, second = written.partition("/")
        if first in self.units and second in self.units:
            a, per = self.units[first], self.per_unit(self.units[second])
            if second in ("м²", "м2", "м³", "м3"):
                per = "на " + self.units[second].one
            return Noun(f"{a.one} {per}", f"{a.many} {per}", a.gender, f"{a.few} {per}")
        return None

    def gender_after(self, text: str) -> str:
        return ""

    def say_cardinal(self, match: re.Match[str]) -> str | None:
        rest = match.string[match.end() : match.end() + 40]
        case, gender = self.case_of(match), ""
        noun = re.match(r" ([а-яё]+)(?: ([а-яё]+))?", rest)
        if noun:
            case = case_by_noun(noun[1], noun[2] or "", case, match)
            number = self.last(match)
            if case == "n" and number.value % 10 == 1 and before(match, r"\b[Пп]о $", 4):
                case = "d"  # по одной таблетке
            gender = gender_by_noun(noun[1], noun[2] or "", number.value, case)
            if case == "n" and gender == "f" and noun[1].endswith(("у", "ю")):
                case = "a"
        if match["high"] and case in "na":  # две — три недели
            low, high = (parsed(match[each]) for each in ("low", "high"))
            first = gender_by_noun(noun[1], noun[2] or "", low.value, case) if noun else ""
            return f"{self.number_in(low, first, case)} — {self.number_in(high, gender, case)}"
        return self.amount_in(match, gender, case)

    # Calendar and clock

    def date(self, day: int, month: int, year: str, match: re.Match[str]) -> str:
        is_named = before(match, r"\b(?:[Сс]егодня|[Зз]автра|[Дд]ата) ?[:—–-]? ?$", 20)
        is_alone = match[0] == match.string.rstrip(". ")
        is_named = is_named or (not match.start() and after(match, r" [—–-]"))
        case = "n" if is_named or is_alone else "g"
        if before(match, r"\b(?:[Нн]а|[Пп]о) $", 6):
            case = "a"
        if before(match, r"\b[Кк] $", 4):
            case = "d"
        words = [self.ordinal(day, "n", case), self.months[month - 1]]
        if year:
            words += [self.year_in(year, "g"), "года"]
        return " ".join(words)

    def year_in(self, figures: str, case: str, gender: str = "m") -> str:
        if len(figures) == 2 and figures[0] == "0":
            return (
                f"ноль {self.ordinal(int(figures), gender, case)}"
                if figures != "00"
                else "двухтысячного"
            )
        return self.ordinal(int(figures), gender, case)

    def time(self, hour: int, minute: int, second: str | None, match: re.Match[str]) -> str:
        case = self.case_of(match)
        if case not in "gd":
            case = "n"
        hours = (
            f"{self.cardinal(hour, 'm', case)} "
            f"{declined(Noun('час', 'часов', 'm', 'часа'), hour, case)}"
        )
        if second and int(second):
            minutes = f"{self.cardinal(minute, 'f')} {declined(MINUTE, minute, 'n')}"
            seconds = f"{self.cardinal(int(second), 'f')} {declined(SECOND, int(second), 'n')}"
            return f"{hours} {minutes} {seconds}"
        if not minute:
            return hours
        return f"{hours} {self.cardinal(minute, 'f', case)} {declined(MINUTE, minute, case)}"

    def say_times(self, match: re.Match[str]) -> str | None:
        words = []
        for each in (match["low"], match["high"]):
            hour, minute = (int(part) for part in each.split(":")[:2])
            words.append(self.clock_in(hour, minute, "g"))
        return f"{'' if before(match, GENITIVE_SPAN, 6) else 'с '}{words[0]} до {words[1]}"

    def clock_in(self, hour: int, minute: int, case: str) -> str:
        hours = f"{self.cardinal(hour, 'm', case)} {declined(HOUR, hour, case)}"
        return (
            f"{hours} {self.cardinal(minute, 'f', case)} {declined(MINUTE, minute, case)}"
            if minute
            else hours
        )

    def fraction(self, top: int, bottom: int) -> str:
        if bottom == 2:
            return "одна вторая" if top == 1 else f"{self.cardinal(top, 'f')} вторых"
        ending_ = (
            self.ordinal(bottom, "f", "n")
            if top % 10 == 1 and top % 100 != 11
            else self.ordinal(bottom, "pl", "g")
        )
        return f"{self.cardinal(top, 'f')} {ending_}"

    def mixed(self, whole: int, top: int, bottom: int) -> str:
        if (top, bottom) == (1, 2):
            return "полтора" if whole == 1 else f"{self.cardinal(whole)} с половиной"
        words = f"{self.cardinal(whole, 'f')} {adjective('цел', whole, 'n')}"
        return f"{words} {self.fraction(top, bottom)}"

    def say_score(self, match: re.Match[str]) -> str | None:
        return f"{self.integer(match[1])} {self.integer(match[2])}"

    def part_of_unit(self, words: str, noun: Noun) -> str:
        if words == "одна вторая":
            return f"пол{noun.few}" if noun.few[0] not in "лаоеуияюё" else f"половина {noun.few}"
        return f"{words} {noun.few}"

    def mixed_unit(self, words: str, noun: Noun) -> str:
        return f"{words} {noun.few}"

    def say_telephone(self, match: re.Match[str]) -> str | None:
        """In groups, each as a number: 555-35-35."""
        groups = re.findall(r"\d+", match[0])
        if len(groups) == 1 or any(len(group) > 5 for group in groups):
            return (f"{self.plus} " if match[0].startswith("+") else "") + self.spell(match[0])
        words = ", ".join(self.group(group) for group in groups)
        return f"{self.plus} {words}" if match[0].startswith("+") else words

    def group(self, figures: str) -> str:
        rest = figures.lstrip("0")
        zeros = ["ноль"] * (len(figures) - len(rest))
        if len(rest) > 3:
            return self.spell(figures)
        return " ".join([*zeros, self.cardinal(int(rest))] if rest else zeros)

    def address_word(self, word: str) -> str:
        return TOP_DOMAINS.get(word) or super().address_word(word)

    def calendar_readers(self) -> list[Reader]:
        names = any_of([*self.months])
        return [
            *super().calendar_readers(),
            reader(
                "date",
                rf"(?<![\w.,])(?P<low>{DAY})(?P<to> ?[-–—] ?| по | и )(?P<high>{DAY}) "
                rf"(?P<name>{names})(?: (?P<year>{YEAR})(?:{self.date_end}))?(?!\w)",
                self.say_days,
            ),
            reader(
                "year",
                rf"(?<![\w.,])(?P<low>{YEAR}|[1-9]\d{{2}})(?:-(?P<end>го|м|й|му"
                rf"|е))?[ ](?P<god>год[ауе]?|годом|гг?\.)(?!\w)",
                self.say_year,
            ),
            reader(
                "year",
                rf"(?<![\w.,])(?P<low>{YEAR})(?:{TO}| и )(?P<high>{YEAR})[ ]?(?P<god>год(?:ы|ов"
                rf"|ах|ам)|гг\.)(?!\w)",
                self.say_years,
            ),
            reader(
                "year",
                rf"(?<![\w.,])(?:(?P<low>{YEAR}|\d0))-(?P<end>е|х|м(?= годам)|ми)(?P<god> год"
                rf"(?:ы|ов|ах|ам|ами))?(?!\w)",
                self.say_decade,
            ),
            reader(
                "time",
                r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4]) ?(?:ч\.?|час(?:ов|а)?) "
                r"(?P<minute>[0-5]?\d) ?(?:мин(?:ут[аы]?)?\.?)(?P<second>)(?!\w)",
                self.say_time,
            ),
        ]

    def say_days(self, match: re.Match[str]) -> str | None:
        """3-5 марта"""
        days = [int(match["low"]), int(match["high"])]
        link = match["to"].strip()
        if link == "по":
            first, last, link = (
                self.ordinal(days[0], "n", "g"),
                self.ordinal(days[1], "n", "n"),
                " по ",
            )
        elif link == "и":
            first, last, link = (
                self.ordinal(days[0], "n", "g"),
                self.ordinal(days[1], "n", "g"),
                " и ",
            )
        else:
            first, last, link = (
                "с " + self.ordinal(days[0], "n", "g"),
                self.ordinal(days[1], "n", "n"),
                " по ",
            )
            if before(match, r"\b[Сс] $", 4):
                first = first[2:]
        year = f" {self.year_in(match['year'], 'g')} года" if match["year"] else ""
        return f"{first}{link}{last} {match['name']}{year}"

    def say_year(self, match: re.Match[str]) -> str | None:
        god = match["god"]
        case = {"год": "n", "года": "g", "году": "p", "годе": "p", "годом": "i"}.get(god, "")
        if not case:
            case = (
                "p"
                if before(match, r"\b[Вв] $", 4)
                else "d"
                if before(match, r"\b[Кк] $", 4)
                else "g"
            )
        if case == "p" and before(match, r"\b(?:[Кк]|[Пп]о) $", 4):
            case = "d"
        word = {"n": "год", "g": "года", "p": "году", "d": "году", "i": "годом"}[case]
        if case == "n" and match["end"] is None and len(match["low"]) < 4:
            return None
        return f"{self.ordinal(int(match['low']), 'm', case)} {word}"

    def say_years(self, match: re.Match[str]) -> str | None:
        case = {"годы": "n", "годов": "g", "годах": "p", "годам": "d"}.get(match["god"])
        if case is None:
            case = (
                "p"
                if before(match, r"\b[Вв] $", 4)
                else "g"
                if before(match, GENITIVE, 20)
                else "n"
            )
        word = {"n": "годы", "g": "годов", "p": "годах", "d": "годам"}[case]
        low, high = (self.ordinal(int(match[each]), "m", case) for each in ("low", "high"))
        link = "и" if " и " in match[0] else "—" if case != "n" else "—"
        return f"{low} {link} {high} {word}"

    def say_decade(self, match: re.Match[str]) -> str | None:
        n = int(match["low"])
        if n % 10:
            return None
        case = {"е": "n", "х": "g", "м": "d", "ми": "i"}[match["end"]]
        return self.ordinal(n, "pl", case) + (match["god"] or "")

    def number_readers(self) -> list[Reader]:
        return [
            *super().number_readers(),
            reader("abbreviation", r"(?<!\w)No(?= ?\d)", "номер"),
            reader(
                "ordinal", r"(?<![\w.,])(?P<n>\d{1,6})-(?P<end>[а-яё]{1,3})(?!\w)", self.say_ordinal
            ),
            reader(
                "cardinal", r"(?<![\w.,])(?P<n>\d{1,4})-(?P<rest>[а-яё]{4,})", self.say_compound
            ),
            reader("roman", rf"(?<![\w])(?P<roman>{ROMAN}) (?P<noun>вв?\.)", self.say_century),
            reader(
                "ordinal",
                r"(?<![\w.,])(?P<n>[1-9]\d?) (?P<noun>(?:век|этаж|класс|курс|подъезд|тур|канал"
                r"|съезд)(?:а|е|у|ом)?|мест(?:о|е)|странице)(?!\w)",
                self.say_numbered,
            ),
            reader(
                "year",
                rf"(?<=\bс )(?P<low>{YEAR}) по (?P<high>{YEAR}) (?P<god>год)(?!\w)",
                self.say_year_span,
            ),
            reader("abbreviation", r"(?<!\w)г\.(?= [А-ЯЁ])", self.say_town),
            reader(
                "roman",
                rf"(?<![\w])(?P<roman>{ROMAN})(?:-(?P<end>[а-яё]{{1,3}}))?(?= (?:век|столети"
                rf"|съезд|конгресс|Олимпи|глав|част|том))",
                self.say_roman,
            ),
            reader(
                "roman",
                rf"\b(?P<noun>[Гг]лава|[Чч]асть|[Сс]татья|[Тт]ом|[Рр]аздел|[Пп]араграф|[Аа]кт) "
                rf"(?P<span>{ROMAN})(?!\w)",
                lambda m: self.ordinal(
                    roman(m["span"]), "f" if m["noun"][-1] in "аья" else "m", "n"
                ),
            ),
            reader("roman", rf"(?<=[а-яё] )(?P<roman>{ROMAN})(?P<end>)(?!\w)", self.say_ruler),
            reader("abbreviation", r"(?<!\w)пр\.(?= [А-ЯЁ])", "проспект"),
            reader("abbreviation", r"(?<!\w)ст\.(?= \d)", "статья"),
            reader(
                "cardinal",
                r"(?<![\w.,])(?P<n>\d{1,4}) ?%-?(?P<rest>н[а-яё]{2,3})(?!\w)",
                lambda m: f"{joined_genitive(int(m['n']))}процент{m['rest']}",
            ),
            reader(
                "money",
                r"(?<![\w.,])(?P<low>\d+) ?(?:руб\.?|р\.) ?(?P<cents>\d\d?) ?коп(?:\.|еек"
                r"|ейки)?(?!\w)",
                self.say_roubles,
            ),
        ]

    def say_roubles(self, match: re.Match[str]) -> str | None:
        number = Number("", match["low"], match["cents"].zfill(2), ",")
        return self.price(number, CURRENCIES["₽"], CENTS["рубль"])

    def say_ordinal(self, match: re.Match[str]) -> str | None:
        form = FORMS.get(match["end"])
        if form is None:
            return None
        gender, case = form
        n = int(match["n"])
        if match["end"] in ("ти", "мя", "ми"):
            return self.cardinal(n, "", "g" if match["end"] == "ти" else "i")
        if (
            match["end"] in ("х",)
            and not re.match(r" (?:год|век)", match.string[match.end() :])
            and n < 5
        ):
            return self.cardinal(n, "", "g")
        if match["end"] == "м" and re.match(
            r" (?:[а-яё]+ам|[а-яё]+ям)\b", match.string[match.end() :]
        ):
            gender, case = "pl", "d"
        if match["end"] == "м" and before(match, r"\b[Сс] $", 4):
            gender, case = "m", "i"
        if match["end"] == "й" and (
            before(match, r"\b(?:[Вв]|[Нн]а|[Сс]|[Дд]о|[Пп]осле|[Ии]з|[Пп]о|[Кк]) $", 8)
        ):
            noun = re.match(r" ([а-яё]+)", match.string[match.end() :])
            if noun and noun[1].endswith(("е", "и", "ой", "ей")):
                gender, case = "f", "g"
        return self.ordinal(n, gender, case)

    def say_compound(self, match: re.Match[str]) -> str | None:
        """5-летний -> пятилетний."""
        n = int(match["n"])
        return joined_genitive(n) + match["rest"]

    def say_roman(self, match: re.Match[str]) -> str | None:
        rest = match.string[match.end() :]
        word = re.match(r" ([а-яё.]+)", rest)
        noun = word[1] if word else ""
        case = "n"
        if noun in ("века", "столетия"):
            case = "g"
        elif noun in ("веке", "столетии") or (noun == "в." and before(match, r"\b[Вв] $", 4)):
            case = "p"
        elif noun in ("веку", "столетию"):
            case = "d"
        elif noun in ("веком",):
            case = "i"
        elif noun == "в." and before(match, r"[а-яё]{3,} $", 12):
            case = "g"
        gender = (
            "n"
            if noun.startswith("столети")
            else "f"
            if noun.startswith(("глав", "част", "Олимпи"))
            else "m"
        )
        if gender == "f" and noun.endswith(("ы", "е", "и")):
            case = "g" if noun.endswith("ы") else "p"
        return self.ordinal(roman(match["roman"]), gender, case)

    def say_century(self, match: re.Match[str]) -> str | None:
        """XIX в."""
        case = (
            "p"
            if before(match, r"\b[Вв] $", 4)
            else "g"
            if before(match, r"[а-яё]{3,} $", 12)
            else "n"
        )
        word = {"n": "век", "g": "века", "p": "веке"}[case]
        return f"{self.ordinal(roman(match['roman']), 'm', case)} {word}"

    def say_numbered(self, match: re.Match[str]) -> str | None:
        """5 этаж: the singular tells that it is an ordinal."""
        n, noun = int(match["n"]), match["noun"]
        if noun == "странице":
            return f"{self.ordinal(n, 'f', 'p')} {noun}"
        if noun in ("место", "месте"):
            return f"{self.ordinal(n, 'n', 'n' if noun == 'место' else 'p')} {noun}"
        if noun.endswith("а") and n % 10 in (2, 3, 4) and not 12 <= n <= 14:
            return None  # 2 этажа
        if n == 1 and not before(match, r"\b[Нн]а |[Вв] ", 5):
            return None
        case = {"а": "g", "е": "p", "у": "d"}.get(noun[-1], "i" if noun.endswith("ом") else "n")
        return f"{self.ordinal(n, 'm', case)} {noun}"

    def say_year_span(self, match: re.Match[str]) -> str | None:
        low, high = int(match["low"]), int(match["high"])
        return f"{self.ordinal(low, 'm', 'g')} по {self.ordinal(high, 'm', 'n')} год"

    def say_town(self, match: re.Match[str]) -> str | None:
        if before(match, r"\b(?:[Вв]|[Оо]|[Пп]ри) $", 5):
            return "городе"
        return "города" if before(match, GENITIVE, 20) else "город"

    def say_ruler(self, match: re.Match[str]) -> str | None:
        """Пётр I -> Пётр Первый."""
        name = re.search(
            r"([А-ЯЁ][а-яё]{2,}) \Z", match.string[max(0, match.start() - 24) : match.start()]
        )
        if not name or (len(match["roman"]) == 1 and match["roman"] in "CDLM"):
            return None
        value = roman(match["roman"])
        if name[1].endswith(("ина", "ета", "Анна", "терина", "завета", "рия")):
            return self.ordinal(value, "f", "n").capitalize()
        if name[1].endswith(("ны", "ты")):
            return self.ordinal(value, "f", "g").capitalize()
        case = "n"
        if name[1].endswith(("а", "я")) and name[1] not in ("Никита", "Илья"):
            case = "g"
        elif name[1].endswith(("у", "ю")):
            case = "d"
        elif name[1].endswith(("ом", "ем")):
            case = "i"
        elif name[1].endswith("е"):
            case = "p"
        return self.ordinal(value, "m", case).capitalize()


TOP_DOMAINS = {"ru": "ру", "com": "ком", "org": "орг", "net": "нет", "info": "инфо", "рф": "рф"}
HOUR = Noun("час", "часов", "m", "часа")
MINUTE = Noun("минута", "минут", "f", "минуты")
SECOND = Noun("секунда", "секунд", "f", "секунды")
FORMS = {  # what is written after a figure -> gender and case
    "й": ("m", "n"), "ый": ("m", "n"), "ой": ("m", "n"), "ий": ("m", "n"), "я": ("f", "n"),
    "ая": ("f", "n"),
    "е": ("n", "n"), "ое": ("n", "n"), "го": ("m", "g"), "ого": ("m", "g"), "му": ("m", "d"),
    "ому": ("m", "d"),
    "м": ("m", "p"), "ом": ("m", "p"), "ым": ("m", "i"), "ю": ("f", "a"), "ую": ("f", "a"),
    "х": ("pl", "g"),
    "ых": ("pl", "g"), "ые": ("pl", "n"), "ми": ("pl", "i"), "ти": ("", ""), "мя": ("", ""),
    "ей": ("f", "g"),
}  # fmt: skip


def below_thousand(n: int, gender: str, case: str) -> list[str]:
    words = []
    if n >= 100:
        words.append(SMALL[n // 100 * 100][case])
        n %= 100
        if not n:
            return words
    if n >= 20 and n % 10:
        words.append(SMALL[n // 10 * 10][case])
        n %= 10
    if n == 1 and gender in ONE:
        words.append(ONE[gender][case])
    elif n == 2 and gender == "f" and case in TWO_FEMININE:
        words.append(TWO_FEMININE[case])
    else:
        words.append(SMALL[n][case])
    return words


def declined(noun: Noun, n: int, case: str = "n") -> str:
    """The form of a noun after a number that stands in a case."""
    one = n % 10 == 1 and n % 100 != 11
    if case in "na":
        if one:
            if case == "a" and noun.gender == "f":
                return re.sub("а$", "у", noun.one)
            return noun.one
        return noun.few if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14 else noun.many
    if case == "g":
        return noun.few if one else noun.many
    return singular(noun, case) if one else plural(noun, case)


def singular(noun: Noun, case: str) -> str:
    """Dative, instrumental and prepositional of one."""
    first, *rest = noun.one.split(" ")
    if first.endswith(("ый", "ая")) and rest:
        adjective_end = ADJECTIVE["m" if first.endswith("ый") else "f"][case]
        inside = singular(Noun(rest[0], "", noun.gender), case)
        return " ".join([first[:-2] + adjective_end, inside, *rest[1:]])
    if first[-1] in "оеи":  # евро, тенге
        return noun.one
    if noun.gender == "f":
        end = ("ей" if first.endswith("ча") else "ой") if case == "i" else "е"
        return " ".join([first[:-1] + end, *rest])
    stem, soft = (first[:-1], True) if first[-1] in "ьй" else (first, False)
    ends = {"d": "ую", "i": ("ом", "ем"), "p": "ее"}[case]
    return " ".join([stem + ends[soft], *rest])


def plural(noun: Noun, case: str) -> str:
    """Dative, instrumental and prepositional of many."""
    ends = {"d": ("ам", "ям"), "i": ("ами", "ями"), "p": ("ах", "ях")}[case]
    first, *rest = noun.one.split(" ")
    if first.endswith(("ый", "ий", "ая")) and rest:
        adjective_end = {"d": "ым", "i": "ыми", "p": "ых"}[case]
        return " ".join([first[:-2] + adjective_end, plural(Noun(rest[0], ""), case), *rest[1:]])
    stem, soft = (first[:-1], first.endswith(("ь", "я"))) if first[-1] in "ьая" else (first, False)
    if first == "евро" or first == "тенге":
        return noun.one
    return " ".join([stem + ends[soft], *rest])


def adjective(stem: str, n: int, case: str) -> str:
    """целая, целых; десятая, десятых."""
    one = n % 10 == 1 and n % 100 != 11
    if case in "na" and not one:
        return stem + "ых"
    return stem + ADJECTIVE["f" if one else "pl"][case]


def ordinal_word(n: int, gender: str, case: str) -> str:
    if n == 3:
        return "трет" + THIRD[gender][case]
    stem = ORDINALS.get(n) or SMALL[n]["n"][:-1]
    if n in STRESSED and gender == "m" and case in "na":
        return stem + "ой"
    return stem + ADJECTIVE[gender][case]


def joined_genitive(n: int) -> str:
    """The first part of двухтысячный, пятилетний."""
    return "".join(FIRST_PARTS.get(word, word) for word in RUSSIAN.cardinal(n, "", "g").split(" "))


# Words that are not in the genitive there
FIRST_PARTS = {"ста": "сто", "девяноста": "девяносто", "одного": "одно", "тысячи": "тысяче"}


def case_by_noun(noun: str, second: str, case: str, match: re.Match[str]) -> str:
    """The case by the ending of the noun, where the preposition does not tell."""
    word = second if noun.endswith(("ыми", "ими", "ых", "их", "ым", "им")) and second else noun
    if word.endswith(("ами", "ями", "ьми")) and len(word) > 4:
        return "i"
    if (
        case == "n"
        and word.endswith(("ах", "ях"))
        and before(match, r"\b(?:[Вв]о?|[Нн]а|[Оо]б?|[Пп]ри) $", 5)
    ):
        return "p"
    if case == "n" and word.endswith(("ам", "ям")) and len(word) > 3:
        return "d"
    return case


def gender_by_noun(noun: str, second: str, n: int, case: str) -> str:
    """The gender that matters after 1 and 2: by the ending of the noun."""
    last, teens = n % 10, 11 <= n % 100 <= 14
    if teens or last not in (1, 2):
        return ""
    word = (
        second
        if second and noun.endswith(("ая", "ое", "ый", "ий", "ой", "ые", "ых", "их", "ую", "ие"))
        else noun
    )
    if word in MASCULINE_IN_A:
        return "m"
    if word in FEMININE_NOUNS or word.endswith(("ость", "ости")):
        return "f"
    if case == "d" and last == 1:
        return "f" if word.endswith(("е", "и", "ой", "ей")) else "m"
    if last == 1:
        if (
            word.endswith(("а", "я", "у", "ю", "ой", "ей"))
            and not word.endswith("мя")
            and not (case == "g" and word.endswith(("а", "я")))
        ):
            return "f"
        return "n" if word.endswith(("о", "е", "ие", "мя")) else "m"
    return "f" if word.endswith(("ы", "и")) and case in "na" else ""


RUSSIAN = Russian()
GRAMMAR = RUSSIAN.grammar()
