import io
import struct
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
import soundfile
import torch
import torch.nn.functional as F

from cosyvoice.encoders.wav import WavStream
from cosyvoice.utils.audio import (
    MAX_CHANNELS,
    MAX_KERNEL,
    MAX_RATE,
    MIN_RATE,
    decode_with_ffmpeg,
    ffmpeg_demuxer,
    kaldi_fbank,
    load_wav,
    log_mel_spectrogram,
    mel_filters,
    resample,
    sinc_kernel,
    trim_and_level,
    trim_silence,
)
from cosyvoice.utils.errors import ReferenceAudioError


def tone(hz, rate, seconds=1.0):
    return torch.sin(2 * torch.pi * hz * torch.arange(int(rate * seconds)) / rate)[None]


def file_of(samples, rate, **options):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, **{"format": "WAV", **options})
    return io.BytesIO(buffer.getvalue())


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_resampling_keeps_a_tone(rate):
    wav = resample(tone(440, rate), rate, 16000)
    assert wav.shape == (1, 16000)
    torch.testing.assert_close(wav[:, 200:-200], tone(440, 16000)[:, 200:-200], atol=0.02, rtol=0)


def test_resampling_to_the_same_rate_changes_nothing():
    wav = tone(440, 16000)
    assert resample(wav, 16000, 16000) is wav


def test_any_rate_needs_a_small_filter_and_few_are_kept(monkeypatch):
    sizes = []

    def measured(old, new):
        kernel, width = sinc_kernel(old, new)
        sizes.append(kernel.numel())
        return kernel, width

    monkeypatch.setattr("cosyvoice.utils.audio.sinc_kernel", measured)
    for rate in (*range(MIN_RATE, MAX_RATE, 1777), 44101, 15999, MAX_RATE - 1):
        wav = torch.zeros(1, rate // 100)
        assert resample(wav, rate, 16000).shape[1] == pytest.approx(160, abs=5)
    assert max(sizes) < 1.2 * MAX_KERNEL and sinc_kernel.cache_info().maxsize <= 8


@pytest.mark.parametrize("rate", [15_999, 44_101, 191_999])
def test_a_long_file_of_an_odd_rate_takes_little_time(rate):
    wav, begin = torch.zeros(1, 30 * rate), time.monotonic()
    resample(wav, rate, 16000)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("rate", [1, 999, 3999, 192_001, 33_000_000, 2**31 - 1])
def test_a_rate_that_no_recording_has_is_refused(rate):
    data = bytearray(file_of(np.zeros(16000, np.int16), 16000).getvalue())
    data[24:28] = struct.pack("<I", rate)
    with pytest.raises(ReferenceAudioError, match=f"{rate} Hz: use 4000 to 192000 Hz"):
        load_wav(io.BytesIO(data), 16000)


def test_many_channels_are_refused():
    samples = np.zeros((16000, MAX_CHANNELS + 1), np.int16)
    assert load_wav(file_of(samples[:, 1:], 16000), 16000).shape == (1, 16000)
    with pytest.raises(ReferenceAudioError, match="9 channels: use at most 8"):
        load_wav(file_of(samples, 16000), 16000)


def test_a_chain_of_empty_chunks_takes_little_time():
    wav = file_of(np.zeros(16000, np.int16), 16000).getvalue()
    at, begin = wav.index(b"data"), time.monotonic()
    chunks = (b"LIST" + struct.pack("<I", 0)) * 1_000_000
    try:
        load_wav(io.BytesIO(wav[:at] + chunks + wav[at:]), 16000)
    except ReferenceAudioError:
        pass
    assert time.monotonic() - begin < 5


def test_load_wav_reads_paths_and_file_objects_and_averages_channels(tmp_path):
    left, right = 0.5 * tone(440, 48000), torch.zeros(1, 48000)
    stereo = torch.cat([left, right]).T.numpy()
    (tmp_path / "a.flac").write_bytes(file_of(stereo, 48000, format="FLAC").read())
    from_path, from_file = (
        load_wav(tmp_path / "a.flac", 16000),
        load_wav(file_of(stereo, 48000), 16000),
    )
    assert from_path.shape == from_file.shape == (1, 16000) and from_path.dtype == torch.float32
    torch.testing.assert_close(from_path, from_file, atol=1e-3, rtol=0)
    assert from_path.abs().max() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("container, codec", [("ipod", "aac"), ("webm", "libopus")])
def test_load_wav_reads_m4a_and_webm(tmp_path, container, codec):
    from imageio_ffmpeg import get_ffmpeg_exe

    wav, coded = tmp_path / "a.wav", tmp_path / "coded"
    wav.write_bytes(file_of(0.5 * tone(440, 16000)[0].numpy(), 16000).read())
    subprocess.run(
        [get_ffmpeg_exe(), "-v", "error", "-i", wav, "-c:a", codec, "-f", container, coded],
        check=True,
    )
    loaded = load_wav(coded, 16000)
    assert loaded.shape[1] == pytest.approx(16000, rel=0.1) and loaded.abs().max() == pytest.approx(
        0.5, abs=0.1
    )


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"not audio at all", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"]
)
def test_what_is_no_audio_is_refused(data):
    assert ffmpeg_demuxer(data) is None
    with pytest.raises(ReferenceAudioError) as refused:
        load_wav(io.BytesIO(data), 16000)
    assert "BytesIO" not in str(refused.value), "no part of the program in what a listener reads"


def test_a_long_or_empty_file_is_refused():
    for samples, reason in (
        (np.zeros(8000 * 121, np.int16), "longer"),
        (np.zeros(0, np.int16), "empty"),
    ):
        with pytest.raises(ReferenceAudioError, match=reason):
            load_wav(file_of(samples, 8000), 16000)


LIST = b"LIST" + struct.pack("<I", 4) + b"INFO"  # a chunk of notes


def streamed(wav: bytes, riff_size: int | None, data_size: int, before: bytes = b"") -> io.BytesIO:
    """A WAV file with other sizes in its header, and a chunk more before its samples."""
    at = wav.index(b"data")
    riff = wav[4:8] if riff_size is None else struct.pack("<I", riff_size)
    head = wav[:4] + riff + wav[8:at] + before
    return io.BytesIO(head + b"data" + struct.pack("<I", data_size) + wav[at + 8 :])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("riff_size", [None, 0, 36, 0xFFFFFFFF])
@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 100_000])
@pytest.mark.parametrize("before", [b"", LIST])
def test_a_wav_with_the_sizes_of_a_stream_is_read(subtype, riff_size, data_size, before):
    file = file_of(0.5 * tone(440, 16000)[0].numpy(), 16000, subtype=subtype)
    wav = streamed(file.getvalue(), riff_size, data_size, before)
    assert torch.equal(load_wav(wav, 16000), load_wav(file, 16000))


def test_silence_at_the_start_of_a_stream_is_no_chunk():
    samples = np.concatenate([np.zeros(16000), 0.5 * np.ones(16000)])
    wav = streamed(file_of(samples, 16000).getvalue(), 0, 0)
    assert load_wav(wav, 16000).shape == (1, 32000)


def test_our_own_streamed_wav_is_read_as_a_reference():
    pcm = (16000 * tone(440, 22050)[0].numpy()).astype(np.int16)
    encoder = WavStream(22050)
    data = encoder.feed(pcm[:5000]) + encoder.feed(pcm[5000:]) + encoder.end()
    assert torch.equal(load_wav(io.BytesIO(data), 22050)[0], torch.from_numpy(pcm) / 32768)


@pytest.mark.parametrize("data_size, after", [(0, b""), (0, LIST), (0xFFFFFFFF, b"")])
def test_a_wav_without_samples_is_empty(data_size, after):
    wav = streamed(file_of(np.zeros(0, np.int16), 16000).getvalue(), None, data_size)
    with pytest.raises(ReferenceAudioError, match="empty"):
        load_wav(io.BytesIO(wav.getvalue() + after), 16000)


@pytest.mark.parametrize("data_size", [0, 0xFFFFFFFF])
def test_a_streamed_wav_that_is_too_long_is_refused(data_size):
    wav = streamed(file_of(np.zeros(8000 * 121, np.int16), 8000).getvalue(), 0, data_size)
    with pytest.raises(ReferenceAudioError, match="longer"):
        load_wav(wav, 8000)


def test_a_damaged_m4a_is_refused():
    with pytest.raises(ReferenceAudioError, match="damaged"):
        decode_with_ffmpeg(b"\0\0\0\x18ftypM4A \0\0\0\0nothing more", "mov")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 1e300])
def test_values_that_are_not_numbers_are_refused(value):
    samples = np.zeros((16000, 2))
    samples[5] = value
    for subtype in ("FLOAT", "DOUBLE"):
        with np.errstate(over="ignore"), pytest.raises(ReferenceAudioError, match="not numbers"):
            load_wav(file_of(samples, 16000, subtype=subtype), 16000)


def test_trim_and_level_cuts_silence_levels_and_appends_a_pause():
    silence = torch.zeros(1, 8000)
    wav = trim_and_level(torch.cat([silence, tone(440, 16000), silence], 1))
    assert wav.shape[1] == pytest.approx(16000 + 4410, abs=900)
    assert wav.abs().max() == pytest.approx(0.8) and not wav[:, -4410:].any()


def test_trim_and_level_makes_a_pause_of_nothing():
    assert torch.equal(trim_and_level(torch.zeros(1, 0)), torch.zeros(1, 4410))


def test_trim_and_level_does_not_raise_a_quiet_voice():
    assert trim_and_level(0.1 * tone(440, 16000)).abs().max() == pytest.approx(0.1, abs=1e-3)


def test_features_have_the_frames_their_networks_expect():
    wav = tone(440, 16000, 2.0)
    mel, fbank = log_mel_spectrogram(wav), kaldi_fbank(wav)
    assert mel.shape == (1, 128, 200) and fbank.shape == (198, 80)
    assert mel.max() - mel.min() <= 2 + 1e-6  # eight decades, over four
    assert fbank[50].argmax() == pytest.approx(15, abs=3)  # 440 Hz on Kaldi's mel scale


def test_resampling_in_parts_equals_a_convolution(monkeypatch):
    for old_rate, new_rate in ((44100, 16000), (16000, 22050), (8000, 16000), (48000, 16000)):
        wav = torch.randn(1, old_rate // 2, generator=torch.Generator().manual_seed(0))
        whole = resample(wav, old_rate, new_rate)
        monkeypatch.setattr("cosyvoice.utils.audio.PART", 5000)
        parts = resample(wav, old_rate, new_rate)
        monkeypatch.undo()
        ratio = Fraction(new_rate, old_rate)
        kernel, width = sinc_kernel(ratio.denominator, ratio.numerator)
        padded = F.pad(wav[:, None], (width, width + ratio.denominator))
        convolved = F.conv1d(padded, kernel[:, None], stride=ratio.denominator)
        convolved = convolved.transpose(1, 2).flatten(1)[:, : whole.shape[1]]
        torch.testing.assert_close(whole, convolved, atol=2e-6, rtol=0)
        torch.testing.assert_close(parts, convolved, atol=2e-6, rtol=0)


@pytest.mark.parametrize(
    "rate, n_fft, n_mels, fmin, fmax",
    [(16000, 400, 128, 0, 8000), (22050, 1024, 80, 0, 8000), (24000, 1920, 80, 0, None)],
)
def test_mel_filters_are_librosas_to_the_last_bit(rate, n_fft, n_mels, fmin, fmax):
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax)
    assert np.array_equal(mel_filters(rate, n_fft, n_mels, fmin, fmax or rate / 2), expected)


@pytest.mark.parametrize(
    "lead, sound, tail, level",
    [
        (0, 16000, 0, 1),
        (3000, 16000, 5000, 1),
        (219, 500, 221, 1e-3),
        (5000, 1, 5000, 1),
        (900, 300, 0, 1e-6),
        (0, 0, 700, 1),
    ],
)
def test_silence_is_trimmed_where_librosa_trims_it(lead, sound, tail, level):
    librosa = pytest.importorskip("librosa")
    noise = torch.randn(sound, generator=torch.Generator().manual_seed(0))
    quiet = [1e-6 * torch.ones(n) for n in (lead, tail)]
    wav = level * torch.cat([quiet[0], noise, quiet[1]])[None]
    expected, _ = librosa.effects.trim(wav.numpy(), top_db=60, frame_length=440, hop_length=220)
    assert np.array_equal(trim_silence(wav), expected)


def test_reading_a_reference_does_not_import_librosa():
    code = (
        "import sys, torch; from cosyvoice.utils import audio as a; import cosyvoice.cli.frontend;"
    )
    code += "a.trim_and_level(torch.ones(1, 9999)), a.log_mel_spectrogram(torch.ones(1, 9999));"
    code += "print({'librosa', 'numba'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "set()"
