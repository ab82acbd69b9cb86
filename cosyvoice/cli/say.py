"""`python -m cosyvoice say` and `voices`: speak a text into a file or aloud, list who can speak.

torch and the engine are imported where they are used, so that help and refusals come at once, and
`voices` needs neither.
"""

import math
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path

import numpy as np

from cosyvoice.cli.instructions import no_directed_reference_error, no_instructions_error
from cosyvoice.cli.methods import speech
from cosyvoice.cli.model_list import choose_model, follows_instructions, layout_of
from cosyvoice.cli.reading import pronunciations_of
from cosyvoice.cli.speaker_names import speaker_names
from cosyvoice.encoders.wav import WavStream, to_int16
from cosyvoice.text.tags import left_out_tags

CLONE = "clone one with --reference FILE, or give a saved voice with --voice FILE.pt"
SUFFIXES = (".wav", ".mp3", ".flac", ".ogg")  # of output files

# players, and what follows their name
PIPED = {  # read a WAV while it is made
    "ffplay": ["-nodisp", "-autoexit", "-loglevel", "error", "-i", "-"],
    "aplay": ["-q", "-"],
}
WHOLE = {  # need a file, whose path stands for {}
    "afplay": ["{}"],
    "powershell": ["-c", "(New-Object Media.SoundPlayer '{}').PlaySync()"],
}


def say(arguments: Namespace) -> None:
    """Speak arguments.text into a file, aloud, or both; without a choice into a new file."""
    check(arguments)
    folder = able_model(arguments)
    reference = read_reference(arguments.reference) if arguments.reference else None
    engine = load(folder, arguments.precision)
    chunks = speech_of(engine, arguments, reference)
    if arguments.play:
        chunks = played(chunks, engine.sample_rate)
    pcm, stopped = collect(chunks, engine.sample_rate)
    finish(arguments.output, pcm, engine.sample_rate, stopped)


def list_voices(arguments: Namespace) -> None:
    """Print the names of a model's speakers, one a line, so that other programs can read them."""
    speakers = speakers_of(choose_model(arguments.model, may_download=True))
    print("\n".join(speakers) or f"this model has no speakers of its own; {CLONE}")


def speakers_of(folder: str) -> list[str]:
    """The names of a model's speakers, without torch. Raises FileNotFoundError for no model."""
    return speaker_names(Path(folder) / layout_of(Path(folder)).speakers)


def able_model(arguments: Namespace) -> str:
    """The directory of the model. Refuses what that model cannot do here, before it is loaded."""
    folder = choose_model(arguments.model, may_download=True)
    check_voice(arguments.voice, speakers_of(folder), arguments.reference)
    if arguments.instruct:
        check_instructions(Path(folder), bool(arguments.reference))
    check_precision(arguments.precision)
    return folder


def load(folder: str, precision="auto"):
    """The engine for a model directory."""
    print(f"loading {Path(folder).name} ...", file=sys.stderr)
    from cosyvoice.cli.cosyvoice import AutoModel

    return AutoModel(folder, precision=precision)


def check(arguments: Namespace) -> None:
    """Refuse what cannot be done before a model is loaded, and name the file if none is named."""
    if arguments.text == "-":
        arguments.text = sys.stdin.read()
    if not arguments.text.strip():
        raise ValueError("the text is empty: write words or digits")
    if left_out := left_out_tags(arguments.text):
        print(f"tags left out: {', '.join(left_out)}", file=sys.stderr)
    check_voice_options(arguments)
    if not (arguments.output or arguments.play):
        arguments.output = free_name(Path("speech.wav"))
    if arguments.output:
        check_output(arguments.output)
    if arguments.play:
        find_player()


def check_voice_options(arguments: Namespace) -> None:
    """Refuse options of voice, speed and seed that cannot be."""
    if arguments.transcript and not arguments.reference:
        raise ValueError("--transcript says what is said in --reference, which is missing")
    if arguments.reference and arguments.voice:
        raise ValueError("--reference clones a voice of its own; leave out --voice")
    if arguments.transcript and arguments.instruct:
        raise ValueError("an instruction takes the place of --transcript; leave that out")
    check_recording(arguments.reference)
    check_numbers(arguments)
    pronunciations_of(arguments.pronounce)


def check_voice(voice: str | None, speakers: list[str], reference: str | None) -> None:
    """Refuse a voice that is none of a model's speakers and no file, or no voice at all."""
    if voice and voice.endswith(".pt"):
        if not Path(voice).is_file():
            raise FileNotFoundError(f"there is no saved voice {voice}")
    elif voice and voice not in speakers:
        known = f"it has: {', '.join(speakers)}" if speakers else f"it has none; {CLONE}"
        raise ValueError(f"the model has no speaker {voice!r}; {known}")
    elif not (voice or reference or speakers):
        raise ValueError(f"this model has no speakers of its own; {CLONE}")


def check_instructions(folder: Path, has_reference: bool) -> None:
    if has_reference and not layout_of(folder).directs_references:
        raise no_directed_reference_error(folder.name)
    if not follows_instructions(folder):
        raise no_instructions_error(folder.name)


def check_precision(precision: str) -> None:
    from cosyvoice.utils.precision import best_device, check_possible

    check_possible(precision, best_device())


def free_name(path: Path) -> Path:
    """The path, or the first of name-2, name-3, ... that is free."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(each for each in chain([path], numbered) if not each.exists())


def check_recording(path: str | None) -> None:
    if path and not Path(path).is_file():
        raise FileNotFoundError(f"there is no recording {path}")


def check_numbers(arguments: Namespace) -> None:
    if not 0.5 <= arguments.speed <= 2:
        raise ValueError(f"--speed must be a number from 0.5 to 2, got {arguments.speed:g}")
    if not 0 <= arguments.seed < 2**32:
        raise ValueError(f"--seed must be a number from 0 to 4294967295, got {arguments.seed}")


def check_output(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    if path.suffix.lower() not in suffixes:
        *others, last = suffixes
        raise ValueError(f"{path}: use a name that ends in {', '.join(others)} or {last}")
    if not (folder := path.resolve().parent).is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: make it first")


def speech_of(engine, arguments: Namespace, reference) -> Iterator[dict]:
    """The engine's generator for what was asked. reference: the recording, or None."""
    speaker, voice = choose_voice(engine, arguments.voice) if reference is None else ("", None)
    return speech(
        engine,
        arguments.text,
        speaker=speaker,
        voice=voice,
        reference=reference,
        transcript=arguments.transcript,
        instruction=arguments.instruct,
        stream=arguments.play,
        speed=arguments.speed,
        seed=arguments.seed,
        pronunciations=pronunciations_of(arguments.pronounce),
    )


def read_reference(path: str):
    """The recording as the engine takes it. Raises ReferenceAudioError, or FileNotFoundError."""
    from cosyvoice.utils.audio import REFERENCE_RATE, load_wav, trim_and_level

    return trim_and_level(load_wav(path, REFERENCE_RATE))


def choose_voice(engine, name: str | None) -> tuple[str, dict | None]:
    """(speaker, None) or ("", saved voice)."""
    if name and name.endswith(".pt"):
        from cosyvoice.cli.voice import load_voice

        return "", load_voice(name, engine.model_family)
    return name or engine.list_available_spks()[0], None


def collect(
    chunks: Iterable[dict], sample_rate: int, doing="speaking", seconds: float | None = None
) -> tuple[np.ndarray, bool]:
    """All the speech as (N,) int16, with a progress line on stderr; seconds: of it, if known.

    After Ctrl-C it is what was spoken so far, and the second value is True.
    """
    from tqdm import tqdm

    parts, made, stopped = [], 0, False
    form = "{desc}: {n:.1f} s of sound in {elapsed}"
    if seconds:
        form = "{desc}: {n:.1f} of {total:.1f} s {bar} {elapsed}, {remaining} to go"
    with tqdm(total=seconds, unit="s", desc=doing, bar_format=form, file=sys.stderr) as bar:
        try:
            for chunk in chunks:
                parts.append(to_int16(chunk["tts_speech"]))
                made += len(parts[-1])
                bar.n = min(made / sample_rate, seconds or math.inf)  # tqdm warns above its total
                bar.update(0)
        except KeyboardInterrupt:
            stopped = True
    if not (parts or stopped):
        raise ValueError("the text gave no sound: write words or digits")
    return np.concatenate([np.empty(0, np.int16), *parts]), stopped


def finish(path: Path | None, pcm: np.ndarray, sample_rate: int, stopped: bool) -> None:
    """Write what there is and tell how much. After Ctrl-C, raises KeyboardInterrupt that tells it.

    path: None where the sound is only played.
    """
    seconds = f"{len(pcm) / sample_rate:.1f} s"
    if path and len(pcm):
        write(path, pcm, sample_rate)
    if stopped:
        raise KeyboardInterrupt(f"{path} has the first {seconds}" if path and len(pcm) else "")
    if path:
        print(f"{path}: {seconds}")


def write(path: Path, pcm: np.ndarray, sample_rate: int) -> None:
    import soundfile

    try:
        soundfile.write(path, pcm, sample_rate)
    except soundfile.LibsndfileError as error:
        raise OSError(f"{path} cannot be written: {error}") from error


# playing


def find_player() -> tuple[str, list[str]]:
    """(name, command) of the first player found. Raises FileNotFoundError that names them all."""
    for name, options in {**PIPED, **WHOLE}.items():
        if path := shutil.which(name):
            return name, [path, *options]
    raise FileNotFoundError(
        f"no player found: install one of {', '.join([*PIPED, *WHOLE])}, or write a file with -o"
    )


def played(chunks: Iterable[dict], sample_rate: int) -> Iterator[dict]:
    """The same chunks, played."""
    name, command = find_player()
    play = play_while_made if name in PIPED else play_afterwards
    return play(chunks, sample_rate, command)


def play_while_made(chunks: Iterable[dict], sample_rate: int, command: list[str]) -> Iterator[dict]:
    encoder = WavStream(sample_rate)
    player = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert player.stdin
    try:
        for chunk in chunks:
            player.stdin.write(encoder.feed(to_int16(chunk["tts_speech"])))
            player.stdin.flush()
            yield chunk
    except BrokenPipeError:
        raise RuntimeError("the player stopped; write a file with -o instead") from None
    finally:
        player.communicate()  # plays to the end


def play_afterwards(chunks: Iterable[dict], sample_rate: int, command: list[str]) -> Iterator[dict]:
    kept = []
    for chunk in chunks:
        kept.append(to_int16(chunk["tts_speech"]))
        yield chunk
    with tempfile.TemporaryDirectory() as folder:
        write(path := Path(folder) / "sound.wav", np.concatenate(kept), sample_rate)
        subprocess.run([part.format(path) for part in command], check=True)
