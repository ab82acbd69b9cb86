"""Recordings with damaged headers, lengths and values: the answer is 200 or a 4xx, never a 500.

The damage is drawn with seeds, so that a failure can be repeated.
"""

import io
import random
import struct
import subprocess
import time

import numpy as np
import pytest
import soundfile
from imageio_ffmpeg import get_ffmpeg_exe

from tests.support.sounds import wav_bytes

WAVS = [("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")]
OTHERS = [
    ("WAV", "ULAW"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_16"),
    ("W64", "PCM_16"),
    ("RF64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "FLOAT"),
    ("CAF", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
FFMPEG = [
    ("mp4", "aac"),
    ("ipod", "aac"),
    ("webm", "libopus"),
    ("matroska", "flac"),
    ("adts", "aac"),
]
WORDS = [0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 33_000_000, 4000, 191_999]
LONGEST_ANSWER = 10  # seconds; a busy machine needs some
HEADER = 512  # bytes


def encoded(container: str, codec: str) -> bytes:
    if (container, codec) not in FFMPEG:
        return wav_bytes(1.0, format=container, subtype=codec)
    target = "pipe:1" if container in ("webm", "matroska", "adts") else None
    options = [] if target else ["-movflags", "frag_keyframe+empty_moov"]
    return subprocess.run(
        [
            *(get_ffmpeg_exe(), "-v", "error", "-i", "pipe:0", "-c:a", codec, *options),
            *("-f", container, "pipe:1"),
        ],
        input=wav_bytes(1.0),
        capture_output=True,
        check=True,
    ).stdout


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The file with one or two kinds of damage."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(min(len(changed), HEADER) if rng.random() < 0.8 else len(changed))
        match rng.randrange(6):
            case 0:
                changed[at] ^= 1 << rng.randrange(8)
            case 1:
                word = struct.pack(rng.choice("<>") + "I", rng.choice(WORDS))
                changed[at : at + 4] = word
            case 2:
                changed = changed[: max(1, at)]
            case 3:
                del changed[at : at + rng.randrange(1, 9)]
            case 4:
                changed[at:at] = rng.randbytes(rng.randrange(1, 40))
            case 5:
                changed[at : at + 16] = bytes(16)
        changed = changed or bytearray(b"\0")
    return bytes(changed)


@pytest.fixture
def check(service):
    """Sends a file to /voices/check; the answer must be good, or say what is wrong."""
    client = service().app.test_client()

    def send(data: bytes, name: str = "a.wav") -> int:
        begin = time.monotonic()
        answer = client.post("/voices/check", data={"prompt_speech_16k": (io.BytesIO(data), name)})
        assert answer.status_code in (200, 400, 422), (answer.status_code, answer.text)
        assert answer.status_code == 200 or answer.json["code"] == "reference_unusable"
        assert time.monotonic() - begin < LONGEST_ANSWER
        return answer.status_code

    return send


def attack(check, container: str, codec: str, times: int):
    data = encoded(container, codec)
    assert check(data) == 200
    for seed in range(times):
        changed = damaged(data, random.Random(f"{container} {codec} {seed}"))
        try:
            check(changed)
        except Exception as error:
            raise AssertionError(f"{container} {codec}, seed {seed}") from error


@pytest.mark.parametrize("container, codec", [*WAVS, *OTHERS])
def test_a_damaged_file_is_never_a_500(check, container, codec):
    attack(check, container, codec, 40)


@pytest.mark.parametrize("container, codec", FFMPEG)
def test_a_damaged_file_for_ffmpeg_is_never_a_500(check, container, codec):
    attack(check, container, codec, 6)


@pytest.mark.slow
@pytest.mark.parametrize("container, codec", [*WAVS, *OTHERS, *FFMPEG])
def test_many_damaged_files_are_never_a_500(check, container, codec):
    attack(check, container, codec, 30 if (container, codec) in FFMPEG else 200)


@pytest.mark.parametrize("subtype", [subtype for _, subtype in WAVS])
@pytest.mark.parametrize("frames", [0, 1, 2, 100, 8000, 30 * 16000, 31 * 16000, 119 * 16000])
@pytest.mark.parametrize("value", [0.0, 1e-6, 0.5])
def test_a_constant_of_any_length_is_never_a_500(check, subtype, frames, value):
    soundfile.write(
        file := io.BytesIO(), np.full(frames, value), 16000, format="WAV", subtype=subtype
    )
    check(file.getvalue())


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, 1e9, 1e5, 1e-38, 1e-45])
@pytest.mark.parametrize("frames", [1, 8000, 35 * 16000])
@pytest.mark.parametrize("everywhere", [True, False])
def test_odd_values_are_never_a_500(check, value, frames, everywhere):
    samples = 0.3 * np.sin(np.arange(frames) / 30)
    samples[:: 1 if everywhere else 1 + frames // 3] = value
    for subtype in ("FLOAT", "DOUBLE"):
        soundfile.write(file := io.BytesIO(), samples, 16000, format="WAV", subtype=subtype)
        check(file.getvalue())


@pytest.mark.parametrize(
    "rate", [0, 1, 3999, 4000, 4001, 15_991, 44_101, 192_000, 192_001, 33_000_000]
)
@pytest.mark.parametrize("channels", [0, 1, 2, 8, 9, 256, 1024, 65535])
def test_any_rate_and_number_of_channels_is_never_a_500(check, rate, channels):
    data = bytearray(wav_bytes(1.0))
    data[22:28] = struct.pack("<HI", channels, rate)
    data[28:34] = struct.pack("<IH", rate * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF)
    expected = 4000 <= rate <= 192_000 and 1 <= channels <= 8
    assert check(bytes(data)) == 200 or not expected
