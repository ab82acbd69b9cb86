"""Chinese: the classes of written things and their words."""

from cosyvoice.text.chinese import (
    addresses,
    amounts,
    calendar,
    codes,
    letters,
    mathematics,
    money,
    numbers,
    scores,
    signs,
    telephones,
)
from cosyvoice.text.chinese.said import SAY_AS
from cosyvoice.text.grammar import Grammar

MODULES = (
    numbers,
    calendar,
    money,
    amounts,
    telephones,
    codes,
    scores,
    mathematics,
    addresses,
    letters,
    signs,
)
GRAMMAR = Grammar(tuple(each for module in MODULES for each in module.READERS), SAY_AS)
