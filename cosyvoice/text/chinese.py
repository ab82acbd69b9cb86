"""Chinese: the classes of written things and their words."""

from cosyvoice.text.grammar import Grammar
from cosyvoice.text.numbers import chinese_number
from cosyvoice.text.spans import reader

READERS = (reader("cardinal", r"\d+", lambda match: chinese_number(int(match[0]))),)
GRAMMAR = Grammar(READERS)
