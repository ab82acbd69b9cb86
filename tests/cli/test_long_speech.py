"""Long speech: parts of a manuscript, seeds, files of parts, chapters."""

import errno
import re
import time

import numpy as np
import pytest

from cosyvoice.cli import long_speech
from cosyvoice.cli.long_speech import (
    LONGEST_SENTENCE,
    Part,
    Plan,
    SoundFiles,
    chapter_marks,
    join,
    metadata,
    plan_of,
    seed_of,
    width,
)
from cosyvoice.encoders.mark import STATEMENT, Mark
from cosyvoice.text.manuscript import read_manuscript
from cosyvoice.utils.errors import TextError
from tests.support.sounds import shown_by_ffmpeg

MARK = Mark("CosyVoice2", "2026-11-28T12:00:00Z")


def parts(text: str) -> list[str]:
    return [part.text for part in plan_of(read_manuscript(text)).parts]


def test_short_sentences_of_a_paragraph_are_spoken_together():
    four = "这是一句不长不短的话，正好用来凑够一段。" * 4
    assert parts(f"好。好。好。\n{four}{four}") == ["好。好。好。", four, four]


def test_no_word_is_lost_or_said_twice():
    text = (
        "他说：“走吧！”然后走了。It was the best of times. "
        "We went on, e.g. to No. 5 of 3.14 Mr. Smith's. "
    ) * 40
    assert "".join(parts(text)).replace(" ", "") == text.replace(" ", "")


def test_a_sentence_without_end_is_cut_at_commas_and_blanks():
    for text, mark in (("很长的话，" * 400, "，"), ("word " * 2000, "d"), ("长" * 2000, "长")):
        found = parts(text)
        assert all(width(part) <= LONGEST_SENTENCE for part in found)
        assert all(part.endswith(mark) for part in found)
    begin = time.process_time()
    parts("长" * 200_000)
    assert time.process_time() - begin < 10


def test_lines_that_were_wrapped_are_one_sentence():
    text = (
        "It was the best of times, it was the worst of times, it was the\n"
        "age of wisdom, it was the age of foolishness, it was the epoch of\nbelief.\n\nNext."
    )
    assert parts(text)[0].startswith("It was") and parts(text)[0].endswith("the epoch of belief.")
    assert parts(text)[1:] == ["Next."]


def test_what_cannot_be_spoken_joins_what_can():
    assert parts("一句。\n* * *\n[pause 2s]\n二句。") == ["一句。\n* * *\n[pause 2s]", "二句。"]
    assert parts("* * *\n一句。") == ["一句。"] and parts("。。。") == []


def test_a_tag_that_cannot_be_understood_is_refused_at_once():
    with pytest.raises(TextError, match="pause"):
        parts("一句。\n好[pause 99s]。")


def test_titles_paragraphs_and_chapters_are_followed_by_pauses():
    plan = plan_of(read_manuscript("第一章\n一。\n二。\n第二章\n三。"))
    assert plan.parts == (
        Part("第一章", 0, 0.8),
        Part("一。", 0, 0.3),
        Part("二。", 0, 1.5),
        Part("第二章", 1, 0.8),
        Part("三。", 1, 1.5),
    )
    assert Plan.of_json(plan.json()) == plan


def test_every_part_has_a_seed_of_its_own_that_never_changes():
    assert [seed_of(7, part) for part in range(3)] == [7, 8, 9]
    assert seed_of(2**32 - 1, 1) == 0


def test_a_part_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    files, pcm = SoundFiles(tmp_path, 22050), np.arange(-500, 500, dtype=np.int16)
    files.write(3, pcm)
    assert (files.read(3) == pcm).all() and files.samples(3) == 1000 and files.samples(4) is None

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(long_speech.os, "fsync", full)
    with pytest.raises(OSError):
        files.write(4, pcm)
    assert [path.name for path in tmp_path.iterdir()] == ["000003.flac"]


def test_marks_of_chapters_follow_what_is_spoken():
    plan = Plan("", ("a", "b", "c"), (Part("1", 0), Part("2", 1), Part("3", 1), Part("4", 2)))
    marks = chapter_marks(plan, [100, 50, 50], 100)
    assert [(mark.title, mark.start, mark.end) for mark in marks] == [("a", 0, 1), ("b", 1, 2)]
    assert "title=a\\=b\\;\n" in metadata("a=b;", marks, MARK, "mp3")


@pytest.mark.parametrize("form", long_speech.FORMATS)
def test_a_joined_file_says_by_which_model_and_when_it_was_made(tmp_path, form):
    files = SoundFiles(tmp_path, 22050)
    files.write(0, np.ones(2000, np.int16))
    plan = Plan("山风", ("起",), (Part("1", 0),))
    join(files, plan, form, "64k", path := tmp_path / f"book.{form}", MARK)
    shown = shown_by_ffmpeg(path)
    for tag in (
        f"comment +: {re.escape(STATEMENT)}",
        "encoder +: CosyVoice2",
        "date +: 2026-11-28",
    ):
        assert re.search(f"^ +{tag}$", shown, re.M), tag
    assert form == "m4b" or re.search("^ +AI-Generated +: true$", shown, re.M)


def test_joining_that_is_stopped_or_fails_leaves_no_file(tmp_path, monkeypatch):
    files = SoundFiles(tmp_path, 22050)
    files.write(0, np.ones(100, np.int16))
    plan = Plan("", ("a",), (Part("1", 0),))

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        join(files, plan, "mp3", "96k", tmp_path / "book.mp3", MARK, stop)
    monkeypatch.setitem(long_speech.FORMATS, "mp3", ["-c:a", "nothing"])
    with pytest.raises(RuntimeError, match="ffmpeg ended with code"):
        join(files, plan, "mp3", "96k", tmp_path / "book.mp3", MARK)
    assert [path.name for path in tmp_path.iterdir()] == ["000000.flac"]
