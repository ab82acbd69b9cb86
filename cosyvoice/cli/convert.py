"""`python -m cosyvoice convert`: say what a recording says with another voice.

torch and the engine are imported where they are used, so that help and refusals come at once.
"""

from argparse import Namespace
from pathlib import Path

from cosyvoice.cli import say
from cosyvoice.cli.model_list import choose_model


def convert(arguments: Namespace) -> None:
    """Convert arguments.source into a file, as long as the source."""
    check(arguments)
    from cosyvoice.cli.conversion import read_source
    from cosyvoice.utils.audio import REFERENCE_RATE

    source = read_source(arguments.source)
    model = choose_model(arguments.model, may_download=True)
    say.check_voice(arguments.voice, say.speakers_of(model), arguments.reference)
    engine = say.load(model, arguments.precision)
    if arguments.reference:
        target = {"prompt_wav": say.read_reference(arguments.reference)}
    else:
        speaker, voice = say.choose_voice(engine, arguments.voice)
        target = {"spk_id": speaker, "voice": voice}
    options = {"stream": True, "speed": arguments.speed, "seed": arguments.seed}
    chunks = engine.inference_vc(source, **target, **options)
    seconds = source.shape[1] / REFERENCE_RATE / arguments.speed
    pcm, stopped = say.collect(chunks, engine.sample_rate, "converting", seconds)
    done = f"{len(pcm) / engine.sample_rate:.1f} s"
    if len(pcm):
        say.write(arguments.output, pcm, engine.sample_rate)
    if stopped:
        raise KeyboardInterrupt(f"{arguments.output} has the first {done}" if len(pcm) else "")
    print(f"{arguments.output}: {done}")


def check(arguments: Namespace) -> None:
    """Refuse what cannot be done before a model is loaded."""
    if not Path(arguments.source).is_file():
        raise FileNotFoundError(f"there is no file {arguments.source}")
    if arguments.reference and not Path(arguments.reference).is_file():
        raise FileNotFoundError(f"there is no file {arguments.reference}")
    say.check_output(arguments.output)
    say.check_numbers(arguments)
