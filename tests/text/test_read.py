import random
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.text.language import CODES
from cosyvoice.text.read import read
from tests.support.text_cases import plain

PIECES = """5 12 3.5 1,234 10:30 2024-05-06 3/4 10% $5 ¥300 5kg #1 +86 13800138000 1-2 -3 x² ½ № A4
v1.2.3 a@b.cn https://x.org/a?b=1 **b** `c` [d](e) <b> </b> <|en|> [laughter] 你好 第 元 hello
the 東京 です 가나 Привет für ça ñ | # > - * ~ & @ ^ _ = ( ) 。 ， 、 . , ; ! ? “ ” '""".split()
PIECES += ["\n", "\t", "[pause 20ms]"]


def random_text(random_source):
    """Any characters of Unicode between pieces of what people write."""
    parts = []
    for _ in range(random_source.randint(1, 12)):
        if random_source.random() < 0.4:
            parts.append("".join(chr(random_source.choice(RANGES)()) for _ in range(3)))
        else:
            parts.append(random_source.choice(PIECES))
    return random_source.choice(["", " "]).join(parts)


SOURCE = random.Random(28)
RANGES = [
    lambda: SOURCE.randrange(0x20, 0x250),
    lambda: SOURCE.randrange(0x250, 0x3000),
    lambda: SOURCE.randrange(0x3000, 0x10000),
    lambda: SOURCE.randrange(0x10000, 0x110000),
]


def letters(text):
    return re.sub(r"[\W_]", "", text)


def test_no_text_raises_or_loses_letters_or_figures():
    for _ in range(600):
        text = random_text(SOURCE)
        for near in SOURCE.sample(CODES, 1):
            for passage in read(text, near):
                for span in passage.spans:
                    if letters(span.written) and span.kind not in ("pause", "mark"):
                        assert letters(span.spoken), (text, span)
                if passage.language in ("zh", "en"):
                    assert not re.search(r"[0-9]", re.sub(r"<\|.*?\|>", "", passage.spoken)), text


@pytest.mark.parametrize(
    "unit",
    [
        "今天是2024年5月6日，涨了3.5%。",
        "It cost $5.20 on May 5, 2024. ",
        "1",
        "1-",
        "a.",
        "1x",
        "1+",
        "a1-",
        "第1、",
        "5kg",
        "1:",
        "=",
        "(",
        "*a",
        "<a ",
    ],
)
def test_ten_thousand_characters_are_read_in_a_second(unit):
    text = unit * (10_000 // len(unit))
    next(read(unit))  # imports
    begin = time.process_time()
    assert "".join(passage.spoken for passage in read(text)) is not None
    assert time.process_time() - begin < 1.0


def test_a_list_of_pronunciations_comes_first():
    listed = {"重庆": "虫庆", "api": "A P I", "10": "ten"}
    (passage,) = read("重庆的API和APIs，10个", pronunciations=listed)
    assert passage.spoken == "虫庆的A P I和APIs，ten个"
    assert [s.written for s in passage.spans if s.kind == "pronunciation"] == ["重庆", "API", "10"]


def test_full_width_forms_are_read_as_the_plain_ones():
    wide, plain_form = "１８：３０见，涨１５％，（Ａ）", "18:30见，涨15%，(A)"
    assert plain(next(read(wide)).spoken) == plain(next(read(plain_form)).spoken)


def test_reading_in_threads_gives_the_same():
    texts = [
        "今天是2026年11月22日，1/3的人",
        "It costs $5.50 for 3.5 kg",
        "3월 2일",
        "3月2日です",
    ] * 5

    def words(text):
        return [passage.spoken for passage in read(text)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(words, texts)) == [words(text) for text in texts]


def test_signs_between_chinese_words_become_the_pause_of_a_reader():
    spoken = ("你好~今天（周六）去——好的~", "你好，今天，周六，去，好的")
    assert next(read(spoken[0])).spoken == spoken[1]
    assert next(read("ça coûte 12 € (20 %)")).spoken == "ça coûte douze euros, vingt pour cent"
    assert next(read("東京（とうきょう）です")).spoken == "東京、とうきょう、です"
