"""The MP3 stream: however the sound is cut into chunks, it decodes to the input."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cosyvoice.encoders import mp3
from cosyvoice.encoders.mp3 import Mp3Stream, encode, split_frames
from cosyvoice.serve.config import ROOT
from tests.support.sounds import DELAY, decode, snr


def speech_like(n: int, rate: int = 22050) -> np.ndarray:
    """int16: tones that come and go over a little noise."""
    t, rng = np.arange(n) / rate, np.random.default_rng(0)
    sound = np.sin(2 * np.pi * 180 * t + 5 * np.sin(3 * t)) * (
        0.5 + 0.5 * np.sin(5 * t)
    ) + 0.3 * np.sin(2 * np.pi * 1250 * t)
    return (8000 * sound + 300 * rng.standard_normal(n)).astype(np.int16)


def stream(pcm: np.ndarray, sizes, rate: int = 22050, bitrate: str = "96k") -> bytes:
    encoder, data, at = Mp3Stream(rate, bitrate), b"", 0
    for size in sizes:
        data, at = data + encoder.feed(pcm[at : at + size]), at + size
    assert at >= len(pcm)
    return data + encoder.end()


@pytest.mark.parametrize(
    "sizes",
    [[60000, 40000], [7168] * 14, [300] * 334, [50000, 1, 2, 575, 576, 577, 60000], [99999, 1]],
)
def test_decoded_stream_is_the_pcm(sizes):
    pcm = speech_like(100000)
    decoded, complaints = decode(stream(pcm, sizes))
    assert complaints == ""
    assert 0 <= len(decoded) - DELAY - len(pcm) <= 1152
    assert snr(pcm, decoded[DELAY : DELAY + len(pcm)]) > 20


def test_joints_are_as_good_as_the_unchunked_encode():
    pcm = speech_like(150000)
    joints = list(range(20000, 150000, 20000))
    chunked, whole = (decode(stream(pcm, sizes))[0] for sizes in ([20000] * 8, [150000]))
    near = np.concatenate([np.arange(j - 1500, j + 1500) for j in joints])
    errors = [
        np.sqrt(((d[DELAY + near].astype(float) - pcm[near]) ** 2).mean()) for d in (chunked, whole)
    ]
    assert errors[0] < 1.05 * errors[1] + 1


@pytest.mark.parametrize("length", [1, 100, 575, 576, 577, 1151, 1152, 1153, 1728])
def test_short_sounds_equal_one_encode(length):
    pcm = speech_like(length)
    assert stream(pcm, [length]) == stream(pcm, [length // 2, length]) == encode(pcm, 22050, "96k")


def test_no_sound_is_no_bytes():
    assert Mp3Stream(22050).end() == b""


@pytest.mark.parametrize(
    "rate, bitrate",
    [
        (16000, "32k"),
        (22050, "64k"),
        (22050, "128k"),
        (24000, "160k"),
        (44100, "128k"),
        (48000, "192k"),
    ],
)
def test_rates(rate, bitrate):
    pcm = speech_like(rate * 2, rate)
    data = stream(pcm, [rate // 3] * 7, rate, bitrate)
    assert b"".join(split_frames(data)) == data
    assert abs(len(decode(data, rate)[0]) - len(pcm)) < 4000


def test_stream_has_neither_tag_nor_info_frame():
    data = stream(speech_like(60000), [10000] * 6)
    assert (
        not data.startswith(b"ID3")
        and b"Info" not in data
        and b"Xing" not in data
        and b"LAME3" not in data[:400]
    )


def test_frames_are_known_by_their_headers():
    with pytest.raises(ValueError):
        split_frames(b"RIFFRIFF")


def test_failed_encode_leaves_no_file(tmp_path):
    with pytest.raises(mp3.pydub.exceptions.CouldntEncodeError):
        encode(speech_like(1000), 22050, "abc", tmp_path)
    assert list(tmp_path.iterdir()) == [] and all(file.closed for file in mp3._scratch.files)


def test_missing_encoder_is_told_at_start(monkeypatch):
    monkeypatch.setattr(mp3.AudioSegment, "converter", "/nowhere/ffmpeg")
    with pytest.raises(RuntimeError, match="imageio-ffmpeg"):
        mp3.check_encoder(22050, "88k")


def test_nobody_is_told_that_the_system_has_no_ffmpeg():
    code = "import cosyvoice.encoders.mp3"
    said = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": ""},
        cwd=ROOT,
    ).stderr
    assert said == ""
