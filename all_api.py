"""The speech service: POST /generate_audio speaks a text in one of four modes, as streamed MP3 or as one WAV file.

Read from top to bottom: settings and the global `cosyvoice`, what a request may hold, fetching and pushing, one function
per mode, the answer, the routes. What has a life of its own (MP3 joints, queue, folders, store, keys) is in cosyvoice/serve/.
Run `python all_api.py`, or `gunicorn -c deploy/gunicorn.conf.py all_api:app`.
"""

import atexit
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flask import Flask, Response, g, jsonify, request, send_file
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from cosyvoice.cli.cosyvoice import CosyVoice
from cosyvoice.cli.frontend import reference
from cosyvoice.cli.voice import load_voice, save_voice
from cosyvoice.encoders.mp3 import Mp3Stream, check_encoder
from cosyvoice.encoders.wav import WavStream, wav_header
from cosyvoice.serve import request_log as journal
from cosyvoice.serve.config import read_config
from cosyvoice.serve.http import access as guard
from cosyvoice.serve.http import problem
from cosyvoice.serve.http.connection import Client
from cosyvoice.serve.http.fields import (
    NONE,
    bad,
    missing,
    read_choice,
    read_flag,
    read_name,
    read_reference,
    read_saved_voice,
    read_seed,
    read_speed,
    read_string,
    read_text,
    read_voice_name,
    short,
)
from cosyvoice.serve.http.names import inside, voice_key
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.parts import Parts
from cosyvoice.serve.routes import metrics, openapi, status, voices
from cosyvoice.serve.routes import openai_speech as openai
from cosyvoice.serve.routes import request_states as requests
from cosyvoice.serve.routes.page import page
from cosyvoice.serve.speaking.engines import Instruct, load_model
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone, Speech
from cosyvoice.serve.storage.store import NoObject, open_store
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.utils.audio import load_wav, trim_and_level
from cosyvoice.utils.errors import UnknownSpeaker

log = logging.getLogger("all_api")
journal.set_up_logging()
Chunks = Callable[[Callable], Iterator[dict]]  # chunks(check) makes the engine's generator
IS_SCRIPT = __name__ == "__main__"

config = read_config(sys.argv[1:] if IS_SCRIPT else None)
cosyvoice = load_model(config, IS_SCRIPT)
instruct_model = Instruct(cosyvoice, config)
check_encoder(cosyvoice.sample_rate, config.mp3_bitrate)

work_folders = WorkFolders(config.output_dir)
work_folders.sweep(config.output_dir, config.store_dir)
# for files that live as long as this process at most
scratch = work_folders.scratch(config.output_dir)
atexit.register(work_folders.close)
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
store = open_store(config.store_dir, work_folders)
pusher = ThreadPoolExecutor(4, "push")
slots = Slots(config.max_concurrent, config.max_queue)
readiness = Readiness(cosyvoice, slots)
watchers = []  # functions told about every change of a request's Record

app = Flask(__name__, static_folder=None)
app.json.ensure_ascii = False
app.config["MAX_CONTENT_LENGTH"] = config.max_body_mb * 1_000_000
app.config["MAX_FORM_MEMORY_SIZE"] = 1_000_000
problem.install(app)
guard.install(app, config)
journal.install(app, watchers)
app.register_blueprint(page)


# what a request may hold

PRESET, CLONE, CROSS, INSTRUCT = "预训练音色", "3s极速复刻", "跨语种复刻", "自然语言控制"
REQUIRED = {
    PRESET: ["spk_id"],
    CLONE: ["prompt_text", "prompt_speech_16k"],
    CROSS: ["prompt_speech_16k"],
    INSTRUCT: ["spk_id", "prompt_text"],
    "": [],
}
READ = {
    "mode": read_choice(PRESET, CLONE, CROSS, INSTRUCT),
    "tts_text": read_text(config.max_text_chars),
    "spk_id": read_string,
    "spk_customize": read_saved_voice,
    "prompt_text": read_text(1000),
    "prompt_speech_16k": read_reference,
    "seed": read_seed,
    "stream": read_flag,
    "speed": read_speed,
    "user_id": read_name,
    "exp_name": read_voice_name,
    "consent": read_text(2000),
}
DEMO = {
    "mode": PRESET,
    "tts_text": "清晨的风从山谷里吹来，带着青草和泥土的气息。新的一天，就从这一句问候开始：你好，世界。",
}


@dataclass(frozen=True)
class Job:
    """One checked request; the fields are those of the API."""

    mode: str = ""
    tts_text: str = ""
    spk_id: str = ""
    spk_customize: str = NONE
    prompt_text: str = ""
    prompt_speech_16k: str | FileStorage = ""
    seed: int = 0
    stream: bool = True
    speed: float = 1.0
    user_id: str = ""
    exp_name: str = ""
    consent: str = ""  # kept in the voice that exp_name saves


def read_fields() -> dict:
    """The fields of a JSON, form or multipart body; a file part stands for its field."""
    if request.is_json:
        if len(request.get_data()) >= app.config["MAX_CONTENT_LENGTH"]:
            raise RequestEntityTooLarge()  # a chunked body, which Flask cuts off silently
        try:
            values = request.get_json()
        except (BadRequest, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise Problem(
                400,
                "bad_request",
                None,
                "the body must be one JSON object of fields, in UTF-8",
                "请求体必须是一个 UTF-8 编码的 JSON 对象",
            )
        return {name: value for name, value in values.items() if value is not None}
    if request.mimetype == "multipart/form-data" and not request.mimetype_params.get("boundary"):
        raise Problem(
            400,
            "bad_request",
            None,
            "the form has no boundary: let your HTTP client write its Content-Type",
            "表单缺少 boundary：请让 HTTP 客户端自动生成 Content-Type",
        )
    if request.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return {name: value for name, value in request.form.items() if value} | {
            name: file for name, file in request.files.items() if file.filename
        }  # a form's empty file input has no name
    raise UnsupportedMediaType()


def read_job(values: dict) -> Job:
    """Check every field. Raises a Problem that names the first wrong one."""
    job = Job(**{name: read(name, values[name]) for name, read in READ.items() if name in values})
    own_voice = job.spk_customize != NONE and "spk_id" in REQUIRED[job.mode]
    needed = {"mode", "tts_text", *REQUIRED[job.mode]} - ({"spk_id"} if own_voice else set())
    if own_voice or job.exp_name and job.mode == CLONE:
        needed.add("user_id")
    for name in READ:
        if name in needed and not (str(getattr(job, name)).strip()):
            raise missing(name)
    guard.check_user(job.user_id)
    return job


# fetching, pushing, cleaning


def fetch_voice(user_id: str, name: str) -> dict:
    """A user's saved voice, from output/ if it was put there, else from the store. Raises a 404 Problem."""
    local = inside(config.output_dir, f"{user_id}/{name}.pt", "spk_customize")
    if local:
        return load_voice(local, cosyvoice.model_family)
    with work_folders.folder(config.output_dir) as folder:
        try:
            store.fetch(
                voice_key(user_id, name), folder / "voice.pt", config.max_voice_mb * 1_000_000
            )
        except NoObject:
            raise bad(
                "spk_customize",
                f"user {user_id} has no voice {name!r}; make it first with {CLONE} and exp_name",
                f"用户没有音色“{name}”，请先用 {CLONE} 和 exp_name 创建",
                "unknown_voice",
                404,
            )
        return load_voice(folder / "voice.pt", cosyvoice.model_family)


def push_voice(voice: dict, user_id: str, name: str):
    """Store a voice, complete or not at all; a copy that an operator keeps in output/ is renewed."""
    local = inside(config.output_dir, f"{user_id}/{name}.pt", "exp_name")
    with work_folders.folder(config.output_dir) as folder:
        save_voice(voice, path := folder / f"{name}.pt")
        store.push(path, voice_key(user_id, name))
        if local:
            path.replace(local)


def usable(audio):
    """Read, trim and level a reference as the original does; what the engine cannot use is refused before it waits."""
    return reference(trim_and_level(load_wav(audio, 16000, scratch)))


def fetch_reference(job: Job, read: Callable = usable):
    """What read() makes of the reference audio, an upload, a file of 参考音频/ or an object of the store: (1, N) at 16 kHz."""
    source = job.prompt_speech_16k
    if isinstance(source, FileStorage):
        return read(source.stream)
    guard.check_reference_owner(source)
    local = inside(config.reference_dir, source, "prompt_speech_16k")
    if local:
        return read(local)
    guard.check_reference_key(source, job.user_id, config.oss_prompt_prefix)
    with work_folders.folder(config.output_dir) as folder:
        try:
            store.fetch(source, folder / "reference", config.max_reference_mb * 1_000_000)
        except NoObject:
            raise bad(
                "prompt_speech_16k",
                "no such reference audio, neither in 参考音频/ nor in the store; upload it or check the path",
                "参考音频/ 和对象存储中都没有该文件，请上传或检查路径",
                "no_reference",
                404,
            )
        return read(folder / "reference")


# one function per mode: fetch what it needs, return what makes the engine's generator


def options(job: Job) -> dict:
    return {"stream": job.stream, "speed": job.speed, "seed": job.seed}


def saved_voice(job: Job, engine: CosyVoice) -> dict | None:
    """The voice of spk_customize; without one, spk_id must be a speaker of the model."""
    if job.spk_customize != NONE:
        return fetch_voice(job.user_id, job.spk_customize)
    if job.spk_id not in (speakers := engine.list_available_spks()):
        raise UnknownSpeaker(
            f"spk_id {short(job.spk_id)} is unknown; use one of {', '.join(speakers)}",
            f"没有音色 {short(job.spk_id)}，可选：{'、'.join(speakers)}",
        )
    return None


def preset(job: Job) -> Chunks:
    voice = saved_voice(job, cosyvoice)
    return lambda check: cosyvoice.inference_sft(
        job.tts_text, job.spk_id, voice=voice, **options(job), check=check
    )


def clone(job: Job) -> Chunks:
    audio, pushes = fetch_reference(job), g.setdefault("pushes", [])

    def speak(check):
        voice = cosyvoice.make_voice(job.prompt_text, audio, job.consent)
        if job.exp_name:  # stored before the answer, while the model goes on
            pushes.append(
                pusher.submit(journal.carry(push_voice), voice, job.user_id, job.exp_name)
            )
        yield from cosyvoice.inference_zero_shot(
            job.tts_text, job.prompt_text, None, voice=voice, **options(job), check=check
        )

    return speak


def cross_lingual(job: Job) -> Chunks:
    audio = fetch_reference(job)
    return lambda check: cosyvoice.inference_cross_lingual(
        job.tts_text, audio, **options(job), check=check
    )


def instruct(job: Job) -> Chunks:
    engine = instruct_model.get()
    voice = saved_voice(job, engine)
    return lambda check: engine.inference_instruct(
        job.tts_text, job.spk_id, job.prompt_text, voice=voice, **options(job), check=check
    )


SPEAK = {PRESET: preset, CLONE: clone, CROSS: cross_lingual, INSTRUCT: instruct}


# the answer


def speak(chunks: Chunks, encoder, sample_rate: int) -> Speech:
    """Begin to speak for the current request; returns when there is sound and a cloned voice is stored."""
    g.record.change(sample_rate=sample_rate)
    g.speech = Speech(
        chunks, encoder, slots, g.record, config.request_timeout, Client(request.environ), scratch
    )
    g.speech.start()
    for push in g.get("pushes", ()):
        push.result()
    return g.speech


def chunks(job: Job) -> Chunks:
    """Fetch what the job needs; returns what makes the engine's generator when the model is free."""
    g.record.change(
        mode=job.mode, user_id=guard.owner(job.user_id), seed=job.seed, characters=len(job.tts_text)
    )
    return SPEAK[job.mode](job)


def rate(job: Job) -> int:
    return (instruct_model.get() if job.mode == INSTRUCT else cosyvoice).sample_rate


def answer(job: Job) -> Response:
    make = chunks(job)
    return stream_mp3(make, rate(job)) if job.stream else send_wav(make, rate(job))


def stream_mp3(chunks: Callable, sample_rate: int) -> Response:
    speech = speak(chunks, Mp3Stream(sample_rate, config.mp3_bitrate, scratch), sample_rate)
    return Response(
        follow(speech),
        mimetype="audio/mpeg",
        headers={"Content-Disposition": "inline; filename=sound.mp3", "X-Accel-Buffering": "no"},
    )


def follow(speech: Speech) -> Iterator[bytes]:
    """The sound as it is made. What goes wrong now breaks the connection, so that nobody takes half for the whole."""
    try:
        yield from speech
        speech.record.change(outcome="done")
    except ClientGone:
        speech.client.hang_up()
    except Exception as error:
        speech.record.change(outcome=problem.as_problem(error).code)
        log.error("the answer broke off", exc_info=not isinstance(error, Problem))
        raise


def send_wav(chunks: Callable, sample_rate: int) -> Response:
    speech = speak(chunks, WavStream(sample_rate), sample_rate)
    file = speech.whole()
    file.write(wav_header(sample_rate, speech.record.samples * 2))
    file.seek(0)
    response = send_file(file, mimetype="audio/wav", conditional=False)
    response.content_length, response.direct_passthrough = (
        speech.spool.written,
        False,
    )  # else no call_on_close
    response.headers["Cache-Control"] = guard.HEADERS[
        "Cache-Control"
    ]  # send_file would let browsers keep it
    speech.record.change(outcome="done")
    return response


# the routes


@app.post("/generate_audio")
def generate_audio():
    """Speak one job: streamed MP3, or one WAV file."""
    return answer(read_job(read_fields()))


@app.get("/generate_audio_get")
def generate_audio_get():
    """The same with fields in the query, so that an <audio> element can play it; without fields, a short demonstration."""
    if request.method == "HEAD":
        return Response(mimetype="audio/mpeg")  # a look at the headers must not make the model work
    values = {name: value for name, value in request.args.items() if value}
    speakers = cosyvoice.list_available_spks()
    return answer(
        read_job(
            {**DEMO, "spk_id": "中文女" if "中文女" in speakers else next(iter(speakers), "")}
            | values
        )
    )


@app.get("/change_instruct")
def change_instruct():
    """Kept for old callers: make sure that the model for 自然语言控制 is loaded. The other modes keep theirs."""
    instruct_model.get()
    return jsonify(status="success")


parts = Parts(
    config,
    cosyvoice,
    instruct_model,
    store,
    work_folders,
    slots,
    readiness,
    watchers,
    read_job,
    chunks,
    rate,
    speak,
    follow,
    fetch_voice,
    push_voice,
    read_fields,
    scratch,
    fetch_reference,
    answer,
)
for part in (openai, metrics, openapi, voices, requests, status):
    app.register_blueprint(part.blueprint(parts))

if IS_SCRIPT:
    from cosyvoice.serve.server import serve

    readiness.check()
    serve(app, config)
