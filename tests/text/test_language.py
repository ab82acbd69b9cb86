import pytest

from cosyvoice.text.language import (
    contains_chinese,
    hint,
    is_speakable,
    language_of,
    runs,
    syllables,
)

TEXTS = {
    "今天天气很好": "zh",
    "The weather is fine today.": "en",
    "今日はいい天気ですね。": "ja",
    "오늘 날씨가 좋아요": "ko",
    "今日天氣好好，我哋去行街": "yue",
    "Das Wetter ist heute schön.": "de",
    "Il fait beau aujourd'hui, n'est-ce pas ?": "fr",
    "Hoy hace muy buen tiempo en la ciudad.": "es",
    "Oggi il tempo è molto bello.": "it",
    "Сегодня хорошая погода.": "ru",
    "Hello": "en",
    "5": "zh",
    "": "zh",
}


@pytest.mark.parametrize("text", TEXTS)
def test_script_and_stop_words_tell_the_language(text):
    assert language_of(text) == TEXTS[text]


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("它重5kg, about 3 miles", ["zh", "en"]),
        ("我买了iPhone 15 Pro Max，很好", ["zh"]),
        ("他说 I will see you at 5 pm 然后走了", ["zh", "en", "zh"]),
        ("東京です。電話番号。", ["ja"]),
        ("版本 2.0, Windows 11, 好", ["zh"]),
        ("1, 2, 3", ["zh"]),
    ],
)
def test_the_words_around_a_figure_decide(text, languages):
    assert [run.language for run in runs(text)] == languages


def test_a_text_of_figures_is_read_in_the_language_around_it():
    assert language_of("12:30", near="ja") == "ja" and language_of("12:30") == "zh"
    assert [run.language for run in runs("5 好 6", given={2: "ja"})] == ["zh", "ja"]


@pytest.mark.parametrize("text", ["", "a", "好, 5 and the 6; です。", "\n\n", "。。。", "5" * 50])
def test_runs_cover_the_whole_text(text):
    found = runs(text)
    assert "".join(text[run.start : run.end] for run in found) == text


def test_speakable_is_anything_with_a_letter_or_digit():
    assert is_speakable("。a") and is_speakable("5") and not is_speakable("。，！ \n—…😀")


@pytest.mark.parametrize("character", "好〇㐀豈𠀀")
def test_rare_characters_are_chinese_too(character):
    assert contains_chinese(character) and language_of(character) == "zh"
    assert syllables(f"A{character}") == 3


@pytest.mark.parametrize("character", "aé5カ가䷀—")
def test_other_scripts_and_symbols_are_not_chinese(character):
    assert not contains_chinese(character)


def test_syllables_of_scripts():
    assert [
        syllables(text)
        for text in ("你好，世界。", "It's good", "こんにちは", "안녕", "第12号", "— …")
    ] == [4, 4, 5, 2, 4, 0]


@pytest.mark.parametrize(
    ("text", "near", "language"),
    [
        ("42", "ja", "ja"),
        ('<break time="1s"/>10:30 [pause 1s]', "ko", "ko"),
        ("5kg", "yue", "yue"),
        ("Room 101", "zh", ""),
        ("Zimmer 101", "de", "de"),
        ("42 円", "zh", ""),
        ("42 шт", "de", ""),
    ],
)
def test_the_voices_language_is_a_hint_for_what_does_not_tell_its_own(text, near, language):
    assert hint(text, near) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Guten Tag!", "de"),
        ("Bonjour", "fr"),
        ("Hola, ¿qué tal?", "es"),
        ("Ciao, come stai?", "it"),
        ("Привет", "ru"),
        ("15,000원", "ko"),
        ("3월 2일", "ko"),
        ("税込1,980円", "ja"),
        ("Am 1. Januar 2000", "de"),
        ("Le 8 mai 1945", "fr"),
        ("martes 3 de marzo", "es"),
        ("martedì 3 marzo", "it"),
        ("Купил iPhone 15 Pro Max за 100 000 рублей.", "ru"),
        ("LG전자는 OLED TV를 3대 판매했다", "ko"),
        ("NVIDIA GeForce RTX 4090を買った", "ja"),
        ("今日天氣好好，我買咗3個蘋果，總共25蚊。", "yue"),
    ],
)
@pytest.mark.parametrize("near", ["", "zh"])
def test_a_short_text_tells_its_language_whatever_is_around_it(text, language, near):
    assert language_of(text, near) == language


@pytest.mark.parametrize("near", ["de", "fr", "es", "it", "ja", "ko", "ru", "yue"])
@pytest.mark.parametrize("text", ["12,50 €", "5 km", "2024-03-05", "iPhone 15"])
def test_the_language_around_decides_where_words_do_not(text, near):
    assert language_of(text, near) == near


def test_names_in_another_script_do_not_turn_a_sentence():
    assert [run.language for run in runs("My friend 김민수 has 3 cats.")] == ["en", "ko", "en"]
    assert [run.language for run in runs("我喜欢김치찌개, 吃了3碗")] == ["zh"]
    assert language_of("日语的ありがとう是谢谢的意思，有5个假名") == "zh"
    assert language_of("具体的な説明を3つ") == "ja"


def test_a_voice_decides_for_figures_and_for_characters_of_its_language():
    assert hint("3月2日", "ja") == "ja" and hint("3月2日", "en") == ""
    assert hint("12:30", "en") == "en" and hint("Hello there 5", "ja") == ""
    assert language_of("3月2日", hint("3月2日", "ja")) == "ja"
    assert language_of("我们3月2日出发", hint("我们3月2日出发", "ja")) == "zh"
