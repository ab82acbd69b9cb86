from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.tokenizer.qwen import MARKS, MARKS_3, QwenTokenizer
from cosyvoice.tokenizer.tokenizer import get_qwen_tokenizer
from tests.support.tiny_qwen import write_vocabulary

PAIRS = 256 + 3  # ids before the marks


@pytest.fixture(params=["cosyvoice2", "cosyvoice3"])
def tokenizer(request, tmp_path):
    return get_qwen_tokenizer(str(write_vocabulary(tmp_path)), True, request.param)


def test_marks_follow_the_byte_pairs_in_their_order(tokenizer):
    assert tokenizer.encode("<|endoftext|><|im_start|><|im_end|><|endofprompt|>[breath]") == [
        PAIRS + i for i in range(5)
    ]


def test_the_official_numbers_of_marks():
    """With 151,643 byte pairs, <|endofprompt|> is 151,646, and Fun-CosyVoice3 has 151,924 ids."""
    assert (len(MARKS), len(MARKS_3)) == (20, 281)
    assert MARKS.index("<|endofprompt|>") == MARKS_3.index("<|endofprompt|>") == 3
    assert len(set(MARKS_3)) == len(MARKS_3)


def test_a_mark_is_one_id_in_the_middle_of_a_word(tokenizer):
    assert tokenizer.encode("h[laughter]h") == [
        *tokenizer.encode("h"),
        PAIRS + MARKS.index("[laughter]"),
        *tokenizer.encode("h"),
    ]


def test_syllables_are_marks_of_cosyvoice3_only(tmp_path):
    folder = str(write_vocabulary(tmp_path))
    marks = [PAIRS + MARKS_3.index("[j]"), PAIRS + MARKS_3.index("[ǐ]")]
    assert get_qwen_tokenizer(folder, True, "cosyvoice3").encode("[j][ǐ]") == marks
    assert max(get_qwen_tokenizer(folder, True, "cosyvoice2").encode("[j][ǐ]")) < PAIRS


def test_pairs_are_joined_and_digits_are_not(tmp_path):
    tokenizer = QwenTokenizer(write_vocabulary(tmp_path, ("h e", "1 2")), MARKS, True)
    assert tokenizer.encode("he") == [256]
    assert len(tokenizer.encode("12")) == 2


def test_equal_characters_have_equal_ids(tokenizer):
    assert tokenizer.encode("e\u0301") == tokenizer.encode("\u00e9")


@pytest.mark.parametrize("text", ["hello 世界\r\n  é\t12", "[breath]", " ", ""])
def test_decoding_gives_the_text_without_marks(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text.replace("[breath]", "")


def test_threads_may_share_it(tokenizer):
    texts = [f"hello {n}" * n for n in range(40)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(tokenizer.encode, texts)) == [tokenizer.encode(t) for t in texts]


def test_a_mark_is_read_before_characters_are_composed(tokenizer):
    """A stroke after the mark would make another character of its last one."""
    assert tokenizer.encode("<strong>\u0338")[0] == PAIRS + MARKS.index("<strong>")


@pytest.mark.parametrize(
    "text", ["{ damaged", "[]", "{}", '{"a": 0}', '{"\u4e16": 0}', '{"a": "b"}', '{"a": 5}']
)
def test_a_damaged_vocabulary_is_named(tmp_path, text):
    (tmp_path / "vocab.json").write_text(text)
    with pytest.raises(RuntimeError, match=r"vocab\.json is damaged: download it again"):
        QwenTokenizer(tmp_path, MARKS, True)


def test_an_unknown_version_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cosyvoice2 or cosyvoice3"):
        get_qwen_tokenizer(str(write_vocabulary(tmp_path)), True, "cosyvoice4")
