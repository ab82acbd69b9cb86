"""The HTTP interface of the Windows bundle (v3ucn), which SillyTavern and scripts use; LEGACY_API.

GET, POST /            text, speaker, streaming, speed: WAV, or Ogg while it is made; else the page
POST /tts_to_audio/    text and perhaps a speaker: WAV
GET  /speakers         [{"name", "voice_id"}]; the page gets the service's own form, see own_form
GET  /speakers_list    [name]
GET  /file/output.srt  the subtitles of the caller's last request

docs/legacy-api.md has the table. Source: api.py of v3ucn/CosyVoice_For_Windows, and SillyTavern's
extension for it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from cosyvoice.serve.addresses import host_of, is_loopback
from cosyvoice.serve.http import access
from cosyvoice.serve.http.fields import read_values, short
from cosyvoice.serve.http.jobs import LEGACY_FIELDS, PRESET, Job, read_body, without_blanks
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.serve.routes.page import index, protect
from cosyvoice.serve.speaking.answer import Answers
from cosyvoice.serve.speaking.engine import Engine, Utterance
from cosyvoice.serve.storage.voice_shelf import VoiceShelf

SUBTITLES = "output.srt"  # what the bundle wrote after each request
REMEMBERED = 1000  # callers whose last request is known


def blueprint(
    engine: Engine,
    shelf: VoiceShelf,
    answers: Answers,
    read_job: Callable[[dict], Job],
    prepare: Callable[[Job], Utterance],
    user: str,
    has_keys: bool,
) -> Blueprint:
    """user: whose saved voices are meant where the call names nobody. has_keys: callers have keys.

    Register it before what it shares addresses with: the page and /speakers.
    """
    legacy, last = Blueprint("legacy", __name__), LastRequests()

    @legacy.get("/")
    def page_or_speech() -> Response:
        """Speech for a query with a text, else the page."""
        if "text" not in request.args:
            return protect(index())
        if request.method == "HEAD":
            return Response(mimetype="audio/wav")  # a look at the headers costs no speech
        return speak(without_blanks(request.args.items()), "text", "speaker")

    @legacy.post("/")
    def speech() -> Response:
        return speak(query_and_body(), "text", "speaker")

    @legacy.post("/tts_to_audio")
    def tts_to_audio() -> Response:
        """The bundle had one speaker for it in a file; here it is the first one."""
        values = query_and_body()
        speaker = values.get("speaker") or values.get("speaker_wav") or next(iter(names()), "")
        return speak({**values, "speaker": speaker, "streaming": False}, "text")

    @legacy.get("/speakers")
    def speakers() -> Response:
        if own_form():
            return view("status.speakers")
        return jsonify([{"name": name, "voice_id": name} for name in names()])

    @legacy.get("/speakers_list")
    def speakers_list() -> Response:
        return jsonify(names())

    @legacy.get(f"/file/{SUBTITLES}")
    def subtitles() -> Response:
        """Only for who certainly made the request: the same key, or this computer's only user."""
        if not may_ask():
            raise Problem(
                403,
                "foreign_request",
                None,
                "without keys, the last subtitles are given on this computer only; "
                "send X-Request-ID and ask GET /requests/<id>/subtitles.srt",
                "未设置密钥时，仅本机可取最近的字幕；"
                "请发送 X-Request-ID 并查询 GET /requests/<id>/subtitles.srt",
            )
        return view("requests.subtitles", id=last.of(g.caller), form="srt")

    def may_ask() -> bool:
        """Whether a caller's requests are told from those of others."""
        return has_keys or is_this_computer()

    def speak(values: dict, *required: str) -> Response:
        wanted = read_values(LEGACY_FIELDS, values, required)
        owner = the_user(wanted.get("user_id", ""))
        job = read_job(
            {
                "mode": PRESET,
                "tts_text": wanted["text"],
                "stream": wanted.get("streaming", False),
                "speed": wanted.get("speed", 1.0),
                "user_id": owner,
                **choose(wanted["speaker"], owner),
            }
        )
        utterance = prepare(job)
        if may_ask():
            last.note(g.caller, g.record.id)
        if job.stream:
            attached = {"Content-Disposition": "attachment; filename=sound.ogg"}
            return answers.stream(utterance, "opus", attached)
        return answers.whole(utterance, "wav")

    def choose(speaker: str, owner: str) -> dict:
        """The fields of a Job for a name: a speaker of the model, else a saved voice."""
        if speaker in engine.list_available_spks():
            return {"spk_id": speaker}
        name = speaker.removesuffix(".pt")
        if name not in names(owner):
            known = names(owner)
            raise field_error(
                "speaker",
                f"there is no {short(speaker)}; use one of {', '.join(known) or 'none'}",
                f"没有角色 {short(speaker)}，可选：{'、'.join(known) or '无'}",
                "unknown_speaker",
                404,
            )
        return {"spk_customize": name}

    def names(owner: str | None = None) -> list[str]:
        owner = the_user("") if owner is None else owner
        saved = shelf.names(owner) if owner else []
        return list(dict.fromkeys([*engine.list_available_spks(), *saved]))

    def the_user(user_id: str) -> str:
        access.check_user(user_id)
        found = access.sole_user(user_id) or user
        access.check_user(found)
        return found

    return legacy


class LastRequests:
    """The id of each caller's last request, in this process. Thread-safe."""

    def __init__(self):
        self.ids: OrderedDict[str, str] = OrderedDict()
        self.guard = threading.Lock()

    def note(self, caller: str, request_id: str):
        with self.guard:
            self.ids[caller] = request_id
            self.ids.move_to_end(caller)
            if len(self.ids) > REMEMBERED:
                self.ids.popitem(last=False)

    def of(self, caller: str) -> str:
        """The id, "" without one, which no request has."""
        return self.ids.get(caller, "")


def view(endpoint: str, **arguments: str) -> Response:
    """What another route answers."""
    show: Any = current_app.view_functions[endpoint]
    return current_app.make_response(show(**arguments))


def query_and_body() -> dict:
    """The fields of a body and of the query, where the bundle's callers put `speed`."""
    return {**without_blanks(request.args.items()), **read_body()}


def own_form() -> bool:
    """Whether the caller wants the service's own form: the page, or who adds ?form=object."""
    is_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return is_page or request.args.get("form") == "object"


def is_this_computer() -> bool:
    """Whether a request comes from this computer and not through a proxy on it."""
    is_proxied = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via"))
    host = host_of(request.headers.get("Host", ""))
    return is_loopback(request.remote_addr or "") and is_loopback(host) and not is_proxied
