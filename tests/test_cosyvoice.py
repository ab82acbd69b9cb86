import pytest
import torch

TEXT = "今天天气很好，我们一起去公园散步吧。然后去吃一顿丰盛的晚餐，大家都很开心，聊了很多有趣的事情。"


def join(chunks):
    return torch.cat([chunk["tts_speech"] for chunk in chunks], dim=1)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("mode", ["sft", "zero_shot", "cross_lingual", "vc"])
def test_every_mode_speaks(engine, reference_wav, mode, stream):
    arguments = {"sft": (TEXT, "中文女"), "zero_shot": (TEXT, "你好", reference_wav), "cross_lingual": (TEXT, reference_wav),
                 "vc": (reference_wav, reference_wav)}[mode]
    chunks = list(getattr(engine, f"inference_{mode}")(*arguments, stream=stream, seed=3))
    assert len(chunks) > 1 if stream else len(chunks) == 1
    speech = join(chunks)
    assert speech.dtype == torch.float32 and speech.dim() == 2 and speech.isfinite().all() and speech.abs().max() > 0
