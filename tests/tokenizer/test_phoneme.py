"""The phoneme tokenizer: any Chinese, English or mixed text gets the symbols the teacher reads."""

import doctest

import pytest

from cosyvoice.text.numbers import chinese_number, english_number, ordinal
from cosyvoice.text.simplified import simplified
from cosyvoice.tokenizer import english, mandarin, phoneme, polyphones, words
from cosyvoice.tokenizer.english import by_rule, pronounce
from cosyvoice.tokenizer.mandarin import spell, spoken_pinyin
from cosyvoice.tokenizer.phoneme import (
    END_OF_PROMPT_ID,
    SYMBOLS,
    VOCAB_SIZE,
    get_tokenizer,
    phonemes,
)
from cosyvoice.tokenizer.words import cut_words


def pinyin(text):
    return " ".join("".join(word) for word in spoken_pinyin(text))


@pytest.mark.parametrize("module", [phoneme, mandarin, english, polyphones, words])
def test_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


def test_tokens_are_kokoros_numbers_and_come_back():
    tokenizer = get_tokenizer()
    ids = tokenizer.encode("你好, world!")
    assert ids[:4] == [56, 51, 172, 66] and max(ids) < tokenizer.vocab_size == VOCAB_SIZE
    assert tokenizer.decode(ids) == phonemes("你好, world!")
    assert len(set(SYMBOLS.values())) == len(SYMBOLS) and END_OF_PROMPT_ID not in SYMBOLS.values()


@pytest.mark.parametrize("mark", ["<endofprompt>", "<|endofprompt|>"])
def test_instruction_ends_with_one_special_token(mark):
    tokenizer = get_tokenizer()
    assert tokenizer.encode(f"说得慢一点{mark}你好") == tokenizer.encode("说得慢一点") + [
        END_OF_PROMPT_ID
    ] + tokenizer.encode("你好")
    assert tokenizer.encode(f"Speak fast.{mark}") == tokenizer.encode("Speak fast.") + [
        END_OF_PROMPT_ID
    ]


def test_inline_marks_and_other_scripts_are_dropped():
    assert phonemes("<strong>真的</strong>吗[laughter]？") == phonemes("真的吗？")
    assert phonemes("你好😀ありがとう") == phonemes("你好")
    assert phonemes("ありがとう") == "" and get_tokenizer().encode("") == []


@pytest.mark.parametrize(
    "syllable, spelling",
    [
        ("zhi1", "ꭧɨ→"),
        ("ci2", "ʦʰɨ↗"),
        ("qiu1", "ʨʰjou→"),
        ("jun4", "ʨy↘n"),
        ("xue2", "ɕɥe↗"),
        ("lü4", "ly↘"),
        ("lve4", "lɥe↘"),
        ("er2", "ɚ↗"),
        ("weng1", "wə→ŋ"),
        ("yong3", "jʊ↓ŋ"),
        ("yuan2", "ɥɛ↗n"),
        ("hui4", "xwei↘"),
        ("dun1", "twə→n"),
        ("bo1", "pwo→"),
        ("ma5", "ma"),
        ("a1", "a→"),
        ("ng2", "ŋ↗"),
        ("xyz1", ""),
    ],
)
def test_pinyin_is_spelt_as_the_teacher_learnt_it(syllable, spelling):
    assert spell(syllable) == spelling


@pytest.mark.parametrize(
    "text, spoken",
    [
        ("你好", "ni2hao3"),
        ("我很想买雨伞", "wo2 hen3 xiang2 mai3 yu2san3"),
        ("不要", "bu2yao4"),
        ("不好", "bu4hao3"),
        ("一个", "yi2ge4"),
        ("一天", "yi4tian1"),
        ("第一名", "di4yi1ming2"),
        ("看一看", "kan4 yi5kan4"),
        ("统一", "tong3yi1"),
        ("十一月", "shi2yi1yue4"),
        ("一百", "yi4bai3"),
        ("一年级", "yi1 nian2ji2"),
        ("一九九八", "yi1jiu2jiu3ba1"),
        ("朋友们", "peng2you5 men5"),
    ],
)
def test_tones_are_those_of_speech(text, spoken):
    assert pinyin(text) == spoken


@pytest.mark.parametrize(
    "text, syllable",
    [
        ("银行", "hang2"),
        ("行人", "xing2"),
        ("重庆", "chong2"),
        ("重要", "zhong4"),
        ("长得很高", "zhang3"),
        ("很长", "chang2"),
        ("音乐", "yue4"),
        ("快乐", "le4"),
        ("我得去了", "dei3"),
        ("他说得对", "de5"),
        ("还有", "hai2"),
        ("一只狗", "zhi1"),
        ("他得了金牌", "de2"),
        ("还给他", "huan2"),
        ("孩子们", "zi5"),
        ("女子", "zi3"),
        ("爸爸", "ba5"),
        ("系安全带", "ji4"),
        ("中文系", "xi4"),
        ("两幢楼", "zhuang4"),
        ("切菜", "qie1"),
        ("量体温", "liang2"),
        ("数量", "liang4"),
        ("他踏实", "ta1"),
        ("落下", "luo4"),
    ],
)
def test_polyphones_are_read_by_their_words(text, syllable):
    assert syllable in " ".join(sum(spoken_pinyin(text), [])).split()


@pytest.mark.parametrize(
    "traditional, text",
    [
        ("銀行行長覺得音樂讓人快樂", "银行行长觉得音乐让人快乐"),
        ("重慶的頭髮乾淨", "重庆的头发干净"),
        ("妳為甚麼著急", "你为什么着急"),
        ("著名的原著", "著名的原著"),
        ("看著", "看著"),
    ],
)
def test_traditional_characters_are_read_as_simplified_ones(traditional, text):
    assert pinyin(traditional) == pinyin(text)


def test_characters_that_only_rare_ones_replace_stay():
    assert (
        simplified("綝𬘭") == "綝𬘭"
        and simplified("顯著的娃娃編著") == "显著的娃娃编著"
        and simplified("进步显著") == "进步显著"
    )


def test_words_are_cut_where_they_are_most_probable():
    assert cut_words("今天天气不错") == ["今天", "天气", "不错"]
    assert "".join(cut_words("龘靐齉爩")) == "龘靐齉爩"


@pytest.mark.parametrize(
    "word, spelling",
    [
        ("hello", "həlˈO"),
        ("Hello", "həlˈO"),
        ("HELLO", "həlˈO"),
        ("cats", "kˈæts"),
        ("James's", "ʤˈAmzᵻz"),
        ("dogs'", "dˈɔɡz"),
        ("googled", "ɡˈuɡᵊld"),
        ("vlogging", "vlˈɑɡɪŋ"),
        ("USB", "jˌuˌɛsbˈi"),
        ("NASA", "nˈæsə"),
        ("U.S.A", "jˌuˌɛsˈA"),
        ("hmm", "hmm"),
        ("iPhone", "ˈIfˌOn"),
        ("StackOverflow", "stˈækˌOvəɹflˌO"),
    ],
)
def test_english_words(word, spelling):
    assert pronounce(word) == spelling


@pytest.mark.parametrize(
    "word", ["zorbville", "blorp", "quizzaciously", "x", "ng", "aeiou", "qzx", "ee", "tion"]
)
def test_every_word_gets_a_pronunciation(word):
    assert pronounce(word) and set(pronounce(word)) <= set(SYMBOLS)
    assert set(by_rule(word)) <= set(SYMBOLS)


def test_small_words_fit_what_follows():
    assert phonemes("the end, the start") == "ði ˈɛnd, ðə stˈɑɹt"
    assert phonemes("to eat, to go") == "tʊ ˈit, tə ɡˌO"
    assert phonemes("He used to use it.").startswith("hi jˈust tə jˈuz")


def test_a_alone_is_the_letter():
    assert phonemes("a.") == phonemes("A.") and phonemes("a dog").startswith("ɐ")


def test_a_sentence_begins_anew_after_a_stop():
    assert (
        phonemes("It rains. A dog barks.").endswith("ɐ dˈɔɡ bˈɑɹks.")
        and phonemes("Option A is right. A is right.").count("ˈA ɪz") == 2
    )
    assert phonemes("I have. Read it.").endswith(phonemes("Read it.")) and "ɹˈɛd" in phonemes(
        "I have read it."
    )


def test_initials_are_spelt_but_not_where_all_is_in_capitals():
    assert phonemes("the US and us") == "ðə jˌuˈɛs ænd ˌʌs" and phonemes("美国US").endswith(
        "jˌuˈɛs"
    )
    assert "ˌItˈi" in phonemes("The IT team") and phonemes("DO IT NOW") == phonemes("do it now")


def test_homographs_take_their_part_of_speech():
    assert phonemes("I object to this object.") == "ˌI əbʤˈɛkt tə ðɪs ˈɑbʤəkt."
    assert "klˈOz" in phonemes("please close it") and "klˈOs" in phonemes("a close friend")


@pytest.mark.parametrize(
    "written, read",
    [
        ("我有2个苹果", "我有两个苹果"),
        ("一共12345元", "一共一万两千三百四十五元"),
        ("100%的人", "百分之一百的人"),
        ("零下-5度", "零下负五度"),
        ("在3:45见", "在三点四十五见"),
        ("It costs $30.50!", "It costs thirty point five zero dollars!"),
        ("the 21st of May", "the twenty first of May"),
        ("Mr. Smith", "Mr Smith"),
        ("at 3:45", "at three forty five"),
        ("café", "cafe"),
        ("ｆｕｌｌ　ｗｉｄｔｈ！", "full width!"),
    ],
)
def test_digits_and_signs_are_read(written, read):
    assert phonemes(written) == phonemes(read)


@pytest.mark.parametrize(
    "n, chinese, english",
    [
        (0, "零", "zero"),
        (10, "十", "ten"),
        (105, "一百零五", "one hundred and five"),
        (20000, "两万", "twenty thousand"),
        (1_000_001, "一百万零一", "one million and one"),
        (200_000_000, "两亿", "two hundred million"),
        (1010, "一千零一十", "one thousand and ten"),
    ],
)
def test_numbers(n, chinese, english):
    assert (chinese_number(n), english_number(n)) == (chinese, english)


def test_ordinals():
    assert [ordinal(n) for n in (1, 12, 20, 33, 100)] == [
        "first",
        "twelfth",
        "twentieth",
        "thirty third",
        "one hundredth",
    ]


def test_rare_characters_are_read():
    assert phonemes("㐀好") == "ʨʰjou→ xau↓" and phonemes("二〇二六") == phonemes("二零二六")


def test_languages_mix_with_a_space_between():
    assert phonemes("我用Python写程序") == "wo↓ jʊ↘ŋ pˈIθˌɑn ɕje↓ ꭧʰə↗ŋɕy↘"


@pytest.mark.parametrize(
    "text",
    [
        "。。。",
        "?!",
        "——",
        "a",
        "'",
        "1/2",
        "C++",
        "3,000",
        "\n",
        "，你好",
        "“引号”",
        "A&B",
        "x" * 300,
        "的" * 300,
    ],
)
def test_any_text_is_made_of_known_symbols(text):
    assert all(number in SYMBOLS.values() for number in get_tokenizer().encode(text))
