import pytest
import torch

from cosyvoice.hifigan.f0_predictor import ConvRNNF0Predictor
from cosyvoice.hifigan.generator import HiFTGenerator, Snake

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
