"""Manuscripts: chapters of plain text and Markdown, and the encodings of files."""

import pytest

from cosyvoice.text.manuscript import is_chapter_line, read_manuscript
from cosyvoice.utils.errors import ManuscriptError


def chapters(content) -> list[tuple[str, str]]:
    return [(chapter.title, chapter.text) for chapter in read_manuscript(content).chapters]


@pytest.mark.parametrize(
    "line",
    [
        "第三章 风雪",
        "　　第十二回　风雪山神庙",
        "第3章",
        "第三章风雪夜归人",
        "第一部：少年",
        "Chapter 3",
        "CHAPTER IV. The Storm",
        "Part Two - North",
        "Prologue",
        "序章",
        "楔子 雪",
    ],
)
def test_a_heading_of_a_chapter_is_known(line):
    assert is_chapter_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "第三章里，他终于回来了。",
        "第一部电影很好看",
        "第三章" + "很长" * 40,
        "Chapter 3 was long, and nobody read it",
        "Chapter and verse",
        "Partly cloudy",
        "前言不搭后语",
        "第二天",
    ],
)
def test_a_sentence_is_no_heading(line):
    assert not is_chapter_line(line)


def test_chapters_of_plain_text_begin_at_their_headings():
    text = "山风\r\n\r\n第一章 起\r\n一句。\r\n第二章\r\n二句。"
    assert chapters(text) == [
        ("", "山风"),
        ("第一章 起", "第一章 起\n一句。"),
        ("第二章", "第二章\n二句。"),
    ]


def test_a_table_of_contents_is_left_out():
    text = "第一章 起\n第二章 落\n\n第一章 起\n一句。\n第二章 落\n二句。"
    assert chapters(text) == [
        ("第一章 起", "第一章 起\n一句。"),
        ("第二章 落", "第二章 落\n二句。"),
    ]


def test_chapters_of_markdown_begin_at_headings_below_the_title():
    text = "# 山风\n前言。\n\n## 起 ##\n一句。\n### 小节\n```\n# no\n```\n## 落\n二句。"
    found = read_manuscript(text)
    assert found.title == "山风"
    assert [chapter.title for chapter in found.chapters] == ["山风", "起", "落"]
    assert found.chapters[1].text == "起\n一句。\n### 小节\n```\n# no\n```"


def test_a_text_without_headings_is_one_chapter():
    assert chapters("一句。\n二句。") == [("", "一句。\n二句。")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_may_have_any_of_these_encodings(encoding):
    found = read_manuscript("第一章\n你好。".encode(encoding), "dir/山风.txt")
    assert found.title == "山风" and found.chapters[0].text == "第一章\n你好。"


@pytest.mark.parametrize(
    "content", [b"\xff\xfb\x90\x00" * 9, b"\x00\x01\x02", b"%PDF-1.7\n\xff\xff\xff"]
)
def test_a_file_that_is_no_text_is_refused(content):
    with pytest.raises(ManuscriptError, match="neither text"):
        read_manuscript(content, "x.txt")


@pytest.mark.parametrize("content", ["", " \n\t", b""])
def test_no_words_are_refused(content):
    with pytest.raises(ManuscriptError, match="no text in it"):
        read_manuscript(content)
