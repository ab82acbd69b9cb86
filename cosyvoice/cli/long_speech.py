"""Long speech: a manuscript is cut into parts, each spoken into a file, all joined to a book.

The service and `python -m cosyvoice book` share this. A part is about as long as what the language
model speaks at once, and has a seed of its own that follows from the book's seed and its number. So
a book that was interrupted and goes on is the same, byte for byte, as one that was not. Sentences
of a text stream and lines of a dialogue have their seeds in the same way.
"""

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from cosyvoice.encoders.formats import check_exit
from cosyvoice.encoders.mark import STATEMENT, Mark
from cosyvoice.encoders.wav import to_int16
from cosyvoice.text.clean import clean, join_of, wrapped_lines
from cosyvoice.text.language import HAN, HANGUL, KANA, is_speakable
from cosyvoice.text.manuscript import Manuscript
from cosyvoice.text.read import SENTENCE_END
from cosyvoice.text.tags import left_out_tags
from cosyvoice.utils.whole_file import write_whole

LONGEST_PART = 80.0  # in characters of Chinese; a letter of others is a third of one
LONGEST_SENTENCE = 160.0  # a longer one is cut at a comma or a blank
NARROW = 1 / 3  # width of a character that is no syllable
MOST_CHARACTERS = round(LONGEST_SENTENCE / NARROW) + 1  # so many are always too long
PARAGRAPH_PAUSE = 0.3  # seconds
TITLE_PAUSE = 0.8
CHAPTER_PAUSE = 1.5
SEEDS = 2**32  # 0 to SEEDS - 1
SKIPPED_SECONDS = 0.1  # of silence for a part without sound; a FLAC file cannot be empty

FORMATS = {  # codec and container of the whole, as ffmpeg's options
    "mp3": ["-c:a", "libmp3lame", "-id3v2_version", "3", "-f", "mp3"],
    "m4b": ["-c:a", "aac", "-movflags", "+faststart", "-f", "ipod"],
}
MODEL_TAGS = {"mp3": "TSSE", "m4b": "encoding_tool"}  # what ffmpeg calls the place of a tool's name
TYPES = {"mp3": "audio/mpeg", "m4b": "audio/mp4"}
LAST_BYTES = 600  # seconds ffmpeg may take to finish a file
LAST_STOP = re.compile(r"(?:[。！？!?…]|(?<=[a-z]{4})\.)[”’」』）】\"')]*\Z")  # not that of "Mr."
SYLLABLE = re.compile(f"[{HAN}{KANA}{HANGUL}]")


@dataclass(frozen=True)
class Part:
    """What is spoken at once. chapter: its index. pause: seconds of silence after it."""

    text: str
    chapter: int
    pause: float = 0.0


@dataclass(frozen=True)
class Plan:
    """A book as it will be spoken: its title, the titles of its chapters, its parts in order."""

    title: str
    chapters: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def characters(self) -> int:
        return sum(len(part.text) for part in self.parts)

    def json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def of_json(text: str) -> "Plan":
        values = json.loads(text)
        parts = tuple(Part(**part) for part in values["parts"])
        return Plan(values["title"], tuple(values["chapters"]), parts)


def plan_of(manuscript: Manuscript) -> Plan:
    """Cut a manuscript into parts. Raises TextError for a tag that cannot be understood."""
    titles: list[str] = []
    parts: list[Part] = []
    for chapter in manuscript.chapters:
        spoken = list(chapter_parts(chapter.title, chapter.text, len(titles)))
        if spoken:
            titles.append(chapter.title)
            parts += spoken
    return Plan(manuscript.title, tuple(titles), tuple(parts))


def chapter_parts(title: str, text: str, number: int) -> Iterator[Part]:
    """The parts of one chapter. What cannot be spoken by itself joins the part before it."""
    parts: list[Part] = []
    for paragraph in paragraphs(text):
        is_title = not parts and paragraph.strip() == title
        for sentence in paragraph_parts(paragraph):
            left_out_tags(sentence)
            if is_speakable(clean(sentence).text.text):
                parts.append(Part(sentence, number))
            elif parts:
                parts[-1] = Part(f"{parts[-1].text}\n{sentence}", number)
        if parts:
            parts[-1] = Part(parts[-1].text, number, TITLE_PAUSE if is_title else PARAGRAPH_PAUSE)
    if parts:
        parts[-1] = Part(parts[-1].text, number, CHAPTER_PAUSE)
    yield from parts


def paragraphs(text: str) -> Iterator[str]:
    """A line each. Lines that were wrapped inside a sentence are joined again."""
    lines = text.split("\n")
    joined = ""
    for line, is_wrapped in zip(lines, wrapped_lines(lines)):
        line = line.strip()
        joined += (join_of(joined, line, True, False) if joined else "") + line
        if joined and (not is_wrapped or LAST_STOP.search(line)):
            yield joined
            joined = ""
    if joined:
        yield joined


def paragraph_parts(paragraph: str) -> Iterator[str]:
    """Sentences of a paragraph, several together while they are short."""
    current = ""
    for sentence in sentences(paragraph):
        if current and width(current) + width(sentence) > LONGEST_PART:
            yield current.strip()
            current = ""
        current += sentence
    if current.strip():
        yield current.strip()


def sentences(paragraph: str) -> Iterator[str]:
    begin = 0
    for end in [match.end() for match in SENTENCE_END.finditer(paragraph)] + [len(paragraph)]:
        if end > begin:
            yield from cut(paragraph[begin:end])
        begin = end


def cut(sentence: str) -> Iterator[str]:
    """A sentence that is too long in pieces: after commas, else at blanks, else anywhere."""
    while width(sentence[:MOST_CHARACTERS]) > LONGEST_SENTENCE:
        most = reach(sentence, LONGEST_SENTENCE)
        least = most // 2
        places = [
            max(sentence.rfind(mark, least, most) for mark in marks)
            for marks in ("，；、,;:：", " \t　")
        ]
        end = next((place + 1 for place in places if place >= 0), most)
        yield sentence[:end]
        sentence = sentence[end:]
    if sentence:
        yield sentence


def width(text: str) -> float:
    """Of a text, in characters of Chinese."""
    syllables = len(SYLLABLE.findall(text))
    return syllables + NARROW * (len(text) - syllables)


def reach(text: str, most: float) -> int:
    """How many characters of the text are at most so wide, at least one."""
    total = 0.0
    for place, character in enumerate(text):
        total += width(character)
        if total > most:
            return max(1, place)
    return len(text)


def seed_of(seed: int, part: int) -> int:
    """The seed of a part, counted from 0: the given one for the first, the next number for each."""
    return (seed + part) % SEEDS


def spoken(
    chunks: Iterable[dict],
    pause: float,
    sample_rate: int,
    note: Callable[[dict, np.ndarray], None] = lambda chunk, pcm: None,
) -> np.ndarray:
    """The sound of a part and its pause, (N,) int16. note gets each chunk and its sound."""
    pieces = []
    for chunk in chunks:
        pieces.append(to_int16(chunk["tts_speech"]))
        note(chunk, pieces[-1])
    return np.concatenate([*pieces, silence(pause, sample_rate)])


def silence(seconds: float, sample_rate: int) -> np.ndarray:
    return np.zeros(round(seconds * sample_rate), np.int16)


class SoundFiles:
    """The sound of each finished part in a file, FLAC, in one folder."""

    def __init__(self, folder: Path, sample_rate: int):
        self.folder, self.sample_rate = folder, sample_rate

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06}.flac"

    def write(self, number: int, pcm: np.ndarray) -> None:
        """Whole or not at all, and on the disk when this returns. pcm: (N,) int16, not empty."""
        import soundfile

        encoded = io.BytesIO()  # since soundfile hides the failures of a file's own write
        soundfile.write(encoded, pcm, self.sample_rate, format="FLAC", subtype="PCM_16")
        write_whole(self.path(number), encoded.getvalue())

    def samples(self, number: int) -> int | None:
        """The length of a finished part; None for one that is not there or is damaged."""
        import soundfile

        try:
            return soundfile.info(self.path(number)).frames
        except (OSError, soundfile.LibsndfileError):
            return None

    def read(self, number: int) -> np.ndarray:
        import soundfile

        return soundfile.read(self.path(number), dtype="int16")[0]

    def remove(self) -> None:
        """Remove all sound, also what a killed process left half written.

        Windows keeps a file that somebody has open; it goes when this is called again.
        """
        for path in [*self.folder.glob("*.flac"), *self.folder.glob("*.part")]:
            with suppress(FileNotFoundError, PermissionError):
                path.unlink()


@dataclass(frozen=True)
class ChapterMark:
    """A chapter in the sound, in seconds."""

    title: str
    start: float
    end: float


def chapter_marks(plan: Plan, samples: Iterable[int], sample_rate: int) -> list[ChapterMark]:
    """Where the chapters are, as far as the parts are spoken. samples: of each finished part."""
    marks: list[ChapterMark] = []
    at = 0
    for part, length in zip(plan.parts, samples):
        begin, at = at, at + length
        if len(marks) == part.chapter:
            marks.append(ChapterMark(plan.chapters[part.chapter], begin / sample_rate, 0.0))
        marks[-1] = ChapterMark(marks[-1].title, marks[-1].start, at / sample_rate)
    return marks


def join(
    files: SoundFiles,
    plan: Plan,
    form: str,
    bitrate: str,
    path: Path,
    origin: Mark,
    check: Callable[[], None] = lambda: None,
) -> None:
    """All parts as one file with chapters, whole or not at all. form: of FORMATS.

    path: on the file system of files.folder, where the file is made. origin: what the file says
    about itself, of its date the day. check is called after each part and stops the work by
    raising. Raises OSError when the disk is full, RuntimeError when ffmpeg fails.
    """
    for left in files.folder.glob("join-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    lengths = [files.samples(number) or 0 for number in range(len(plan.parts))]
    marks = chapter_marks(plan, lengths, files.sample_rate)
    with tempfile.TemporaryDirectory(dir=files.folder, prefix="join-") as folder:
        about = metadata(plan.title, marks, origin, form)
        (Path(folder) / "chapters").write_text(about, encoding="utf-8")
        process = start_ffmpeg(Path(folder), files.sample_rate, form, bitrate)
        try:
            feed(process, (files.read(number) for number in range(len(lengths))), check)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        os.replace(Path(folder) / "book", path)


def start_ffmpeg(folder: Path, sample_rate: int, form: str, bitrate: str) -> subprocess.Popen:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *"-v error -nostdin -y -threads 1".split()]
    command += f"-f s16le -ar {sample_rate} -ac 1 -i pipe:0".split()
    command += ["-f", "ffmetadata", "-i", str(folder / "chapters")]
    command += "-map 0:a -map_metadata 1 -map_chapters 1 -fflags +bitexact".split()
    command += ["-flags:a", "+bitexact", "-b:a", bitrate, *FORMATS[form], str(folder / "book")]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def feed(
    process: subprocess.Popen, sounds: Iterable[np.ndarray], check: Callable[[], None]
) -> None:
    """Give ffmpeg all the sound and wait for its end. Raises as join."""
    assert process.stdin
    try:
        for pcm in sounds:
            process.stdin.write(pcm.astype("<i2").tobytes())
            check()
        process.stdin.close()
    except BrokenPipeError:  # it has ended; its code says why
        pass
    check_exit(process, LAST_BYTES, "joining")


def metadata(title: str, marks: Iterable[ChapterMark], origin: Mark, form: str) -> str:
    """Title, origin and chapters as ffmpeg reads them. Source: ffmpeg-formats, "Metadata".

    Of a date with a time ffmpeg would write the year alone into the ID3v2.3 tag of an MP3. An M4B
    has no place for the last tag.
    """
    tags = {
        "title": title,
        "comment": STATEMENT,
        "date": origin.date[:10],
        MODEL_TAGS[form]: origin.model,
        "AI-Generated": "true",
    }
    lines = [";FFMETADATA1", *(f"{name}={escaped(text)}" for name, text in tags.items())]
    for number, mark in enumerate(marks, 1):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000"]
        lines += [f"START={round(mark.start * 1000)}", f"END={round(mark.end * 1000)}"]
        lines += [f"title={escaped(mark.title or str(number))}"]
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    return "".join("\\" + char if char in "=;#\\\n" else char for char in text)
