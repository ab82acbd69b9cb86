"""English: the classes of written things and their words."""

from cosyvoice.text.english.addresses import ADDRESSES
from cosyvoice.text.english.amounts import FRACTIONS, MEASURE, MONEY, NUMBERS, PERCENT, TEMPERATURE
from cosyvoice.text.english.calendar import DATES, DURATIONS, NAMES, TIMES, YEARS
from cosyvoice.text.english.codes import CODES, LONG, POSTAL, TELEPHONES
from cosyvoice.text.english.signs import ITEMS, MATHEMATICS, SCORES, SYMBOLS
from cosyvoice.text.english.words import ABBREVIATIONS, INITIALS, ROMANS
from cosyvoice.text.grammar import Grammar

READERS = (
    *ADDRESSES,
    *DATES,
    *TIMES,
    *DURATIONS,
    *TELEPHONES,
    *MONEY,
    *PERCENT,
    *TEMPERATURE,
    *MEASURE,
    *SCORES,
    *FRACTIONS,
    *CODES,
    *LONG,
    *POSTAL,
    *YEARS,
    *ROMANS,
    *ITEMS,
    *MATHEMATICS,
    *NUMBERS,
    *NAMES,
    *ABBREVIATIONS,
    *INITIALS,
    *SYMBOLS,
)
GRAMMAR = Grammar(READERS)
