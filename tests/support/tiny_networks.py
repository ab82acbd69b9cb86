"""The networks at tiny width with seeded weights, and batches to train them on."""

from functools import partial

import torch
from matcha.hifigan.models import MultiPeriodDiscriminator
from matcha.utils.audio import mel_spectrogram
from omegaconf import DictConfig

from cosyvoice.flow.decoder import CausalConditionalDecoder, ConditionalDecoder
from cosyvoice.flow.DiT.dit import DiT
from cosyvoice.flow.flow import (
    CausalMaskedDiffWithDiT,
    CausalMaskedDiffWithXvec,
    MaskedDiffWithXvec,
)
from cosyvoice.flow.flow_matching import CausalConditionalCFM, ConditionalCFM
from cosyvoice.flow.length_regulator import InterpolateRegulator, mel_frames
from cosyvoice.hifigan.discriminator import MultipleDiscriminator, MultiResSpecDiscriminator
from cosyvoice.hifigan.f0_predictor import CausalConvRNNF0Predictor, ConvRNNF0Predictor
from cosyvoice.hifigan.generator import CausalHiFTGenerator, HiFTGenerator
from cosyvoice.hifigan.hifigan import HiFiGan
from cosyvoice.llm.llm import TransformerLM
from cosyvoice.transformer.encoder import ConformerEncoder, TransformerEncoder
from cosyvoice.transformer.upsample_encoder import PreLookaheadLayer, UpsampleConformerEncoder

CPU = torch.device("cpu")
CFM = {
    "sigma_min": 1e-6,
    "solver": "euler",
    "t_scheduler": "cosine",
    "training_cfg_rate": 0.2,
    "inference_cfg_rate": 0.7,
    "reg_loss_type": "l1",
}
END = 20  # the token after the last speech token
ENCODER = dict(
    output_size=16,
    attention_heads=2,
    linear_units=24,
    num_blocks=2,
    dropout_rate=0.0,
    positional_dropout_rate=0.0,
    pos_enc_layer_type="rel_pos_espnet",
    static_chunk_size=1,
)
FRAMES = 6  # of the vocoder's mel


def seeded(seed=7):
    return torch.Generator().manual_seed(seed)


def make_estimator():
    return ConditionalDecoder(
        320,
        80,
        channels=[16, 16],
        dropout=0.0,
        attention_head_dim=4,
        n_blocks=1,
        num_mid_blocks=1,
        num_heads=2,
    )


def make_flow(rate=25, **cfm):
    torch.manual_seed(0)
    encoder = ConformerEncoder(
        input_size=16,
        output_size=16,
        attention_heads=2,
        linear_units=16,
        num_blocks=1,
        dropout_rate=0.0,
        positional_dropout_rate=0.0,
        input_layer="linear",
        pos_enc_layer_type="rel_pos_espnet",
        selfattention_layer_type="rel_selfattn",
        use_cnn_module=False,
        macaron_style=False,
    )
    decoder = ConditionalCFM(
        240, DictConfig(CFM | cfm), n_spks=1, spk_emb_dim=80, estimator=make_estimator()
    )
    return MaskedDiffWithXvec(
        input_size=16,
        vocab_size=50,
        input_frame_rate=rate,
        encoder=encoder,
        length_regulator=InterpolateRegulator(80, [1, 1]),
        decoder=decoder,
    ).eval()


def make_causal_flow(version, block=4, **cfm):
    """The flow of CosyVoice2 or 3, with blocks of `block` tokens."""
    torch.manual_seed(0)
    make = {2: make_xvec_flow, 3: make_dit_flow}[version]
    return make(block, DictConfig(CFM | {"n_timesteps": 2} | cfm)).eval()


def make_xvec_flow(block, cfm):
    encoder = UpsampleConformerEncoder(
        input_size=16,
        output_size=16,
        attention_heads=2,
        linear_units=16,
        num_blocks=1,
        dropout_rate=0.0,
        positional_dropout_rate=0.0,
        input_layer="linear",
        pos_enc_layer_type="rel_pos_espnet",
        use_cnn_module=False,
        macaron_style=False,
        static_chunk_size=block,
    )
    estimator = CausalConditionalDecoder(
        320,
        80,
        channels=[16],
        dropout=0.0,
        attention_head_dim=4,
        num_mid_blocks=1,
        num_heads=2,
        static_chunk_size=2 * block,
    )
    decoder = CausalConditionalCFM(240, cfm, spk_emb_dim=80, estimator=estimator)
    return CausalMaskedDiffWithXvec(16, vocab_size=50, encoder=encoder, decoder=decoder)


def make_dit_flow(block, cfm):
    estimator = DiT(
        dim=32,
        depth=2,
        heads=2,
        dim_head=16,
        ff_mult=2,
        dropout=0.0,
        mu_dim=80,
        spk_dim=80,
        static_chunk_size=2 * block,
    )
    decoder = CausalConditionalCFM(240, cfm, spk_emb_dim=80, estimator=estimator)
    lookahead = PreLookaheadLayer(80, 16, 3)
    return CausalMaskedDiffWithDiT(
        80, vocab_size=50, pre_lookahead_layer=lookahead, decoder=decoder
    )


def flow_batch():
    g, tokens, frames = (
        seeded(4),
        torch.tensor([12, 7]),
        torch.tensor([mel_frames(12, 25), mel_frames(7, 25)]),
    )
    mel = torch.randn(2, int(frames.max()), 80, generator=g)
    return {
        "speech_token": torch.randint(0, 50, (2, 12), generator=g),
        "speech_token_len": tokens,
        "speech_feat": mel,
        "speech_feat_len": frames,
        "embedding": torch.randn(2, 192, generator=g),
    }


def make_llm(**options):
    torch.manual_seed(0)
    text_encoder = ConformerEncoder(
        12, input_layer="linear", use_cnn_module=False, macaron_style=False, **ENCODER
    )
    llm = TransformerEncoder(
        16, input_layer="linear_legacy", selfattention_layer_type="rel_selfattn", **ENCODER
    )
    return TransformerLM(
        text_encoder_input_size=12,
        llm_input_size=16,
        llm_output_size=16,
        text_token_size=30,
        speech_token_size=END,
        text_encoder=text_encoder,
        llm=llm,
        **options,
    ).eval()


def make_hift() -> HiFTGenerator:
    torch.manual_seed(0)
    net = HiFTGenerator(base_channels=16, f0_predictor=ConvRNNF0Predictor(cond_channels=8)).eval()
    net.f0_predictor.classifier.bias.data.fill_(150.0)  # voiced, so that phases matter
    return net


def make_hift_24k(version) -> HiFTGenerator:
    """The vocoder of CosyVoice2 or 3."""
    torch.manual_seed(0)
    sizes = dict(
        base_channels=16,
        sampling_rate=24000,
        upsample_rates=[8, 5, 3],
        upsample_kernel_sizes=[16, 11, 7],
        source_resblock_kernel_sizes=[7, 7, 11],
        source_resblock_dilation_sizes=[[1, 3, 5]] * 3,
    )
    if version == 2:
        net = HiFTGenerator(**sizes, f0_predictor=ConvRNNF0Predictor(cond_channels=8))
    else:
        net = CausalHiFTGenerator(**sizes, f0_predictor=CausalConvRNNF0Predictor(cond_channels=8))
    net.f0_predictor.classifier.bias.data.fill_(150.0)
    return net.eval()


def make_gan() -> HiFiGan:
    transform = partial(
        mel_spectrogram,
        n_fft=256,
        num_mels=20,
        sampling_rate=22050,
        hop_size=64,
        win_size=256,
        fmin=0,
        fmax=None,
    )
    judges = MultipleDiscriminator(
        MultiPeriodDiscriminator(periods=(2, 3), channels=(4, 4, 4)),
        MultiResSpecDiscriminator(channels=4),
    )
    return HiFiGan(make_hift(), judges, [transform]).train()


def vocoder_batch():
    wave = 0.3 * torch.sin(torch.arange(256 * FRAMES) * 0.05).repeat(2, 1)
    return {
        "speech": wave,
        "speech_feat": torch.randn(2, FRAMES, 80, generator=seeded()),
        "pitch_feat": torch.full((2, FRAMES), 175.0),
    }
