"""English: the classes of written things and their words."""

from cosyvoice.text.english.addresses import ADDRESSES
from cosyvoice.text.english.calendar import DATES, NAMES
from cosyvoice.text.english.clock import DURATIONS, TIMES
from cosyvoice.text.english.codes import CODES
from cosyvoice.text.english.mathematics import MATHEMATICS
from cosyvoice.text.english.measures import MEASURE, PERCENT, TEMPERATURE
from cosyvoice.text.english.money import MONEY
from cosyvoice.text.english.postal import POSTAL
from cosyvoice.text.english.quantities import FRACTIONS, NUMBERS, RANGES
from cosyvoice.text.english.roman import ROMANS
from cosyvoice.text.english.say_as import ways_to_say
from cosyvoice.text.english.scores import SCORES
from cosyvoice.text.english.signs import ITEMS, SYMBOLS
from cosyvoice.text.english.telephones import TELEPHONES
from cosyvoice.text.english.words import ABBREVIATIONS, INITIALS
from cosyvoice.text.english.years import YEARS
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
    *YEARS,
    *CODES,
    *POSTAL,
    *FRACTIONS,
    *RANGES,
    *ROMANS,
    *ITEMS,
    *MATHEMATICS,
    *NUMBERS,
    *NAMES,
    *ABBREVIATIONS,
    *INITIALS,
    *SYMBOLS,
)
GRAMMAR = Grammar(READERS, ways_to_say(READERS))
