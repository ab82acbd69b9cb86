"""Text that comes in pieces, as a language model writes it, spoken as one continuous sound.

POST   /streams              open one: mode, voice, format and more, as in POST /generate_audio
POST   /streams/<id>/text    the next piece of its text, cut anywhere
GET    /streams/<id>/audio   its sound, once
POST   /streams/<id>/end     no more text comes
DELETE /streams/<id>         stop

The id is the X-Request-ID of the request that opened it; /requests/<id> tells states and subtitles.
A stream lives in the process that opened it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, g, jsonify, request

from cosyvoice.serve import request_log
from cosyvoice.serve.http import access
from cosyvoice.serve.http.connection import client_of
from cosyvoice.serve.http.fields import Fields, field_error, read_values
from cosyvoice.serve.http.jobs import (
    INSTRUCT,
    PRESET,
    STORING,
    Job,
    piece_fields,
    read_body,
    stream_fields,
)
from cosyvoice.serve.http.limits import Limits
from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.routes.openai_speech import read_voice, speaking_engine
from cosyvoice.serve.routes.request_states import RequestStates
from cosyvoice.serve.speaking.answer import Answers, follow, sound_headers, stream_response
from cosyvoice.serve.speaking.engine import Engine, Prepared
from cosyvoice.serve.speaking.engines import Instruct
from cosyvoice.serve.speaking.text_stream import TextStream, TextStreams, ended_error
from cosyvoice.serve.storage.voice_shelf import VoiceShelf


@dataclass(frozen=True)
class Opener:
    """Opens streams for requests. most: characters of a stream.

    read_job: checks the fields of POST /generate_audio. fetch: what can speak a job. claim: counts
    the current request and gives it its id.
    """

    engine: Engine
    instruct_model: Instruct
    answers: Answers
    streams: TextStreams
    limits: Limits
    shelf: VoiceShelf
    read_job: Callable[[dict], Job]
    fetch: Callable[[Job], Prepared]
    claim: Callable[[str], None]
    most: int

    def open(self, values: dict, kind: str) -> TextStream:
        """A stream of the current request, whose Record and id it keeps.

        values: fields of POST /streams. kind: see Answers.encoder. Raises a Problem.
        """
        job = self._read(values)
        user_id = access.owner(job.user_id)
        g.record.change(user_id=user_id)
        self.streams.check_room(g.record.turn_of)
        self.claim(user_id)
        g.record.change(mode=job.mode, seed=job.seed)
        charge = partial(self.limits.charge, g.caller, g.allowance, requests=0)
        stream = TextStream(self.fetch(job), job, self.most, charge, self._over)
        stream.begin(self.answers.speech(stream.utterance, kind))
        self.streams.add(stream)
        request_log.hand_over_record()
        return stream

    def _read(self, values: dict) -> Job:
        mode = values.get("mode", PRESET)
        if "voice" in values:
            instruct = values.get("prompt_text", "") if mode == INSTRUCT else ""
            speaker_engine = speaking_engine(self.engine, self.instruct_model, instruct)
            user_id = access.sole_user(values.get("user_id", ""))
            voice = read_voice(values["voice"], "", speaker_engine, user_id, self.shelf)
            values = {**values, "user_id": user_id, **voice}
        return self.read_job({**values, "mode": mode, "tts_text": "-"})

    def _over(self, stream: TextStream):
        self.streams.forget(stream)
        request_log.finish_speaking(stream.speech.record)


def blueprint(opener: Opener, states: RequestStates) -> Blueprint:
    text_streams, streams = Blueprint("text_streams", __name__), opener.streams
    fields, pieces = stream_fields(opener.most), piece_fields(opener.most)

    @text_streams.post("/streams")
    def open_stream():
        """Open a stream; the answer says where its text goes and its sound comes from."""
        values = read_opening(fields, read_body())
        kind = values.pop("format", "mp3")
        stream = opener.open(values, kind)
        id = stream.speech.record.id
        addresses = {name: f"/streams/{id}/{name}" for name in ("text", "audio", "end")}
        return jsonify(id=id, format=kind, **addresses), 201

    @text_streams.post("/streams/<id>/text")
    def add_text(id: str):
        """Take the next piece; its sentences are spoken as soon as they are whole."""
        stream = find(id)
        wanted = read_values(pieces, read_body())
        if "text" not in wanted and not wanted.get("flush"):
            raise field_error("text", "is required here, or flush", "此处必填，或使用 flush")
        left_out = stream.add(wanted.get("text", ""), wanted.get("flush", False))
        return jsonify(id=id, waiting_characters=stream.waiting, left_out_tags=left_out)

    @text_streams.post("/streams/<id>/end")
    def end(id: str):
        """No more text comes: the rest is spoken, then the sound ends."""
        (stream := find(id)).end()
        return jsonify(id=id, waiting_characters=stream.waiting)

    @text_streams.delete("/streams/<id>")
    def stop(id: str):
        """Stop at once."""
        find(id).stop()
        return jsonify(id=id)

    @text_streams.get("/streams/<id>/audio")
    def audio(id: str) -> Response:
        """The sound from its beginning; the answer begins at once and goes on as text comes."""
        stream = find(id)
        mimetype = stream.speech.encoder.mimetype
        if request.method == "HEAD":
            return sound_headers(mimetype)
        stream.listen(client_of(request.environ))
        answer = stream_response(stream.speech, sound_of(stream), mimetype)
        answer.call_on_close(stream.drop)
        return answer

    def find(id: str) -> TextStream:
        """The caller's stream. Raises a 404, 409 or 421 Problem."""
        with streams.guard:
            stream, ended = streams.open.get(id), streams.ended.get(id)
        if stream:
            check_owner(stream.speech.record.caller, stream.speech.record.user_id)
            return stream
        if ended:
            check_owner(*ended)
            raise ended_error()
        if owner := states.elsewhere(id):
            check_owner(*owner)
            raise elsewhere_error()
        raise unknown_stream_error()

    return text_streams


def read_opening(fields: Fields, values: dict) -> dict:
    """The checked fields of POST /streams. Those that cannot mean anything here are refused."""
    for name in ("tts_text", "stream", *STORING):
        if name in values:
            raise field_error(
                name,
                "is no field of a stream: its text goes to /streams/<id>/text, its sound is always "
                "streamed, and POST /voices keeps a voice",
                "不是流的字段：文本请发送到 /streams/<id>/text，声音总是流式返回，"
                "保存音色请用 POST /voices",
            )
    return {**values, **read_values(fields, values)}


def sound_of(stream: TextStream) -> Iterator[bytes]:
    yield b""  # so that the answer begins before there is sound
    yield from follow(stream.speech)


def check_owner(caller: str, user_id: str):
    """Raises a 404 Problem for a stream of another caller, as if there were none."""
    try:
        access.check_reader(caller, user_id)
    except Problem as error:
        raise unknown_stream_error() from error


def unknown_stream_error() -> Problem:
    return Problem(
        404,
        "unknown_stream",
        "id",
        "no stream of that id is known; open one with POST /streams",
        "没有该编号的流；请先用 POST /streams 打开",
    )


def elsewhere_error() -> Problem:
    return Problem(
        421,
        "other_process",
        "id",
        "another process of the service has that stream; its operator must send all requests of a "
        "stream to one process, as docs/streams.md says",
        "该流位于服务的另一个进程；管理员须把同一个流的请求都转发到同一进程，"
        "见 docs/streams.zh-CN.md",
    )
