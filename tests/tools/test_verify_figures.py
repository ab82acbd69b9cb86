import pytest

from tools.verify_figures import SENTENCES, changes, table

pytestmark = pytest.mark.laboratory


@pytest.mark.parametrize(
    "expected, found, missing, added, replaced",
    [
        ("a b c", "a b c", 0, 0, 0),
        ("a b c", "a c", 1, 0, 0),
        ("a b c", "a b b c", 0, 1, 0),
        ("a b c", "a x c", 0, 0, 1),
        ("a b c d", "x d", 2, 0, 1),
        ("", "a", 0, 1, 0),
    ],
)
def test_words_are_missing_added_or_replaced(expected, found, missing, added, replaced):
    counted = changes(expected.split(), found.split())
    assert counted == {"missing": missing, "added": added, "replaced": replaced}


def test_there_are_as_many_chinese_sentences_as_english_ones():
    texts = SENTENCES.read_text("utf-8").splitlines()
    assert len(texts) == 100 and sum(text[0] > "z" for text in texts) == 50


def test_the_table_counts_sentences_with_an_error():
    right = {"missing": 0, "added": 0, "replaced": 1, "tries": 2, "cpu": 1.5}
    wrong = {**right, "missing": 1, "tries": 1, "cpu": 1.0}
    rows = [{"text": "你好", "without": wrong, "with": right}]
    assert "| Chinese, without | 1 | 1 | 1 | 1 | 1 |" in table(rows)
    assert "| both, with | 1 | 0 | 1 | 2 | 2 |" in table(rows)
