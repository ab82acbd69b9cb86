"""Directories of CosyVoice2 and Fun-CosyVoice3 in the official layout, random and of small width.

python -m tests.support.tiny_model_qwen FOLDER 2|3
"""

import sys
from pathlib import Path

import torch
from hyperpyyaml import load_hyperpyyaml

from tests.support.tiny_model import speaker_encoder, speech_tokenizer
from tests.support.tiny_qwen import write_config, write_vocabulary

HEAD = """\
__set_seed1: !apply:random.seed [1986]
__set_seed2: !apply:numpy.random.seed [1986]
__set_seed3: !apply:torch.manual_seed [1986]
__set_seed4: !apply:torch.cuda.manual_seed_all [1986]

sample_rate: 24000
llm_input_size: 16
llm_output_size: 16
spk_embed_dim: 192
qwen_pretrain_path: ''
token_frame_rate: 25
token_mel_ratio: 2
chunk_size: 25 # in tokens
num_decoding_left_chunks: -1

llm: !new:cosyvoice.llm.llm.LANGUAGE_MODEL
    llm_input_size: !ref <llm_input_size>
    llm_output_size: !ref <llm_output_size>
    speech_token_size: 6561
    length_normalized_loss: True
    lsm_weight: 0
    mix_ratio: [5, 15]
    llm: !new:cosyvoice.llm.llm.Qwen2Encoder
        pretrain_path: !ref <qwen_pretrain_path>
    sampling: !name:cosyvoice.utils.common.ras_sampling
        top_p: 0.8
        top_k: 25
        win_size: 10
        tau_r: 0.1
"""
FLOW = {
    2: """
flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithXvec
    input_size: 32
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    output_type: 'mel'
    vocab_size: 6561
    input_frame_rate: !ref <token_frame_rate>
    only_mask_loss: True
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    encoder: !new:cosyvoice.transformer.upsample_encoder.UpsampleConformerEncoder
        output_size: 32
        attention_heads: 2
        linear_units: 64
        num_blocks: 1
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.1
        normalize_before: True
        input_layer: 'linear'
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'rel_selfattn'
        input_size: 32
        use_cnn_module: False
        macaron_style: False
        static_chunk_size: !ref <chunk_size>
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                sigma_min: 1e-06
                solver: 'euler'
                t_scheduler: 'cosine'
                training_cfg_rate: 0.2
                inference_cfg_rate: 0.7
                reg_loss_type: 'l1'
        estimator: !new:cosyvoice.flow.decoder.CausalConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [32]
            dropout: 0.0
            attention_head_dim: 16
            n_blocks: 1
            num_mid_blocks: 1
            num_heads: 2
            act_fn: 'gelu'
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
            num_decoding_left_chunks: !ref <num_decoding_left_chunks>
""",
    3: """
flow: !new:cosyvoice.flow.flow.CausalMaskedDiffWithDiT
    input_size: 80
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    output_type: 'mel'
    vocab_size: 6561
    input_frame_rate: !ref <token_frame_rate>
    only_mask_loss: True
    token_mel_ratio: !ref <token_mel_ratio>
    pre_lookahead_len: 3
    pre_lookahead_layer: !new:cosyvoice.transformer.upsample_encoder.PreLookaheadLayer
        in_channels: 80
        channels: 32
        pre_lookahead_len: 3
    decoder: !new:cosyvoice.flow.flow_matching.CausalConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                sigma_min: 1e-06
                solver: 'euler'
                t_scheduler: 'cosine'
                training_cfg_rate: 0.2
                inference_cfg_rate: 0.7
                reg_loss_type: 'l1'
        estimator: !new:cosyvoice.flow.DiT.dit.DiT
            dim: 64
            depth: 2
            heads: 4
            dim_head: 16
            ff_mult: 2
            mel_dim: 80
            mu_dim: 80
            spk_dim: 80
            out_channels: 80
            static_chunk_size: !ref <chunk_size> * <token_mel_ratio>
            num_decoding_left_chunks: !ref <num_decoding_left_chunks>
""",
}
TAIL = """
hift: !new:cosyvoice.hifigan.generator.VOCODER
    in_channels: 80
    base_channels: 16
    nb_harmonics: 8
    sampling_rate: !ref <sample_rate>
    nsf_alpha: 0.1
    nsf_sigma: 0.003
    nsf_voiced_threshold: 10
    upsample_rates: [8, 5, 3]
    upsample_kernel_sizes: [16, 11, 7]
    istft_params:
        n_fft: 16
        hop_len: 4
    resblock_kernel_sizes: [3, 7, 11]
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    source_resblock_kernel_sizes: [7, 7, 11]
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    lrelu_slope: 0.1
    audio_limit: 0.99
    LOOK_RIGHT
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.F0_PREDICTOR
        num_class: 1
        in_channels: 80
        cond_channels: 16

parquet_opener: !name:cosyvoice.dataset.processor.parquet_opener
get_tokenizer: !name:cosyvoice.tokenizer.tokenizer.get_qwen_tokenizer
    token_path: !ref <qwen_pretrain_path>
    skip_special_tokens: True
    TOKENIZER_VERSION
allowed_special: 'all'
tokenize: !name:cosyvoice.dataset.processor.tokenize
    get_tokenizer: !ref <get_tokenizer>
    allowed_special: !ref <allowed_special>
filter: !name:cosyvoice.dataset.processor.filter
    max_length: 6000
    min_length: 100
    token_max_length: 200
    token_min_length: 1
resample: !name:cosyvoice.dataset.processor.resample
    resample_rate: !ref <sample_rate>
feat_extractor: !name:matcha.utils.audio.mel_spectrogram
    n_fft: 1920
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 480
    win_size: 1920
    fmin: 0
    fmax: FMAX
    center: False
compute_fbank: !name:cosyvoice.dataset.processor.compute_fbank
    feat_extractor: !ref <feat_extractor>
    num_frames: 960
compute_whisper_fbank: !name:cosyvoice.dataset.processor.compute_whisper_fbank
    num_frames: 960
parse_embedding: !name:cosyvoice.dataset.processor.parse_embedding
    normalize: True
shuffle: !name:cosyvoice.dataset.processor.shuffle
    shuffle_size: 1000
sort: !name:cosyvoice.dataset.processor.sort
    sort_size: 500
batch: !name:cosyvoice.dataset.processor.batch
    batch_type: 'dynamic'
    max_frames_in_batch: 2000
padding: !name:cosyvoice.dataset.processor.padding
    use_spk_embedding: False
data_pipeline: [
    !ref <parquet_opener>,
    !ref <tokenize>,
    !ref <filter>,
    !ref <resample>,
    !ref <compute_fbank>,
    !ref <parse_embedding>,
    !ref <compute_whisper_fbank>,
    !ref <shuffle>,
    !ref <sort>,
    !ref <batch>,
    !ref <padding>,
]
train_conf:
    optim: adam
    optim_conf:
        lr: 0.001
    scheduler: constantlr
    scheduler_conf:
        warmup_steps: 2500
    grad_clip: 5
    accum_grad: 1
    log_interval: 1
"""
NAMES = {
    2: {
        "LANGUAGE_MODEL": "Qwen2LM",
        "VOCODER": "HiFTGenerator",
        "LOOK_RIGHT": "",
        "F0_PREDICTOR": "ConvRNNF0Predictor",
        "TOKENIZER_VERSION": "",
        "FMAX": "8000",
    },
    3: {
        "LANGUAGE_MODEL": "CosyVoice3LM",
        "VOCODER": "CausalHiFTGenerator",
        "LOOK_RIGHT": "conv_pre_look_right: 4",
        "F0_PREDICTOR": "CausalConvRNNF0Predictor",
        "TOKENIZER_VERSION": "version: cosyvoice3",
        "FMAX": "null",
    },
}
TEXT_TOKENS = 600  # the bytes, three pairs and the marks
HERTZ = 150.0  # of the voice


def yaml_of(version: int) -> str:
    text = HEAD + FLOW[version] + TAIL
    for name, value in NAMES[version].items():
        text = text.replace(name, value)
    return text


def build(folder: Path, version: int) -> Path:
    """Write the directory of CosyVoice2 (version 2) or Fun-CosyVoice3 (3) and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml_of(version)
    (folder / f"cosyvoice{version}.yaml").write_text(text, encoding="utf-8")
    blank = write_vocabulary(folder / "CosyVoice-BlankEN")
    write_config(blank, vocab_size=TEXT_TOKENS)
    with torch.random.fork_rng(devices=[]):
        save_networks(folder, text, blank)
    speech_tokenizer(25, folder / f"speech_tokenizer_v{version}.onnx", codes=6561)
    speaker_encoder(folder / "campplus.onnx")
    return folder


def save_networks(folder: Path, text: str, blank: Path):
    networks = load_hyperpyyaml(
        text[text.index("sample_rate:") : text.index("parquet_opener:")],
        overrides={"qwen_pretrain_path": str(blank)},
    )
    torch.manual_seed(7)
    with torch.no_grad():
        let_speech_end(networks["llm"])
        networks["hift"].f0_predictor.classifier.bias.fill_(HERTZ)
    for name in ("llm", "flow", "hift"):
        torch.save(networks[name].state_dict(), folder / f"{name}.pt")


def let_speech_end(lm):
    """Make the end likely as soon as it is allowed, and the other ids that are no speech unlikely.

    The first channel of all that is read is one number, which the layers leave as it is, so that
    the head can give the end a score of its own.
    """
    for layer in lm.llm.model.model.layers:
        layer.self_attn.o_proj.weight[0] = layer.mlp.down_proj.weight[0] = 0
    for table in lm.modules():
        if isinstance(table, torch.nn.Embedding):
            table.weight[:, 0] = 3
    lm.llm_decoder.weight[:, 0] = 0
    lm.llm_decoder.weight[lm.speech_token_size :] = 0
    lm.llm_decoder.weight[lm.eos_token, 0] = 1.5


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]))
