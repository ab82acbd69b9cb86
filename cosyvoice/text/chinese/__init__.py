"""Chinese: the classes of written things and their words."""

from cosyvoice.text.chinese.addresses import READERS as ADDRESSES
from cosyvoice.text.chinese.amounts import READERS as AMOUNTS
from cosyvoice.text.chinese.calendar import READERS as CALENDAR
from cosyvoice.text.chinese.codes import READERS as CODES
from cosyvoice.text.chinese.letters import READERS as LETTERS
from cosyvoice.text.chinese.mathematics import READERS as MATHEMATICS
from cosyvoice.text.chinese.money import READERS as MONEY
from cosyvoice.text.chinese.numbers import READERS as NUMBERS
from cosyvoice.text.chinese.said import SAY_AS
from cosyvoice.text.chinese.scores import READERS as SCORES
from cosyvoice.text.chinese.signs import READERS as SIGNS
from cosyvoice.text.chinese.telephones import READERS as TELEPHONES
from cosyvoice.text.grammar import Grammar

READERS = (
    *NUMBERS,
    *CALENDAR,
    *MONEY,
    *AMOUNTS,
    *TELEPHONES,
    *CODES,
    *SCORES,
    *MATHEMATICS,
    *ADDRESSES,
    *LETTERS,
    *SIGNS,
)
GRAMMAR = Grammar(READERS, SAY_AS)
