"""The fields of each kind of request, in one table each, and the checked requests made of them.

    POST /generate_audio    generate_audio_fields   -> Job
    POST /voice_conversion  CONVERSION_FIELDS       -> Conversion
    /voices                 VOICE_FIELDS            -> VoiceRequest
    POST /v1/audio/speech   OPENAI_FIELDS           -> dict, see routes/openai_speech.py
    /v1/audio/voices        OPENAI_VOICE_FIELDS     -> dict, see routes/openai_voices.py
    /v1/audio/voice_consents  CONSENT_FIELDS        -> dict, see routes/openai_voices.py
    POST /text/preview      preview_fields          -> dict, see routes/text.py
    LEGACY_API              LEGACY_FIELDS           -> dict, see routes/legacy.py
    PUT /pronunciations     PRONUNCIATION_FIELDS    -> dict, see routes/text.py
    POST /jobs              book_fields             -> BookRequest
    POST /dialogue          dialogue_fields         -> dict, see routes/dialogue.py
    POST /streams           stream_fields           -> dict, see routes/text_streams.py

/openapi.json describes the fields from the same tables. pydantic would replace the dataclasses but
not the readers: every message is needed in two languages with a code and a status of its own, and
form values come as strings.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flask import Flask, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from cosyvoice.cli.long_speech import FORMATS as BOOK_FORMATS
from cosyvoice.encoders.formats import FFMPEG
from cosyvoice.serve.config import Config
from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import (
    NO_VOICE,
    SAME_SOUND,
    Field,
    Fields,
    choice,
    flag,
    items,
    language_tag,
    mixture,
    name,
    new_voice,
    number,
    pause,
    pronunciations,
    read_string,
    read_values,
    reference,
    require,
    saved_voice,
    seed,
    string,
    switch,
    text,
    upload,
)
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.text.language import CODES
from cosyvoice.text.manuscript import MAX_TITLE
from cosyvoice.text.pronunciations import MAX_ENTRIES, MAX_SAID, MAX_WORD
from cosyvoice.text.tags import LONGEST_PAUSE

MODES = PRESET, CLONE, CROSS, INSTRUCT = ("预训练音色", "3s极速复刻", "跨语种复刻", "自然语言控制")
REQUIRED: dict[str, tuple[str, ...]] = {
    PRESET: ("spk_id",),
    CLONE: ("prompt_text", "prompt_speech_16k"),
    CROSS: ("prompt_speech_16k",),
    INSTRUCT: ("spk_id", "prompt_text"),
}
MAX_PROMPT = 1000  # characters of a transcript or an instruction
MAX_CONSENT = 2000  # characters
MAX_LABEL = 200  # characters of a consent recording's name
MAX_LINES = 500  # of a dialogue
MAX_INPUT = 4096  # characters of OpenAI's `input`
RESPONSE_FORMATS = ("mp3", "wav", "pcm", *FFMPEG)
OPENAI_VOICES = {  # name -> how the names of speakers for it end, after a language
    "alloy": "女",
    "ash": "男",
    "ballad": "男2",
    "cedar": "男",
    "coral": "女2",
    "echo": "男",
    "fable": "男2",
    "marin": "女2",
    "nova": "女",
    "onyx": "男",
    "sage": "女2",
    "shimmer": "女",
    "verse": "男2",
}

USER_ID = name("whose voices")
REFERENCE = reference(
    "recording of 0.5 to 30 s: a path under 参考音频/, else an object's key; "
    "as multipart, the file itself"
)
CONSENT = text(MAX_CONSENT, "the speaker's agreement, in your words; kept in the saved voice")
SPEED = number(0.5, 2.0, "the pitch is kept", 1.0)
STORING = ("exp_name", "consent")  # fields of what is kept; GET takes neither


def generate_audio_fields(max_text_chars: int) -> Fields:
    """The fields of POST /generate_audio."""
    return {
        "mode": choice(MODES, "how to speak"),
        "tts_text": text(max_text_chars, "what to speak", minLength=1),
        "spk_id": string(
            f"a speaker of GET /speakers; {PRESET} and {INSTRUCT} need one or spk_customize, "
            f"{INSTRUCT} may take a recording in its place with models of GET /instructions"
        ),
        "spk_customize": saved_voice("a saved voice of user_id"),
        "prompt_text": text(
            MAX_PROMPT, f"{CLONE}: what is said in the recording; {INSTRUCT}: how to speak"
        ),
        "prompt_speech_16k": REFERENCE,
        "seed": seed(),
        "stream": flag("True: MP3 while it is made; False: one WAV", True),
        "speed": SPEED,
        "user_id": USER_ID,
        "exp_name": new_voice(f"{CLONE}: keep the voice under this name"),
        "consent": CONSENT,
    }


def book_fields(max_job_chars: int) -> Fields:
    """The fields of POST /jobs."""
    speech = generate_audio_fields(max_job_chars)
    return {
        **{name: field for name, field in speech.items() if name not in ("stream", "exp_name")},
        "file": upload("in place of tts_text: plain text, Markdown or an EPUB"),
        "title": text(MAX_TITLE, "of the book; else that of the file"),
        "format": choice(BOOK_FORMATS, "of the finished file, with chapters", default="m4b"),
    }


def stream_fields(max_text_chars: int) -> Fields:
    """The fields of POST /streams: those of a request to speak, without its text."""
    speech = generate_audio_fields(max_text_chars)
    for without in ("tts_text", "stream", *STORING):
        del speech[without]
    return {
        **speech,
        "mode": choice(MODES, "how to speak", default=PRESET),
        "voice": VOICE,
        "format": FORMAT,
    }


def piece_fields(max_text_chars: int) -> Fields:
    """The fields of POST /streams/<id>/text."""
    return {
        "text": text(max_text_chars, "the next piece of the text, cut anywhere"),
        "flush": flag("speak what has arrived, also if no sentence is whole", False),
    }


def line_fields(max_text_chars: int) -> Fields:
    """The fields of a line of POST /dialogue."""
    return {
        "voice": VOICE,
        "spk_id": string("a speaker of GET /speakers, in place of voice"),
        "spk_customize": saved_voice("a saved voice of user_id, in place of voice"),
        "text": text(max_text_chars, "what to speak", minLength=1),
        "instruct": text(MAX_PROMPT, f"how to speak ({INSTRUCT})"),
        "speed": SPEED,
        "seed": seed(f"{SAME_SOUND}; without one, the dialogue's and the line's place from 0"),
        "pause_after": pause(LONGEST_PAUSE, "silence after the line: seconds, or 500ms, 1.5s"),
        "speaker": string("the name in subtitles and states; without one, the voice's"),
    }


def dialogue_fields(max_text_chars: int) -> Fields:
    """The fields of POST /dialogue."""
    return {
        "lines": items(
            line_fields(max_text_chars),
            MAX_LINES,
            f"the lines in their order, at most {max_text_chars} characters together",
        ),
        "format": FORMAT,
        "stream": flag("True: sound while it is made; False: the whole file at once", True),
        "seed": seed(),
        "speed": SPEED,
        "user_id": USER_ID,
    }


def conversion_fields() -> Fields:
    """The fields of POST /voice_conversion."""
    speech = generate_audio_fields(0)
    return {
        "source_speech_16k": reference(
            "what to convert: a recording of 0.5 s to ten minutes, named as prompt_speech_16k is; "
            "as multipart, the file itself"
        ),
        "spk_id": string("the new voice: a speaker of GET /speakers"),
        "spk_customize": saved_voice("the new voice: a saved voice of user_id"),
        "prompt_speech_16k": REFERENCE,
        **{name: speech[name] for name in ("seed", "stream", "speed", "user_id")},
    }


CONVERSION_FIELDS: Fields = conversion_fields()
CONVERSION_PATH = "/voice_conversion"


def preview_fields(max_text_chars: int) -> Fields:
    """The fields of POST /text/preview; those of a request to speak that decide how it is read."""
    speech = generate_audio_fields(max_text_chars)
    return {
        **{name: speech[name] for name in ("tts_text", "spk_id", "prompt_text", "speed")},
        "language": choice(
            CODES, "of the voice, for a text of figures; else spk_id or prompt_text tells it"
        ),
        "user_id": name("whose pronunciation list; not needed with a key of one user"),
    }


PRONUNCIATION_FIELDS: Fields = {
    "user_id": name("whose list"),
    "pronunciations": pronunciations(
        f"at most {MAX_ENTRIES}: a word, and how it is said in words, in pinyin (zhang3 da4) "
        "or in ARPAbet (HH AH0 L OW1)"
    ),
}


VOICE_FIELDS: Fields = {
    "user_id": USER_ID,
    "name": new_voice("a saved voice"),
    "prompt_text": text(MAX_PROMPT, "what is said in the recording"),
    "prompt_speech_16k": REFERENCE,
    "transcribe": flag(
        "hear what is said in the recording, where the service can (GET /ready)", False
    ),
    "consent": CONSENT,
    "overwrite": flag("replace a voice of that name", False),
    "mix": mixture(
        "in place of a recording: speakers and saved voices with their weights; the speaker "
        "vectors are mixed, the prompt is the heaviest one's"
    ),
    "voice_file": upload(
        "in place of a recording: a file of GET /voices/<name>/file, as multipart"
    ),
}
RENAME_FIELDS: Fields = {
    **{name: VOICE_FIELDS[name] for name in ("user_id", "name", "overwrite")},
    "new_name": new_voice("what the voice is to be called"),
}


def read_voice_name(field: str, value):
    """OpenAI's voice: a string, or {"id": name}; the string or the dict."""
    if isinstance(value, dict) and not (isinstance(value.get("id"), str) and value["id"].strip()):
        raise field_error(
            field, 'an object must be {"id": name}', '对象形式须为 {"id": 名称}', "bad_value"
        )
    read_string(field, value["id"] if isinstance(value, dict) else value)
    return value


def voice(about: str) -> Field:
    """A speaker or a saved voice, as OpenAI's clients name one."""
    return Field(read_voice_name, {"type": ["string", "object"], "description": about})


VOICE = voice('a speaker of GET /speakers, or a saved voice of user_id, also as {"id": name}')
FORMAT = choice(RESPONSE_FORMATS, "pcm is 16-bit mono at 24,000 Hz", default="mp3")

OPENAI_FIELDS: Fields = {
    "model": string("tts-1, tts-1-hd, gpt-4o-mini-tts or cosyvoice"),
    "input": text(MAX_INPUT, "what to speak", minLength=1),
    "voice": voice(
        f'a speaker, one of {", ".join(OPENAI_VOICES)}, or a saved voice, also as {{"id": name}}'
    ),
    "instructions": text(MAX_PROMPT, f"how to speak ({INSTRUCT})"),
    "response_format": FORMAT,
    "stream_format": choice(
        ("audio", "sse"), "sse: server-sent events with base64", default="audio"
    ),
    "stream": flag("False: the whole file at once, with its length, a WAV with true sizes", True),
    "speed": number(
        0.25, 4.0, "used within 0.5 to 2; a Warning header says when that differs", 1.0
    ),
    "seed": seed(),
    "user_id": name("whose saved voices; not needed with a key of one user"),
}


OPENAI_VOICE_FIELDS: Fields = {
    "name": new_voice("of the voice, which is its id too"),
    "audio_sample": upload("a recording of the voice, 0.5 to 30 s, as multipart"),
    "consent": text(
        MAX_CONSENT,
        "the id of a consent recording, or the speaker's agreement in your words",
    ),
    "type": choice(("audio_sample",), "how it is made", default="audio_sample"),
    "transcript": text(
        MAX_PROMPT, "what is said in the recording; else it is heard where the service can"
    ),
    "overwrite": VOICE_FIELDS["overwrite"],
    "user_id": name("whose voice; not needed with a key of one user"),
}
CONSENT_FIELDS: Fields = {
    "name": text(MAX_LABEL, "a label of the recording"),
    "language": language_tag("of what is said, such as en-US"),
    "recording": upload("the speaker agrees, in 0.5 to 30 s, as multipart"),
    "user_id": name("whose recording; not needed with a key of one user"),
}
CONSENT_LIST_FIELDS: Fields = {
    "after": string("the id of a consent recording: those that are older"),
    "limit": number(1, 100, "how many", 20),
    "user_id": CONSENT_FIELDS["user_id"],
}


LEGACY_FIELDS: Fields = {  # of callers of the Windows bundle, see routes/legacy.py
    "text": string("what to speak"),
    "speaker": string("a name of GET /speakers"),
    "streaming": switch("1: Ogg while it is made; 0: one WAV"),
    "speed": SPEED,
    "user_id": USER_ID,
}


@dataclass(frozen=True)
class Job:
    """One checked request to speak; the fields are those of the API."""

    mode: str
    tts_text: str
    spk_id: str = ""
    spk_customize: str = NO_VOICE
    prompt_text: str = ""
    prompt_speech_16k: str | FileStorage = ""
    seed: int = 0
    stream: bool = True
    speed: float = 1.0
    user_id: str = ""
    exp_name: str = ""
    consent: str = ""  # kept in the voice that exp_name saves


@dataclass(frozen=True)
class Conversion:
    """One checked request to convert a recording to another voice.

    That of spk_customize, else of the recording prompt_speech_16k, else of spk_id.
    """

    source_speech_16k: str | FileStorage
    spk_id: str = ""
    spk_customize: str = NO_VOICE
    prompt_speech_16k: str | FileStorage = ""
    seed: int = 0
    stream: bool = True
    speed: float = 1.0
    user_id: str = ""


@dataclass(frozen=True)
class VoiceRequest:
    """One checked request about a saved voice or a reference."""

    user_id: str = ""
    name: str = ""
    prompt_text: str = ""
    prompt_speech_16k: str | FileStorage = ""
    transcribe: bool = False
    consent: str = ""
    overwrite: bool = False
    mix: dict[str, float] = field(default_factory=dict)  # name of a voice -> weight, 1 in all
    voice_file: FileStorage | None = None
    new_name: str = ""


@dataclass(frozen=True)
class BookRequest:
    """One checked request to speak a long text. job.tts_text is empty where there is a file."""

    job: Job
    file: FileStorage | None = None
    title: str = ""
    format: str = "m4b"


def read_job(fields: Fields, values: dict, always: Iterable[str] = ("mode", "tts_text")) -> Job:
    """Raises a Problem that names the first wrong or missing field.

    It is a 403 for a user whom the caller's key may not act for. always: required in every mode.
    """
    checked = {"tts_text": "", **read_values(fields, values)}
    mode = checked.get("mode", "")
    required = {*always, *REQUIRED.get(mode, ())}
    own_voice = checked.get("spk_customize", NO_VOICE) != NO_VOICE and "spk_id" in required
    if own_voice or mode == INSTRUCT and checked.get("prompt_speech_16k"):
        required.discard("spk_id")
    if own_voice or checked.get("exp_name") and mode == CLONE:
        required.add("user_id")
    require(checked, [field for field in fields if field in required])
    access.check_user(checked.get("user_id", ""))
    return Job(**checked)


def read_book_request(fields: Fields, values: dict) -> BookRequest:
    """Raises a Problem as read_job does."""
    own = {name: fields[name] for name in ("file", "title", "format")}
    asked = read_values(own, values)
    speech = {name: field for name, field in fields.items() if name not in own}
    if "file" in asked and values.get("tts_text"):
        raise field_error(
            "file", "takes the place of tts_text; send one of them", "与 tts_text 只能发送其一"
        )
    job = read_job(speech, values, ("mode",) if "file" in asked else ("mode", "tts_text"))
    return BookRequest(job, **asked)


def read_conversion(values: dict) -> Conversion:
    """Raises a Problem as read_job does."""
    checked = read_values(CONVERSION_FIELDS, values, ("source_speech_16k",))
    access.check_user(checked.get("user_id", ""))
    wanted = Conversion(**checked)
    if wanted.spk_customize != NO_VOICE:
        require(checked, ["user_id"])
    elif not (wanted.prompt_speech_16k or wanted.spk_id):
        raise field_error(
            "spk_id",
            "the new voice is missing: give spk_id, spk_customize with user_id, "
            "or the recording prompt_speech_16k",
            "缺少目标音色：请提供 spk_id、spk_customize（连同 user_id）或录音 prompt_speech_16k",
            "missing_value",
        )
    return wanted


def read_voice_request(values: dict, *required: str, fields: Fields = VOICE_FIELDS) -> VoiceRequest:
    """Raises a Problem as read_job does."""
    checked = read_values(fields, values, required)
    access.check_user(checked.get("user_id", ""))
    return VoiceRequest(**checked)


def read_body(bare: str = "") -> dict:
    """The fields of the current request's JSON, form or multipart body; a file part is a value.

    bare: the field that a JSON list in place of an object stands for. JSON null and an empty form
    field count as not given. Raises a 400, 413 or 415 error.
    """
    if request.is_json:
        return _read_json(bare)
    is_multipart = request.mimetype == "multipart/form-data"
    if is_multipart and not request.mimetype_params.get("boundary"):
        raise Problem(
            400,
            "bad_request",
            None,
            "the form has no boundary: let your HTTP client write its Content-Type",
            "表单缺少 boundary：请让 HTTP 客户端自动生成 Content-Type",
        )
    if not is_multipart and request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType()
    if not is_multipart and next(iter(request.form), "").lstrip().startswith(("{", "[")):
        raise Problem(
            415,
            "bad_content_type",
            None,
            "this is JSON that is sent as a form: add the header Content-Type: application/json",
            "这是以表单类型发送的 JSON：请加上请求头 Content-Type: application/json",
        )
    # The empty file input of a form has no file name.
    files = {field: file for field, file in request.files.items() if file.filename}
    return without_blanks(request.form.items()) | files


def body_limit(config: Config) -> Callable[[str, str], int]:
    """A function: Content-Type of a body and its address -> bytes it may have.

    Only a multipart form carries a file, only JSON a pronunciation list, and only these two a long
    text. In JSON and in a plain form a character takes at most 12 bytes, and parsing a much longer
    form would cost seconds of processor time.
    """
    fields = 12 * (config.max_text_chars + MAX_PROMPT + MAX_CONSENT) + 65_536
    book = 12 * (config.max_job_chars + MAX_PROMPT + MAX_CONSENT)
    json = max(fields, 12 * MAX_ENTRIES * (MAX_WORD + MAX_SAID) + 65_536, book + 65_536)

    def limit(content_type: str, path: str) -> int:
        kind = content_type.lower().partition(";")[0].strip()
        if kind == "multipart/form-data":
            most = config.max_body_mb
            if path.rstrip("/") == CONVERSION_PATH:
                most = max(most, config.max_source_mb)
            return most * 1_000_000
        return json if kind == "application/json" else fields

    return limit


def install(app: Flask, limit: Callable[[str, str], int]):
    """Refuse longer bodies with 413, whatever the server has let through."""

    @app.before_request
    def set_limit():
        request.max_content_length = limit(request.content_type or "", request.path)


def _read_json(bare: str) -> dict:
    limit = request.max_content_length
    if limit is not None and len(request.get_data()) >= limit:
        raise RequestEntityTooLarge()  # a chunked body, which Flask cuts off at the limit
    try:
        values = request.get_json()
    except (BadRequest, RecursionError):
        values = None
    if bare and isinstance(values, list):
        values = {bare: values}
    if not isinstance(values, dict):
        raise Problem(
            400,
            "bad_request",
            None,
            "the body must be one JSON object of fields, in UTF-8",
            "请求体必须是一个 UTF-8 编码的 JSON 对象",
        )
    return {field: value for field, value in values.items() if value is not None}


def without_blanks(values: Iterable[tuple[str, str]]) -> dict:
    """The values of a form or a query that are not empty."""
    return {field: value for field, value in values if value}
