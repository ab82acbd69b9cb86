"""The speech service: POST /generate_audio speaks a text as streamed MP3 or as one WAV file.

Read from top to bottom: settings and the global `cosyvoice`, fetching, pushing and cleaning, what
each mode needs, the routes. The mechanisms with a life of their own (fields, access, the engine
at work, storage, the other endpoints) are in cosyvoice/serve/.

Run `python all_api.py`, or `gunicorn -c deploy/gunicorn.conf.py all_api:app`.
"""

import atexit
import contextlib
import functools
import logging
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from flask import Flask, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from cosyvoice.cli import conversion
from cosyvoice.cli.frontend import reference
from cosyvoice.cli.voice import load_voice, read_voice_file, save_voice
from cosyvoice.serve import checks, request_log
from cosyvoice.serve.config import read_config
from cosyvoice.serve.http import access, jobs, problem
from cosyvoice.serve.http.bridge import Bridge
from cosyvoice.serve.http.fields import NO_VOICE, short
from cosyvoice.serve.http.jobs import (
    CLONE,
    CONVERSION_PATH,
    CROSS,
    INSTRUCT,
    PRESET,
    STORING,
    Conversion,
    Job,
    VoiceRequest,
    generate_audio_fields,
    read_body,
    read_conversion,
    without_blanks,
)
from cosyvoice.serve.http.jobs import read_job as read_job_by
from cosyvoice.serve.http.limits import Limits
from cosyvoice.serve.http.names import inside, voice_key
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.serve.routes import books as book_routes
from cosyvoice.serve.routes import (
    dialogue,
    legacy,
    metrics,
    openai_speech,
    openai_voices,
    openapi,
    request_states,
    status,
    stream_input,
    text,
    text_streams,
    voices,
)
from cosyvoice.serve.routes.page import page
from cosyvoice.serve.routes.request_states import RequestStates
from cosyvoice.serve.speaking.analyses import Analyses
from cosyvoice.serve.speaking.answer import Answers, sound_headers
from cosyvoice.serve.speaking.book_worker import BookWorker
from cosyvoice.serve.speaking.engine import Engine, Prepared, Utterance, chunks_of
from cosyvoice.serve.speaking.engines import Instruct, load_model
from cosyvoice.serve.speaking.hearing import Hearing
from cosyvoice.serve.speaking.ray_engine import RayEngine, RayInstruct, join_cluster
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.text_stream import TextStreams
from cosyvoice.serve.speaking.voice_maker import VoiceMaker
from cosyvoice.serve.storage.books import Books
from cosyvoice.serve.storage.consents import Consents
from cosyvoice.serve.storage.pronunciation_lists import PronunciationLists
from cosyvoice.serve.storage.store import NoObject, ObjectExists, open_store
from cosyvoice.serve.storage.voice_locks import VoiceLocks
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.serve.storage.work_folders import WorkFolders
from cosyvoice.text.language import PACE
from cosyvoice.text.preview import estimated_seconds
from cosyvoice.text.tags import left_out_tags
from cosyvoice.utils.audio import load_wav, trim_and_level
from cosyvoice.utils.errors import UnknownSpeaker

log = logging.getLogger("all_api")
request_log.set_up_logging()
IS_SCRIPT = __name__ == "__main__"
DEMO_TEXT = "清晨的风从山谷里吹来，带着青草和泥土的气息。新的一天，就从这一句问候开始：你好，世界。"

with checks.one_sentence(IS_SCRIPT):  # a wrong setting ends the start with a sentence
    config = read_config(sys.argv[1:] if IS_SCRIPT else None)
    checks.check_settings(config, IS_SCRIPT)
    watermark = checks.load_watermark(config.watermark)
    keys = access.Keys(config.api_key, config.api_keys_file)
    work_folders = WorkFolders(config.output_dir)
    work_folders.sweep(config.output_dir, config.store_dir)
    scratch = work_folders.scratch(config.output_dir)  # its files go when this process ends
    atexit.register(work_folders.close)
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    checks.check_mp3(22050, config.mp3_bitrate, scratch)  # the rate of most models
    slots = Slots(config.max_concurrent, config.max_queue)
    cluster = join_cluster(config.ray_address) if config.engine == "ray" else None
    if cluster:  # which tells the sample rate later
        cosyvoice: Engine = RayEngine(cluster)
        instruct_model: Instruct = RayInstruct(cosyvoice, cluster)
    else:
        cosyvoice = load_model(config, IS_SCRIPT, slots.is_busy)
        checks.check_mp3(cosyvoice.sample_rate, config.mp3_bitrate, scratch)
        instruct_model = Instruct(cosyvoice, config, slots.is_busy)

store = open_store(config.store_dir, work_folders)
voice_locks = VoiceLocks(work_folders.home / "voices")
pusher = ThreadPoolExecutor(4, "push")
limits = Limits(work_folders.home / "limits.sqlite")
if cluster:
    cluster.tell_places(slots.set_limit)
analyses = Analyses()
readiness = Readiness(cosyvoice, slots)
store_dir = config.store_dir if store.name == "local" else None
needs = checks.Needs(work_folders, config.output_dir, scratch, store_dir)
answers = Answers(slots, config, scratch, watermark)
states = RequestStates(work_folders.home / "requests", work_folders)  # in the service's own folder
atexit.register(states.flush)
watchers = [states.note]  # functions called after every change of a request's Record

app = Flask(__name__, static_folder=None)
app.json.ensure_ascii = False  # type: ignore[attr-defined]
app.url_map.strict_slashes = False
app.config["MAX_FORM_MEMORY_SIZE"] = 1_000_000
problem.install(app)
access.install(app, config, keys)
body_limit = jobs.body_limit(config)
jobs.install(app, body_limit)
request_log.install(app, watchers)
app.extensions["bridge"] = Bridge(app, config.threads, body_limit, scratch)


# reading a request

FIELDS = generate_audio_fields(config.max_text_chars)


def read_job(values: dict) -> Job:
    return read_job_by(FIELDS, values)


# fetching, pushing, cleaning


def use_voice_file(user_id: str, name: str, use: Callable):
    """What use(path) makes of a saved voice: of the copy in output/ if there is one.

    Else of the store's. Raises a 404 Problem.
    """
    local = inside(config.output_dir, f"{user_id}/{name}.pt", "spk_customize")
    if local:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            return use(local)
    with work_folders.folder(config.output_dir) as folder:
        try:
            limit = config.max_voice_mb * 1_000_000
            store.fetch(voice_key(user_id, name), folder / "voice.pt", limit)
        except NoObject as error:
            raise field_error(
                "spk_customize",
                f"user {user_id} has no voice {name!r}; make it first with {CLONE} and exp_name",
                f"用户没有音色“{name}”，请先用 {CLONE} 和 exp_name 创建",
                "unknown_voice",
                404,
            ) from error
        return use(folder / "voice.pt")


def fetch_voice(user_id: str, name: str) -> dict:
    """A user's saved voice, or a 404 Problem."""
    return use_voice_file(user_id, name, lambda path: load_voice(path, cosyvoice.model_family))


def fetch_voice_file(user_id: str, name: str) -> bytes:
    """The file of a user's saved voice as it is, or a 404 Problem."""
    return use_voice_file(user_id, name, read_voice_file)


def push_voice(voice: dict, user_id: str, name: str, overwrite: bool = True):
    """Store a voice, complete or not at all; renew the copy that an operator keeps in output/.

    Without overwrite, raises ObjectExists for a name that is taken.
    """
    push_voice_file(lambda path: save_voice(voice, path), user_id, name, overwrite)


def push_voice_file(write: Callable, user_id: str, name: str, overwrite: bool):
    """As push_voice, of the file that write(path) makes."""
    key = voice_key(user_id, name)
    with voice_locks.hold(key), work_folders.folder(config.output_dir) as folder:
        local = inside(config.output_dir, f"{user_id}/{name}.pt", "exp_name")
        if local and not overwrite:
            raise ObjectExists(name)
        write(path := folder / f"{name}.pt")
        store.push(path, key, overwrite)
        if local and local.exists():  # a copy that was deleted meanwhile does not come back
            path.replace(local)


def read_reference(audio):
    """Read, trim and level a reference as the original does.

    What the engine cannot use is refused here, before the request waits for the model.
    """
    return reference(trim_and_level(load_wav(audio, 16000, scratch)))


def read_source(audio):
    """Read a recording that is to be converted; one that cannot be is refused here."""
    return conversion.read_source(audio, scratch)


def fetch_reference(wanted: Job | VoiceRequest | Conversion, read: Callable = read_reference):
    """What read() makes of the reference; read_reference makes (1, N) at 16 kHz."""
    limit = config.max_reference_mb
    return fetch_recording(wanted.prompt_speech_16k, wanted.user_id, read, limit)


def fetch_source(wanted: Conversion):
    """(1, N) at 16 kHz of the recording that is to be converted."""
    source, limit = wanted.source_speech_16k, config.max_source_mb
    return fetch_recording(source, wanted.user_id, read_source, limit, "source_speech_16k")


def fetch_recording(source, user_id: str, read: Callable, limit_mb: int, field="prompt_speech_16k"):
    """What read() makes of a recording: an upload, a file of 参考音频/ or a stored object."""
    if isinstance(source, FileStorage):
        return analyses.run(read, source.stream)
    access.check_reference_owner(source, field)
    local = inside(config.reference_dir, source, field)
    if local:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            return analyses.run(read, local)
    access.check_reference_key(source, user_id, config.oss_prompt_prefix, field)
    with work_folders.folder(config.output_dir) as folder:
        try:
            store.fetch(source, folder / "reference", limit_mb * 1_000_000)
        except NoObject as error:
            raise field_error(
                field,
                "no such recording in 参考音频/ or the store; upload it or check the path",
                "参考音频/ 和对象存储中都没有该文件，请上传或检查路径",
                "no_reference",
                404,
            ) from error
        return analyses.run(read, folder / "reference")


def claim_request(user_id: str, characters: int = 0):
    """Count the current request against its key's limits and give it its id.

    Raises a 429 Problem at a limit, and a 409 Problem when the id is another's.
    """
    limits.charge(g.caller, g.allowance, characters)
    states.claim(g.record, g.caller, user_id)


# what a mode needs, and what speaks it


def saved_voice(job: Job | Conversion, engine: Engine) -> dict | None:
    """The voice of spk_customize; without one, spk_id must be a speaker of the model."""
    if job.spk_customize != NO_VOICE:
        return fetch_voice(job.user_id, job.spk_customize)
    if not (speakers := engine.list_available_spks()):
        raise UnknownSpeaker(
            f"{engine.model_family} has no speakers of its own: make a voice from a recording with "
            f"POST /voices, or with {CLONE} and exp_name, and send its name as spk_customize",
            f"{engine.model_family} 没有预训练音色：请用 POST /voices 或 {CLONE} 加 exp_name "
            "从录音创建音色，再以 spk_customize 使用",
        )
    if job.spk_id not in speakers:
        raise UnknownSpeaker(
            f"spk_id {short(job.spk_id)} is unknown; use one of {', '.join(speakers)}",
            f"没有音色 {short(job.spk_id)}，可选：{'、'.join(speakers)}",
        )
    return None


def clone(job: Job, said: dict[str, str]) -> Prepared:
    audio = fetch_reference(job)

    @functools.cache
    def voice() -> dict:
        made = cosyvoice.make_voice(job.prompt_text, audio, job.consent)
        if job.exp_name:  # stored before the answer begins, while the model goes on
            push = pusher.submit(request_log.carry(push_voice), made, job.user_id, job.exp_name)
            prepared.pushes.append(push)
        return made

    def speak(job: Job, check):
        yield from cosyvoice.inference_zero_shot(
            job.tts_text,
            job.prompt_text,
            None,
            voice=voice(),
            stream=job.stream,
            speed=job.speed,
            seed=job.seed,
            pronunciations=said,
            check=check,
        )

    prepared = Prepared(cosyvoice, speak)
    return prepared


def no_recording_error(engine: Engine) -> Problem:
    return field_error(
        "prompt_speech_16k",
        f"{engine.model_family} takes no recording with an instruction; send spk_id, or a voice "
        "saved from the recording as spk_customize",
        f"{engine.model_family} 的 {INSTRUCT} 不支持录音；请发送 spk_id，或先用录音保存音色，"
        "再以 spk_customize 使用",
        "recording_not_possible",
    )


def fetch_speaker(job: Job) -> tuple[Engine, dict]:
    """The engine that speaks a job, and the voice as chunks_of takes it.

    An instruction is followed with a saved voice, else with the recording if there is one and the
    model can, else with a speaker.
    """
    engine = engine_for(job.mode)
    directs_recording = job.mode == INSTRUCT and engine.supports_instruct2
    has_recording = job.prompt_speech_16k and job.spk_customize == NO_VOICE
    if job.mode == INSTRUCT and has_recording and not (directs_recording or job.spk_id):
        raise no_recording_error(engine)
    if job.mode in (CLONE, CROSS) or directs_recording and has_recording:
        return engine, {"reference": fetch_reference(job).clone()}  # not the storage it is cut from
    voice = saved_voice(job, engine)
    return engine, {"voice": voice} if voice else {}


def engine_for(mode: str) -> Engine:
    return instruct_model.get() if mode == INSTRUCT else cosyvoice


def fetch_what_it_needs(job: Job) -> Prepared:
    """What can speak the job, and others that differ in text, seed, speed and stream alone."""
    said = pronunciation_lists.recent(access.sole_user(job.user_id))
    if job.mode == CLONE:
        return clone(job, said)
    engine, voice = fetch_speaker(job)
    return Prepared(engine, lambda job, check: chunks_of(engine, job, voice, said, check))


def prepare(job: Job) -> Utterance:
    """Fetch what the job needs; returns what is to be spoken when the model is free."""
    user_id = access.owner(job.user_id)
    claim_request(user_id, len(job.tts_text))
    g.record.change(mode=job.mode, user_id=user_id, seed=job.seed, characters=len(job.tts_text))
    left_out = left_out_tags(job.tts_text)  # raises TextError for a pause that cannot be made
    utterance = fetch_what_it_needs(job).utterance(job)
    seconds = estimated_seconds(job.tts_text) / job.speed
    return replace(utterance, left_out_tags=left_out, expected_seconds=seconds)


def prepare_conversion(wanted: Conversion) -> Utterance:
    """Fetch the source and the new voice; returns what is to be converted when the model is free.

    A source counts against a key's characters as a text of its length would.
    """
    user_id = access.owner(wanted.user_id)
    has_reference = wanted.prompt_speech_16k and wanted.spk_customize == NO_VOICE
    claim_request(user_id)
    g.record.change(mode="voice_conversion", user_id=user_id, seed=wanted.seed)
    voice = None if has_reference else saved_voice(wanted, cosyvoice)
    target = fetch_reference(wanted) if has_reference else None
    source = fetch_source(wanted)
    seconds = source.shape[1] / 16000
    limits.charge(g.caller, g.allowance, round(seconds * PACE), requests=0)
    g.record.change(total_seconds=round(seconds / wanted.speed, 3))
    return Utterance(
        cosyvoice,
        lambda check: cosyvoice.inference_vc(
            source,
            target,
            stream=wanted.stream,
            speed=wanted.speed,
            seed=wanted.seed,
            spk_id=wanted.spk_id,
            voice=voice,
            check=check,
        ),
        expected_seconds=seconds / wanted.speed,
    )


def answer(job: Job | Conversion) -> Response:
    utterance = prepare_conversion(job) if isinstance(job, Conversion) else prepare(job)
    if job.stream:
        inline = {"Content-Disposition": "inline; filename=sound.mp3"}
        return answers.stream(utterance, "mp3", inline)
    return answers.whole(utterance, "wav")


# the routes


@app.post("/generate_audio")
def generate_audio():
    """Speak one job: streamed MP3, or one WAV file."""
    return answer(read_job(read_body()))


@app.get("/generate_audio_get")
def generate_audio_get():
    """The same with fields in the query, for <audio>; without fields, a demonstration.

    It keeps nothing: any page can make a browser send a GET.
    """
    fields = without_blanks(request.args.items())
    for name in STORING:
        if name in fields:
            raise field_error(
                name,
                "is not allowed in a GET, which keeps nothing; use POST /generate_audio",
                "GET 请求不保存音色，不能使用该字段；请改用 POST /generate_audio",
            )
    if request.method == "HEAD":
        return sound_headers("audio/mpeg")
    speakers = cosyvoice.list_available_spks()
    speaker = "中文女" if "中文女" in speakers else next(iter(speakers), "")
    demo = {"mode": PRESET, "tts_text": DEMO_TEXT, "spk_id": speaker}
    return answer(read_job(demo | fields))


@app.post(CONVERSION_PATH)
def voice_conversion():
    """Say what a recording says with another voice: streamed MP3, or one WAV file."""
    return answer(read_conversion(read_body()))


@app.get("/change_instruct")
def change_instruct():
    """Kept for old callers: make sure that the model for 自然语言控制 is loaded."""
    if request.method != "HEAD":
        instruct_model.get()
    return jsonify(status="success")


pronunciation_lists = PronunciationLists(store, work_folders, config.output_dir)
shelf = VoiceShelf(
    store,
    config.output_dir,
    fetch_voice,
    push_voice,
    fetch_voice_file,
    push_voice_file,
    voice_locks,
)


hearing = None if cluster else Hearing.found(config.verify_model)
maker = VoiceMaker(
    engine=cosyvoice,
    slots=slots,
    shelf=shelf,
    scratch=scratch,
    fetch_reference=fetch_reference,
    claim=claim_request,
    hearing=hearing,
)

books = Books(work_folders.home / "books", work_folders, config.job_days)
book_worker = BookWorker(books, slots, engine_for, config.mp3_bitrate, watermark)
atexit.register(book_worker.stop)
opener = text_streams.Opener(
    engine=cosyvoice,
    instruct_model=instruct_model,
    shelf=shelf,
    answers=answers,
    streams=TextStreams(),
    limits=limits,
    read_job=read_job,
    fetch=fetch_what_it_needs,
    claim=claim_request,
    most=config.max_text_chars,
)
atexit.register(opener.streams.close)


def speak(values: dict) -> Response:
    """The answer to fields of POST /generate_audio that another endpoint made."""
    return answer(read_job(values))


if config.legacy_api:  # before the page and the list of speakers, whose addresses it shares
    app.register_blueprint(
        legacy.blueprint(
            engine=cosyvoice,
            shelf=shelf,
            answers=answers,
            read_job=read_job,
            prepare=prepare,
            user=config.legacy_user,
            has_keys=keys.wanted,
        )
    )
for blueprint in (
    page,
    openai_speech.blueprint(
        engine=cosyvoice,
        instruct_model=instruct_model,
        shelf=shelf,
        answers=answers,
        read_job=read_job,
        prepare=prepare,
    ),
    openai_voices.blueprint(maker, shelf, Consents(store, work_folders, config.output_dir)),
    dialogue.blueprint(
        engine=cosyvoice,
        instruct_model=instruct_model,
        shelf=shelf,
        answers=answers,
        read_job=read_job,
        fetch=fetch_what_it_needs,
        claim=claim_request,
        max_text_chars=config.max_text_chars,
    ),
    voices.blueprint(engine=cosyvoice, shelf=shelf, maker=maker, speak=speak),
    text_streams.blueprint(opener, states),
    stream_input.blueprint(opener),
    text.blueprint(config.max_text_chars, pronunciation_lists),
    book_routes.blueprint(
        books=books,
        worker=book_worker,
        config=config,
        scratch=scratch,
        fetch_speaker=fetch_speaker,
        said_by=pronunciation_lists.get,
        claim=claim_request,
    ),
    request_states.blueprint(states),
    metrics.blueprint(slots=slots, instruct_model=instruct_model, watchers=watchers),
    openapi.blueprint(config.max_text_chars, config.max_job_chars),
    status.blueprint(
        config=config,
        engine=cosyvoice,
        instruct_model=instruct_model,
        readiness=readiness,
        needs=needs,
        store=store,
        can_hear=hearing is not None,
    ),
):
    app.register_blueprint(blueprint)

book_worker.resume()

if IS_SCRIPT:
    from cosyvoice.serve.server import serve

    readiness.check()
    serve(app, config)
