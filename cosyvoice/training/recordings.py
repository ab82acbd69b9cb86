"""A folder of recordings and their transcripts -> which of them can train a voice, and why not.

Transcripts are in a `.txt` beside each recording, or all in the folder's `metadata.csv`:

    name|text                     LJSpeech's form, without a header; what follows a second | is
                                  not read. Recordings may be in a folder `wavs`
    file_name,text                comma form with a header; also `file`, `path`, `audio`, `name`
                                  and `transcript`, `transcription`, `sentence`

Recordings are judged as references are (cli/reference_doctor.py), at 16 kHz, by what is left when
the silence at both ends is cut off.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
from torch import Tensor

from cosyvoice.cli import reference_doctor as doctor
from cosyvoice.cli.frontend import MAX_SECONDS, SILENCE
from cosyvoice.text.language import is_speakable, syllables
from cosyvoice.text.manuscript import decode
from cosyvoice.utils.audio import REFERENCE_RATE, read_audio, resample
from cosyvoice.utils.errors import InputError, ManuscriptError

SOUND = frozenset(".wav .mp3 .flac .ogg .opus .m4a .aac .webm .aif .aiff".split())
TABLE = "metadata.csv"
NAME_COLUMNS = ("file_name", "file", "path", "audio", "name")
TEXT_COLUMNS = ("text", "transcript", "transcription", "sentence")

MIN_SECONDS = 1.0  # of a recording without its silent ends; MAX_SECONDS is the tokenizer's limit
EDGE = 0.15  # seconds of quiet that are left at each end
PACE_RANGE = 2.0  # how many times the folder's median pace a transcript may be off, either way
FEWEST, SHORTEST = 10, 30  # recordings, and seconds of them, that training needs


@dataclass(frozen=True)
class Recording:
    """One file and what is said in it.

    name: the path in the folder, with / between its parts.
    """

    path: Path
    name: str
    text: str


@dataclass(frozen=True)
class Checked:
    """What is known about one recording.

    findings: as the reference doctor's; one of level "bad" leaves the recording out. used: first
    and last sample at 16 kHz. sound: a digest of the samples.
    """

    name: str
    text: str
    findings: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    rate: int = 0
    used: tuple[int, int] = (0, 0)
    pace: float = 0.0  # syllables per second of speech
    sound: str = ""

    @property
    def kept(self) -> bool:
        return not any(each["level"] == "bad" for each in self.findings)

    @property
    def used_seconds(self) -> float:
        return (self.used[1] - self.used[0]) / REFERENCE_RATE

    def left_out(self, code: str, en: str, zh: str, value=None) -> "Checked":
        return replace(self, findings=[*self.findings, doctor.finding(code, "bad", en, zh, value)])


# what is in the folder


def find(folder: Path) -> list[Recording]:
    """The recordings of a folder in the order of their names; text is "" where there is none.

    Raises InputError for a folder without recordings, or a table that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", f"没有文件夹 {folder}")
    table = folder / TABLE
    found = from_table(folder, table) if table.is_file() else beside_texts(folder)
    if not found:
        kinds = " ".join(sorted(SOUND))
        raise InputError(
            f"{folder} holds no recordings: put {kinds} files there, with a .txt beside each or "
            f"one {TABLE}",
            f"{folder} 中没有录音：请放入 {kinds} 文件，每个配一个同名 .txt，或共用一个 {TABLE}",
        )
    return sorted(found, key=lambda each: each.name)


def beside_texts(folder: Path) -> list[Recording]:
    files = [path for path in folder.rglob("*") if path.suffix.lower() in SOUND]
    return [recording(folder, path, text_beside(path)) for path in files if path.is_file()]


def recording(folder: Path, path: Path, text: str) -> Recording:
    inside = path.is_relative_to(folder)
    return Recording(path, (path.relative_to(folder) if inside else path).as_posix(), text.strip())


def text_beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    return read_text(text) if text.is_file() else ""


def read_text(path: Path) -> str:
    """Raises InputError for bytes that are no text."""
    try:
        return decode(path.read_bytes())
    except ManuscriptError as error:
        raise InputError(
            f"{path} cannot be read as text: save it as UTF-8",
            f"{path} 不是可读的文本，请另存为 UTF-8 编码",
        ) from error


def from_table(folder: Path, table: Path) -> list[Recording]:
    """The rows of a metadata.csv. A row whose file is not there is a recording that is not."""
    lines = [line for line in read_text(table).splitlines() if line.strip()]
    first = lines[0] if lines else ""
    rows = bar_rows(lines) if "|" in first else comma_rows(lines, table)
    return [recording(folder, sound_of(folder, name), text) for name, text in rows]


def bar_rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, rest = line.partition("|")
        yield name.strip(), rest.partition("|")[0]


def comma_rows(lines: list[str], table: Path) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(lines, skipinitialspace=True)
    header = {name.strip().lower(): name for name in rows.fieldnames or () if name}
    name = next((header[each] for each in NAME_COLUMNS if each in header), None)
    text = next((header[each] for each in TEXT_COLUMNS if each in header), None)
    if name is None or text is None:
        raise InputError(
            f"the first line of {table} must be like name|text without a header, or a header with "
            f"commas: one of {', '.join(NAME_COLUMNS)}, and one of {', '.join(TEXT_COLUMNS)}",
            f"{table} 的第一行须为 name|text（无表头），或以逗号分隔的表头："
            f"{'、'.join(NAME_COLUMNS)} 之一，加 {'、'.join(TEXT_COLUMNS)} 之一",
        )
    for row in rows:
        yield (row[name] or "").strip(), row[text] or ""


def sound_of(folder: Path, name: str) -> Path:
    """The file that a table's name means: with or without its ending, here or in `wavs`."""
    places = [place / name for place in (folder, folder / "wavs")]
    named = [path for path in places if path.is_file()]
    ended = (
        path.with_name(path.name + suffix)
        for path in places
        for suffix in sorted(SOUND, key=(".wav", ".flac", ".mp3").count, reverse=True)
    )
    return next(iter(named), None) or next((p for p in ended if p.is_file()), places[0])


def digest(recordings: Iterable[Recording]) -> str:
    """Another for any other file, text or order."""
    result = hashlib.sha256()
    for each in recordings:
        state = each.path.stat() if each.path.is_file() else None
        known = (each.name, each.text, state and (state.st_size, state.st_mtime_ns))
        result.update(repr(known).encode())
    return result.hexdigest()


# what is good and bad about each


def check(recordings: list[Recording], done: Callable = lambda: None) -> list[Checked]:
    """Judge recordings one by one, then against each other. done: called after each."""
    checked = []
    for each in recordings:
        checked.append(examine(each))
        done()
    return without_outliers(without_doubles(checked))


def examine(recording: Recording) -> Checked:
    result = Checked(recording.name, recording.text)
    if not recording.path.is_file():
        return result.left_out("missing", "there is no such file", "文件不存在")
    if not recording.text:
        return result.left_out("no_transcript", "it has no transcript", "没有文本")
    if not is_speakable(recording.text):
        return result.left_out(
            "no_words", "its transcript holds nothing that is spoken", "文本中没有可读的内容"
        )
    try:
        samples, rate = read_audio(recording.path)
    except InputError as error:
        return result.left_out("unreadable", error.en, error.zh)
    wav = resample(samples, rate, REFERENCE_RATE)
    return heard(replace(result, seconds=round(wav.shape[1] / REFERENCE_RATE, 2), rate=rate), wav)


def heard(result: Checked, wav: Tensor) -> Checked:
    """Add what the samples (1, N) at 16 kHz tell."""
    if float(wav.abs().max()) < SILENCE:
        return result.left_out("silent", "it is silent", "没有声音")
    start, end = spoken_part(wav)
    result = replace(result, used=(start, end), sound=sound_digest(wav[0, start:end].numpy()))
    if fault := wrong_length(result.used_seconds):
        return result.left_out(*fault)
    part = doctor.Loudness(wav[0, start:end].numpy())
    spoken = max(part.spoken_seconds, 0.1)
    advice = [doctor.clipping(part), doctor.level(part), doctor.noise(part), sampling(result.rate)]
    advice.append(doctor.words(result.text, part))
    findings = [each for each in advice if each["level"] != "ok"]
    return replace(result, findings=findings, pace=round(syllables(result.text) / spoken, 2))


def spoken_part(wav: Tensor) -> tuple[int, int]:
    """First and last sample of the speech in (1, N), with EDGE of what is around it."""
    frames = doctor.Loudness(wav[0].numpy()).speech.nonzero()[0]
    if not len(frames):
        return 0, wav.shape[1]
    edge = int(EDGE * REFERENCE_RATE)
    start = max(0, int(frames[0]) * doctor.FRAME - edge)
    return start, min(wav.shape[1], (int(frames[-1]) + 1) * doctor.FRAME + edge)


def sound_digest(samples: np.ndarray) -> str:
    return hashlib.sha256((samples * 32767).astype(np.int32).tobytes()).hexdigest()[:16]


def wrong_length(seconds: float) -> tuple[str, str, str, float] | None:
    value = round(seconds, 2)
    if seconds < MIN_SECONDS:
        return (
            "short",
            f"{seconds:.1f} s of speech are too short: use {MIN_SECONDS:g} to {MAX_SECONDS} s",
            f"语音只有 {seconds:.1f} 秒，太短：请使用 {MIN_SECONDS:g} 至 {MAX_SECONDS} 秒",
            value,
        )
    if seconds > MAX_SECONDS:
        return (
            "long",
            f"{seconds:.1f} s are too long: cut it at pauses into parts of up to {MAX_SECONDS} s, "
            "each with its own transcript",
            f"长 {seconds:.1f} 秒，太长：请在停顿处剪成不超过 {MAX_SECONDS} 秒的片段，"
            "并分别配上文本",
            value,
        )
    return None


def sampling(rate: int) -> dict:
    """A low rate spoils a voice that learns from it, where it only dulls a reference."""
    finding = doctor.sampling(rate)
    return {**finding, "level": "bad"} if finding["level"] != "ok" else finding


def without_doubles(checked: list[Checked]) -> list[Checked]:
    """Leave out the same sound again, and all of it where its transcripts differ."""
    by_sound: dict[str, list[Checked]] = {}
    for each in checked:
        if each.kept:
            by_sound.setdefault(each.sound, []).append(each)
    result = []
    for each in checked:
        same = by_sound.get(each.sound, [each])
        first, texts = same[0], {other.text for other in same}
        if each.kept and len(texts) > 1:
            others = ", ".join(other.name for other in same if other is not each)
            each = each.left_out(
                "double",
                f"it is the same sound as {others} with another transcript",
                f"与 {others} 是同一段声音，文本却不同",
            )
        elif each.kept and each is not first:
            each = each.left_out(
                "double",
                f"it is the same sound as {first.name}",
                f"与 {first.name} 是同一段声音",
            )
        result.append(each)
    return result


def without_outliers(checked: list[Checked]) -> list[Checked]:
    """Leave out what is far faster or slower than the rest: its transcript is another one's."""
    paces = [each.pace for each in checked if each.kept]
    usual = median(paces) if paces else 0.0
    return [
        each.left_out(
            "pace",
            f"its transcript does not fit: {each.pace:.1f} syllables a second where the others "
            f"have {usual:.1f}",
            f"文本与录音不符：每秒 {each.pace:.1f} 个音节，其他录音为 {usual:.1f} 个",
            each.pace,
        )
        if each.kept and not usual / PACE_RANGE <= each.pace <= usual * PACE_RANGE
        else each
        for each in checked
    ]


def require_enough(checked: list[Checked]) -> None:
    """Raises InputError when too little is left to train on."""
    kept = [each for each in checked if each.kept]
    seconds = sum(each.used_seconds for each in kept)
    if len({each.text for each in kept}) < FEWEST or seconds < SHORTEST:
        raise InputError(
            f"{len(kept)} recordings of {seconds:.0f} s in all can be used: training needs "
            f"at least {FEWEST}, of {SHORTEST} s in all; ten minutes or more make a good likeness",
            f"可用录音 {len(kept)} 条，共 {seconds:.0f} 秒：训练至少需要 {FEWEST} 条、"
            f"共 {SHORTEST} 秒，十分钟以上效果才好",
        )


# the report


def write_report(path: Path, folder: Path, key: str, checked: list[Checked]) -> None:
    """Write a report as JSON; key: the digest of what was checked."""
    kept = [each for each in checked if each.kept]
    body = {
        "folder": str(folder),
        "digest": key,
        "recordings": len(checked),
        "used": len(kept),
        "used_seconds": round(sum(each.used_seconds for each in kept), 1),
        "checked": [{**asdict(each), "kept": each.kept} for each in checked],
    }
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


def read_report(path: Path, key: str) -> list[Checked] | None:
    """What was found about the same recordings before; None where nothing was."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if body.get("digest") != key:
        return None
    rows = [{name: row[name] for name in row if name != "kept"} for row in body["checked"]]
    return [Checked(**{**row, "used": tuple(row["used"])}) for row in rows]


def table(checked: list[Checked]) -> str:
    """A report for people: what is left out and why, what is doubtful, and how much remains."""
    kept = [each for each in checked if each.kept]
    out = [each for each in checked if not each.kept]
    doubtful = [each for each in kept if each.findings]
    minutes = sum(each.used_seconds for each in kept) / 60
    lines = [
        f"{len(checked)} recordings, {len(kept)} used ({minutes:.1f} min), {len(out)} left out"
        f" / 共 {len(checked)} 条录音，采用 {len(kept)} 条（{minutes:.1f} 分钟），"
        f"舍弃 {len(out)} 条"
    ]
    for mark, some in (("-", out), ("?", doubtful)):
        width = max((len(each.name) for each in some), default=0)
        for each in some:
            said = [f["message"] for f in each.findings if mark == "?" or f["level"] == "bad"]
            lines.append(f"  {mark} {each.name:{width}}  {'; '.join(said)}")
    if out or doubtful:
        lines.append("- left out, ? used but doubtful / - 为舍弃，? 为采用但可疑")
    return "\n".join(lines)
