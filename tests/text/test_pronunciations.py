"""Pronunciation lists: what is accepted, where a word is found, what each kind of model gets."""

import pytest

from cosyvoice.text.language import is_speakable, syllables
from cosyvoice.text.pinyin import (
    homophone,
    initial_and_final,
    is_common,
    known_syllables,
    readings,
    usual_characters,
)
from cosyvoice.text.pronunciations import (
    MAX_ENTRIES,
    Spoken,
    as_brackets,
    as_characters,
    as_mark,
    as_typed,
    checked,
)
from cosyvoice.text.read import read
from cosyvoice.tokenizer.qwen import SOUNDS
from cosyvoice.utils.errors import PronunciationError


def spoken(text: str, said: dict[str, str], say=as_typed) -> str:
    return "".join(p.spoken for p in read(text, pronunciations=Spoken(said, say)))


@pytest.mark.parametrize(
    ("word", "said", "reason"),
    [
        ("！？", "惊叹", "no letters"),
        ("", "空", "no letters"),
        ("996", "9 9 6", "no letters"),
        ("张", "zhagn3", "no syllable 'zhagn3'"),
        ("张", "zhang6", "no syllable 'zhang6'"),
        ("hello", "HH AX0 L OW1", "no phoneme 'AX0'"),
        ("hello", "HH AH L OW1", "no phoneme 'AH'"),
        ("a|b", "x", "a sign that is not spoken"),
        ("break", "<break/> x", "a sign that is not spoken"),
        ("长" * 51, "x", "too long"),
        ("长", "字" * 101, "too long"),
        ("ｉｐｈｏｎｅ", "爱疯", "in entry 1 already"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named(word, said, reason):
    with pytest.raises(PronunciationError, match=f"entry 2, .*{reason}") as caught:
        checked([("iPhone", "爱疯"), (word, said)])
    assert caught.value.entry == 1 and "第 2 条" in caught.value.zh


def test_a_list_of_a_thousand_entries_is_accepted_and_one_more_is_not():
    entries = [(f"词{i}", "ci2") for i in range(MAX_ENTRIES)]
    assert len(checked(entries)) == MAX_ENTRIES
    with pytest.raises(PronunciationError, match="1001 entries"):
        checked([*entries, ("多", "duo1")])


def test_a_word_is_found_as_a_whole_in_any_case_and_width():
    said = {"ＡＩ": "人工智能", "996": "九九六", "New  York": "纽约"}
    assert spoken("ai，AI 和 AIR", said) == "人工智能，人工智能和AIR"
    assert spoken("**A**I，new york，９９６。", said) == "人工智能，纽约，九九六。"
    assert "ıPhone" in spoken("ıPhone", {"iPhone": "爱疯"})  # re takes ı for an i


def test_figures_and_signs_of_words_are_read_too():
    assert spoken("看K2。", {"K2": "乔戈里峰 2 号"}) == "看乔戈里峰二号。"


def test_each_kind_of_model_gets_what_it_takes():
    said = {"重庆": "chong2 qing4", "绿": "lv4", "Nguyen": "W IH1 N"}
    assert spoken("去重庆，绿，Nguyen。", said) == "去chong2 qing4，lv4，W IH1 N。"
    marks = "去<|py:chong2 qing4|>，<|py:lü4|>，<|ph:W IH1 N|>。"
    assert spoken("去重庆，绿，Nguyen。", said, as_mark) == marks
    assert spoken("去重庆，绿。", said, as_characters) == "去虫庆，虑。"
    with pytest.raises(PronunciationError, match="in phonemes"):
        spoken("Nguyen", said, as_characters)
    with pytest.raises(PronunciationError, match="'dei3'"):
        spoken("你得走", {"得": "dei3"}, as_characters)


def test_a_mark_of_sound_counts_as_its_syllables():
    assert is_speakable("<|py:chong2 qing4|>") and not is_speakable("<|en|>，")
    assert syllables("去<|py:chong2 qing4|>，<|ph:HH AH0 L OW1|>") == 5


def test_homophones_are_common_characters_with_that_reading_first():
    table = usual_characters()
    assert len(table) > 1100
    for syllable, character in table.items():
        assert is_common(character) and readings(character)[0] == syllable
    assert homophone("qing4", "庆") == "庆" and homophone("chong2", "重") not in ("重", "")


def test_sounds_become_the_marks_of_cosyvoice3():
    say = as_brackets(SOUNDS)
    assert say("重庆", "chong2 qing4") == "[ch][óng][q][ìng]"
    assert (
        say("绿", "lü4") == "[l][ǜ]" and say("爱", "ai4") == "[ài]" and say("吗", "ma5") == "[m][a]"
    )
    assert say("Nguyen", "W IH1 N") == "[W][IH1][N]"
    with pytest.raises(PronunciationError, match=r"no mark for: say it in words"):
        say("Zhe", "R OH1")
    assert next(read("[ài]你[ch][óng]")).spoken == "[ài]你[ch][óng]"


def test_cosyvoice3_has_a_mark_for_nearly_every_syllable():
    said = [syllable + tone for syllable in known_syllables() for tone in "1234"]
    missing = [s for s in said if not {f"[{p}]" for p in initial_and_final(s)} <= set(SOUNDS)]
    assert len(missing) < 0.1 * len(said), missing
