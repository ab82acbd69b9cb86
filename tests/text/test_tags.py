import pytest

from cosyvoice.text.clean import clean
from cosyvoice.text.objects import Mark, Pause, Said
from cosyvoice.text.read import read
from cosyvoice.text.tags import left_out_tags
from cosyvoice.utils.errors import TextError


def objects(text):
    return clean(text).objects.found


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [
        ("[pause 500ms]", 0.5),
        ("[pause 1.5s]", 1.5),
        ("[PAUSE: 2 seconds]", 2),
        ("[停顿500毫秒]", 0.5),
        ("[停顿 2秒]", 2),
        ('<break time="500ms"/>', 0.5),
        ("<break time='1s'></break>", 1),
        ("[pause 0ms]", 0),
        ("[pause 10s]", 10),
    ],
)
def test_a_pause_has_the_length_that_is_written(tag, seconds):
    assert objects(f"好{tag}的") == [Pause(seconds)]
    assert [span.pause for span in next(read(f"好{tag}的")).spans if span.kind == "pause"] == [
        seconds
    ]


@pytest.mark.parametrize("tag", ["[pause 5 apples]", "[pause]", "[pause -1s]", "[停顿一会儿]"])
def test_a_pause_that_cannot_be_understood_is_named(tag):
    with pytest.raises(TextError, match="is not a pause: write a number") as error:
        clean(f"好{tag}的")
    assert tag in str(error.value)


@pytest.mark.parametrize("tag", ["[pause 10.1s]", "[pause 999999999ms]", '<break time="11s"/>'])
def test_a_pause_of_over_ten_seconds_is_refused(tag):
    with pytest.raises(TextError, match="too long: use at most 10 s"):
        clean(f"好{tag}的")


@pytest.mark.parametrize(
    "mark",
    [
        "[laughter]",
        "[breath]",
        "<strong>",
        "</laughter>",
        "<|en|>",
        "<|endofprompt|>",
        "[j][ǐ]",
        "[HH][AH0]",
    ],
)
def test_marks_of_the_models_pass(mark):
    assert objects(f"好{mark}的") == [Mark(mark)]
    assert next(read(f"好{mark}的")).spoken == f"好{mark}的"


def test_ordinary_brackets_are_no_marks():
    assert objects("[注] [x] [note] [1] [the end]") == []


def test_sub_and_say_as_carry_their_words():
    assert objects('<sub alias="World Wide Web">WWW</sub>') == [Said("WWW", alias="World Wide Web")]
    assert objects('<say-as interpret-as="characters">A1</say-as>') == [
        Said("A1", interpret_as="characters")
    ]
    passage = next(read('See <sub alias="the web">W3</sub>.'))
    assert passage.spoken == "See the web." and "W3" in "".join(s.written for s in passage.spans)


def test_tags_that_have_no_effect_are_named_once():
    text = '<speak>好<prosody rate="slow">慢</prosody><prosody rate="x">慢</prosody><br/></speak>'
    assert left_out_tags(text) == ["speak", "prosody"]
    assert left_out_tags('<break time="soon"/>好') == ["break"]
    assert left_out_tags("a<b and c>d [x] <p>好</p>") == []
    assert next(read(text)).spoken == "好慢慢"


def test_what_is_in_a_comment_is_not_looked_at():
    assert left_out_tags("<!-- [pause 5 apples] <font> -->好") == []
    assert clean("<!-- [pause 5 apples] -->好").text.text == "好"


def test_pauses_together_have_a_limit():
    assert left_out_tags("好[pause 10s]" * 30) == []
    with pytest.raises(TextError, match="310 s together: use at most 300 s"):
        left_out_tags("好[pause 10s]" * 31)


def test_a_comment_or_a_script_without_an_end_loses_no_letters():
    assert (
        next(read("好<!-- 的")).spoken.startswith("好") and "的" in next(read("好<!-- 的")).spoken
    )
    assert "words" in next(read("<script>words")).spoken
