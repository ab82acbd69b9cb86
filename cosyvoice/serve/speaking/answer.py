"""Answers that speak: a streamed Response, or the whole sound as one file."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from flask import Response, g, request, send_file

from cosyvoice.encoders import Encoder
from cosyvoice.encoders.formats import FfmpegStream, ResampledPcm
from cosyvoice.encoders.mp3 import Mp3Stream
from cosyvoice.encoders.wav import WavStream, wav_header
from cosyvoice.serve.config import Config
from cosyvoice.serve.http import access
from cosyvoice.serve.http.connection import Client, client_of
from cosyvoice.serve.http.problem import Problem, as_problem
from cosyvoice.serve.speaking.engine import Utterance
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone, Speech

log = logging.getLogger(__name__)
PCM_RATE = 24000  # Hz, of OpenAI's `pcm`
MOST_WARNINGS = 20  # names of tags in a header


class Answers:
    """Speaks utterances for the current request. scratch: for what does not fit in memory."""

    def __init__(self, slots: Slots, config: Config, scratch: Path):
        self.slots, self.config, self.scratch = slots, config, scratch

    def stream(self, utterance: Utterance, kind: str = "mp3", headers: dict | None = None):
        """A Response of the sound as it is made; returns when there is some."""
        speech = self.start(utterance, kind)
        return stream_response(speech, follow(speech), speech.encoder.mimetype, headers)

    def whole(self, utterance: Utterance, kind: str = "wav", headers: dict | None = None):
        """A Response of the whole sound with its length; a GET may ask for a range of it."""
        speech = self.start(utterance, kind)
        try:
            file = speech.whole()
        except BaseException:
            speech.stop()
            raise
        size = speech.spool.written
        if kind == "wav":
            file.write(wav_header(utterance.engine.sample_rate, speech.record.samples * 2))
            file.seek(0)
        response = send_file(file, mimetype=speech.encoder.mimetype, conditional=False)
        response.content_length = size
        response.direct_passthrough = False  # else call_on_close is not called
        response.headers["Cache-Control"] = access.HEADERS["Cache-Control"]  # not send_file's
        response.headers.update({**text_warnings(utterance), **(headers or {})})
        response.call_on_close(speech.close)
        speech.record.change(outcome="done")
        return response.make_conditional(request.environ, accept_ranges=True, complete_length=size)

    def start(self, utterance: Utterance, kind: str) -> Speech:
        """Begin to speak; returns when there is sound and a cloned voice is stored.

        kind: see encoder(). Whoever calls it lets the response's end call the Speech's close.
        """
        return self.speech(utterance, kind, client_of(request.environ)).start()

    def speech(self, utterance: Utterance, kind: str, client: Client | None = None) -> Speech:
        """The Speech of the current request's Record, not begun yet."""
        sample_rate = utterance.engine.sample_rate
        g.record.change(sample_rate=sample_rate)
        return Speech(
            utterance,
            self.encoder(kind, sample_rate),
            self.slots,
            g.record,
            self.config.request_timeout,
            client,
            self.scratch,
        )

    def encoder(self, kind: str, sample_rate: int) -> Encoder:
        """kind: mp3, wav, pcm (at PCM_RATE), pcm_16000 or another rate, opus, flac or aac."""
        if kind == "mp3":
            return Mp3Stream(sample_rate, self.config.mp3_bitrate, self.scratch)
        if kind == "wav":
            return WavStream(sample_rate)
        if kind.startswith("pcm"):
            return ResampledPcm(sample_rate, int(kind[4:] or PCM_RATE))
        return FfmpegStream(kind, sample_rate, self.scratch)


def stream_response(
    speech: Speech, body: Iterable, mimetype: str, headers: dict | None = None
) -> Response:
    """A Response that ends the Speech when it ends."""
    always = {"X-Accel-Buffering": "no", "Accept-Ranges": "none", **text_warnings(speech.utterance)}
    response = Response(body, mimetype=mimetype, headers={**always, **(headers or {})})
    response.call_on_close(speech.close)
    return response


def text_warnings(utterance: Utterance) -> dict[str, str]:
    """The header that names the tags of a text that had no effect, percent-encoded."""
    names = [quote(name) for name in utterance.left_out_tags]
    shown = [*names[:MOST_WARNINGS], *(["..."] if len(names) > MOST_WARNINGS else [])]
    return {"X-Text-Warnings": f"tags left out: {', '.join(shown)}"} if names else {}


def follow(speech: Speech) -> Iterator[bytes]:
    """The sound as it is made.

    A failure breaks the connection, so that nobody takes half for the whole.
    """
    try:
        yield from speech
        speech.record.change(outcome="done")
    except ClientGone:
        if speech.client:
            speech.client.hang_up()
    except Exception as error:
        speech.record.change(outcome=as_problem(error).code)
        log.error("the answer broke off", exc_info=not isinstance(error, Problem))
        raise
