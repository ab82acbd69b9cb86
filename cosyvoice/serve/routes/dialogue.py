"""Several speakers in one answer: POST /dialogue.

Each line has a voice of its own, perhaps an instruction, and a pause after it. What any line needs
is fetched before the first sound; an error names its line. Line n, counted from 0, is spoken with
the dialogue's seed + n unless it has a seed of its own.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, g

from cosyvoice.cli.long_speech import seed_of
from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import NO_VOICE, read_values
from cosyvoice.serve.http.jobs import INSTRUCT, PRESET, Job, dialogue_fields, read_body
from cosyvoice.serve.http.problem import Problem, as_problem, field_error, in_field
from cosyvoice.serve.routes.openai_speech import read_voice, speaking_engine
from cosyvoice.serve.speaking.answer import Answers
from cosyvoice.serve.speaking.chain import Part, chained
from cosyvoice.serve.speaking.engine import Engine, Prepared, Utterance
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.text.clean import clean
from cosyvoice.text.language import is_speakable
from cosyvoice.text.preview import estimated_seconds
from cosyvoice.text.tags import check_silence, left_out_tags
from cosyvoice.utils.errors import InputError, TextError

# Fields of POST /generate_audio -> those of a line
LINE_FIELDS = {"tts_text": "text", "prompt_text": "instruct", "mode": "instruct"}


def blueprint(
    engine: Engine,
    instruct_model: Instruct,
    shelf: VoiceShelf,
    answers: Answers,
    read_job: Callable[[dict], Job],
    fetch: Callable[[Job], Prepared],
    claim: Callable[[str, int], None],
    max_text_chars: int,
) -> Blueprint:
    """fetch: what can speak a job. claim: counts the request and gives it its id."""
    dialogue, fields = Blueprint("dialogue", __name__), dialogue_fields(max_text_chars)

    @dialogue.post("/dialogue")
    def speak() -> Response:
        """Speak all lines as one sound."""
        wanted = read_values(fields, read_body("lines"), ("lines",))
        access.check_user(wanted.get("user_id", ""))
        characters = check_length(wanted["lines"], max_text_chars)
        jobs, left_out = read_lines(wanted)
        user_id = access.owner(wanted.get("user_id", ""))
        claim(user_id, characters)
        seed = wanted.get("seed", 0)
        g.record.change(mode="dialogue", user_id=user_id, seed=seed, characters=characters)
        utterance = prepare(wanted["lines"], jobs)
        utterance.left_out_tags.extend(left_out)
        answer = answers.stream if wanted.get("stream", True) else answers.whole
        return answer(utterance, wanted.get("format", "mp3"))

    def read_lines(wanted: dict) -> tuple[list[Job], list[str]]:
        """The jobs of the lines, and the names of tags that have no effect."""
        jobs, left_out, silence = [], dict[str, None](), 0.0
        for place, line in enumerate(wanted["lines"]):
            with line_named(place, line):
                jobs.append(job_of(wanted, place))
                left_out |= dict.fromkeys(check_text(line["text"]))
                silence += clean(line["text"]).objects.pause_seconds + line.get("pause_after", 0.0)
                check_silence(silence)
        return jobs, list(left_out)

    def prepare(lines: list[dict], jobs: list[Job]) -> Utterance:
        """Fetch what the lines need, each voice once."""
        prepared = prepare_jobs(lines, jobs)
        parts = [
            Part(partial(each.speak, job), name_of(line, job), line.get("pause_after", 0.0))
            for each, job, line in zip(prepared, jobs, lines)
        ]
        first = prepared[0].engine
        seconds = sum(
            estimated_seconds(job.tts_text) / job.speed + part.pause
            for job, part in zip(jobs, parts)
        )
        chunks = partial(chained, parts, first.sample_rate)
        return Utterance(first, chunks, expected_seconds=seconds)

    def prepare_jobs(lines: list[dict], jobs: list[Job]) -> list[Prepared]:
        """What can speak each job. Raises a Problem for engines of different sample rates."""
        fetched: dict[Job, Prepared] = {}
        for place, (line, job) in enumerate(zip(lines, jobs)):
            with line_named(place, line):
                if (voice := voice_of(job)) not in fetched:
                    fetched[voice] = fetch(job)
                check_rate(fetched[voice].engine, fetched[voice_of(jobs[0])].engine)
        return [fetched[voice_of(job)] for job in jobs]

    def job_of(wanted: dict, place: int) -> Job:
        """A line as a request of POST /generate_audio, whose rules and messages hold for it."""
        line = wanted["lines"][place]
        instruct, user_id = line.get("instruct", ""), access.sole_user(wanted.get("user_id", ""))
        values = {
            "mode": INSTRUCT if instruct.strip() else PRESET,
            "tts_text": line.get("text", ""),
            "prompt_text": instruct,
            "spk_id": line.get("spk_id", ""),
            "spk_customize": line.get("spk_customize", NO_VOICE),
            "speed": line.get("speed", wanted.get("speed", 1.0)),
            "seed": line.get("seed", seed_of(wanted.get("seed", 0), place)),
            "stream": wanted.get("stream", True),
            "user_id": user_id,
        }
        if "voice" in line:
            speaker_engine = speaking_engine(engine, instruct_model, instruct)
            values |= read_voice(line["voice"], values["tts_text"], speaker_engine, user_id, shelf)
        return read_job(values)

    return dialogue


@contextlib.contextmanager
def line_named(place: int, line: dict) -> Iterator[None]:
    """Errors of a line name its place, and the field as the caller wrote it."""
    try:
        yield
    except (Problem, InputError) as error:
        found = as_problem(error).field or ""
        field = LINE_FIELDS.get(found, found)
        if "voice" in line and field in ("spk_id", "spk_customize"):
            field = "voice"
        raise in_field(f"lines[{place}]" + (f".{field}" if field else ""), error) from error


def check_length(lines: list[dict], most: int) -> int:
    """The characters of all lines. Raises a 413 Problem for too many."""
    characters = sum(len(line.get("text", "")) for line in lines)
    if characters > most:
        raise field_error(
            "lines",
            f"their texts must be at most {most} characters together, got {characters}; "
            "send them in parts",
            f"各行文本共 {characters} 个字符，最多 {most} 个，请分段发送",
            "text_too_long",
            413,
        )
    return characters


def check_text(text: str) -> list[str]:
    """The tags that have no effect. Raises TextError for what cannot be spoken."""
    left_out = left_out_tags(text)
    if not is_speakable(clean(text).text.text):
        raise TextError(
            "the text holds nothing that can be spoken: send words, "
            "not only punctuation or blanks; pause_after makes a pause",
            "文本中没有可以朗读的内容，请输入文字；停顿请用 pause_after",
        )
    return left_out


def check_rate(engine: Engine, first: Engine) -> None:
    """Raises a 400 Problem for a line whose engine has another sample rate than the first's."""
    if engine.sample_rate != first.sample_rate:
        raise Problem(
            400,
            "other_sample_rate",
            "instruct",
            f"{engine.model_family} speaks at {engine.sample_rate} Hz and the first line's model, "
            f"{first.model_family}, at {first.sample_rate} Hz; use one kind of lines, with or "
            "without instruct, in a dialogue",
            f"{engine.model_family} 的采样率为 {engine.sample_rate} Hz，而首行的模型 "
            f"{first.model_family} 为 {first.sample_rate} Hz；同一对话中请统一使用或统一不使用 "
            "instruct",
        )


def voice_of(job: Job) -> Job:
    """What is the same for all jobs that one Prepared can speak."""
    return replace(job, tts_text="", seed=0, speed=1.0)


def name_of(line: dict, job: Job) -> str:
    """The speaker's name for subtitles."""
    if line.get("speaker", "").strip():
        return line["speaker"].strip()
    voice = line.get("voice", "")
    name = voice.get("id", "") if isinstance(voice, dict) else voice
    saved = "" if job.spk_customize == NO_VOICE else job.spk_customize
    return name or saved or job.spk_id
