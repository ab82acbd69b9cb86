"""Audio in: any file -> mono float32 at one rate, and the features that networks read of it.

Waveforms are (1, N) float32 in [-1, 1].
"""

import io
import math
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cosyvoice.utils.errors import ReferenceAudioError

QUIETEST_POWER = 1e-10  # -100 dB; what is quieter counts as this
REFERENCE_RATE = 16000  # Hz, of every network that reads a reference
# Limits of one file. It is refused by its header, before it is decoded.
MIN_RATE, MAX_RATE = 4000, 192_000  # Hz
MAX_CHANNELS = 8
MAX_VALUE = 1e9  # of a sample; the largest 32-bit integer is not far above
MAX_CHUNKS = 1000  # of a RIFF file, that are looked at

BLOCK = 2**16  # frames that are decoded at once, so that only their mean is kept of many channels
FFMPEG_RATE = 48000  # Hz, of what ffmpeg decodes
FFMPEG_SECONDS = 20  # that ffmpeg may take to decode a reference; more for what may be longer
FFMPEG_BYTES = 100_000_000  # of memory that ffmpeg may ask for at once

ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # of the resampling filter, torchaudio's defaults
PART = 2**20  # values that are multiplied with the filter at once
MAX_KERNEL = 300_000  # about the number of its values; rates in use need fewer


@dataclass(frozen=True)
class FileLimits:
    """How much sound a file may hold."""

    seconds: int
    samples: int  # over all channels


REFERENCE_LIMITS = FileLimits(seconds=120, samples=3 * 10**7)


def load_wav(
    wav: str | Path | BinaryIO,
    sample_rate: int,
    scratch: Path | None = None,
    limits: FileLimits = REFERENCE_LIMITS,
) -> Tensor:
    """Read a file or file object as (1, N) float32 at sample_rate, its channels averaged.

    soundfile reads wav, mp3, flac and ogg. The ffmpeg of imageio-ffmpeg reads m4a, webm and aac
    from a temporary file in the folder `scratch` (None: the system's).
    Raises ReferenceAudioError, or FileNotFoundError for a path that does not exist.
    """
    samples, rate = read_audio(wav, scratch, limits)
    return resample(samples, rate, sample_rate)


def read_audio(
    wav: str | Path | BinaryIO, scratch: Path | None = None, limits: FileLimits = REFERENCE_LIMITS
) -> tuple[Tensor, int]:
    """As load_wav, at the file's own rate, which is returned too."""
    data = wav.read() if hasattr(wav, "read") else Path(wav).read_bytes()
    samples, rate = decode(data, scratch, limits)
    if not samples.size:
        raise ReferenceAudioError(
            "the audio is empty: it holds no samples", "音频为空：其中没有任何采样"
        )
    if not np.abs(samples).max() <= MAX_VALUE:  # false for NaN
        raise ReferenceAudioError(
            "the audio holds values that are not numbers, or far too large: export it again",
            "音频含有非数值或过大的采样，请重新导出",
        )
    return torch.from_numpy(samples)[None], rate


def decode(
    data: bytes, scratch: Path | None = None, limits: FileLimits = REFERENCE_LIMITS
) -> tuple[np.ndarray, int]:
    """The bytes of a file -> the mean of its channels, float32 (N,), and its rate in Hz."""
    import soundfile

    try:
        with soundfile.SoundFile(File(with_data_size(data))) as file:
            check_limits(file.samplerate, file.channels, file.frames, limits)
            return mean_of_channels(file), file.samplerate
    except soundfile.LibsndfileError as error:
        demuxer = ffmpeg_demuxer(data)
        if demuxer is None:
            raise ReferenceAudioError(
                f"the audio cannot be read ({error.error_string.rstrip('.')}): "
                "use wav, mp3, flac, ogg, m4a or webm",
                "无法读取音频，请使用 wav、mp3、flac、ogg、m4a 或 webm",
            ) from error
    return decode_with_ffmpeg(data, demuxer, scratch, limits), FFMPEG_RATE


class File(io.BytesIO):
    """A file in memory in which libsndfile may seek before the start, as it does in damaged ones.

    io.BytesIO raises then, which soundfile would print.
    """

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self.tell(), self.getbuffer().nbytes)[whence]
        return super().seek(max(0, base + offset))


def check_limits(
    rate: int, channels: int, frames: int, limits: FileLimits = REFERENCE_LIMITS
) -> None:
    """Raises ReferenceAudioError for a file that is not to be decoded."""
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ReferenceAudioError(
            f"the audio has a sampling rate of {rate} Hz: use {MIN_RATE} to {MAX_RATE} Hz, "
            "best 16000 or more",
            f"音频采样率为 {rate} Hz，请使用 {MIN_RATE} 至 {MAX_RATE} Hz，最好不低于 16000 Hz",
        )
    if channels > MAX_CHANNELS:
        raise ReferenceAudioError(
            f"the audio has {channels} channels: use at most {MAX_CHANNELS}, best one",
            f"音频有 {channels} 个声道，最多 {MAX_CHANNELS} 个，最好为单声道",
        )
    if frames > limits.seconds * rate:
        raise too_long_error(limits)
    if frames * channels > limits.samples:
        raise ReferenceAudioError(
            f"the audio holds {frames * channels / 1e6:.0f} million samples over all channels: "
            f"use at most {limits.samples / 1e6:.0f} million, by one channel or a lower rate",
            f"音频各声道共 {frames * channels / 1e6:.0f} 百万个采样，"
            f"最多 {limits.samples / 1e6:.0f} 百万个，请改为单声道或降低采样率",
        )


def too_long_error(limits: FileLimits) -> ReferenceAudioError:
    return ReferenceAudioError(
        f"the audio is longer than {limits.seconds} s", f"音频超过 {limits.seconds} 秒"
    )


def mean_of_channels(file) -> np.ndarray:
    """The rest of an open soundfile.SoundFile as float32 (N,)."""
    mean, at = np.empty(file.frames, np.float32), 0  # a wrong header's memory is never touched
    while at < len(mean):
        block = file.read(min(BLOCK, len(mean) - at), dtype="float32", always_2d=True)
        if not len(block):
            break
        with np.errstate(over="ignore", invalid="ignore"):  # refused by read_audio
            mean[at : at + len(block)] = block.mean(1)
        at += len(block)
    return mean[:at]


def with_data_size(data: bytes) -> bytes:
    """The bytes of a WAV file, with the size of its samples written where a stream has left a 0.

    A stream's size is not known when its header is sent, so it says 0 or 0xFFFFFFFF, and everything
    after the header is samples. libsndfile reads any size that is too large that way, but not 0.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    chunks = riff_chunks(data, 12)
    begin = next((at for name, at, size in chunks if name == b"data" and size == 0), None)
    if begin is None or only_chunks_follow(data, begin):
        return data
    return data[: begin - 4] + struct.pack("<I", len(data) - begin) + data[begin:]


def riff_chunks(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and size of the chunks of a RIFF file from byte `at` on."""
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, size
        at += 8 + size + size % 2


def only_chunks_follow(data: bytes, at: int) -> bool:
    """Whether nothing but well-formed chunks, or nothing at all, is there from byte `at` on."""
    return all(
        name.isascii() and name.decode().isprintable() and begin + size <= len(data)
        for name, begin, size in riff_chunks(data, at)
    )


def ffmpeg_demuxer(data: bytes) -> str | None:
    """The only container that ffmpeg may take the file for.

    Left to guess, it would follow a playlist to other files.
    """
    if data[4:8] == b"ftyp":
        return "mov"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return "aac" if data[:2] in (b"\xff\xf1", b"\xff\xf9") else None


def decode_with_ffmpeg(
    data: bytes,
    demuxer: str,
    scratch: Path | None = None,
    limits: FileLimits = REFERENCE_LIMITS,
) -> np.ndarray:
    """The bytes of a file -> mono float32 (N,) at FFMPEG_RATE."""
    from imageio_ffmpeg import get_ffmpeg_exe

    with tempfile.TemporaryDirectory(dir=scratch) as folder:  # an m4a needs a file that seeks
        path = Path(folder) / "audio"
        path.write_bytes(data)
        options = f"-v error -max_alloc {FFMPEG_BYTES} -threads 1".split()
        before = f"-protocol_whitelist file,pipe -f {demuxer} -i".split()
        after = f"-vn -t {limits.seconds + 1} -ac 1 -ar {FFMPEG_RATE} -f f32le pipe:1".split()
        try:
            done = subprocess.run(
                [get_ffmpeg_exe(), *options, *before, str(path), *after],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=FFMPEG_SECONDS * max(1, limits.seconds / REFERENCE_LIMITS.seconds),
            )
        except subprocess.TimeoutExpired as error:
            raise ReferenceAudioError(
                "the audio took too long to decode", "音频解码超时"
            ) from error
    if done.returncode or not done.stdout:
        raise ReferenceAudioError(
            "the audio cannot be decoded: it is damaged, or has no sound track",
            "音频无法解码：文件损坏或没有音轨",
        )
    size = len(done.stdout) // 4 * 4  # of whole samples
    if size > 4 * limits.seconds * FFMPEG_RATE:
        raise too_long_error(limits)
    return np.frombuffer(done.stdout[:size], np.float32).copy()


def resample(wav: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """(1, N) at from_rate -> (1, ceil(N to_rate / from_rate)), by a Hann-windowed sinc.

    Equal to torchaudio.transforms.Resample's default, which upstream uses for references.
    A ratio without small terms is rounded by less than 1e-3 (2 cents), for a small filter.
    """
    most = min(1000, math.isqrt(MAX_KERNEL * from_rate // to_rate))  # new * old <= MAX_KERNEL
    ratio = Fraction(to_rate, from_rate).limit_denominator(max(1, most))
    new, old = ratio.numerator, ratio.denominator
    if new == old:
        return wav
    kernel, width = sinc_kernel(old, new)
    windows = F.pad(wav[0], (width, width + old)).unfold(0, kernel.shape[1], old)
    # As products of matrices: a convolution keeps memory for every length and filter it has met.
    parts = windows.split(max(1, PART // kernel.shape[1]))
    out = torch.cat([part @ kernel.T for part in parts])  # (N / old + 1, new)
    return out.flatten()[None, : math.ceil(wav.shape[1] * new / old)]


@lru_cache(maxsize=8)  # of at most 1.3 MB each
@torch.inference_mode(False)
def sinc_kernel(old: int, new: int) -> tuple[Tensor, int]:
    """One filter per output phase, (new, old + 2 width), and the width.

    Source: torchaudio functional.py, sinc_interp_hann.
    """
    cutoff = min(old, new) * ROLLOFF
    width = math.ceil(ZERO_CROSSINGS * old / cutoff)
    input_time = torch.arange(-width, width + old, dtype=torch.float64) / old
    output_time = -torch.arange(new) / new  # float32, as in torchaudio
    t = ((output_time[:, None] + input_time) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(t * math.pi / ZERO_CROSSINGS / 2).square()
    return (torch.sinc(t) * window * cutoff / old).float(), width


def trim_silence(wav: Tensor, below_db=60, frame=440, hop=220) -> Tensor:
    """Cut off the ends of (1, N) whose frames are all more than below_db dB below the loudest.

    Frames lie around every hop-th sample. Source: librosa.effects.trim.
    """
    if not wav.shape[1]:
        return wav
    padded = F.pad(wav[0].double(), (frame // 2, frame // 2))
    power = padded.unfold(0, frame, hop).square().mean(1).clamp(min=QUIETEST_POWER)
    loud = (power > power.max() * 10 ** (-below_db / 10)).nonzero()
    if not len(loud):
        return wav[:, :0]
    return wav[:, int(loud[0]) * hop : (int(loud[-1]) + 1) * hop]


def trim_and_level(wav: Tensor) -> Tensor:
    """Cut silence off both ends of (1, N) at 16 kHz, lower the peak to 0.8, append a pause.

    Silence is 60 dB below the peak; the pause is 0.276 s. Source: `postprocess` of the original
    server, whose pause is 0.2 s counted at 22,050 Hz.
    """
    wav = trim_silence(wav)
    if not wav.shape[1]:
        return wav.new_zeros(1, 4410)
    wav = wav * (0.8 / wav.abs().max().clamp(min=0.8))
    return F.pad(wav, (0, 4410))


def log_mel_spectrogram(wav: Tensor, n_mels: int = 128) -> Tensor:
    """(1, N) at 16 kHz -> (1, n_mels, N // 160), what whisper and the speech tokenizer read.

    Source: openai-whisper audio.py.
    """
    spectrum = torch.stft(
        wav, 400, 160, window=torch.hann_window(400, device=wav.device), return_complex=True
    )
    mel = whisper_filters(n_mels) @ spectrum[..., :-1].abs().square()
    mel = mel.clamp(min=1e-10).log10()
    return (mel.maximum(mel.max() - 8) + 4) / 4


@lru_cache
@torch.inference_mode(False)
def whisper_filters(n_mels) -> Tensor:
    return mel_filters(REFERENCE_RATE, 400, n_mels, 0, REFERENCE_RATE / 2)


def kaldi_fbank(wav: Tensor, num_mel_bins: int = 80) -> Tensor:
    """(1, N) at 16 kHz -> (frames, num_mel_bins), Kaldi's log mel energies.

    Frames of 25 ms, one every 10 ms; no dither.
    """
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = REFERENCE_RATE
    options.mel_opts.num_bins = num_mel_bins
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(REFERENCE_RATE, wav[0].numpy())
    fbank.input_finished()
    return torch.from_numpy(np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]))


def mel_filters(rate: int, n_fft: int, n_mels: int, fmin: float, fmax: float) -> Tensor:
    """Triangles of equal area over the bins of a spectrum, float32 (n_mels, n_fft // 2 + 1).

    Source: librosa.filters.mel, whose numbers these are to the last bit; its import takes seconds
    and 250 MB. The scale is Slaney's: linear below 1,000 Hz, logarithmic above.
    """
    edges = _mel_to_hertz(np.linspace(_hertz_to_mel(fmin), _hertz_to_mel(fmax), n_mels + 2))
    width = np.diff(edges)
    distance = np.subtract.outer(edges, np.fft.rfftfreq(n_fft, 1 / rate))
    rising, falling = -distance[:-2] / width[:-1, None], distance[2:] / width[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return torch.from_numpy(filters)


HERTZ_OF_MEL = 200 / 3  # below BREAK
BREAK = 1000.0  # Hz
LOG_STEP = np.log(6.4) / 27  # of a mel above BREAK


def _hertz_to_mel(hertz: float) -> float:
    if hertz < BREAK:
        return hertz / HERTZ_OF_MEL
    return BREAK / HERTZ_OF_MEL + np.log(hertz / BREAK) / LOG_STEP


def _mel_to_hertz(mel: np.ndarray) -> np.ndarray:
    start = BREAK / HERTZ_OF_MEL
    return np.where(mel < start, mel * HERTZ_OF_MEL, BREAK * np.exp(LOG_STEP * (mel - start)))
