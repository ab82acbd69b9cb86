"""Sources of the voice changer: what is refused, where they are cut, how long the result is."""

import io

import numpy as np
import pytest
import soundfile
import torch

from cosyvoice.cli import conversion
from cosyvoice.cli.conversion import fitted, pieces, read_source
from cosyvoice.utils.errors import SourceAudioError
from tests.support.sounds import speech, take

TOKEN = 640  # samples at 16 kHz, of a token at 25 Hz


def file_of(samples, rate=16000) -> io.BytesIO:
    soundfile.write(file := io.BytesIO(), np.asarray(samples), rate, format="WAV")
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize("seconds", [1.2, 19.9, 20.4, 65.0, 130.0])
def test_pieces_cover_the_source_and_end_with_tokens(seconds):
    wav = speech(seconds)
    found = pieces(wav, TOKEN)
    assert found[0][0] == 0 and found[-1][1] == wav.shape[1]
    assert all(end == start for (_, end), (start, _) in zip(found, found[1:]))
    assert all(16000 <= end - start <= 20 * 16000 for start, end in found)
    assert all(start % TOKEN == 0 for start, _ in found)


def test_cuts_lie_in_pauses():
    wav = speech(100.0)
    cuts = [start for start, _ in pieces(wav, TOKEN)[1:]]
    assert cuts and all(not wav[:, cut - 800 : cut + 800].any() for cut in cuts)


def test_speech_without_pauses_is_cut_where_it_is_quietest():
    wav = take((14, 0.5), (0.1, 0.2), (14, 0.5))
    assert pieces(wav, TOKEN)[1][0] == pytest.approx(14.05 * 16000, abs=0.06 * 16000)


@pytest.mark.parametrize("fade", [0, 80])
@pytest.mark.parametrize("sizes", [(400, 500), (400, 700), (2000,), ()])
def test_a_piece_gets_the_length_it_is_to_have(sizes, fade):
    chunks = list(fitted([torch.ones(1, size) for size in sizes], 1000, fade))
    sound = torch.cat(chunks, 1)
    assert sound.shape == (1, 1000) and all(chunk.shape[1] for chunk in chunks)
    assert bool(sound[0, 100 : min(sum(sizes), 900)].eq(1).all())
    if fade and sum(sizes) >= 1000:
        assert sound[0, 0] < 0.02 > sound[0, -1] and sound.abs().diff().max() < 0.02


@pytest.mark.parametrize(
    "samples, told",
    [
        (np.zeros(0), "no samples"),
        (np.zeros(16000), "silent"),
        (speech(1.2)[0, :4000], "0.25 s"),
        (take((3.0, 0.3))[0], "no speech"),
        (np.random.default_rng(0).normal(0, 0.1, 48000), "no speech"),
    ],
)
def test_what_cannot_be_converted_is_told_in_both_languages(samples, told):
    with pytest.raises(SourceAudioError) as caught:
        read_source(file_of(samples))
    assert told in caught.value.en and caught.value.zh


def test_a_file_that_is_no_audio_or_too_long_is_refused(monkeypatch):
    with pytest.raises(SourceAudioError, match="cannot be read"):
        read_source(io.BytesIO(b"no audio at all" * 100))
    monkeypatch.setattr(conversion, "SOURCE_LIMITS", conversion.FileLimits(2, 10**6))
    with pytest.raises(SourceAudioError, match="longer than 2 s"):
        read_source(file_of(speech(3.6)[0]))
    monkeypatch.setattr(conversion, "SOURCE_LIMITS", conversion.FileLimits(60, 40_000))
    with pytest.raises(SourceAudioError, match="million samples"):
        read_source(file_of(speech(3.6)[0]))


def test_quiet_noisy_and_rare_speech_is_speech():
    noise = 0.03 * torch.randn(1, 57600, generator=torch.Generator().manual_seed(1))
    rare = take((1.0, 0.3), (40.0, 0.0))
    for wav in (speech(3.6, amplitude=0.02), speech(3.6) + noise, rare):
        assert read_source(file_of(wav[0])).shape[1] == wav.shape[1]
