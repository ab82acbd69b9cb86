import pytest

from cosyvoice.text.language import CODES
from cosyvoice.text.read import read
from tests.support.text_cases import CASES, cases, is_right

TABLES = [code for code in CODES if (CASES / f"{code}.tsv").exists()]
KINDS = [(code, kind) for code in TABLES for kind in sorted({kind for kind, *_ in cases(code)})]


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_written_text_is_read_as_people_read_it(language, kind):
    wrong = [
        f"{written} -> {spoken} instead of {readings}"
        for each, written, readings in cases(language)
        if each == kind
        and not is_right(
            spoken := "".join(p.spoken for p in read(written, near=language)), readings
        )
    ]
    assert not wrong, "\n".join(wrong)
