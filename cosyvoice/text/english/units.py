"""Units of measure, as they are written, and their names."""

from __future__ import annotations

import re

from cosyvoice.text.english.numbers import LETTER, plural
from cosyvoice.text.english.tables import any_of, table

UNITS = table("""
    nanometer: nm
    micrometer: μm um
    millimeter: mm
    centimeter: cm
    decimeter: dm
    meter: m
    kilometer: km KM Km
    inch: in in.
    foot: ft ft.
    yard: yd yds yd.
    mile: mi mi.
    nautical mile: nmi
    light year: ly
    pixel: px
    square meter: sqm sq_m sq._m
    square kilometer: sq_km
    square foot: sqft sq_ft sq._ft sq._ft. sq_ft.
    square inch: sq_in sq._in sq._in.
    square mile: sq_mi sq._mi
    cubic foot: cu_ft cu._ft cu._ft.
    cubic meter: cu_m cbm
    hectare: ha
    liter: l L
    milliliter: ml mL ML
    centiliter: cl
    deciliter: dl dL
    microliter: μL μl uL
    CC: cc
    gallon: gal gal.
    quart: qt qts qt.
    pint: pt pts pt.
    amp: A amps
    fluid ounce: fl_oz fl._oz fl._oz. floz
    tablespoon: tbsp tbsps tbsp. Tbsp Tbsp. tbs
    teaspoon: tsp tsps tsp. Tsp
    barrel: bbl
    gram: g gm
    kilogram: kg KG Kg kgs
    milligram: mg
    microgram: μg ug mcg
    nanogram: ng
    pound: lb lbs LB LBS lb. lbs.
    ounce: oz OZ oz.
    ton: t
    nanosecond: ns
    microsecond: μs us
    millisecond: ms
    second: s sec secs sec. secs.
    minute: min mins min. mins.
    hour: h hr hrs hr. hrs.
    week: wk wks
    month: mo mos
    year: yr yrs yr. yrs.
    year old: y/o yo
    mile per hour: mph MPH
    kilometer per hour: kph kmh kmph
    mile per gallon: mpg MPG
    revolution per minute: rpm RPM
    beat per minute: bpm BPM
    frame per second: fps FPS
    word per minute: wpm WPM
    dot per inch: dpi DPI
    pixel per inch: ppi PPI
    part per million: ppm
    part per billion: ppb
    cubic foot per minute: cfm CFM
    pound per square inch: psi PSI
    knot: kt kts kn
    kilobyte: KB kB
    megabyte: MB
    gigabyte: GB
    terabyte: TB
    petabyte: PB
    kilobit: Kb
    megabit: Mb
    gigabit: Gb
    mebibyte: MiB
    gibibyte: GiB
    tebibyte: TiB
    kibibyte: KiB
    kilobit per second: kbps Kbps
    megabit per second: mbps Mbps
    gigabit per second: gbps Gbps
    megabyte per second: MBps
    megapixel: MP
    volt: V
    kilovolt: kV
    millivolt: mV
    watt: W
    kilowatt: kW KW
    megawatt: MW
    gigawatt: GW
    terawatt: TW
    milliwatt: mW
    watt hour: Wh
    kilowatt hour: kWh KWh kwh KWH
    megawatt hour: MWh
    gigawatt hour: GWh
    terawatt hour: TWh
    milliamp: mA
    milliamp hour: mAh
    amp hour: Ah
    ohm: Ω
    kilohm: kΩ
    megohm: MΩ
    hertz: Hz hz
    kilohertz: kHz KHz khz
    megahertz: MHz Mhz mhz
    gigahertz: GHz Ghz ghz
    terahertz: THz
    joule: J
    kilojoule: kJ
    megajoule: MJ
    newton: N
    kilonewton: kN
    newton meter: Nm N·m
    pascal: Pa
    hectopascal: hPa
    kilopascal: kPa
    megapascal: MPa
    gigapascal: GPa
    bar: bar
    millibar: mbar
    atmosphere: atm
    millimeter of mercury: mmHg mm_Hg
    electron volt: eV
    kilo electron volt: keV
    mega electron volt: MeV
    giga electron volt: GeV
    decibel: dB db
    horsepower: hp HP bhp
    calorie: cal Cal
    kilocalorie: kcal
    BTU: BTU
    mole: mol
    millimole: mmol
    micromole: μmol
    nanomole: nmol
    lumen: lm
    lux: lx
    international unit: IU
    millisievert: mSv
    microsievert: μSv
""")
PER = UNITS | table("""
    day: d day
    week: w week
    month: month
    year: y year
    hour: hour
    minute: minute
    second: second
    kelvin: K
    degree Celsius: °C
    square foot: ft2 ft² sqft
""")
# Things that are counted by the minute or by the kilo: 75 beats/min
COUNTED = {
    name: name
    for name in """beats breaths times cycles pages words messages requests users people cars
    students steps calls tokens frames tons miles items copies dollars euros units drops""".split()
}
UNCHANGED = ("hertz", "horsepower", "CC", "lux")  # in the plural
LENGTHS = frozenset(("nm", "μm", "mm", "cm", "dm", "m", "km", "in", "ft", "yd", "mi"))
POWERS = {"2": "square", "3": "cubic", "²": "square", "³": "cubic"}


POWER = r"(?:[²³]|\^?[23](?!\d))?"
JOIN = r"\s?[/·⋅]\s?"
UNIT_END = rf"(?![{LETTER}\d_²³])"
UNIT = (
    rf"(?:{any_of(UNITS | COUNTED)}{POWER}"
    rf"(?:{JOIN}{any_of(PER)}{POWER}{UNIT_END}){{0,3}}){UNIT_END}"
)
PARTS = re.compile(rf"({JOIN}|\A)({any_of(PER | COUNTED)})({POWER}){UNIT_END}")


def unit_words(expression: str, one: bool) -> str:
    """km/h -> kilometers per hour, kg/m³ -> kilograms per cubic meter; one: in the singular."""
    words: list[str] = []
    for join, symbol, power in PARTS.findall(expression):
        name = powered(symbol, (PER if words else UNITS | COUNTED)[symbol], power.lstrip("^"))
        if "/" in join:
            words += ["per", name]
        else:
            words.append(name if one else plural_unit(name))
    return " ".join(words)


def plural_unit(name: str) -> str:
    """mile per hour -> miles per hour, square foot -> square feet."""
    head, of, rest = re.split(r"( (?:per|of|old)\b|\Z)", name, maxsplit=1)
    if head.endswith(UNCHANGED) or head in COUNTED:
        return name
    head = head if head.endswith("squared") else plural(head)
    return head + of + rest


def powered(symbol: str, name: str, power: str) -> str:
    """Square meters, but seconds squared."""
    if not power:
        return name
    word = POWERS[power]
    if symbol in LENGTHS:
        return f"{word} {name}"
    return f"{name} {'squared' if word == 'square' else 'cubed'}"
