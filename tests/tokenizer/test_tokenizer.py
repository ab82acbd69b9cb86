import pytest

from cosyvoice.tokenizer.tokenizer import get_tokenizer, get_whisper_tokenizer


def test_vocabulary_sizes_are_the_models():
    assert get_tokenizer(True, num_languages=105).n_vocab == 60515
    assert get_tokenizer(True, num_languages=100, language="en", task="transcribe").n_vocab == 60510
    assert (
        get_whisper_tokenizer(True, num_languages=100, language="en", task="transcribe").n_vocab
        == 51866
    )


@pytest.mark.parametrize(
    "mark, number",
    [  # as upstream's tokenizer numbers them
        ("<|endoftext|>", 58836),
        ("<|startoftranscript|>", 58837),
        ("<|en|>", 58838),
        ("<|zh|>", 58839),
        ("<|ASR|>", 58938),
        ("<|HAPPY|>", 58949),
        ("<|translate|>", 58953),
        ("<|SPECIAL_TOKEN_1|>", 58959),
        ("<|TTS/B|>", 58989),
        ("<|0.00|>", 59009),
        ("<|30.00|>", 60509),
    ],
)
def test_special_marks_have_their_ids(mark, number):
    assert get_tokenizer(True, num_languages=100).encode(mark, allowed_special="all") == [number]


def test_chinese_is_one_id_per_character_in_the_25_hz_model():
    assert len(get_tokenizer().encode("今天天气很好")) == 6


@pytest.mark.parametrize("get", [get_tokenizer, get_whisper_tokenizer])
def test_text_survives_encoding(get):
    text = "你好, world! [laughter] ñ 안녕 <|en|>"
    assert get().decode(get().encode(text, allowed_special="all")) == text


def test_the_english_vocabulary_is_refused():
    with pytest.raises(ValueError, match="multilingual"):
        get_tokenizer(multilingual=False)
