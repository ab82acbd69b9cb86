import textwrap

import pytest

from cosyvoice.text.clean import clean
from cosyvoice.text.width import plain_form

PLAIN = {
    "## 安装步骤": "安装步骤",
    "# Title #": "Title",
    "**注意**：先断电": "注意:先断电",
    "这是**重点**内容，_也是_，*重点*": "这是重点内容，也是，重点",
    "*She smiles* and says **yes**": "She smiles and says yes",
    "snake_case_name and 2 * 3 * 4": "snake_case_name and 2 * 3 * 4",
    "请看[官网](https://example.com)": "请看官网",
    "![a cat](cat.png 'Tom') here": "a cat here",
    "[page](https://en.wikipedia.org/wiki/Go_(game))": "page",
    "<https://example.com> or <me@example.com>": "https://example.com or me@example.com",
    "run `ls -l` now": "run ls -l now",
    "```python\nprint(x)\n```": "print(x)",
    "~~old~~ ==new== \\*star\\*": "old new *star*",
    "> quoted\n> text": "quoted, text",
    "一\n---\n二": "一。二",
    "- [x] 完成\n- [ ] 未完成": "完成，未完成",
    "* one\n* two": "one, two",
    "| 姓名 | 年龄 |\n|:---|---:|\n| 张三 | 五 |": "姓名，年龄。张三，五",
    "name | age\n--- | ---\nTom | ten": "name, age. Tom, ten",
    "the end[^1].\n\n[^1]: a note": "the end. a note",
    "5 &lt; 6 &amp; 7&nbsp;km &#39;x&#39;": "5 < 6 & 7 km 'x'",
    "&notanentity; AT&T": "&notanentity; AT&T",
    "one<br>two<p>three</p>four": "one, two. three. four",
    "<b>fett</b> <a href='x'>link</a>": "fett link",
    "<script>alert(1)</script>hi<!-- no -->!": "hi!",
    "若a<b且c>d，x < y > z": "若a<b且c>d，x < y > z",
    "你好😀👨‍👩‍👧，世界❤️！": "你好，世界!",
    "hi :) there :-D": "hi there",
    "at 8:00, ratio 3:2)": "at 8:00, ratio 3:2)",
    "１０％　（ＡＢＣ）：ｘ": "10% (ABC):x",
    "㎏ ㎡ ℃ № ﬁ ٣": "kg m² °C No fi 3",
    "x² ½ ① Ⅳ": "x² ½ ① IV",
    "１，２３４和10，1": "1,234和10，1",
    "soft\u00adhyphen zero\u200bwidth\ud800": "softhyphen zerowidth",
}


@pytest.mark.parametrize("text", PLAIN)
def test_markup_emoji_and_forms_leave_plain_text(text):
    assert clean(text).text.text == PLAIN[text]


LINES = {
    "标题\n\n正文\n下一行": "标题。正文，下一行",
    "床前明月光\n疑是地上霜": "床前明月光，疑是地上霜",
    "第一段。\n第二段。": "第一段。第二段。",
    "这一行字很长，是从别处复制过来的，所以在一句话的中\n间断了行": (
        "这一行字很长，是从别处复制过来的，所以在一句话的中间断了行"
    ),
    "这一栏很窄，一句\n话分成了几行。每\n行都是满的，所以\n不停。": (
        "这一栏很窄，一句话分成了几行。每行都是满的，所以不停。"
    ),
    "Shopping list\nApples\nPears": "Shopping list, Apples, Pears",
    "1. 苹果\n2. 香蕉": "1. 苹果。2. 香蕉",
    "Dear Tom,\r\nhello\r\n": "Dear Tom, hello",
    "a\tb\n\n\n": "a b",
    "\n\n你好": "你好",
}


@pytest.mark.parametrize("text", LINES)
def test_ends_of_lines_become_the_pauses_of_a_reader(text):
    assert clean(text).text.text == LINES[text]


def test_a_paragraph_in_a_column_has_no_pauses_at_its_lines():
    text = "It was set in a column of its own, so its lines end in the middle. Nobody stops there."
    for width in (18, 24, 30, 60):
        assert clean(textwrap.fill(text, width)).text.text == text


@pytest.mark.parametrize("text", PLAIN | LINES)
def test_all_that_is_shown_was_written(text):
    """Subtitles show the author's characters, without the markup."""
    aligned = clean(text).text
    rest = iter(text.replace("\r", "") + " ")
    assert all(char == " " or char in rest for char in aligned.as_written)


def test_each_form_of_a_character_is_the_plain_one():
    assert [plain_form(c) for c in "Ａ１％￥〜（٣㎏"] == ["A", "1", "%", "¥", "~", "(", "3", "kg"]
    assert [plain_form(c) for c in "，。、²½①好é"] == list("，。、²½①好é")
