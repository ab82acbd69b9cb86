"""The command line: python -m cosyvoice COMMAND; --help names the commands."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cosyvoice.cli.bench import TEXT, bench
from cosyvoice.cli.download import download
from cosyvoice.cli.model_list import DEFAULT, DOWNLOADABLE, MODELS
from cosyvoice.cli.reading import print_reading
from cosyvoice.cli.say import list_voices, say
from cosyvoice.cli.train import add_arguments as add_train_arguments
from cosyvoice.cli.train import train
from cosyvoice.text.language import CODES
from cosyvoice.utils.errors import InputError


def main(argv: list[str] | None = None) -> None:
    """Run one command. Ends with one sentence on stderr and status 1 when it cannot be done."""
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except (InputError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m cosyvoice", description="Text to speech and voice cloning on this computer."
    )
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_say(commands)
    add_read(commands)
    add_voices(commands)
    add_download(commands)
    add_bench(commands)
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
        metavar="DIR",
        default=os.environ.get("COSYVOICE_MODEL", ""),
        help="model directory (default: COSYVOICE_MODEL, else the best one in pretrained_models/)",
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
        commands, print_reading, "read", "show how a text is read: its spans and their words"
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
    command = add_command(commands, say, "say", "speak a text into a file, or aloud")
    add_model_option(command)
    add_precision_option(command)
    command.epilog = (
        'examples: say "你好" -o hello.wav | say "Hello" --voice 英文女 --play | '
        'say "你好" --reference me.wav --transcript "what is said in me.wav" -o mine.wav'
    )
    able = " and ".join(sorted(model.name for model in MODELS if model.follows_instructions))
    add = command.add_argument
    add("text", help="what to speak; - reads it from standard input")
    add(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="file to write: .wav, .mp3, .flac or .ogg",
    )
    add(
        "--play",
        action="store_true",
        help="play the sound while it is made (needs ffplay, aplay, afplay or PowerShell)",
    )
    add(
        "--voice",
        help="a speaker of the model (see `voices`), or a saved voice, a .pt file "
        "(default: the first speaker)",
    )
    add("--reference", metavar="FILE", help="clone the voice of this recording, 0.5 to 30 s")
    add(
        "--transcript",
        help="what is said in the recording; leave it out when the text is in another language",
    )
    add("--instruct", metavar="WORDS", help=f"how to speak, in words; {able} follow them")
    add("--seed", type=int, default=0, help="the same seed gives the same sound (default 0)")
    add("--speed", type=float, default=1.0, help="0.5 to 2, the pitch is kept (default 1)")
    add_pronounce_option(command)


def add_voices(commands) -> None:
    command = add_command(commands, list_voices, "voices", "list the speakers of a model")
    add_model_option(command)
    command.epilog = "Without --model the best model in pretrained_models/ is used."


def add_download(commands) -> None:
    command = add_command(
        commands,
        download,
        "download",
        "download an official model into pretrained_models/; "
        "run it again to go on where it stopped",
    )
    command.add_argument(
        "name",
        choices=DOWNLOADABLE,
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
        commands, bench, "bench", "measure how fast a model speaks on this computer"
    )
    add_model_option(command)
    command.epilog = "Without --model the best model in pretrained_models/ is used."
    command.add_argument(
        "--text", default=TEXT, help="what to speak (default: two Chinese sentences)"
    )
    command.add_argument(
        "--parts", action="store_true", help="measure each network by itself, with tools/bench.py"
    )


def add_train(commands) -> None:
    command = add_command(
        commands,
        train,
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
