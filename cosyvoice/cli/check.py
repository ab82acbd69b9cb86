"""`python -m cosyvoice check`: what is good and bad about a recording, and what is said in it.

The words are heard where faster-whisper and its model are installed; nothing is downloaded. torch
is imported where it is used, so that help and refusals come at once.
"""

import json
from argparse import Namespace
from typing import TYPE_CHECKING

from cosyvoice.cli.say import check_recording

if TYPE_CHECKING:
    from cosyvoice.cli.reference_doctor import Report
    from cosyvoice.cli.verify import Transcript

NO_WORDS = (
    "what is said in it is not told: that needs requirements-verify.txt and a model of "
    "faster-whisper's, named by --whisper or VERIFY_MODEL (docs/verify.md)"
)
NOTHING_HEARD = "no words were heard in it that fit its length"


def check(arguments: Namespace) -> None:
    """Print the findings about arguments.recording, and its words if no transcript is given.

    Raises ReferenceAudioError for one that cannot be used.
    """
    check_recording(arguments.recording)
    from cosyvoice.cli.reference_doctor import examine_file
    from cosyvoice.cli.verify import WHISPER, has_whisper

    report = examine_file(arguments.recording, arguments.transcript)
    if report.error:
        raise report.error
    can_hear = not arguments.transcript and has_whisper(arguments.whisper or WHISPER)
    words = words_of(report, arguments.whisper) if can_hear else None
    if arguments.json:
        heard = {"transcript": vars(words)} if words else {}
        print(json.dumps({**report.body(), **heard}, ensure_ascii=False, indent=2))
        return
    for each in report.advice:
        print(f"{each['level']:<6}{each['en']}")
    if words:
        print(f"words {words.text} ({words.language})")
    elif not arguments.transcript:
        print(NOTHING_HEARD if can_hear else NO_WORDS)


def words_of(report: "Report", model: str) -> "Transcript | None":
    """What is said in the part that is used; None where nothing is heard."""
    from cosyvoice.cli.verify import WHISPER, load_whisper

    assert report.reference is not None
    return load_whisper(model or WHISPER, may_download=False).transcript(report.reference)
