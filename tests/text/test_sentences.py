import pytest

from cosyvoice.text.language import MARKS
from cosyvoice.text.objects import Pause
from cosyvoice.text.read import passages_of, read
from cosyvoice.text.sentences import UNBROKEN, Sentence, one_by_one, segments, split_sentences


def spoken(text, encode=list):
    return [part.spoken for part in segments(read(text), encode)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("他说：“好。”然后走了！", ["他说：“好。”然后走了！"]),
        ("！！！真的？！", ["真的？"]),
        ("没有标点", ["没有标点。"]),
        ("有逗号，", ["有逗号。"]),
        ("好的 then we went home, ", ["好的then we went home."]),
        ("Hello... world", ["Hello. world."]),
        ("Done 😀! **Yes**", ["Done! Yes."]),
    ],
)
def test_sentences_end_with_one_stop(text, expected):
    assert spoken(text, str.split) == expected


@pytest.mark.parametrize("text", ["J. Smith很大", "see J. Smith at noon"])
def test_dots_inside_names_are_no_stops(text):
    (sentence,) = spoken(text)
    assert sentence.rstrip("。.") == text.rstrip("。.")


def test_sentences_are_joined_to_about_80_characters():
    sentences = spoken("今天天气很好。" * 50)
    assert "".join(sentences) == "今天天气很好。" * 50
    assert all(60 < len(s) <= 80 for s in sentences[:-1])
    assert len(spoken("今天天气很好。" * 11 + "完。")) == 1  # a short end joins the last


@pytest.mark.parametrize(
    "unit", ["啊", "a", "a b ", "ab,", "𠀀好", "1", "，好", "你a", "\ud800好", "!a"]
)
def test_no_text_makes_an_overlong_sentence(unit):
    def encode(part):
        return list(part.encode("utf-8", "replace"))[::2]

    sentences = spoken(unit * (3000 // len(unit)), encode)
    assert all(min(len(encode(s)), len(s)) <= 2 * UNBROKEN for s in sentences)
    assert sum(map(len, sentences)) >= 900


def test_marks_are_never_cut():
    sentences = split_sentences("<|en|>" * 1500, list)
    assert all(MARKS.sub("", s.spoken).strip(".。") == "" for s in sentences)


def test_a_sentence_knows_what_was_written():
    text = "共3个😀，**真的**！He paid $5. 第二句"
    (sentence,) = segments(read(text), list)
    assert sentence.written == "共3个😀，真的！He paid $5. 第二句"
    assert [written for written, _ in sentence.pieces] == [
        "共3个😀，真的！",
        "He paid $5.",
        "第二句",
    ]
    assert "".join(words for _, words in sentence.pieces).replace(" ", "") == (
        sentence.spoken.replace(" ", "")
    )


def test_a_pause_ends_a_segment():
    parts = list(segments(read("第一[pause 1s]第二[pause 500ms][pause 20ms]第三"), list))
    assert parts[1::2] == [Pause(1), Pause(0.5)] or parts[1] == Pause(1)
    assert [p.spoken for p in parts if isinstance(p, Sentence)] == ["第一。", "第二。", "第三。"]
    assert sum(p.seconds for p in parts if isinstance(p, Pause)) == 1.52


def test_a_language_mark_holds_for_every_segment():
    sentences = spoken("<|ja|>" + "電話です。" * 40)
    assert len(sentences) > 2 and all(s.startswith("<|ja|>") for s in sentences)


@pytest.mark.parametrize(
    "text", ["今天很好。" * 400, "It is good. " * 400, "没有句号" * 600, "短。"]
)
def test_passages_together_are_the_text(text):
    parts = list(passages_of(text))
    assert "".join(parts) == text and all(len(part) <= 2000 for part in parts)


def test_the_first_passage_needs_no_more_of_the_text():
    assert len(next(passages_of("今天很好。" * 100_000))) < 320


def singles(*pieces: str, least: int = 6) -> list[str]:
    """The spoken sentences of a segment; what is written of each is in brackets."""
    written = [(f"({piece})", piece) for piece in pieces]
    found = one_by_one(Sentence("".join(pieces), "", tuple(written)), lambda s: len(s) >= least)
    assert [piece for part in found for piece in part.pieces] == written
    return [part.spoken for part in found]


def test_the_sentences_of_a_segment_come_one_by_one():
    assert singles("今天天气很好。", "我们去公园吧。") == ["今天天气很好。", "我们去公园吧。"]
    assert singles("今天天气很好。") == ["今天天气很好。"] and singles("好。") == ["好。"]


def test_a_short_sentence_stays_with_its_neighbour():
    assert singles("好。", "今天天气很好。", "是的。") == ["好。今天天气很好。是的。"]
    assert singles("Yes.", "It is.", "We went home.") == ["Yes. It is.", "We went home."]


def test_a_language_mark_holds_for_the_sentences_after_it():
    assert singles("<|ja|>今日は良い。", "天気ですねえ。", "<|zh|>今天天气很好。") == [
        "<|ja|>今日は良い。",
        "<|ja|>天気ですねえ。",
        "<|zh|>今天天气很好。",
    ]
