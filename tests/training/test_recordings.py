"""A folder of recordings: what is found, what is left out and why."""

import numpy as np
import pytest

from cosyvoice.training import recordings as room
from cosyvoice.utils.errors import InputError
from tests.support.recordings import RATE, SENTENCES, speech, write_recording, write_recordings


@pytest.fixture
def folder(tmp_path):
    return write_recordings(tmp_path / "voice")


def codes(folder):
    """{name: codes of what leaves it out} of the recordings that are left out."""
    checked = room.check(room.find(folder))
    return {
        each.name: [f["code"] for f in each.findings if f["level"] == "bad"]
        for each in checked
        if not each.kept
    }


def test_good_recordings_are_all_kept(folder):
    checked = room.check(room.find(folder))
    assert len(checked) == 12 and all(each.kept for each in checked)
    assert all(2.5 < each.used_seconds <= 3 for each in checked)
    room.require_enough(checked)


@pytest.mark.parametrize(
    "code, text, wav, rate",
    [
        ("short", "好。", speech(0.5), RATE),
        ("long", "好。" * 90, speech(31), RATE),
        ("clipping", SENTENCES[0], np.sign(speech()), RATE),
        ("silent", SENTENCES[0], 0 * speech(), RATE),
        ("rate", SENTENCES[0], speech(rate=8000), 8000),
        ("transcript", SENTENCES[0] * 8, speech(), RATE),
        ("pace", "好的。", speech(), RATE),
        ("no_transcript", None, speech(), RATE),
        ("no_words", "……", speech(), RATE),
    ],
)
def test_what_cannot_train_is_left_out_with_its_reason(folder, code, text, wav, rate):
    write_recording(folder / "odd.wav", text, wav, rate)
    assert codes(folder) == {"odd.wav": [code]}


def test_a_file_that_is_no_sound_is_left_out(folder):
    (folder / "odd.mp3").write_bytes(b"no sound")
    (folder / "odd.txt").write_text("你好。", encoding="utf-8")
    assert codes(folder) == {"odd.mp3": ["unreadable"]}


def test_the_same_sound_is_used_once(folder):
    write_recording(folder / "z.wav", SENTENCES[3], speech(3, 123))
    assert codes(folder) == {"z.wav": ["double"]}


def test_one_sound_with_two_transcripts_is_not_used_at_all(folder):
    write_recording(folder / "z.wav", SENTENCES[12], speech(3, 123))
    assert codes(folder) == {"r03.wav": ["double"], "z.wav": ["double"]}


@pytest.mark.parametrize(
    "lines",
    [
        ["r00|你好。|您好。", "r01.wav|再见。", "r02|早。"],
        ["file_name,speaker,transcription", 'r00.wav,a,"你好。"', "r01,b,再见。", "r02.wav,a,早。"],
        ["Text,Audio", "你好。,r00.wav", "再见。,r01.wav", "早。,r02.wav"],
    ],
)
def test_a_table_names_files_and_texts(folder, lines):
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    found = room.find(folder)
    assert [(each.name, each.text) for each in found] == [
        ("r00.wav", "你好。"),
        ("r01.wav", "再见。"),
        ("r02.wav", "早。"),
    ]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
def test_a_table_may_be_of_chinese_windows_and_its_files_in_wavs(folder, encoding):
    write_recordings(folder / "wavs", 1)
    (folder / "r00.wav").unlink()
    (folder / "metadata.csv").write_bytes("r00|你好。\nno|再见。\n".encode(encoding))
    missing, found = room.find(folder)
    assert (found.path, found.text) == (folder / "wavs" / "r00.wav", "你好。")
    assert codes(folder)[missing.name] == ["missing"]


def test_a_table_without_the_columns_is_refused(folder):
    (folder / "metadata.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="file_name.*表头"):
        room.find(folder)


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(InputError, match="no recordings.*没有录音"):
        room.find(tmp_path)


def test_too_few_recordings_are_refused(tmp_path):
    with pytest.raises(InputError, match="at least 10"):
        room.require_enough(room.check(room.find(write_recordings(tmp_path / "few", 9))))


def test_a_report_is_read_again_until_a_file_changes(folder, tmp_path):
    found = room.find(folder)
    checked, path = room.check(found), tmp_path / "report.json"
    room.write_report(path, folder, room.digest(found), checked)
    assert room.read_report(path, room.digest(found)) == checked
    (folder / "r00.txt").write_text("另一句。", encoding="utf-8")
    assert room.read_report(path, room.digest(room.find(folder))) is None


def test_the_table_for_people_names_what_is_left_out(folder):
    write_recording(folder / "odd.wav", None, speech())
    said = room.table(room.check(room.find(folder)))
    assert "13 recordings, 12 used (0.6 min), 1 left out" in said
    assert "odd.wav  it has no transcript / 没有文本" in said
