"""Answers that speak: a streamed Response, or the whole sound as one file."""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from flask import Response, g, request, send_file

from cosyvoice.encoders import Encoder
from cosyvoice.encoders.formats import FfmpegStream, ResampledPcm
from cosyvoice.encoders.mark import Mark, Prefixed, Watermark, Watermarked
from cosyvoice.encoders.mp3 import Mp3Stream
from cosyvoice.encoders.wav import WavStream, wav_header
from cosyvoice.serve.config import Config
from cosyvoice.serve.http import access
from cosyvoice.serve.http.connection import Client, client_of
from cosyvoice.serve.http.problem import Problem, as_problem
from cosyvoice.serve.speaking.engine import Utterance
from cosyvoice.serve.speaking.pace import Pace
from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone, Speech

log = logging.getLogger(__name__)
PCM_RATE = 24000  # Hz, of OpenAI's `pcm`
MOST_WARNINGS = 20  # names of tags in a header
MOST_READINGS = 50  # sentences in a header


class Answers:
    """Speaks utterances for the current request. scratch: for what does not fit in memory."""

    def __init__(
        self,
        slots: Slots,
        config: Config,
        scratch: Path,
        watermark: Callable[[int], Watermark] | None = None,
    ):
        """watermark(sample_rate): the watermark of one sound."""
        self.slots, self.config, self.scratch = slots, config, scratch
        self.watermark = watermark
        # By the model's family and what it does: conversion is faster than speech, and the pauses
        # of a dialogue cost nothing.
        self.paces: defaultdict[tuple[str, str], Pace] = defaultdict(Pace)

    def stream(self, utterance: Utterance, kind: str = "mp3", headers: dict | None = None):
        """A Response of the sound as it is made; returns when there is enough to begin."""
        speech = self.start(utterance, kind)
        try:
            speech.hold_back(self.config.hold_back)
        except BaseException:
            speech.stop()
            raise
        return stream_response(speech, follow(speech), speech.encoder.mimetype, headers)

    def whole(self, utterance: Utterance, kind: str = "wav", headers: dict | None = None):
        """A Response of the whole sound with its length; a GET may ask for a range of it."""
        speech = self.start(utterance, kind, is_file=True)
        try:
            file = speech.whole()
        except BaseException:
            speech.stop()
            raise
        if kind == "wav":
            finish_wav(file, speech, Mark.now(utterance.engine.model_family))
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        response = send_file(file, mimetype=speech.encoder.mimetype, conditional=False)
        response.content_length = size
        response.direct_passthrough = False  # else call_on_close is not called
        response.headers["Cache-Control"] = access.HEADERS["Cache-Control"]  # not send_file's
        about = {**text_warnings(utterance), **readings(speech.record)}
        response.headers.update({**about, **(headers or {})})
        response.call_on_close(speech.close)
        speech.record.change(outcome="done")
        return response.make_conditional(request.environ, accept_ranges=True, complete_length=size)

    def start(self, utterance: Utterance, kind: str, is_file: bool = False) -> Speech:
        """Begin to speak; returns when there is sound and a cloned voice is stored.

        kind: see encoder(). is_file: the bytes are sent as one file, which is marked as made by a
        machine. Whoever calls it lets the response's end call the Speech's close.
        """
        return self.speech(utterance, kind, client_of(request.environ), is_file).start()

    def speech(
        self,
        utterance: Utterance,
        kind: str,
        client: Client | None = None,
        is_file: bool = False,
    ) -> Speech:
        """The Speech of the current request's Record, not begun yet."""
        sample_rate = utterance.engine.sample_rate
        mark = Mark.now(utterance.engine.model_family)
        # a whole WAV gets its mark at the end, see finish_wav
        has_mark = kind != "wav" if is_file else self.config.mark == "always"
        g.record.change(sample_rate=sample_rate)
        encoder = self.encoder(kind, sample_rate, mark, has_mark)
        if self.watermark:
            encoder = Watermarked(encoder, self.watermark(sample_rate))
        return Speech(
            utterance,
            encoder,
            self.slots,
            g.record,
            self.config.request_timeout,
            client,
            self.scratch,
            self.paces[utterance.engine.model_family, g.record.mode],
        )

    def encoder(self, kind: str, sample_rate: int, mark: Mark, has_mark: bool) -> Encoder:
        """kind: mp3, wav, pcm (at PCM_RATE), pcm_16000 or another rate, opus, flac or aac.

        has_mark: whether the sound of MP3, WAV and AAC comes after the mark; FLAC and Ogg always
        have a place for comments, PCM has none.
        """
        if kind == "mp3":
            mp3 = Mp3Stream(sample_rate, self.config.mp3_bitrate, self.scratch)
            return Prefixed(mp3, mark.id3_tag()) if has_mark else mp3
        if kind == "wav":
            return WavStream(sample_rate, mark.info_chunk() if has_mark else b"")
        if kind.startswith("pcm"):
            return ResampledPcm(sample_rate, int(kind[4:] or PCM_RATE))
        if kind == "aac":
            aac = FfmpegStream(kind, sample_rate, self.scratch)
            return Prefixed(aac, mark.id3_tag()) if has_mark else aac
        return FfmpegStream(kind, sample_rate, self.scratch, mark.ffmpeg_options())


def finish_wav(file: BinaryIO, speech: Speech, mark: Mark):
    """Write the true sizes over the header, and what made the sound after it."""
    info, data_bytes = mark.info_chunk(), speech.record.samples * 2
    file.write(wav_header(speech.utterance.engine.sample_rate, data_bytes, len(info)))
    file.seek(0, os.SEEK_END)
    file.write(info)


def stream_response(
    speech: Speech, body: Iterable, mimetype: str, headers: dict | None = None
) -> Response:
    """A Response that ends the Speech when it ends."""
    always = {"X-Accel-Buffering": "no", "Accept-Ranges": "none", **text_warnings(speech.utterance)}
    response = Response(body, mimetype=mimetype, headers={**always, **(headers or {})})
    response.call_on_close(speech.close)
    return response


def sound_headers(mimetype: str) -> Response:
    """The answer to HEAD, which costs no speech; how long the sound would be is not known."""
    return Response(iter(()), mimetype=mimetype)


def text_warnings(utterance: Utterance) -> dict[str, str]:
    """The header that names the tags of a text that had no effect, percent-encoded."""
    names = [quote(name) for name in utterance.left_out_tags]
    shown = [*names[:MOST_WARNINGS], *(["..."] if len(names) > MOST_WARNINGS else [])]
    return {"X-Text-Warnings": f"tags left out: {', '.join(shown)}"} if names else {}


def readings(record: Record) -> dict[str, str]:
    """The header that says how much of each sentence is wrong and how often it was spoken."""
    shown = [f"{score:g};tries={tries}" for score, tries in record.readings[:MOST_READINGS]]
    shown += ["..."] if len(record.readings) > MOST_READINGS else []
    return {"X-Verify": ", ".join(shown)} if shown else {}


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
