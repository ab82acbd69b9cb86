"""The command line: python -m cosyvoice COMMAND; --help lists the commands.

Commands are imported when they are called: help comes at once, and selfcheck needs no package.
"""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from cosyvoice.cli.model_list import DEFAULT, DOWNLOADABLE, MODELS
from cosyvoice.cli.train import add_arguments as add_train_arguments
from cosyvoice.serve.selfcheck import LANGUAGES, selfcheck
from cosyvoice.text.language import CODES
from cosyvoice.utils.errors import InputError

ENVIRONMENT = Path(__file__).parents[1] / ".venv"  # that run.sh and run.bat make
INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended


def main(argv: list[str] | None = None) -> None:
    """Run one command.

    Ends with one sentence on stderr: with status 1 when it cannot be done, and with 130 after
    Ctrl-C, when the sentence says what was kept.
    """
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (InputError, OSError, RuntimeError, ValueError) as error:
        sys.exit(sentence(error))
    except ImportError as error:
        sys.exit(missing_package(error))
    except KeyboardInterrupt as stop:
        print(f"stopped: {str(stop) or 'nothing was kept'}", file=sys.stderr)
        sys.exit(INTERRUPTED)


def sentence(error: Exception) -> str:
    """What an error says; of one that the system reports, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def missing_package(error: ImportError) -> str:
    """What to do about a package that cannot be imported: often another Python was meant."""
    meant = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if meant.exists() and not meant.parent.samefile(Path(sys.executable).parent):
        return f"{error}: {sys.executable} has not the packages; use {meant} -m cosyvoice"
    return (
        f"{error}: packages are missing or damaged; start run.sh or run.bat, which installs "
        "them, or see `python -m cosyvoice selfcheck`"
    )


def later(name: str) -> Callable[[argparse.Namespace], None]:
    """A function of cosyvoice.cli, "module.function", that is imported when it is called."""
    module, _, function = name.rpartition(".")

    def run(arguments: argparse.Namespace) -> None:
        getattr(import_module(f"cosyvoice.cli.{module}"), function)(arguments)

    return run


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m cosyvoice", description="Text to speech and voice cloning on this computer."
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_say(commands)
    add_book(commands)
    add_convert(commands)
    add_read(commands)
    add_check(commands)
    add_voices(commands)
    add_download(commands)
    add_bench(commands)
    add_selfcheck(commands)
    add_train(commands)
    return top


def add_command(
    commands, run: Callable[[argparse.Namespace], None], name: str, help: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    command.set_defaults(run=run)
    return command


def add_model_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--model",
        metavar="MODEL",
        default=os.environ.get("COSYVOICE_MODEL", ""),
        help="a directory, or the name of a model that `download` has brought "
        "(default: COSYVOICE_MODEL, else the best one in pretrained_models/)",
    )


def add_pronounce_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pronounce",
        metavar="WORD=HOW",
        action="append",
        default=[],
        help="how a word is said: in words, in pinyin (重庆='chong2 qing4') or in ARPAbet "
        "(Nguyen='W IH1 N'); may be given again",
    )


def add_read(commands) -> None:
    command = add_command(
        commands,
        later("reading.print_reading"),
        "read",
        "show how a text is read: its spans and their words",
    )
    command.epilog = 'examples: read "3月2日涨了10-20%" | read "Call 911 at 5pm" --json'
    command.add_argument("text", help="what to read; - reads it from standard input")
    command.add_argument(
        "--language",
        choices=CODES,
        default="",
        help="of the voice, for a text of figures only (default: Chinese)",
    )
    command.add_argument("--json", action="store_true", help="as POST /text/preview answers it")
    add_pronounce_option(command)


def add_precision_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--precision",
        default=os.environ.get("PRECISION", "auto"),
        help="auto, float32, bfloat16, float16 or int8 (default: PRECISION, else auto, "
        "the fastest here of what is harmless)",
    )


def add_say(commands) -> None:
    command = add_command(commands, later("say.say"), "say", "speak a text into a file, or aloud")
    add_model_option(command)
    add_precision_option(command)
    command.epilog = (
        'examples: say "你好" -o hello.wav | say "Hello" --voice 英文女 --play | '
        'say "你好" --reference me.wav --transcript "what is said in me.wav" -o mine.wav'
    )
    add = command.add_argument
    add("text", help="what to speak; - reads it from standard input")
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="file to write: .wav, .mp3, .flac or .ogg "
        "(default without --play: speech.wav, or speech-2.wav, ... where that is taken)",
    )
    add(
        "--play",
        action="store_true",
        help="play the sound while it is made (needs ffplay, aplay, afplay or PowerShell)",
    )
    add_voice_options(command)


def add_voice_options(command: argparse.ArgumentParser) -> None:
    able = ", ".join(sorted(model.name for model in MODELS if model.follows_instructions))
    add_voice_option(command)
    add = command.add_argument
    add("--reference", metavar="FILE", help="clone the voice of this recording, 0.5 to 30 s")
    add(
        "--transcript",
        help="what is said in the recording; leave it out when the text is in another language",
    )
    add("--instruct", metavar="WORDS", help=f"how to speak, in words; for the models {able}")
    add_seed_and_speed(command)
    add_pronounce_option(command)


def add_voice_option(command) -> None:
    """command: a parser, or a group of its options."""
    command.add_argument(
        "--voice",
        help="a speaker of the model (see `voices`), or a saved voice, a .pt file "
        "(default: the first speaker)",
    )


def add_seed_and_speed(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--seed", type=int, default=0, help="the same seed gives the same sound (default 0)")
    add("--speed", type=float, default=1.0, help="0.5 to 2, the pitch is kept (default 1)")


def add_book(commands) -> None:
    command = add_command(
        commands,
        later("book.book"),
        "book",
        "speak a text, Markdown or EPUB file into one file with chapters; "
        "run it again to go on where it stopped",
    )
    add_model_option(command)
    add_precision_option(command)
    command.epilog = (
        "examples: book story.epub | book story.txt --voice 英文女 -o story.mp3 | "
        'book story.md --reference me.wav --transcript "what is said in me.wav"'
    )
    add = command.add_argument
    add("file", help="plain text, Markdown or an EPUB")
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="file to write: .m4b or .mp3 (default: the name of the text with .m4b, here)",
    )
    add("--title", default="", help="of the book (default: that of the file)")
    add("--bitrate", type=int, default=96, metavar="KBPS", help="of the file (default 96)")
    add_voice_options(command)


def add_convert(commands) -> None:
    command = add_command(
        commands,
        later("convert.convert"),
        "convert",
        "say what a recording says with another voice",
    )
    add_model_option(command)
    add_precision_option(command)
    command.epilog = (
        "examples: convert me.wav --voice 中文女 -o her.wav | "
        "convert song.mp3 --reference him.wav -o his.mp3"
    )
    add = command.add_argument
    add("source", metavar="SOURCE", help="recording of somebody who speaks, 0.5 s to ten minutes")
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        required=True,
        help="file to write: .wav, .mp3, .flac or .ogg",
    )
    add_voice_option(target := command.add_mutually_exclusive_group())
    target.add_argument(
        "--reference", metavar="FILE", help="the voice of this recording, 0.5 to 30 s"
    )
    add_seed_and_speed(command)


def add_check(commands) -> None:
    command = add_command(
        commands,
        later("check.check"),
        "check",
        "say what is good and bad about a recording to clone from, and what is said in it",
    )
    command.epilog = 'examples: check me.wav | check me.wav --transcript "what is said in it"'
    add = command.add_argument
    add("recording", metavar="FILE", help="recording of somebody who speaks, 0.5 to 30 s")
    add("--transcript", default="", help="what is said in it; else it is heard, if that can be")
    add(
        "--whisper",
        metavar="MODEL",
        default=os.environ.get("VERIFY_MODEL", ""),
        help="what hears: a folder of faster-whisper's, or the name of one that is on this "
        "computer (default: VERIFY_MODEL, else small)",
    )
    add("--json", action="store_true", help="as POST /voices/check answers it")


def add_voices(commands) -> None:
    command = add_command(
        commands, later("say.list_voices"), "voices", "list the speakers of a model"
    )
    add_model_option(command)
    command.epilog = "Without --model the best model in pretrained_models/ is used."


def name_to_download(text: str) -> str:
    """The name of a model that can be downloaded, from its name or its ModelScope id."""
    by_id = {model.model_id: model.name for model in DOWNLOADABLE.values()}
    name = by_id.get(text, text)
    if name not in DOWNLOADABLE:
        known = ", ".join(DOWNLOADABLE)
        raise argparse.ArgumentTypeError(f"there is no model {text!r}; use one of {known}")
    return name


def add_download(commands) -> None:
    command = add_command(
        commands,
        later("download.download"),
        "download",
        "download an official model into pretrained_models/; "
        "run it again to go on where it stopped",
    )
    command.add_argument(
        "name",
        type=name_to_download,
        metavar="MODEL",
        help=f"one of {', '.join(DOWNLOADABLE)}; {DEFAULT.name} is the one to begin with",
    )
    command.add_argument(
        "--revision",
        help="a branch, tag or commit of ModelScope (default: master, which may change); "
        "a commit always gives the same files",
    )


def add_bench(commands) -> None:
    command = add_command(
        commands, later("bench.bench"), "bench", "measure how fast a model speaks on this computer"
    )
    add_model_option(command)
    command.epilog = "Without --model the best model in pretrained_models/ is used."
    command.add_argument(
        "--text", default="", help="what to speak (default: two Chinese sentences)"
    )
    command.add_argument(
        "--parts", action="store_true", help="measure each network by itself, with tools/bench.py"
    )


def add_selfcheck(commands) -> None:
    command = add_command(
        commands,
        selfcheck,
        "selfcheck",
        "say what is there and what is missing here, with its remedy",
    )
    command.epilog = "The exit status is 1 when something is missing that the service needs."
    command.add_argument("--json", action="store_true", help="for programs, in both languages")
    command.add_argument(
        "--language", choices=LANGUAGES, default="", help="default: that of the system"
    )


def add_train(commands) -> None:
    command = add_command(
        commands,
        later("train.train"),
        "train",
        "train a model on recordings of one voice; run it again to go on where it stopped",
    )
    command.epilog = (
        "example: train --recordings my_voice --from pretrained_models/CosyVoice2-0.5B; "
        "docs/training.md says what recordings it needs and how long it takes"
    )
    add_train_arguments(command)


if __name__ == "__main__":
    main()
