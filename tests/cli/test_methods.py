"""Which method of an engine speaks."""

from types import SimpleNamespace

import pytest

from cosyvoice.cli.methods import speech

ENGINE = SimpleNamespace(
    **{
        f"inference_{name}": lambda *values, name=name, **named: (name, values, named)
        for name in ("sft", "zero_shot", "cross_lingual", "instruct", "instruct2")
    }
)
RECORDING, VOICE = object(), {"meta": {}}


@pytest.mark.parametrize(
    "given, method, values, named",
    [
        ({"speaker": "anna"}, "sft", ("anna",), {"voice": None}),
        ({"voice": VOICE}, "sft", ("",), {"voice": VOICE}),
        ({"speaker": "anna", "instruction": "slow"}, "instruct", ("anna", "slow"), {"voice": None}),
        ({"voice": VOICE, "instruction": "slow"}, "instruct", ("", "slow"), {"voice": VOICE}),
        ({"reference": RECORDING}, "cross_lingual", (RECORDING,), {}),
        ({"reference": RECORDING, "transcript": "hi"}, "zero_shot", ("hi", RECORDING), {}),
        ({"reference": RECORDING, "instruction": "slow"}, "instruct2", ("slow", RECORDING), {}),
    ],
)
def test_the_voice_and_the_manner_decide_the_method(given, method, values, named):
    called = speech(ENGINE, "words", **given, seed=3, stream=False)
    assert called == (method, ("words", *values), {**named, "seed": 3, "stream": False})
