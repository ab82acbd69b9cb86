"""The speech service: POST /generate_audio speaks a text as streamed MP3 or as one WAV file.

Read from top to bottom: settings and the global `cosyvoice`, fetching, pushing and cleaning, one
function per mode, the routes. The mechanisms with a life of their own (fields, access, the engine
at work, storage, the other endpoints) are in cosyvoice/serve/.

Run `python all_api.py`, or `gunicorn -c deploy/gunicorn.conf.py all_api:app`.
"""

import atexit
import contextlib
import logging
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, g, jsonify, request
from werkzeug.datastructures import FileStorage

from cosyvoice.cli.frontend import reference
from cosyvoice.cli.voice import load_voice, save_voice
from cosyvoice.serve import checks, request_log
from cosyvoice.serve.config import read_config
from cosyvoice.serve.http import access, jobs, problem
from cosyvoice.serve.http.bridge import Bridge
from cosyvoice.serve.http.fields import NO_VOICE, short
from cosyvoice.serve.http.jobs import (
    CLONE,
    CROSS,
    INSTRUCT,
    PRESET,
    STORING,
    Job,
    VoiceRequest,
    generate_audio_fields,
    read_body,
    without_blanks,
)
from cosyvoice.serve.http.jobs import read_job as read_job_by
from cosyvoice.serve.http.limits import Limits
from cosyvoice.serve.http.names import inside, voice_key
from cosyvoice.serve.http.problem import field_error
from cosyvoice.serve.routes import (
    metrics,
    openai_speech,
    openapi,
    request_states,
    status,
    text,
    voices,
)
from cosyvoice.serve.routes.page import page
from cosyvoice.serve.routes.request_states import RequestStates
from cosyvoice.serve.speaking.analyses import Analyses
from cosyvoice.serve.speaking.answer import Answers
from cosyvoice.serve.speaking.engine import Engine, Utterance
from cosyvoice.serve.speaking.engines import Instruct, load_model
from cosyvoice.serve.speaking.ray_engine import RayEngine, RayInstruct, join_cluster
from cosyvoice.serve.speaking.readiness import Readiness
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.storage.pronunciation_lists import PronunciationLists
from cosyvoice.serve.storage.store import NoObject, ObjectExists, open_store
from cosyvoice.serve.storage.voice_shelf import VoiceShelf
from cosyvoice.serve.storage.work_folders import WorkFolders
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
    keys = access.Keys(config.api_key, config.api_keys_file)
    work_folders = WorkFolders(config.output_dir)
    work_folders.sweep(config.output_dir, config.store_dir)
    scratch = work_folders.scratch(config.output_dir)  # its files go when this process ends
    atexit.register(work_folders.close)
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    checks.check_mp3(22050, config.mp3_bitrate, scratch)  # the rate of most models
    cluster = join_cluster(config.ray_address) if config.engine == "ray" else None
    if cluster:  # which tells the sample rate later
        cosyvoice: Engine = RayEngine(cluster)
        instruct_model: Instruct = RayInstruct(cosyvoice, cluster)
    else:
        cosyvoice = load_model(config, IS_SCRIPT)
        checks.check_mp3(cosyvoice.sample_rate, config.mp3_bitrate, scratch)
        instruct_model = Instruct(cosyvoice, config)

store = open_store(config.store_dir, work_folders)
pusher = ThreadPoolExecutor(4, "push")
limits = Limits(work_folders.home / "limits.sqlite")
slots = Slots(config.max_concurrent, config.max_queue)
if cluster:
    cluster.tell_places(slots.set_limit)
analyses = Analyses()
readiness = Readiness(cosyvoice, slots)
store_dir = config.store_dir if store.name == "local" else None
needs = checks.Needs(work_folders, config.output_dir, scratch, store_dir)
answers = Answers(slots, config, scratch)
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
app.register_blueprint(page)


# reading a request

FIELDS = generate_audio_fields(config.max_text_chars)


def read_job(values: dict) -> Job:
    return read_job_by(FIELDS, values)


# fetching, pushing, cleaning


def fetch_voice(user_id: str, name: str) -> dict:
    """A user's saved voice: the copy in output/ if there is one, else the store's.

    Raises a 404 Problem.
    """
    local = inside(config.output_dir, f"{user_id}/{name}.pt", "spk_customize")
    if local:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            return load_voice(local, cosyvoice.model_family)
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
        return load_voice(folder / "voice.pt", cosyvoice.model_family)


def push_voice(voice: dict, user_id: str, name: str, overwrite: bool = True):
    """Store a voice, complete or not at all; renew the copy that an operator keeps in output/.

    Without overwrite, raises ObjectExists for a name that is taken.
    """
    local = inside(config.output_dir, f"{user_id}/{name}.pt", "exp_name")
    if local and not overwrite:
        raise ObjectExists(name)
    with work_folders.folder(config.output_dir) as folder:
        save_voice(voice, path := folder / f"{name}.pt")
        store.push(path, voice_key(user_id, name), overwrite)
        if local and local.exists():  # a copy that was deleted meanwhile does not come back
            path.replace(local)


def read_reference(audio):
    """Read, trim and level a reference as the original does.

    What the engine cannot use is refused here, before the request waits for the model.
    """
    return reference(trim_and_level(load_wav(audio, 16000, scratch)))


def fetch_reference(wanted: Job | VoiceRequest, read: Callable = read_reference):
    """What read() makes of the reference: an upload, a file of 参考音频/ or an object of the store.

    read_reference makes (1, N) at 16 kHz.
    """
    source = wanted.prompt_speech_16k
    if isinstance(source, FileStorage):
        return analyses.run(read, source.stream)
    access.check_reference_owner(source)
    local = inside(config.reference_dir, source, "prompt_speech_16k")
    if local:
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            return analyses.run(read, local)
    access.check_reference_key(source, wanted.user_id, config.oss_prompt_prefix)
    with work_folders.folder(config.output_dir) as folder:
        try:
            store.fetch(source, folder / "reference", config.max_reference_mb * 1_000_000)
        except NoObject as error:
            raise field_error(
                "prompt_speech_16k",
                "no such reference audio in 参考音频/ or the store; upload it or check the path",
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


# one function per mode: fetch what it needs, return what is to be spoken


def options(job: Job, said: dict[str, str]) -> dict:
    """said: the words of the user's pronunciation list."""
    speech = {"stream": job.stream, "speed": job.speed, "seed": job.seed}
    return {**speech, "pronunciations": said}


def saved_voice(job: Job, engine: Engine) -> dict | None:
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


def preset(job: Job, said: dict[str, str]) -> Utterance:
    voice = saved_voice(job, cosyvoice)
    return Utterance(
        cosyvoice,
        lambda check: cosyvoice.inference_sft(
            job.tts_text, job.spk_id, voice=voice, **options(job, said), check=check
        ),
    )


def clone(job: Job, said: dict[str, str]) -> Utterance:
    audio = fetch_reference(job)

    def speak(check):
        voice = cosyvoice.make_voice(job.prompt_text, audio, job.consent)
        if job.exp_name:  # stored before the answer begins, while the model goes on
            push = pusher.submit(request_log.carry(push_voice), voice, job.user_id, job.exp_name)
            utterance.pushes.append(push)
        yield from cosyvoice.inference_zero_shot(
            job.tts_text, job.prompt_text, None, voice=voice, **options(job, said), check=check
        )

    utterance = Utterance(cosyvoice, speak)
    return utterance


def cross_lingual(job: Job, said: dict[str, str]) -> Utterance:
    audio = fetch_reference(job)
    return Utterance(
        cosyvoice,
        lambda check: cosyvoice.inference_cross_lingual(
            job.tts_text, audio, **options(job, said), check=check
        ),
    )


def instruct(job: Job, said: dict[str, str]) -> Utterance:
    """With a saved voice, else with the recording if there is one, else with a speaker."""
    engine = instruct_model.get()
    if job.prompt_speech_16k and job.spk_customize == NO_VOICE and engine.supports_instruct2:
        audio = fetch_reference(job)
        return Utterance(
            engine,
            lambda check: engine.inference_instruct2(
                job.tts_text, job.prompt_text, audio, **options(job, said), check=check
            ),
        )
    voice = saved_voice(job, engine)
    return Utterance(
        engine,
        lambda check: engine.inference_instruct(
            job.tts_text,
            job.spk_id,
            job.prompt_text,
            voice=voice,
            **options(job, said),
            check=check,
        ),
    )


PREPARE = {PRESET: preset, CLONE: clone, CROSS: cross_lingual, INSTRUCT: instruct}


def prepare(job: Job) -> Utterance:
    """Fetch what the job needs; returns what is to be spoken when the model is free."""
    user_id = access.owner(job.user_id)
    claim_request(user_id, len(job.tts_text))
    g.record.change(mode=job.mode, user_id=user_id, seed=job.seed, characters=len(job.tts_text))
    left_out = left_out_tags(job.tts_text)  # raises TextError for a pause that cannot be made
    said = pronunciation_lists.get(access.sole_user(job.user_id))
    utterance = PREPARE[job.mode](job, said)
    utterance.left_out_tags.extend(left_out)
    return utterance


def answer(job: Job) -> Response:
    utterance = prepare(job)
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
        return Response(mimetype="audio/mpeg")  # a look at the headers costs no speech
    speakers = cosyvoice.list_available_spks()
    speaker = "中文女" if "中文女" in speakers else next(iter(speakers), "")
    demo = {"mode": PRESET, "tts_text": DEMO_TEXT, "spk_id": speaker}
    return answer(read_job(demo | fields))


@app.get("/change_instruct")
def change_instruct():
    """Kept for old callers: make sure that the model for 自然语言控制 is loaded."""
    if request.method != "HEAD":
        instruct_model.get()
    return jsonify(status="success")


pronunciation_lists = PronunciationLists(store, work_folders, config.output_dir)
shelf = VoiceShelf(store, config.output_dir, fetch_voice, push_voice)


def speak(values: dict) -> Response:
    """The answer to fields of POST /generate_audio that another endpoint made."""
    return answer(read_job(values))


for blueprint in (
    openai_speech.blueprint(
        engine=cosyvoice,
        instruct_model=instruct_model,
        shelf=shelf,
        answers=answers,
        read_job=read_job,
        prepare=prepare,
    ),
    voices.blueprint(
        engine=cosyvoice,
        slots=slots,
        shelf=shelf,
        scratch=scratch,
        fetch_reference=fetch_reference,
        speak=speak,
        claim=claim_request,
    ),
    text.blueprint(config.max_text_chars, pronunciation_lists),
    request_states.blueprint(states),
    metrics.blueprint(slots=slots, instruct_model=instruct_model, watchers=watchers),
    openapi.blueprint(config.max_text_chars),
    status.blueprint(
        config=config,
        engine=cosyvoice,
        instruct_model=instruct_model,
        readiness=readiness,
        needs=needs,
        store=store,
    ),
):
    app.register_blueprint(blueprint)

if IS_SCRIPT:
    from cosyvoice.serve.server import serve

    readiness.check()
    serve(app, config)
