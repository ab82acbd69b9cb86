"""A text stream by WebSocket, with the messages that clients of ElevenLabs send and expect.

GET /v1/text-to-speech/<voice>/stream-input, upgraded. The client sends {"text": "..."}, with
"flush": true where what has arrived is to be spoken at once, and {"text": ""} at the end. It gets
{"audio": "<base64>", "isFinal": false, ...}, at last {"audio": null, "isFinal": true}, or an error.
voice_settings.speed of a message before the first sentence is followed; other settings are not.
Source: elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-stream-input.
"""

import base64
import json
import re
import threading
import time
from contextlib import suppress
from dataclasses import replace

from flask import Blueprint, Response, g, request

from cosyvoice.serve import request_log
from cosyvoice.serve.http.bridge import ClientDisconnected
from cosyvoice.serve.http.fields import field_error, read_string, short
from cosyvoice.serve.http.jobs import RESPONSE_FORMATS, SPEED
from cosyvoice.serve.http.problem import Problem, as_problem, openai_body
from cosyvoice.serve.http.websocket import BROKEN, REFUSED, WebSocket
from cosyvoice.serve.routes.text_streams import Opener
from cosyvoice.serve.speaking.answer import follow
from cosyvoice.serve.speaking.slots import POLL
from cosyvoice.serve.speaking.text_stream import TextStream

RATES = ("8000", "16000", "22050", "24000", "32000", "44100", "48000")  # Hz, of pcm
FINAL = {"audio": None, "isFinal": True}


def blueprint(opener: Opener) -> Blueprint:
    stream_input = Blueprint("stream_input", __name__)

    @stream_input.get("/v1/text-to-speech/<voice>/stream-input")
    def talk(voice: str) -> Response:
        """Open a stream, accept the WebSocket, then take text and send sound."""
        socket = request.environ.get("cosyvoice.websocket")
        if socket is None:
            raise Problem(
                426,
                "no_websocket",
                None,
                "this address speaks WebSocket only; POST /streams does the same over HTTP",
                "该地址只支持 WebSocket；HTTP 请用 POST /streams",
                {"Upgrade": "websocket"},
            )
        kind = read_format(request.args.get("output_format", "mp3"))
        known = {name: request.args[name] for name in ("seed", "user_id") if request.args.get(name)}
        stream = opener.open({"voice": voice, **known}, kind)
        stream.listen(request.environ["cosyvoice.client"])
        converse(socket, stream, g.request_id)
        return Response()

    return stream_input


def read_format(name: str) -> str:
    """ElevenLabs' output_format, such as mp3_44100_128, as a kind of encoder.

    MP3 and Opus say their rate themselves, which is the model's; PCM gets the wanted one. Raises a
    400 Problem.
    """
    kind, *rest = name.split("_")
    if kind == "pcm" and rest and rest[0] in RATES:
        return f"pcm_{rest[0]}"
    if kind not in RESPONSE_FORMATS or kind == "pcm" and rest:
        raise field_error(
            "output_format",
            f"must be one of {', '.join(RESPONSE_FORMATS)}, or pcm_ with a rate of "
            f"{', '.join(RATES)}, got {short(name)}",
            f"未知的格式 {short(name)}，可选：{'、'.join(RESPONSE_FORMATS)}，或 pcm_ 加采样率",
        )
    return kind


def converse(socket: WebSocket, stream: TextStream, id: str):
    """Take text and send sound until the client or the sound ends."""
    try:
        socket.accept({"X-Request-ID": id})
        sender = threading.Thread(
            target=request_log.carry(send_sound), args=(socket, stream), name=f"send-{id}"
        )
        sender.start()
        try:
            take_text(socket, stream)
        except Problem as problem:
            tell(socket, problem, REFUSED)
            stream.speech.client = None  # it is told: its connection is not cut
            stream.stop()
        finally:
            sender.join()
    except ClientDisconnected:
        pass
    finally:
        stream.drop()


def take_text(socket: WebSocket, stream: TextStream):
    """Give the client's text to the stream until it says that it is the last, or leaves."""
    while (message := socket.receive()) is not None:
        values = read_message(message)
        settings = values.get("voice_settings")
        if isinstance(settings, dict) and "speed" in settings:
            speed = SPEED.read("voice_settings.speed", settings["speed"])
            stream.job = replace(stream.job, speed=speed)
        text = read_string("text", values.get("text"))
        if text:
            add(stream, text, values.get("flush") is True)
        else:
            stream.end()
            return
    stream.stop()


def add(stream: TextStream, text: str, flush: bool):
    """Wait for room: a client that sends faster than the model speaks is read more slowly."""
    while True:
        try:
            stream.add(text, flush)
            return
        except Problem as problem:
            if problem.code != "too_much_waiting":
                raise
            time.sleep(POLL)


def read_message(message: str) -> dict:
    try:
        values = json.loads(message)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Problem(
            400,
            "bad_request",
            None,
            'each message must be a JSON object such as {"text": "Hello. "}',
            '每条消息必须是 JSON 对象，例如 {"text": "你好。"}',
        )
    return values


def send_sound(socket: WebSocket, stream: TextStream):
    """Send the sound as it is made, then the end, and close."""
    with suppress(ClientDisconnected):
        try:
            for data in follow(stream.speech):
                if data:
                    audio = base64.b64encode(data).decode()
                    nothing = {"alignment": None, "normalizedAlignment": None}
                    socket.send(json.dumps({"audio": audio, "isFinal": False, **nothing}))
        except ClientDisconnected:
            raise
        except Exception as error:  # follow has logged it
            tell(socket, as_problem(error), BROKEN)
        else:
            if stream.speech.record.outcome == "done":
                socket.send(json.dumps(FINAL))
                socket.close()


def tell(socket: WebSocket, problem: Problem, code: int):
    """The error as a message, then the end."""
    socket.send(json.dumps(openai_body(problem), ensure_ascii=False))
    socket.close(code, re.sub(r"[^a-z_]", "", problem.code))
