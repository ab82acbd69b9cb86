"""Which method of an engine speaks: it follows from what is known of the voice and the manner."""

from collections.abc import Generator
from typing import Any


def speech(
    engine: Any,
    text: str,
    *,
    speaker: str = "",
    voice: dict | None = None,
    reference: Any = None,
    transcript: str = "",
    instruction: str = "",
    **options: Any,
) -> Generator[dict, None, None]:
    """The engine's generator for a text.

    It speaks as the recording `reference`, else as the saved voice, else as the speaker, as the
    instruction says where there is one. transcript: what is said in the recording; without one the
    text is taken to be in another language. options: of all inference methods, such as seed.
    """
    if reference is None:
        if instruction:
            return engine.inference_instruct(text, speaker, instruction, voice=voice, **options)
        return engine.inference_sft(text, speaker, voice=voice, **options)
    if instruction:
        return engine.inference_instruct2(text, instruction, reference, **options)
    if transcript:
        return engine.inference_zero_shot(text, transcript, reference, **options)
    return engine.inference_cross_lingual(text, reference, **options)
