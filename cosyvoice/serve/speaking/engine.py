"""What the service asks of an engine, so that another one can stand in its place."""

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from cosyvoice.cli.methods import speech
from cosyvoice.serve.http.jobs import CLONE, INSTRUCT, Job

Check = Callable[[], None]  # called by the engine at every step; stops the work by raising
# {"tts_speech": (1, N) float in [-1, 1], "sentence": the index of the segment, "sentences":
# (written, spoken) of each sentence in it, none in a pause}, with a verifier also "score" and
# "tries" (see cosyvoice/cli/verify.py); to be closed
Chunks = Generator[dict[str, Any], None, None]
Audio = Any  # (1, N) float32 tensor at 16 kHz
Voice = dict[str, Any]  # see cosyvoice/cli/voice.py


class Engine(Protocol):
    """The part of cosyvoice.cli.cosyvoice.CosyVoice that the service uses. Thread-safe."""

    model_family: str
    sample_rate: int  # Hz
    supports_instruct: bool  # by inference_instruct, with a speaker or a saved voice
    supports_instruct2: bool  # by inference_instruct2 too, with a reference
    load_seconds: float  # that loading the model took

    @property
    def model_state(self) -> str:
        """ "loaded", "unloaded" (the next use loads it) or "damaged" (it could not be loaded)."""

    @property
    def token_rate(self) -> int:
        """Speech tokens per second."""

    @property
    def device(self) -> str:
        """Where the networks run, such as "cpu" or "cuda"."""

    @property
    def precision(self) -> str:
        """What numbers the networks compute with."""

    def list_available_spks(self) -> list[str]:
        """The names of the preset speakers."""

    def inference_sft(
        self,
        tts_text: str,
        spk_id: str,
        stream: bool = ...,
        speed: float = ...,
        *,
        seed: int | None = ...,
        voice: Voice | None = ...,
        check: Check | None = ...,
        pronunciations: Mapping[str, str] | None = ...,
    ) -> Chunks: ...

    def inference_zero_shot(
        self,
        tts_text: str,
        prompt_text: str,
        prompt_wav: Audio | None,
        *,
        stream: bool = ...,
        speed: float = ...,
        seed: int | None = ...,
        voice: Voice | None = ...,
        check: Check | None = ...,
        pronunciations: Mapping[str, str] | None = ...,
    ) -> Chunks: ...

    def inference_cross_lingual(
        self,
        tts_text: str,
        prompt_wav: Audio | None,
        *,
        stream: bool = ...,
        speed: float = ...,
        seed: int | None = ...,
        check: Check | None = ...,
        pronunciations: Mapping[str, str] | None = ...,
    ) -> Chunks: ...

    def inference_instruct(
        self,
        tts_text: str,
        spk_id: str,
        instruct_text: str,
        *,
        stream: bool = ...,
        speed: float = ...,
        seed: int | None = ...,
        voice: Voice | None = ...,
        check: Check | None = ...,
        pronunciations: Mapping[str, str] | None = ...,
    ) -> Chunks: ...

    def inference_instruct2(
        self,
        tts_text: str,
        instruct_text: str,
        prompt_wav: Audio | None,
        *,
        stream: bool = ...,
        speed: float = ...,
        seed: int | None = ...,
        check: Check | None = ...,
        pronunciations: Mapping[str, str] | None = ...,
    ) -> Chunks: ...

    def inference_vc(
        self,
        source_wav: Audio,
        prompt_wav: Audio | None = ...,
        stream: bool = ...,
        speed: float = ...,
        *,
        seed: int | None = ...,
        spk_id: str = ...,
        voice: Voice | None = ...,
        check: Check | None = ...,
    ) -> Chunks: ...

    def speaker_voice(self, spk_id: str) -> Voice:
        """A preset speaker as a voice, without a prompt."""

    def make_voice(self, prompt_text: str, prompt_wav: Audio, consent: str = ...) -> Voice:
        """A voice that inference_* takes and that can be saved."""


def chunks_of(
    engine: Engine, job: Job, voice: Voice, said: Mapping[str, str], check: Check
) -> Chunks:
    """The engine's generator for a job. said: the words of the user's pronunciation list.

    voice: {"reference": (1, N) at 16 kHz}, {"voice": a saved one}, or {} for the speaker spk_id.
    """
    return speech(
        engine,
        job.tts_text,
        speaker=job.spk_id,
        **voice,
        transcript=job.prompt_text if job.mode == CLONE else "",
        instruction=job.prompt_text if job.mode == INSTRUCT else "",
        stream=job.stream,
        speed=job.speed,
        seed=job.seed,
        pronunciations=said,
        check=check,
    )


@dataclass(frozen=True)
class Utterance:
    """What a request speaks, with all that it needs fetched.

    chunks(check) makes the engine's generator; it is run and closed in the thread that speaks.
    pushes: voices on their way to the store, appended by that thread before its first sound. The
    answer begins when they are stored. expected_seconds: of sound, an estimate; 0 when unknown.
    """

    engine: Engine
    chunks: Callable[[Check], Chunks]
    pushes: list[Future] = field(default_factory=list)
    left_out_tags: list[str] = field(default_factory=list)  # of the text; a header names them
    expected_seconds: float = 0.0


@dataclass(frozen=True)
class Prepared:
    """A mode with all that it needs fetched, such as the voice.

    speak(job, check) speaks any job that differs in text, seed, speed and stream alone; pushes: as
    of Utterance.
    """

    engine: Engine
    speak: Callable[[Job, Check], Chunks]
    pushes: list[Future] = field(default_factory=list)

    def utterance(self, job: Job) -> Utterance:
        return Utterance(self.engine, partial(self.speak, job), self.pushes)
