"""Audio in: any file -> mono float32 at one rate, and the features that the reference's networks read.

Waveforms are (1, N) float32 in [-1, 1].
"""

import io
import math
import subprocess
import tempfile
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cosyvoice.utils.errors import ReferenceAudioError

REFERENCE_RATE = 16000  # Hz, of every network that reads a reference
MAX_FILE_SECONDS, MAX_SAMPLES = (
    120,
    3 * 10**7,
)  # of one file, over all channels; more is refused before it is decoded
FFMPEG_SECONDS = 60  # a decoder that takes longer is stopped
ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # of the resampling filter, torchaudio's defaults


def load_wav(wav: str | Path | BinaryIO, sample_rate: int, scratch: Path | None = None) -> Tensor:
    """Read a file or file object as (1, N) float32 at sample_rate, its channels averaged.

    soundfile reads wav, mp3, flac and ogg; the ffmpeg of imageio-ffmpeg reads m4a, webm and aac, from a file
    that it gets in the folder `scratch` (None: the system's).
    Raises ReferenceAudioError, or FileNotFoundError for a path that does not exist.
    """
    data = wav.read() if hasattr(wav, "read") else Path(wav).read_bytes()
    samples, rate = decode(data, scratch)  # (N, channels)
    if not samples.size or not np.isfinite(samples).all():
        raise ReferenceAudioError(
            "the audio is empty or holds values that are not numbers: export it again",
            "音频为空或含有非数值的采样，请重新导出",
        )
    return resample(torch.from_numpy(samples.mean(1))[None], rate, sample_rate)


def decode(data: bytes, scratch: Path | None = None) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if (
                file.frames > MAX_FILE_SECONDS * file.samplerate
                or file.frames * file.channels > MAX_SAMPLES
            ):
                raise ReferenceAudioError(
                    f"the audio is longer than {MAX_FILE_SECONDS} s",
                    f"音频超过 {MAX_FILE_SECONDS} 秒",
                )
            return file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        demuxer = ffmpeg_demuxer(data)
        if demuxer is None:
            raise ReferenceAudioError(
                f"the audio cannot be read ({error.error_string.rstrip('.')}): use wav, mp3, flac, ogg, m4a or webm",
                "无法读取音频，请使用 wav、mp3、flac、ogg、m4a 或 webm",
            ) from error
    return decode_with_ffmpeg(data, demuxer, scratch), 48000


def ffmpeg_demuxer(data: bytes) -> str | None:
    """The only container ffmpeg may take the file for: left to guess, it would follow a playlist to other files."""
    if data[4:8] == b"ftyp":
        return "mov"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    return "aac" if data[:2] in (b"\xff\xf1", b"\xff\xf9") else None


def decode_with_ffmpeg(data: bytes, demuxer: str, scratch: Path | None = None) -> np.ndarray:
    from imageio_ffmpeg import get_ffmpeg_exe

    with tempfile.TemporaryDirectory(
        dir=scratch
    ) as folder:  # an m4a can only be read from a file that seeks
        (path := Path(folder) / "audio").write_bytes(data)
        command = [
            get_ffmpeg_exe(),
            "-v",
            "error",
            "-protocol_whitelist",
            "file,pipe",
            "-f",
            demuxer,
            "-i",
            str(path),
            "-vn",
            "-t",
            str(MAX_FILE_SECONDS),
            "-ac",
            "1",
            "-ar",
            "48000",
            "-f",
            "f32le",
            "pipe:1",
        ]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=FFMPEG_SECONDS
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
    return np.frombuffer(done.stdout, np.float32)[:, None].copy()


def resample(wav: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """(1, N) at from_rate -> (1, ceil(N to_rate / from_rate)), band-limited by a Hann-windowed sinc.

    Equal to torchaudio.transforms.Resample's default. A ratio without small terms is rounded, by less than 1e-6.
    """
    ratio = Fraction(to_rate, from_rate).limit_denominator(1000)
    new, old = ratio.numerator, ratio.denominator
    if new == old:
        return wav
    kernel, width = sinc_kernel(old, new)
    padded = F.pad(wav[:, None], (width, width + old))
    out = F.conv1d(padded, kernel, stride=old)  # (1, new, N / old + 1)
    return out.transpose(1, 2).flatten(1)[:, : math.ceil(wav.shape[1] * new / old)]


@lru_cache
@torch.inference_mode(False)
def sinc_kernel(old: int, new: int) -> tuple[Tensor, int]:
    """One filter per output phase, (new, 1, old + 2 width). Source: torchaudio functional.py, sinc_interp_hann."""
    cutoff = min(old, new) * ROLLOFF
    width = math.ceil(ZERO_CROSSINGS * old / cutoff)
    input_time = torch.arange(-width, width + old, dtype=torch.float64) / old
    output_time = -torch.arange(new) / new  # float32 as torchaudio's
    t = ((output_time[:, None, None] + input_time) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(t * math.pi / ZERO_CROSSINGS / 2).square()
    return (torch.sinc(t) * window * cutoff / old).float(), width


def trim_and_level(wav: Tensor) -> Tensor:
    """Cut silence (60 dB below the peak) off both ends of (1, N) at 16 kHz, lower the peak to 0.8, append 0.276 s of silence.

    Source: `postprocess` of the original server, whose pause is 0.2 s counted at 22,050 Hz.
    """
    import librosa

    wav = torch.from_numpy(
        librosa.effects.trim(wav.numpy(), top_db=60, frame_length=440, hop_length=220)[0]
    )
    wav = wav * (0.8 / wav.abs().max().clamp(min=0.8))
    return F.pad(wav, (0, 4410))


def log_mel_spectrogram(wav: Tensor, n_mels: int = 128) -> Tensor:
    """(1, N) at 16 kHz -> (1, n_mels, N // 160), what whisper and the speech tokenizer read. Source: openai-whisper audio.py."""
    spectrum = torch.stft(
        wav, 400, 160, window=torch.hann_window(400, device=wav.device), return_complex=True
    )
    mel = whisper_filters(n_mels) @ spectrum[..., :-1].abs().square()
    mel = mel.clamp(min=1e-10).log10()
    return (mel.maximum(mel.max() - 8) + 4) / 4


@lru_cache
@torch.inference_mode(False)
def whisper_filters(n_mels) -> Tensor:
    import librosa

    return torch.from_numpy(librosa.filters.mel(sr=REFERENCE_RATE, n_fft=400, n_mels=n_mels))


def kaldi_fbank(wav: Tensor, num_mel_bins: int = 80) -> Tensor:
    """(1, N) at 16 kHz -> (frames, num_mel_bins), Kaldi's log mel energies without dither, 25 ms every 10 ms."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = REFERENCE_RATE
    options.mel_opts.num_bins = num_mel_bins
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(REFERENCE_RATE, wav[0].numpy())
    fbank.input_finished()
    return torch.from_numpy(np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]))
