"""Hops of CosyVoice2 and CosyVoice3, from tokens to speech."""

from itertools import islice

import pytest
import torch

from cosyvoice.cli.hops import HopSizes
from cosyvoice.cli.model import CosyVoiceModel
from tests.support.tiny_networks import make_causal_flow, make_hift_24k, seeded

PROMPT = 6  # tokens; blocks have 4


@pytest.fixture(params=[2, 3])
def model(request):
    flow, hift = make_causal_flow(request.param), make_hift_24k(request.param)
    hift.remove_weight_norm()
    model = CosyVoiceModel(None, flow, hift)
    model.token_min_hop_len, model.token_max_hop_len = 8, 16
    return model


def voice(count, prompt=PROMPT):
    g = seeded(3)
    return {
        "source_speech_token": torch.randint(0, 50, (1, count), generator=g),
        "flow_prompt_speech_token": torch.randint(0, 50, (1, prompt), generator=g),
        "prompt_speech_feat": torch.randn(1, 2 * prompt, 80, generator=g),
        "flow_embedding": torch.randn(1, 192, generator=g),
        "seed": 1,
    }


def hops(model, **request):
    return [chunk["tts_speech"] for chunk in model.tts(**request)]


def test_hops_end_where_blocks_end_and_grow_within_their_request():
    sizes = HopSizes(25, 100, 2, 3, block=25, prompt=43)
    assert list(islice(sizes, 5)) == list(islice(sizes, 5)) == [32, 50, 100, 100, 100]
    assert list(islice(HopSizes(12, 100, 2, 3, 25, 130), 4)) == [20, 25, 50, 100]
    assert list(islice(HopSizes(18, 90, 2, 20), 4)) == [18, 36, 72, 90]


def test_a_second_stream_is_cut_like_the_first(model):
    first, second = (hops(model, **voice(40), stream=True) for _ in range(2))
    assert len(first) == 3 and all(a.equal(b) for a, b in zip(first, second))


@pytest.mark.parametrize("count", [1, 12, 40])
def test_stream_and_whole_have_equal_length(model, count):
    whole, stream = (
        torch.cat(hops(model, **voice(count), stream=stream), 1) for stream in (False, True)
    )
    assert whole.shape == stream.shape == (1, 960 * count)


def test_keeping_finished_frames_changes_no_sample(model):
    kept = torch.cat(hops(model, **voice(40), stream=True), 1)
    model.hops.stream_memory = 0
    anew = torch.cat(hops(model, **voice(40), stream=True), 1)
    torch.testing.assert_close(kept, anew, atol=2e-6, rtol=1e-4)


def test_a_hop_costs_its_own_frames_only(model):
    frames = []
    model.flow.decoder.estimator.register_forward_hook(
        lambda *call: frames.append(call[-1].shape[2])
    )
    hops(model, **voice(80), stream=True)
    steps = model.flow.decoder.n_timesteps
    assert sum(frames) == 2 * (PROMPT + 80) * steps
    frames.clear()
    model.hops.stream_memory = 0
    hops(model, **voice(80), stream=True)
    assert sum(frames) > 2 * 2 * (PROMPT + 80) * steps


def test_the_last_hop_can_see_all_as_upstreams_does(model):
    usual = hops(model, **voice(40), stream=True)
    model.hops.last_sees_all = True
    upstream = hops(model, **voice(40), stream=True)
    assert all(a.equal(b) for a, b in zip(usual[:-1], upstream[:-1]))
    assert usual[-1].shape == upstream[-1].shape and not usual[-1].equal(upstream[-1])


def test_a_stream_of_one_hop_is_the_whole_utterance(model):
    whole, stream = (hops(model, **voice(9), stream=stream) for stream in (False, True))
    model.hops.stream_memory = 0
    assert len(stream) == 1
    if model.hift.causal:  # the noise of the other one is the request's
        assert stream[0].equal(whole[0])


@pytest.mark.parametrize("speed", [0.5, 1.3, 2.0])
def test_speed_changes_the_length_of_whole_and_stream(model, speed):
    for stream in (False, True):
        speech = torch.cat(hops(model, **voice(40), stream=stream, speed=speed), 1)
        assert abs(speech.shape[1] - 40 * 960 / speed) <= 480 and speech.isfinite().all()


def test_a_voice_without_a_reference_streams(model):
    assert torch.cat(hops(model, **voice(40, prompt=0), stream=True), 1).shape[1] == 960 * 40


class Stop(Exception):
    pass


def test_check_stops_a_stream_within_a_hop(model):
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 16:  # the tokens of a hop come first
            raise Stop

    with pytest.raises(Stop):
        hops(model, **voice(40), stream=True, check=check)
