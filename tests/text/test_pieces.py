"""Text in pieces: the same sentences however it is cut, and each as early as it can be."""

import random
import re

import pytest

from cosyvoice.text.pieces import LONGEST, Pieces


def sentences(*pieces: str) -> list[str]:
    feed = Pieces()
    return [sentence for piece in pieces for sentence in feed.add(piece)] + feed.flush()


TEXTS = {  # name -> a text with | where its sentences end
    "chinese": "你好。|今天天气很好！|我们去公园，好吗？|好",
    "quoted": "他说：“走吧。我们走。”|然后走了。",
    "typed in ASCII": "你好!|世界?|OK.|然后呢",
    "numbers": "Pi is 3.14159.| It goes on.| See 3.",
    "names": "Mr. Smith met J. K. Rowling at St. Mary's.| They left on Jan. 5. Good.",
    "addresses": "See example.com, e.g. this one.| Yes!",
    "german dates": "Am 3. Oktober und am 12. Mai.| Gut.",
    "said": '"What?" he said.| "Go!"| Then he left.',
    "pauses": 'One [pause 1.5s] two <break time="0.5s"> three.| End',
    "an alias": 'See <sub alias="A. B.">C. D</sub> today.| End',
    "markdown": "# A title\n|Some **bold. Text** here.| `a. B` is code.",
    "a list": "It has\n|- First item\n|- Second\n|1. Third\n|\nEnd",
    "a wrapped paragraph": "This is\na line of text\nand ends.| Yes",
    "figures wait for words": "3. 14. 你好。|再见",
    "bold": "**你好。**|世界。",
    "hindi and arabic": "नमस्ते।| मैं ठीक हूँ।| هل أنت بخير؟| نعم",
    "blanks alone": " \n \n ",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_these_sentences(name):
    expected = [sentence.strip() for sentence in TEXTS[name].split("|")]
    assert sentences(TEXTS[name].replace("|", "")) == [each for each in expected if each]


@pytest.mark.parametrize("name", TEXTS)
def test_every_way_to_cut_gives_the_same_sentences(name):
    text = TEXTS[name].replace("|", "")
    whole = sentences(text)
    assert sentences(*text) == whole
    for at in range(len(text)):
        assert sentences(text[:at], text[at:]) == whole


def test_further_stops_of_a_sentence_do_not_begin_the_next():
    assert sentences("好！！！", "？” 真的。") == ["好！", "真的。"]
    assert sentences("“...好") == ["“...好"]


def words(text: str) -> str:
    """Without blanks and the marks that may be dropped after a sentence."""
    return re.sub(r"[\s。！？!?”’」』）】]", "", text)


def test_random_texts_in_random_pieces_give_the_same_sentences():
    chance = random.Random(5)
    bits = [
        *'。！？.!?,，、 \n\n\n#-*`<>[]()"“”（）',
        *("你好", "Hello", "he", "Mr", "J", "3", "14", "1.", "- ", "**", "<sub>", "</sub>", "```"),
        *("[pause 1s]", '<break time="1.5s"/>', "example.com", "“走。", "   ", "\n\n"),
    ]
    for _ in range(300):
        text = "".join(chance.choices(bits, k=chance.randrange(1, 250)))
        cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randrange(12)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
        found = sentences(*pieces)
        assert found == sentences(text), (text, pieces)
        assert words("".join(found)) == words(text)


@pytest.mark.parametrize(
    "text",
    ["你好。", "**你好。**", "他说：“你好。”", "# Title\n", "Hi. T", "Hi!\n", "好!", "a\n\n"],
)
def test_a_whole_sentence_does_not_wait(text):
    assert len(Pieces().add(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["Pi is 3.", "I met Mr.", "Hi.", "a <break time=", "**你好。", "1.", "[pause 1", "“你好。"],
)
def test_what_may_go_on_waits(text):
    assert Pieces().add(text) == []


def test_a_text_without_ends_is_cut_at_a_comma():
    clause = "这一句没有句号，"
    first, *_ = found = sentences(clause * 100)
    assert len(first) <= LONGEST and first.endswith("，") and len(found) == 3
    assert Pieces().add("<" + "b" * 1000)  # also when nothing fits


def test_one_character_at_a_time_costs_little():
    feed = Pieces()
    assert sum(len(feed.add(char)) for char in "没有句号的文字，" * 1000) == 26
