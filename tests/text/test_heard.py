import pytest

from cosyvoice.text.heard import edit_distance, error_rate, units


@pytest.mark.parametrize(
    "spoken, heard, language",
    [
        ("他有二十五本书。", "她有25本書", "zh"),  # homophones, figures, traditional characters
        ("It's twenty minutes, don’t go.", "it's 20 minutes. Don't go", "en"),
        ("他<|py:zhang3 da4|>了。", "他长大了", "zh"),
        ("say <|ph:HH AH0 L OW1|> now", "say hello now", "en"),
        ("say <|ph:HH AH0 L OW1|> now", "say now", "en"),
        ("[ch][óng]新开始[laughter]", "重新开始", "zh"),
        ("<|en|><strong>Good</strong> morning [breath]", "good morning", "en"),
        ("douze étés", "Douze étés.", "fr"),
        ("今日は良い天気。", "今日は良い天気", "ja"),
    ],
)
def test_what_sounds_the_same_is_no_error(spoken, heard, language):
    assert error_rate(spoken, heard, language) == 0


def test_a_swallowed_word_is_counted_for_each_word_of_the_text():
    assert error_rate("我们去公园散步", "我们公园散步", "zh") == pytest.approx(1 / 7)
    assert error_rate("a tall tower of boxes", "a tower of boxes", "en") == pytest.approx(1 / 5)
    assert error_rate("今日は良い", "今日良い", "ja") == pytest.approx(1 / 5)


def test_a_text_without_words_has_no_errors():
    assert error_rate("[laughter]", "ha ha", "en") == 0


def test_english_words_in_chinese_are_words():
    assert units("打开 Wi-Fi 和蓝牙", "zh") == ["da", "kai", "wi", "fi", "he", "lan", "ya"]


def test_the_distance_counts_what_is_missing_added_and_replaced():
    assert edit_distance("abcd", "abcd") == 0
    assert edit_distance("abcd", "abd") == edit_distance("abd", "abcd") == 1
    assert edit_distance("abcd", "axcd") == 1
    assert edit_distance("abc", "") == 3
