import gc
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cosyvoice.cli.hops import Session, Stretch
from cosyvoice.cli.model import MEL_RATE, CosyVoiceModel, ahead
from cosyvoice.utils.errors import InputError, TextError
from cosyvoice.utils.noise import Noise

SPEAKER = torch.randn(1, 192, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def model(engine):
    return engine.model


@pytest.fixture
def request_of(engine):
    """The input of a request of about 60 tokens of text, 120 of speech."""
    text = engine.frontend.text_token("今天天气很好我们一起去公园散步吧" * 4)
    return {"text": text, "llm_embedding": SPEAKER, "flow_embedding": SPEAKER}


def speak(model, **request):
    return torch.cat([chunk["tts_speech"] for chunk in model.tts(**request)], 1)


def token_threads():
    return [thread for thread in threading.enumerate() if thread.name == "speech tokens"]


@torch.inference_mode()
def test_whole_speech_draws_in_upstreams_order_from_one_generator(model, request_of):
    speech = speak(model, **request_of, seed=9)
    torch.manual_seed(9)
    none, one = torch.zeros(1, 0, dtype=torch.int32), lambda n: torch.tensor([n], dtype=torch.int32)
    text = request_of["text"]
    token = list(model.llm.inference(text, one(text.shape[1]), none, one(0), none, one(0), SPEAKER))
    mel, _ = model.flow.inference(
        torch.tensor([token]),
        one(len(token)),
        none,
        one(0),
        torch.zeros(1, 0, 80),
        one(0),
        SPEAKER,
        torch.zeros(1, 80, 0, 2),
    )
    torch.testing.assert_close(speech, model.hift.inference(mel)[0], atol=0, rtol=0)


@pytest.mark.parametrize("stream", [False, True])
def test_the_seed_decides_and_the_process_does_not(model, request_of, stream):
    first = speak(model, **request_of, stream=stream, seed=4)
    state = torch.random.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        same, other = pool.map(
            lambda seed: speak(model, **request_of, stream=stream, seed=seed), (4, 5)
        )
    assert torch.equal(first, same) and not torch.equal(first[:, :9999], other[:, :9999])
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("stream", [False, True])
def test_without_a_seed_the_global_generator_decides(model, request_of, stream):
    torch.manual_seed(2)
    first = speak(model, **request_of, stream=stream)
    torch.manual_seed(2)
    assert torch.equal(first, speak(model, **request_of, stream=stream))


@pytest.mark.parametrize(
    "speed, count", [(0.5, 90), (1.0, 90), (1.0, 700), (1.25, 150), (2.0, 150)]
)
def test_stream_and_whole_have_equal_length(model, monkeypatch, speed, count):
    monkeypatch.setattr(model.flow.decoder, "n_timesteps", 1)
    token = torch.arange(count, dtype=torch.int32)[None]
    whole, stream = (
        speak(
            model,
            source_speech_token=token,
            flow_embedding=SPEAKER,
            speed=speed,
            stream=stream,
            seed=0,
        ).shape[1]
        for stream in (False, True)
    )
    assert abs(whole - stream) <= 256 and whole == int(int(count / 25 * MEL_RATE) / speed) * 256


@pytest.mark.parametrize("speed", [0.5, 0.77, 1.3, 2.0])
@pytest.mark.parametrize("sizes", [[62, 186, 100], [31, 31, 31, 7], [240]])
def test_stretched_hops_are_the_stretched_whole(speed, sizes):
    mel = torch.randn(1, 80, sum(sizes))
    stretch = Stretch(speed)
    hops = torch.cat(
        [stretch(part, i == len(sizes) - 1) for i, part in enumerate(mel.split(sizes, 2))], 2
    )
    whole = F.interpolate(mel, scale_factor=1 / speed, mode="linear", recompute_scale_factor=False)
    assert hops.shape[2] == int(sum(sizes) / speed)
    if len(sizes) > 1:
        torch.testing.assert_close(hops, whole[..., : hops.shape[2]], atol=1e-4, rtol=0)


def test_joints_of_hops_have_no_step(model):
    token = (torch.arange(150, dtype=torch.int32) // 10 * 100)[None]
    request = {"source_speech_token": token, "flow_embedding": SPEAKER, "stream": True, "seed": 0}
    chunks = [chunk["tts_speech"][0] for chunk in model.tts(**request)]
    inside = torch.cat(chunks).diff().abs().max()
    assert len(chunks) > 2 and all(abs(b[0] - a[-1]) <= inside for a, b in zip(chunks, chunks[1:]))


def test_hops_start_small_grow_and_can_be_set_back(model, request_of, monkeypatch):
    def sizes():
        chunks = model.tts(**request_of, stream=True, seed=0)
        return [chunk["tts_speech"].shape[1] // 256 for chunk in chunks]

    assert sizes()[:2] == [42, 124]  # 18 tokens are 62 frames, 20 of them held back; then 36
    monkeypatch.setattr(model, "token_min_hop_len", 50)
    monkeypatch.setattr(model, "stream_scale_factor", 1)
    assert sizes()[:2] == [153, 173]  # upstream's


def test_an_error_in_the_token_thread_reaches_the_consumer(model, request_of, monkeypatch):
    def broken(*args, **kwargs):
        yield from range(50)
        raise ZeroDivisionError("in the thread")

    monkeypatch.setattr(model.llm, "inference", broken)
    with pytest.raises(ZeroDivisionError, match="in the thread"):
        list(model.tts(**request_of, stream=True))
    assert not token_threads()


def test_closing_stops_the_tokens_and_frees_the_session(model, request_of, monkeypatch):
    made, sessions = [], []

    def endless(*args, **kwargs):
        while True:
            made.append(1)
            yield 1

    init = Session.__init__
    monkeypatch.setattr(
        Session,
        "__init__",
        lambda self, *a: (init(self, *a), sessions.append(weakref.ref(self)))[0],
    )
    monkeypatch.setattr(model.llm, "inference", endless)
    chunks = model.tts(**request_of, stream=True)
    next(chunks)
    assert not token_threads() and len(made) == 38  # nothing competes with the first sound
    next(chunks)
    assert len(token_threads()) == 1
    chunks.close()
    count = len(made)
    assert not token_threads() and len(made) == count
    assert sessions[0]() is None


def test_an_abandoned_request_is_freed(model, request_of):
    chunks = model.tts(**request_of, stream=True)
    next(chunks), next(chunks)
    del chunks
    gc.collect()
    assert not token_threads() and not [o for o in gc.get_objects() if type(o) is Session]


class Stop(Exception):
    pass


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("calls", [1, 5, 130])  # at the first token, at a later one, in the flow
def test_check_stops_the_work_by_raising(model, request_of, stream, calls):
    left = [calls]

    def check():
        left[0] -= 1
        if left[0] <= 0:
            raise Stop

    with pytest.raises(Stop):
        list(model.tts(**request_of, stream=stream, check=check))
    assert not token_threads()


def test_tokens_made_ahead_arrive_in_order_and_all():
    for start in (0, 3, 2000):
        assert list(ahead((i for i in range(1000)), start)) == list(range(1000))


def test_no_tokens_are_an_error(model, request_of, monkeypatch):
    monkeypatch.setattr(model.llm, "inference", lambda *a, **k: (token for token in ()))
    for stream in (False, True):
        with pytest.raises(TextError, match="no speech"):
            list(model.tts(**request_of, stream=stream))


def test_speech_that_does_not_end_is_cut_with_a_warning(model, engine, monkeypatch, caplog):
    monkeypatch.setattr(model.llm, "eos_token", 0)
    monkeypatch.setattr(model.llm, "sampling", lambda *a, **k: 1)
    speech = speak(model, text=engine.frontend.text_token("你好"), flow_embedding=SPEAKER, seed=0)
    assert speech.shape[1] == int(40 / 25 * MEL_RATE) * 256 and "did not end" in caplog.text


@pytest.mark.parametrize("speed", [0, 0.49, 2.01, float("nan"), -1])
def test_an_impossible_speed_is_refused(model, request_of, speed):
    with pytest.raises(InputError, match="speed"):
        next(model.tts(**request_of, speed=speed))


def test_chunks_are_ordinary_tensors(model, request_of):
    for stream in (False, True):
        chunk = next(model.tts(**request_of, stream=stream))["tts_speech"]
        chunk.mul_(0.5)
        assert not chunk.is_inference() and chunk.untyped_storage().nbytes() == chunk.nbytes


@pytest.mark.parametrize("stream", [False, True])
def test_a_seed_is_a_whole_number_of_64_bits(stream):
    for seed in (1.5, "abc", "1", True, -1, 2**64, torch.tensor(1), float("nan")):
        with pytest.raises(
            InputError, match=r"seed .* is not possible; use a whole number from 0 to 2\^64 - 1"
        ):
            Noise.of(seed, stream)
    for seed in (0, 2**64 - 1, None):
        Noise.of(seed, stream)
    assert (
        Noise.of(np.int64(7), stream).flow.initial_seed() == Noise.of(7, stream).flow.initial_seed()
    )


def test_noise_of_a_stream_is_one_generator_per_stage():
    noise = Noise.of(3, True)
    assert len({generator.initial_seed() for generator in noise}) == 3
    assert len({id(generator) for generator in Noise.of(3, False)}) == 1


# loading


@pytest.mark.parametrize("stream", [False, True])
def test_a_small_model_works_with_one_thread(model, request_of, monkeypatch, stream):
    seen = []
    forward = model.flow.decoder.forward

    def noted(*arguments, **options):
        seen.append(torch.get_num_threads())
        return forward(*arguments, **options)

    monkeypatch.setattr(model.flow.decoder, "forward", noted)
    torch.set_num_threads(2)
    try:
        assert model.threads == 1
        speak(model, **request_of, seed=1, stream=stream)
        assert set(seen) == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


@pytest.fixture
def networks(model_dir):
    from cosyvoice.cli.cosyvoice import read_config

    config = read_config(model_dir / "cosyvoice.yaml")
    return config["llm"], config["flow"], config["hift"]


def files(folder):
    return [str(folder / name) for name in ("llm.pt", "flow.pt", "hift.pt")]


def test_weights_of_half_precision_and_a_trained_vocoder_load(
    model_dir, networks, tmp_path, model, request_of
):
    for name in ("llm", "flow", "hift"):
        weights = torch.load(model_dir / f"{name}.pt")
        prefix = "generator." if name == "hift" else ""
        torch.save(
            {prefix + key: value.half() for key, value in weights.items()}, tmp_path / f"{name}.pt"
        )
    half = CosyVoiceModel(*networks)
    half.load(*files(tmp_path))
    assert all(p.dtype == torch.float32 for network in networks for p in network.parameters())
    assert not any("weight_g" in key or "original0" in key for key in half.hift.state_dict())
    assert (
        speak(half, source_speech_token=torch.ones(1, 30), flow_embedding=SPEAKER).isfinite().all()
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.unlink(),
        lambda p: p.write_bytes(b"junk"),
        lambda p: p.write_bytes(b""),
        lambda p: p.write_bytes(p.read_bytes()[:5000]),
        lambda p: torch.save([1, 2], p),
        lambda p: torch.save({"other": torch.ones(1)}, p),
    ],
)
def test_a_missing_or_damaged_file_is_named(model_dir, networks, tmp_path, damage):
    folder = shutil.copytree(model_dir, tmp_path / "model")
    damage(folder / "flow.pt")
    with pytest.raises(
        (FileNotFoundError, RuntimeError), match="flow.pt.*(download|cosyvoice.yaml)"
    ):
        CosyVoiceModel(*networks).load(*files(folder))
