"""Chinese: the classes of written things and their words."""

from cosyvoice.text.chinese import amounts, calendar, codes, mathematics, money, numbers, scores, signs
from cosyvoice.text.chinese.said import SAY_AS
from cosyvoice.text.grammar import Grammar

GRAMMAR = Grammar(
    (
        *numbers.READERS,
        *calendar.READERS,
        *money.READERS,
        *amounts.READERS,
        *codes.READERS,
        *scores.READERS,
        *mathematics.READERS,
        *signs.READERS,
    ),
    SAY_AS,
)
