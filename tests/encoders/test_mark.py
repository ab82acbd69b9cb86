"""What files of sound say about their origin."""

import re
import struct

import numpy as np
import pytest
import soundfile

from cosyvoice.encoders.formats import FfmpegStream
from cosyvoice.encoders.mark import STATEMENT, Mark, Prefixed, Watermarked
from cosyvoice.encoders.mp3 import Mp3Stream
from cosyvoice.encoders.wav import WavStream, wav_header
from tests.support.sounds import shown_by_ffmpeg

MARK = Mark("CosyVoice-Mini-25Hz", "2026-11-28T12:00:00Z")
RATE = 22050
PCM = (3000 * np.sin(np.arange(RATE) / 20)).astype(np.int16)


def encoded(encoder) -> bytes:
    try:
        return encoder.feed(PCM[:9000]) + encoder.feed(PCM[9000:]) + encoder.end()
    finally:
        encoder.close()


@pytest.mark.parametrize("kind", ["mp3", "aac", "opus", "flac", "wav"])
def test_a_file_says_that_a_machine_made_it(kind, tmp_path):
    data = encoded(
        {
            "mp3": lambda: Prefixed(Mp3Stream(RATE), MARK.id3_tag()),
            "aac": lambda: Prefixed(FfmpegStream("aac", RATE), MARK.id3_tag()),
            "opus": lambda: FfmpegStream("opus", RATE, options=MARK.ffmpeg_options()),
            "flac": lambda: FfmpegStream("flac", RATE, options=MARK.ffmpeg_options()),
            "wav": lambda: WavStream(RATE, MARK.info_chunk()),
        }[kind]()
    )
    (path := tmp_path / f"sound.{kind}").write_bytes(data)
    shown = shown_by_ffmpeg(path)
    assert STATEMENT in shown and MARK.model in shown and "2026-11-28" in shown
    assert kind == "wav" or re.search(r"ai-generated\s*: true", shown, re.I)
    assert "Audio:" in shown


def test_the_mark_does_not_touch_the_sound(tmp_path):
    plain, marked = Mp3Stream(RATE), Prefixed(Mp3Stream(RATE), MARK.id3_tag())
    assert encoded(marked) == MARK.id3_tag() + encoded(plain)


def test_a_wav_may_end_with_its_mark(tmp_path):
    info, sound = MARK.info_chunk(), PCM.tobytes()
    data = wav_header(RATE, len(sound), len(info)) + sound + info
    (path := tmp_path / "sound.wav").write_bytes(data)
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE and (samples == PCM).all()
    assert STATEMENT in shown_by_ffmpeg(path)


def test_a_stream_without_sound_has_no_mark():
    assert Prefixed(Mp3Stream(RATE), MARK.id3_tag()).end() == b""


def test_a_watermark_hears_every_sample_and_returns_as_many():
    louder = Watermarked(WavStream(RATE), lambda pcm: pcm * np.int16(2))
    sound = np.frombuffer(encoded(louder)[44:], np.int16)
    assert (sound == PCM * 2).all()
    with pytest.raises(ValueError, match="WATERMARK returned"):
        Watermarked(WavStream(RATE), lambda pcm: pcm[1:]).feed(PCM)
