"""Voices made of recordings, and kept: for POST /voices and for OpenAI's POST /v1/audio/voices."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from flask import g, request

from cosyvoice.cli.reference_doctor import Report, examine_file
from cosyvoice.cli.verify import Check, Transcript
from cosyvoice.serve.http.connection import client_of
from cosyvoice.serve.http.jobs import VoiceRequest
from cosyvoice.serve.http.problem import Problem, field_error
from cosyvoice.serve.speaking.engine import Engine, Voice
from cosyvoice.serve.speaking.hearing import Hearing
from cosyvoice.serve.speaking.slots import Slots
from cosyvoice.serve.speaking.speech import ClientGone
from cosyvoice.serve.storage.store import ObjectExists
from cosyvoice.serve.storage.voice_shelf import VoiceShelf

REFERENCE_TEXT = ("prompt_text", "llm_prompt_speech_token")  # parts of a voice that hold its words


@dataclass(frozen=True)
class Made:
    """About a voice that is kept."""

    report: Report
    heard: Transcript | None
    words: str  # that the voice has of its recording, "" for none


@dataclass(frozen=True)
class VoiceMaker:
    """Thread-safe.

    fetch_reference(request, read): what read(file) makes of the recording. claim(user_id): takes
    the request's id, or raises a 409 Problem. hearing: None where nothing can hear.
    """

    engine: Engine
    slots: Slots
    shelf: VoiceShelf
    scratch: Path
    fetch_reference: Callable
    claim: Callable[[str], None]
    hearing: Hearing | None

    def make(self, wanted: VoiceRequest, may_lack_words: bool = False) -> Made:
        """Make the voice of a recording and keep it.

        With wanted.transcribe its words are heard where there is no prompt_text. A voice without
        words is refused unless may_lack_words. The prompt_text of a recording that was cut does not
        fit it and is left out. Raises Problems.
        """
        self.refuse_taken_name(wanted)
        report = self.examine(wanted)
        if report.error:
            raise report.error
        self.begin(wanted)
        given = wanted.prompt_text.strip()
        with self.turn() as check:
            heard = None if given else self._hear(wanted, report, check)
            if not (given or heard or may_lack_words):
                raise nothing_heard_error()
            said = heard.text if heard else given
            assert report.reference is not None
            voice = self.engine.make_voice(said, report.reference, wanted.consent)
        words = said if heard or not report.trimmed else ""
        self.keep(voice if words else without_words(voice), wanted)
        return Made(report, heard, words)

    def look(self, wanted: VoiceRequest) -> tuple[Report, Transcript | None]:
        """What is good and bad about a recording, and with wanted.transcribe what is said in it."""
        report = self.examine(wanted)
        if report.error or not (wanted.transcribe and self.hearing):
            return report, None
        self.begin(wanted, "transcript")
        with self.turn() as check:
            return report, self._hear(wanted, report, check)

    def examine(self, wanted: VoiceRequest) -> Report:
        read = functools.partial(examine_file, transcript=wanted.prompt_text, scratch=self.scratch)
        return self.fetch_reference(wanted, read)

    def _hear(self, wanted: VoiceRequest, report: Report, check: Check) -> Transcript | None:
        if not (wanted.transcribe and self.hearing):
            return None
        assert report.reference is not None
        return self.hearing.transcript(report.reference, check)

    def begin(self, wanted: VoiceRequest, mode: str = "voice"):
        """Claim the request's id for this work, whose state can then be asked."""
        self.claim(wanted.user_id)
        g.record.change(mode=mode, user_id=wanted.user_id)

    @contextlib.contextmanager
    def turn(self) -> Iterator[Check]:
        """The request's turn to use the model; gives a check that raises once its client leaves."""
        client, record = client_of(request.environ), g.record

        def check():
            if client.gone():
                raise ClientGone()

        record.change(state="waiting")
        with self.slots.take(
            check, lambda position: record.change(position=position), record.turn_of
        ):
            record.change(state="speaking")
            yield check

    def keep(self, voice: Voice, wanted: VoiceRequest):
        try:
            self.shelf.push(voice, wanted.user_id, wanted.name, wanted.overwrite)
        except ObjectExists as error:  # another has made it meanwhile
            raise taken_name_error(wanted.name) from error

    def refuse_taken_name(self, wanted: VoiceRequest):
        if not wanted.overwrite and self.shelf.exists(wanted.user_id, wanted.name):
            raise taken_name_error(wanted.name)


def without_words(voice: Voice) -> Voice:
    """The voice without what was said: timbre and manner, as cross-lingual speech uses it."""
    changed = dict(voice)
    for name in REFERENCE_TEXT:
        changed[name] = torch.zeros(1, 0, dtype=torch.int32)
        changed[f"{name}_len"] = torch.zeros(1, dtype=torch.int32)
    return changed


def nothing_heard_error() -> Problem:
    return field_error(
        "transcribe",
        "no words were heard that fit the recording; give them as prompt_text",
        "没有听出与录音相符的文字；请用 prompt_text 提供",
        "nothing_heard",
        422,
    )


def taken_name_error(name: str, field: str = "name") -> Problem:
    return field_error(
        field,
        f"there is a voice {name!r} already; choose another name, or send overwrite=True",
        f"已有名为“{name}”的音色，请换名，或发送 overwrite=True",
        "voice_exists",
        409,
    )
