"""Audio in: any file -> mono float32 at one rate, and the features that networks read of it.

Waveforms are (1, N) float32 in [-1, 1].
"""

import io
import math
import struct
import subprocess
import tempfile
from collections.abc import Iterator
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
MAX_FILE_SECONDS = 120  # of one file; a longer one is refused before it is decoded
MAX_SAMPLES = 3 * 10**7  # of one file, over all channels
FFMPEG_SECONDS = 60  # that ffmpeg may take to decode a file
ZERO_CROSSINGS, ROLLOFF = 6, 0.99  # of the resampling filter, torchaudio's defaults


def load_wav(wav: str | Path | BinaryIO, sample_rate: int, scratch: Path | None = None) -> Tensor:
    """Read a file or file object as (1, N) float32 at sample_rate, its channels averaged.

    soundfile reads wav, mp3, flac and ogg. The ffmpeg of imageio-ffmpeg reads m4a, webm and aac
    from a temporary file in the folder `scratch` (None: the system's).
    Raises ReferenceAudioError, or FileNotFoundError for a path that does not exist.
    """
    data = wav.read() if hasattr(wav, "read") else Path(wav).read_bytes()
    samples, rate = decode(data, scratch)  # (N, channels)
    if not samples.size:
        raise ReferenceAudioError(
            "the audio is empty: it holds no samples", "音频为空：其中没有任何采样"
        )
    if not np.isfinite(samples).all():
        raise ReferenceAudioError(
            "the audio holds values that are not numbers: export it again",
            "音频含有非数值的采样，请重新导出",
        )
    return resample(torch.from_numpy(samples.mean(1))[None], rate, sample_rate)


def decode(data: bytes, scratch: Path | None = None) -> tuple[np.ndarray, int]:
    """The bytes of a file -> its samples, float32 (N, channels), and their rate in Hz."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(with_data_size(data))) as file:
            longest = min(MAX_FILE_SECONDS * file.samplerate, MAX_SAMPLES // file.channels)
            if file.frames > longest:
                raise ReferenceAudioError(
                    f"the audio is longer than {MAX_FILE_SECONDS} s",
                    f"音频超过 {MAX_FILE_SECONDS} 秒",
                )
            return file.read(dtype="float32", always_2d=True), file.samplerate
    except soundfile.LibsndfileError as error:
        demuxer = ffmpeg_demuxer(data)
        if demuxer is None:
            raise ReferenceAudioError(
                f"the audio cannot be read ({error.error_string.rstrip('.')}): "
                "use wav, mp3, flac, ogg, m4a or webm",
                "无法读取音频，请使用 wav、mp3、flac、ogg、m4a 或 webm",
            ) from error
    return decode_with_ffmpeg(data, demuxer, scratch), 48000


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
    """Name, first byte and size of each chunk of a RIFF file from byte `at` on."""
    while at + 8 <= len(data):
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


def decode_with_ffmpeg(data: bytes, demuxer: str, scratch: Path | None = None) -> np.ndarray:
    """The bytes of a file -> float32 (N, 1) at 48 kHz, of its first MAX_FILE_SECONDS."""
    from imageio_ffmpeg import get_ffmpeg_exe

    with tempfile.TemporaryDirectory(dir=scratch) as folder:  # an m4a needs a file that seeks
        path = Path(folder) / "audio"
        path.write_bytes(data)
        before = f"-v error -protocol_whitelist file,pipe -f {demuxer} -i".split()
        after = f"-vn -t {MAX_FILE_SECONDS} -ac 1 -ar 48000 -f f32le pipe:1".split()
        try:
            done = subprocess.run(
                [get_ffmpeg_exe(), *before, str(path), *after],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=FFMPEG_SECONDS,
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
    """(1, N) at from_rate -> (1, ceil(N to_rate / from_rate)), by a Hann-windowed sinc.

    Equal to torchaudio.transforms.Resample's default, which upstream uses for references.
    A ratio without small terms is rounded, by less than 1e-6.
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
    """One filter per output phase, (new, 1, old + 2 width), and the width.

    Source: torchaudio functional.py, sinc_interp_hann.
    """
    cutoff = min(old, new) * ROLLOFF
    width = math.ceil(ZERO_CROSSINGS * old / cutoff)
    input_time = torch.arange(-width, width + old, dtype=torch.float64) / old
    output_time = -torch.arange(new) / new  # float32, as in torchaudio
    t = ((output_time[:, None, None] + input_time) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(t * math.pi / ZERO_CROSSINGS / 2).square()
    return (torch.sinc(t) * window * cutoff / old).float(), width


def trim_and_level(wav: Tensor) -> Tensor:
    """Cut silence off both ends of (1, N) at 16 kHz, lower the peak to 0.8, append a pause.

    Silence is 60 dB below the peak; the pause is 0.276 s. Source: `postprocess` of the original
    server, whose pause is 0.2 s counted at 22,050 Hz.
    """
    import librosa

    loud, _ = librosa.effects.trim(wav.numpy(), top_db=60, frame_length=440, hop_length=220)
    wav = torch.from_numpy(loud)
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
    import librosa

    return torch.from_numpy(librosa.filters.mel(sr=REFERENCE_RATE, n_fft=400, n_mels=n_mels))


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
