"""`python -m cosyvoice book`: speak a text file or an EPUB into one file with chapters.

What is finished is kept in a folder beside the output, so that the same command goes on after it
was stopped, also by force. torch and the engine are imported where they are used.
"""

import hashlib
import shutil
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from cosyvoice.cli import say
from cosyvoice.cli.long_speech import (
    FORMATS,
    SKIPPED_SECONDS,
    Plan,
    SoundFiles,
    join,
    plan_of,
    seed_of,
    silence,
    spoken,
)
from cosyvoice.encoders.mark import Mark
from cosyvoice.text.manuscript import read_manuscript
from cosyvoice.utils.errors import TextError
from cosyvoice.utils.whole_file import write_whole

# What decides the sound of a part; a recording and a saved voice by their content
SETTINGS = ("voice", "reference", "transcript", "instruct", "seed", "speed", "pronounce")
KBPS = 32, 320  # least and most of --bitrate


def book(arguments: Namespace) -> None:
    """Speak arguments.file into arguments.output, or go on where an earlier run has stopped."""
    output = check(arguments)
    manuscript = read_manuscript(Path(arguments.file).read_bytes(), Path(arguments.file).name)
    plan = plan_of(manuscript)
    plan = replace(plan, title=arguments.title or plan.title)
    if not plan.parts:
        raise ValueError(f"{arguments.file} holds nothing that can be spoken")
    model = say.able_model(arguments)
    reference = say.read_reference(arguments.reference) if arguments.reference else None
    folder = parts_folder(output)
    folder.mkdir(exist_ok=True)
    try:
        with FileLock(folder / "lock", blocking=False):
            begin(folder, fingerprint(plan, arguments))
            speak(plan, arguments, model, reference, folder, output)
    except Timeout:
        raise ValueError(f"another run works on {output}: wait for its end") from None
    shutil.rmtree(folder)
    print(f"{output}: {len(plan.chapters)} chapters, {len(plan.parts)} sentences")


def check(arguments: Namespace) -> Path:
    """The output's path. Refuses before a model is loaded what cannot be done, and what is done."""
    output = arguments.output or Path(Path(arguments.file).with_suffix(".m4b").name)
    say.check_output(output, tuple(f".{form}" for form in FORMATS))
    if not KBPS[0] <= arguments.bitrate <= KBPS[1]:
        raise ValueError(f"--bitrate must be from {KBPS[0]} to {KBPS[1]}, got {arguments.bitrate}")
    say.check_voice_options(arguments)
    if output.exists() and not parts_folder(output).exists():
        raise ValueError(
            f"{output} is finished already: remove it to speak the book again, "
            "or write to another file with -o"
        )
    arguments.form = output.suffix.lower()[1:]
    return output


def parts_folder(output: Path) -> Path:
    """Where the parts are until the book is whole."""
    return output.with_name(output.name + ".parts")


def fingerprint(plan: Plan, arguments: Namespace) -> str:
    """Of the text and of all that decides its sound, but not of the model."""
    digest = hashlib.sha256(plan.json().encode())
    for name in SETTINGS:
        value = getattr(arguments, name)
        is_file = name in ("voice", "reference") and value and Path(value).is_file()
        content = Path(value).read_bytes() if is_file else repr(value).encode()
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def begin(folder: Path, wanted: str) -> None:
    """Note what the folder is for. Raises ValueError if it was begun for something else."""
    path = folder / "of"
    if path.exists() and path.read_text() != wanted:
        raise ValueError(
            f"{folder} was begun with another text, voice or setting: "
            "remove it to start anew, or write to another file with -o"
        )
    write_whole(path, wanted.encode())


def speak(
    plan: Plan, arguments: Namespace, model: str, reference, folder: Path, output: Path
) -> None:
    """Speak the parts that are missing, then join all."""
    from tqdm import tqdm

    engine = say.load(model, arguments.precision)
    check_model(folder, f"{engine.model_family} {engine.fingerprint} {arguments.precision}")
    files = SoundFiles(folder, engine.sample_rate)
    missing = [number for number in range(len(plan.parts)) if not files.samples(number)]
    done = len(plan.parts) - len(missing)
    try:
        with tqdm(
            total=plan.characters,
            initial=plan.characters - sum(len(plan.parts[number].text) for number in missing),
            unit="char",
            desc="speaking",
            file=sys.stderr,
        ) as bar:
            for number in missing:
                files.write(number, speak_part(engine, plan, number, arguments, reference))
                done += 1
                bar.update(len(plan.parts[number].text))
        print("joining ...", file=sys.stderr)
        origin = Mark.now(engine.model_family)
        join(files, plan, arguments.form, f"{arguments.bitrate}k", output, origin)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{done} of {len(plan.parts)} sentences are kept in {folder}; "
            "run the same command again to go on"
        ) from None


def speak_part(engine, plan: Plan, number: int, arguments: Namespace, reference):
    """(N,) int16. A part that holds nothing to speak is told and left out."""
    part = plan.parts[number]
    seed = seed_of(arguments.seed, number)
    wanted = Namespace(**{**vars(arguments), "text": part.text, "seed": seed, "play": False})
    try:
        return spoken(say.speech_of(engine, wanted, reference), part.pause, engine.sample_rate)
    except TextError as error:
        print(f"\nleft out: {part.text!r} ({error.en})", file=sys.stderr)
        return silence(part.pause or SKIPPED_SECONDS, engine.sample_rate)


def check_model(folder: Path, model: str) -> None:
    """Raises ValueError if the folder was begun with another model."""
    path = folder / "model"
    if path.exists() and path.read_text() != model:
        raise ValueError(
            f"{folder} was begun with {path.read_text()}, not {model}: "
            "choose that model with --model, or remove the folder to start anew"
        )
    write_whole(path, model.encode())
