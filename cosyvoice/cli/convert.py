"""`python -m cosyvoice convert`: say what a recording says with another voice.

torch and the engine are imported where they are used, so that help and refusals come at once.
"""

from argparse import Namespace

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
    say.check_precision(arguments.precision)
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
    say.finish(arguments.output, pcm, engine.sample_rate, stopped)


def check(arguments: Namespace) -> None:
    """Refuse what cannot be done before a model is loaded."""
    say.check_recording(arguments.source)
    say.check_recording(arguments.reference)
    say.check_output(arguments.output)
    say.check_numbers(arguments)
