import pytest
import torch

from cosyvoice.hifigan.f0_predictor import CausalConvRNNF0Predictor, ConvRNNF0Predictor
from cosyvoice.hifigan.generator import HiFTGenerator, Snake, fixed_noise_start
from cosyvoice.hifigan.hifigan import FINE
from tests.support.tiny_networks import make_hift_24k

FRAMES = 6


@pytest.fixture
def mel():
    return torch.randn(1, 80, FRAMES, generator=torch.Generator().manual_seed(1))


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def test_a_frame_is_256_samples_and_stays_in_range(hift, mel):
    speech, source = hift.inference(mel)
    assert speech.shape == (1, 256 * FRAMES) and source.shape == (1, 1, 256 * FRAMES)
    hift.conv_post.bias.data.fill_(4.0)
    assert hift.inference(mel)[0].abs().max() == hift.audio_limit


def test_same_seed_same_speech_and_the_global_generator_is_left_alone(hift, mel):
    state = torch.get_rng_state()
    first, second, other = (hift.inference(mel, generator=seeded(s))[0] for s in (7, 7, 8))
    assert first.equal(second) and not first.equal(other)
    assert state.equal(torch.get_rng_state())


def test_the_global_generator_gives_what_an_equal_own_one_gives(hift, mel):
    torch.manual_seed(7)
    assert hift.inference(mel)[0].equal(hift.inference(mel, generator=seeded())[0])


def test_harmonics_are_sines_of_the_pitch(hift):
    f0 = torch.full((1, 2205), 100.0)
    hift.m_source.noise_std = 0.0
    t = torch.arange(1, 2206) / 22050
    expected = 0.1 * torch.sin(2 * torch.pi * 100 * t)
    torch.testing.assert_close(hift.m_source.sines(f0, seeded())[0, 0], expected, atol=1e-4, rtol=0)


def test_cached_source_repeats_the_overlap(hift, mel):
    first, source = hift.inference(mel, generator=seeded(1))
    again, _ = hift.inference(mel, source, generator=seeded(2))
    assert again.equal(first)
    _, mixed = hift.inference(mel, source[:, :, :512], generator=seeded(2))
    assert mixed[:, :, :512].equal(source[:, :, :512]) and not mixed.equal(source)


def test_the_source_spectrum_inverts_to_the_source(hift):
    wave = torch.randn(1, 640, generator=seeded())
    spectrum = torch.complex(*hift.stft(wave).chunk(2, 1))
    torch.testing.assert_close(
        torch.istft(spectrum, hift.n_fft, hift.hop, window=torch.hann_window(hift.n_fft)),
        wave,
        atol=1e-5,
        rtol=0,
    )


def test_decoder_output_is_log_magnitude_and_phase(hift):
    magnitude, phase = torch.rand(1, 9, 41), torch.rand(1, 9, 41) - 0.5
    expected = torch.istft(
        torch.polar(magnitude, phase), hift.n_fft, hift.hop, window=torch.hann_window(hift.n_fft)
    )
    torch.testing.assert_close(
        hift.istft(torch.cat([magnitude.log(), phase.asin()], 1)), expected.clamp(-0.99, 0.99)
    )


def test_folding_weight_norm_changes_no_sample(hift, mel):
    before = hift.inference(mel, generator=seeded())[0]
    hift.remove_weight_norm()
    assert not any("parametrizations" in name for name in hift.state_dict())
    assert hift.inference(mel, generator=seeded())[0].equal(before)


def test_old_weight_norm_names_load_strictly(hift):
    old = {
        k.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): v
        for k, v in hift.state_dict().items()
    }
    assert "conv_pre.weight_g" in old and "resblocks.0.activations1.0.alpha" in old
    fresh = HiFTGenerator(base_channels=16, f0_predictor=ConvRNNF0Predictor(cond_channels=8))
    fresh.load_state_dict(old, strict=True)
    assert all(v.equal(hift.state_dict()[k]) for k, v in fresh.state_dict().items())


def test_three_upsampling_stages_fit_their_source(mel):
    net = HiFTGenerator(
        base_channels=16,
        upsample_rates=[8, 4, 2],
        upsample_kernel_sizes=[16, 8, 4],
        source_resblock_kernel_sizes=[7, 7, 11],
        source_resblock_dilation_sizes=[[1, 3]] * 3,
        f0_predictor=ConvRNNF0Predictor(cond_channels=8),
    )
    assert net.inference(mel)[0].shape == (1, 256 * FRAMES)


def test_snake_follows_its_formula():
    snake = Snake(2)
    snake.alpha.data = torch.tensor([0.5, 3.0])
    x = torch.randn(1, 2, 5)
    alpha = snake.alpha[None, :, None]
    torch.testing.assert_close(snake(x), x + torch.sin(alpha * x) ** 2 / alpha)


@pytest.mark.parametrize(
    "turn, autocast",
    [("reconstruct", False), ("generator", False), ("discriminator", False), ("generator", True)],
)
def test_steps_lower_the_loss(gan, batch, turn, autocast):
    weights = (gan.discriminator if turn == "discriminator" else gan.generator).parameters()
    optimiser, losses = torch.optim.Adam(weights, lr=2e-3), []
    for _ in range(4):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = gan(batch | {"turn": turn}, torch.device("cpu"))["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_tries_for_one_batch_are_held_apart(gan, batch):
    frames = 2 * FINE[0] // 256
    batch = {name: x.repeat_interleave(frames // FRAMES + 1, 1) for name, x in batch.items()}
    losses = gan(batch | {"turn": "apart"}, torch.device("cpu"))
    near = gan.mel_weight * losses["loss_mel"] + losses["loss_stft"] + losses["loss_fine"]
    torch.testing.assert_close(losses["loss"], near + losses["loss_f0"] - losses["loss_twin"])
    assert losses["loss_twin"] > 0 == gan.distance(batch["speech"], batch["speech"])
    losses["loss"].backward()
    assert all(p.grad is not None for p in gan.generator.parameters())


def test_speech_of_the_predicted_pitch_is_what_the_vocoder_speaks(hift, mel):
    with torch.no_grad():
        spoken = [
            hift.decode(mel, hift.excite(mel, seeded())[1]),
            hift.inference(mel, generator=seeded())[0],
        ]
        torch.manual_seed(7)
        spoken.append(hift.speak(mel, hift.predicted_pitch(mel)))
    assert all(torch.equal(spoken[0], other) for other in spoken)


def test_a_generator_turn_leaves_no_gradient_on_the_discriminators(gan, batch):
    gan(batch | {"turn": "generator"}, torch.device("cpu"))["loss"].backward()
    assert all(p.grad is None and p.requires_grad for p in gan.discriminator.parameters())
    assert gan.generator.conv_pre.parametrizations.weight.original1.grad.abs().sum() > 0


def test_an_unknown_turn_is_named_with_the_choices(gan, batch):
    with pytest.raises(ValueError, match="'both'.*generator, discriminator, reconstruct"):
        gan(batch | {"turn": "both"}, torch.device("cpu"))


def test_a_network_made_without_memory_takes_loaded_weights_as_they_are(hift, mel):
    with torch.device("meta"):
        empty = HiFTGenerator(
            base_channels=16, f0_predictor=ConvRNNF0Predictor(cond_channels=8)
        ).eval()
    empty.load_state_dict(hift.state_dict(), strict=True, assign=True)
    assert empty.inference(mel, generator=seeded())[0].equal(
        hift.inference(mel, generator=seeded())[0]
    )


# 24 kHz: CosyVoice2 and CosyVoice3


def long_mel(frames=90):
    return torch.randn(1, 80, frames, generator=seeded(1))


@pytest.mark.parametrize("version", [2, 3])
def test_a_frame_at_24_khz_is_480_samples(version):
    speech, source = make_hift_24k(version).inference(long_mel(FRAMES))
    assert speech.shape == (1, 480 * FRAMES) and source.shape == (1, 1, 480 * FRAMES)


def test_harmonics_at_24_khz_are_sines_of_the_pitch():
    source = make_hift_24k(2).m_source
    source.noise_std = 0.0
    f0 = torch.full((1, 480 * 10), 100.0)
    middle = torch.arange(480 * 10) - 240 + 480  # where a line through the frames' sums stands
    expected = 0.1 * torch.sin(2 * torch.pi * 100 * (middle + 0.5) / 24000)
    made = source.sines(f0, seeded())[0, 0, 240:-240]
    torch.testing.assert_close(made, expected[240:-240], atol=1e-4, rtol=0)


def test_the_phase_of_cosyvoice3_stands_still_within_a_frame():
    source = make_hift_24k(3).m_source
    source.noise_std = 0.0
    made = source.waves(source.cycles(torch.full((1, 1, 480 * 10), 105.0)).cumsum(-1))
    frames = made[0, 0].unflatten(0, (10, 480))
    assert frames.equal(frames[:, :1].expand(-1, 480))
    expected = 0.1 * torch.sin(2 * torch.pi * 105 * 480 / 24000 * torch.arange(1, 11))
    torch.testing.assert_close(frames[:, 0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sizes", [[30, 60], [12, 10, 68], [40, 9, 1, 40], [90]])
def test_a_vocoder_that_looks_back_speaks_hops_as_it_speaks_the_whole(sizes):
    hift, mel = make_hift_24k(3), long_mel()
    whole, _ = hift.inference(mel)
    stream, speech = hift.new_stream(mel), []
    for i, part in enumerate(mel.split(sizes, 2)):
        speech.append(hift.continue_stream(stream, part, i == len(sizes) - 1))
    torch.testing.assert_close(torch.cat(speech, 1), whole, atol=1e-6, rtol=1e-4)
    assert stream.mel.shape[2] <= hift.frames_back() + 1


def test_samples_further_ahead_than_the_bound_do_not_depend_on_a_frame():
    hift, mel = make_hift_24k(3), long_mel()
    changed, reach = mel.clone(), 480 * (20 + hift.frames_back())
    changed[:, :, 20] += 1
    source = hift.inference(mel)[1]
    before, after = hift.decode(mel, source), hift.decode(changed, source)
    assert not after[:, : 480 * 30].equal(before[:, : 480 * 30])
    torch.testing.assert_close(after[:, reach:], before[:, reach:], atol=1e-7, rtol=0)


def test_without_the_end_a_vocoder_that_looks_back_gives_what_stays():
    hift, mel = make_hift_24k(3), long_mel()
    begun, _ = hift.inference(mel[:, :, :50], finalize=False)
    assert begun.shape[1] == 480 * (50 - 8)
    torch.testing.assert_close(
        begun, hift.inference(mel)[0][:, : begun.shape[1]], atol=1e-6, rtol=1e-4
    )
    assert hift.inference(mel[:, :, :5], finalize=False)[0].shape == (1, 0)


def test_the_noise_of_cosyvoice3_is_always_the_same_and_draws_nothing():
    state, mel = torch.get_rng_state(), long_mel(FRAMES)
    first, other = make_hift_24k(3), make_hift_24k(3)
    assert first.inference(mel)[0].equal(other.inference(mel)[0])
    assert state.equal(torch.get_rng_state())


def test_the_noise_of_cosyvoice3_is_drawn_where_upstreams_constructors_draw_it():
    torch.manual_seed(0)
    torch.randn(1, 80, 15000)  # the flow's noise, after which its layers are made
    torch.nn.Embedding(6561, 80), torch.nn.Linear(192, 80)
    CausalConvRNNF0Predictor()
    torch.rand(1, 9)
    expected = torch.rand(20, 9)
    generator = torch.Generator()
    generator.set_state(fixed_noise_start())
    assert torch.rand(20, 9, generator=generator).equal(expected)


@pytest.mark.parametrize("version", [2, 3])
def test_a_vocoder_at_24_khz_learns(version):
    hift, mel = make_hift_24k(version).train(), long_mel(FRAMES).transpose(1, 2)
    optimiser, losses = torch.optim.Adam(hift.parameters(), lr=2e-3), []
    for _ in range(3):
        torch.manual_seed(0)
        speech, f0 = hift({"speech_feat": mel}, torch.device("cpu"))
        loss = speech.square().mean() * 1e4 + (f0 - 100).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "version, first, up", [(2, (16, 80, 7), (16, 8, 16)), (3, (16, 80, 5), (8, 16, 16))]
)
def test_names_and_shapes_of_the_vocoders_are_the_published_ones(version, first, up):
    weights = make_hift_24k(version).state_dict()
    second = "parametrizations.weight.original1"
    assert weights[f"conv_pre.{second}"].shape == first and weights[f"ups.0.{second}"].shape == up
    modules = {name.split(".")[0] for name in weights}
    assert modules == {
        "m_source", "conv_pre", "ups", "source_downs", "source_resblocks", "resblocks",
        "conv_post", "f0_predictor",
    }  # fmt: skip
    assert weights["f0_predictor.condnet.0." + second].shape == (8, 80, {2: 3, 3: 4}[version])
    assert weights["source_downs.0.weight"].shape == (8, 18, 30)
    assert weights["source_downs.2.weight"].shape == (2, 18, 1)
