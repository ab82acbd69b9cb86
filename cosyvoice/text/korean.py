"""Korean: the classes of written things and their words."""

from cosyvoice.text.grammar import Grammar
from cosyvoice.text.numbers import english_number
from cosyvoice.text.spans import reader

READERS = (reader("cardinal", r"\d+", lambda match: english_number(int(match[0]))),)
GRAMMAR = Grammar(READERS)
