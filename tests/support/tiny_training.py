"""A training YAML of tiny networks and the parquet files to train them on."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

RATE, HOP = 22050, 256
ENCODER = """output_size: 8
        attention_heads: 2
        linear_units: 16
        num_blocks: 1
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.0
        pos_enc_layer_type: rel_pos_espnet
        selfattention_layer_type: rel_selfattn
        input_size: 8"""
CONFORMER = f"""!new:cosyvoice.transformer.encoder.ConformerEncoder
        {ENCODER}
        input_layer: linear
        use_cnn_module: False
        macaron_style: False"""
MEL = f"""!name:matcha.utils.audio.mel_spectrogram
    {{n_fft: 1024, num_mels: 80, sampling_rate: {RATE}, hop_size: {HOP}, win_size: 1024,
      fmin: 0, fmax: 8000, center: False}}"""
PROCESSOR = "!name:cosyvoice.dataset.processor."
HEAD = "!ref <parquet_opener>, !ref <tokenize>, !ref <filter>, !ref <resample>"
TAIL = "!ref <parse_embedding>, !ref <shuffle>, !ref <sort>, !ref <batch>, !ref <padding>"
CONFIG = f"""
llm: !new:cosyvoice.llm.llm.TransformerLM
    text_encoder_input_size: 8
    llm_input_size: 8
    llm_output_size: 8
    text_token_size: 32
    speech_token_size: 16
    spk_embed_dim: 192
    text_encoder: {CONFORMER}
        static_chunk_size: 1
    llm: !new:cosyvoice.transformer.encoder.TransformerEncoder
        {ENCODER}
        input_layer: linear_legacy
        static_chunk_size: 1
flow: !new:cosyvoice.flow.flow.MaskedDiffWithXvec
    input_size: 8
    vocab_size: 16
    input_frame_rate: 25
    encoder: {CONFORMER}
    length_regulator: !new:cosyvoice.flow.length_regulator.InterpolateRegulator
        {{channels: 80, sampling_ratios: [1, 1, 1, 1]}}
    decoder: !new:cosyvoice.flow.flow_matching.ConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                {{sigma_min: 1e-06, solver: euler, t_scheduler: cosine, training_cfg_rate: 0.2,
                  inference_cfg_rate: 0.7, reg_loss_type: l1}}
        estimator: !new:cosyvoice.flow.decoder.ConditionalDecoder
            {{in_channels: 320, out_channels: 80, channels: [8, 8], dropout: 0.0,
              attention_head_dim: 4, n_blocks: 1, num_mid_blocks: 1, num_heads: 2, act_fn: gelu}}
hift: !new:cosyvoice.hifigan.generator.HiFTGenerator
    base_channels: 16
    resblock_kernel_sizes: [3]
    resblock_dilation_sizes: [[1]]
    source_resblock_kernel_sizes: [3, 3]
    source_resblock_dilation_sizes: [[1], [1]]
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
        {{num_class: 1, in_channels: 80, cond_channels: 8}}
mel: {MEL}
hifigan: !new:cosyvoice.hifigan.hifigan.HiFiGan
    generator: !ref <hift>
    discriminator: !new:cosyvoice.hifigan.discriminator.MultipleDiscriminator
        mpd: !new:matcha.hifigan.models.MultiPeriodDiscriminator {{periods: [3], channels: [4, 4]}}
        mrd: !new:cosyvoice.hifigan.discriminator.MultiResSpecDiscriminator
            {{fft_sizes: [512], hop_sizes: [120], win_lengths: [240], channels: 2}}
    mel_spec_transform: [!ref <mel>]
parquet_opener: {PROCESSOR}parquet_opener
tokenize: {PROCESSOR}tokenize {{get_tokenizer: null, allowed_special: all}}
filter: {PROCESSOR}filter
    {{max_length: 40960, min_length: 0, token_max_length: 200, token_min_length: 1}}
resample: {PROCESSOR}resample {{resample_rate: {RATE}}}
truncate: {PROCESSOR}truncate {{truncate_length: 4096}}
compute_fbank: {PROCESSOR}compute_fbank {{feat_extractor: !ref <mel>}}
compute_f0: {PROCESSOR}compute_f0 {{sample_rate: {RATE}, hop_size: {HOP}}}
parse_embedding: {PROCESSOR}parse_embedding {{normalize: True}}
shuffle: {PROCESSOR}shuffle {{shuffle_size: 8}}
sort: {PROCESSOR}sort {{sort_size: 4}}
batch: {PROCESSOR}batch {{batch_type: dynamic, max_frames_in_batch: 200}}
padding: {PROCESSOR}padding {{use_spk_embedding: False}}
data_pipeline: [{HEAD}, !ref <compute_fbank>, {TAIL}]
data_pipeline_gan: [{HEAD}, !ref <truncate>, !ref <compute_fbank>, !ref <compute_f0>, {TAIL}]
train_conf:
    {{optim: adam, optim_conf: {{lr: 0.01}},
      scheduler: warmuplr, scheduler_conf: {{warmup_steps: 5}},
      grad_clip: 5, accum_grad: 2, log_interval: 1}}
train_conf_gan:
    {{optim: adamw, optim_conf: {{lr: 0.001}}, scheduler: constantlr,
      optim_d: adam, optim_conf_d: {{lr: 0.001}}, scheduler_d: constantlr,
      grad_clip: 5, accum_grad: 1, log_interval: 1}}
"""


FLOW_24K = {
    2: f"""
flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    input_size: 8
    vocab_size: 16
    input_frame_rate: 25
    encoder: {CONFORMER.replace("encoder.Conf", "upsample_encoder.UpsampleConf")}
        static_chunk_size: 4
    decoder: CFM
        estimator: !new:cosyvoice.flow.decoder.CausalConditionalDecoder
            {{in_channels: 320, out_channels: 80, channels: [8], dropout: 0.0,
              attention_head_dim: 4, n_blocks: 1, num_mid_blocks: 1, num_heads: 2, act_fn: gelu,
              static_chunk_size: 8, num_decoding_left_chunks: -1}}
""",
    3: """
flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithDiT
    input_size: 80
    vocab_size: 16
    input_frame_rate: 25
    pre_lookahead_layer: !new:cosyvoice.transformer.upsample_encoder.PreLookaheadLayer
        {in_channels: 80, channels: 8, pre_lookahead_len: 3}
    decoder: CFM
        estimator: !new:cosyvoice.flow.DiT.dit.DiT
            {dim: 32, depth: 1, heads: 2, dim_head: 16, ff_mult: 2, mel_dim: 80, mu_dim: 80,
             spk_dim: 80, out_channels: 80, static_chunk_size: 8, num_decoding_left_chunks: -1}
""",
}


def config_24k(version):
    """The training YAML of a tiny CosyVoice2 or 3, with the steps of their official pipelines."""
    head, rest = CONFIG.split("decoder: !new:cosyvoice.flow.flow_matching.Cond")
    cfm, tail = rest.split("        estimator:")[0], CONFIG[CONFIG.index("hift: !new") :]
    cfm = "!new:cosyvoice.flow.flow_matching.CausalCond" + cfm.rstrip()
    flow = FLOW_24K[version].replace("CFM", cfm)
    text = head[: head.index("flow: !new")] + flow + tail
    for old, new in {
        f"sampling_rate: {RATE}, hop_size: {HOP}": "sampling_rate: 24000, hop_size: 480",
        "n_fft: 1024": "n_fft: 1920",
        "win_size: 1024": "win_size: 1920",
        f"resample_rate: {RATE}": "resample_rate: 24000",
        f"sample_rate: {RATE}, hop_size: {HOP}": "sample_rate: 24000, hop_size: 480",
        "truncate_length: 4096": "truncate_length: 4800",
        "compute_fbank {feat_extractor: !ref <mel>}": "compute_fbank"
        " {feat_extractor: !ref <mel>, num_frames: 960}\n"
        f"compute_whisper_fbank: {PROCESSOR}compute_whisper_fbank {{num_frames: 960}}",
        "!ref <compute_fbank>, !ref <parse": "!ref <compute_fbank>,"
        " !ref <compute_whisper_fbank>, !ref <parse",
        "HiFTGenerator\n": VOCODER_24K[version] + "\n    sampling_rate: 24000\n"
        "    upsample_rates: [8, 5, 3]\n    upsample_kernel_sizes: [16, 11, 7]\n",
        "kernel_sizes: [3, 3]": "kernel_sizes: [3, 3, 3]",
        "sizes: [[1], [1]]": "sizes: [[1], [1], [1]]",
        "ConvRNN": {2: "ConvRNN", 3: "CausalConvRNN"}[version],
    }.items():
        text = text.replace(old, new)
    return text


VOCODER_24K = {2: "HiFTGenerator", 3: "CausalHiFTGenerator"}


def write_config(folder, text=CONFIG):
    path = folder / "cosyvoice.yaml"
    path.write_text(text)
    return path


def row(i, frames=60, **changes):
    """One utterance: a tone of 100 + 10 i Hz, and tokens that follow from its number."""
    tone = 0.5 * np.sin(2 * np.pi * (100 + 10 * i) * np.arange(frames * HOP) / RATE)
    audio = BytesIO()
    soundfile.write(audio, tone, RATE, format="FLAC")
    vector = np.random.default_rng(i).normal(size=192).astype(np.float32)
    return {
        "utt": f"u{i}",
        "audio_data": audio.getvalue(),
        "text": "a",
        "text_token": [i % 8] * 3,
        "utt_embedding": vector,
        "spk_embedding": -vector,
        "speech_token": [i % 16] * round(frames * HOP / RATE * 25),
        "pitch_feat": [100.0 + 10 * i] * frames,
        "no_speaker": False,
        **changes,
    }


def write_parquet(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


def write_list(path, files):
    path.write_text("".join(f"{file}\n" for file in files))
    return path
