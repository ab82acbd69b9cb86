"""What the reference doctor finds in takes made for it: tones that come and go as speech does."""

import io

import pytest
import soundfile
import torch

from cosyvoice.cli.reference_doctor import LONGEST, best_part, examine, examine_file
from cosyvoice.utils.errors import ReferenceAudioError
from tests.support.sounds import speech, take

RATE = 16000


def worries(report) -> dict:
    return {
        finding["code"]: finding["level"] for finding in report.advice if finding["level"] != "ok"
    }


def test_good_take_has_no_worries():
    report = examine(speech(6), "希望你以后能够做的比我还好呦。", 44100)
    assert (
        worries(report) == {}
        and report.used == (0, 6.0) == (0, report.seconds)
        and not report.trimmed
        and report.rate == 44100
    )
    assert [finding["code"] for finding in report.advice] == [
        "length",
        "clipping",
        "level",
        "noise",
        "silence",
        "rate",
        "transcript",
    ]
    assert all(
        finding["message"] == f"{finding['en']} / {finding['zh']}" for finding in report.advice
    )


@pytest.mark.parametrize(
    "wav, worry",
    [
        (speech(2.4), {"length": "warn"}),
        (speech(6, 0.02), {"level": "warn"}),
        (take(*[(1, 0.4), (3, 0.0)] * 2), {"silence": "warn"}),
        ((speech(6) * 2.6).clamp(-1, 1), {"clipping": "bad"}),
        (take((1, 0.4), (0.5, 0), noise=0.08).repeat(1, 3), {"noise": "warn"}),
        (take((1, 0.2), (0.5, 0), noise=0.15).repeat(1, 3), {"noise": "bad"}),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_each_fault_is_found(wav, worry):
    assert worries(examine(wav)) == worry


def test_telephone_rate_is_found():
    assert worries(examine(speech(6), "", 8000)) == {"rate": "warn"}


@pytest.mark.parametrize(
    "transcript, level",
    [
        ("字" * 20, None),
        ("words " * 10, None),
        ("字" * 45, "warn"),
        ("字" * 80, "bad"),
        ("words " * 40, "bad"),
        ("好的好的好", "warn"),
        ("好", "bad"),
        ("……", "bad"),
        (" ", None),
    ],
)
def test_transcript_must_fit_the_speech(transcript, level):
    """6 s with 4 s of speech in them."""
    assert worries(examine(speech(6), transcript)).get("transcript") == level


@pytest.mark.parametrize(
    "wav",
    [
        *(torch.zeros(1, size) for size in (0, 3000, 80_000, 31 * RATE, 119 * RATE)),
        speech(2.4)[:, :2000],
    ],
)
def test_unusable_take_says_why(wav):
    report = examine(wav, "好")
    assert (
        worries(report) == {"unusable": "bad"}
        and report.reference is None
        and isinstance(report.error, ReferenceAudioError)
    )
    assert not report.body()["usable"]


# a long take


def test_long_take_is_cut_in_pauses():
    """Speech of 4.8, 24 and 14.4 s with 6 s of silence between."""
    wav = torch.cat(
        [speech(4.8), torch.zeros(1, 96000), speech(24), torch.zeros(1, 96000), speech(14.4)], 1
    )
    report = examine(wav)
    start, end = report.used
    assert end - start <= LONGEST and report.reference.shape[1] <= 30 * RATE and report.trimmed
    for second in report.used:
        around = wav[0, int((second - 0.09) * RATE) : int((second + 0.09) * RATE)]
        assert float(around.abs().max()) == 0
    assert (
        report.advice[0]["code"] == "trimmed"
        and report.advice[0]["value"] == [start, end]
        and 4.4 < start < 10.8
        and 34.4 < end < 40.8
    )


def test_part_without_clipping_is_preferred():
    loud, good = (speech(24) * 4).clamp(-1, 1), speech(24)
    start, _ = best_part(torch.cat([loud, good], 1))
    assert start >= 22 * RATE


def test_long_take_without_pauses_is_cut_all_the_same():
    wav = take((50, 0.4))
    wav[:, 28 * RATE : 28 * RATE + 640] *= 0.3  # the quietest place near the limit
    start, end = best_part(wav)
    assert 20 * RATE < end - start <= LONGEST * RATE and 28 * RATE in range(
        min(start, end) - 640, max(start, end) + 640
    )
    assert examine(wav).reference is not None


def test_silence_around_a_take_does_not_make_it_long():
    wav = torch.cat([torch.zeros(1, 20 * RATE), speech(12), torch.zeros(1, 20 * RATE)], 1)
    report = examine(wav)
    assert (
        not report.trimmed
        and report.reference.shape[1] < 13 * RATE
        and "trimmed" not in worries(report)
    )


# files


@pytest.mark.parametrize(
    "form, rate", [("WAV", 8000), ("FLAC", 44100), ("OGG", 48000), ("MP3", 22050)]
)
def test_rate_is_the_files(form, rate):
    soundfile.write(file := io.BytesIO(), speech(3.6)[0].numpy(), rate, format=form)
    file.seek(0)
    report = examine_file(file)
    assert report.rate == rate and abs(report.seconds - 3.6 * RATE / rate) < 0.1


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"not sound")
    with pytest.raises(ReferenceAudioError):
        examine_file(tmp_path / "a.wav")
