"""A model directory in the official layout with random weights at small width, for tests.

    python -m tests.support.tiny_model FOLDER

The two ONNX files are stand-ins with the real signatures: (feats (1, 128, T), feats_length (1)) ->
ids (1, T / 4), and (1, T, 80) -> (1, 192). The weights are set so that speech ends soon after its
shortest length and is voiced.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from hyperpyyaml import load_hyperpyyaml
from onnx import TensorProto, helper, numpy_helper

YAML = """\
# random state of the training
__set_seed1: !apply:random.seed [1986]
__set_seed2: !apply:numpy.random.seed [1986]
__set_seed3: !apply:torch.manual_seed [1986]
__set_seed4: !apply:torch.cuda.manual_seed_all [1986]

sample_rate: 22050
text_encoder_input_size: 32
llm_input_size: 64
llm_output_size: 64
spk_embed_dim: 192

# we use !<name> or !<new> for classes and functions
llm: !new:cosyvoice.llm.llm.TransformerLM
    text_encoder_input_size: !ref <text_encoder_input_size>
    llm_input_size: !ref <llm_input_size>
    llm_output_size: !ref <llm_output_size>
    text_token_size: TEXT_TOKENS
    speech_token_size: 4096
    length_normalized_loss: True
    lsm_weight: 0
    spk_embed_dim: !ref <spk_embed_dim>
    text_encoder: !new:cosyvoice.transformer.encoder.ConformerEncoder
        input_size: !ref <text_encoder_input_size>
        output_size: 64
        attention_heads: 2
        linear_units: 128
        num_blocks: 2
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.0
        normalize_before: True
        input_layer: 'linear'
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'rel_selfattn'
        use_cnn_module: False
        macaron_style: False
        use_dynamic_chunk: False
        use_dynamic_left_chunk: False
        static_chunk_size: 1
    llm: !new:cosyvoice.transformer.encoder.TransformerEncoder
        input_size: !ref <llm_input_size>
        output_size: !ref <llm_output_size>
        attention_heads: 2
        linear_units: 128
        num_blocks: 2
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.0
        input_layer: 'linear_legacy'
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'rel_selfattn'
        static_chunk_size: 1
    sampling: !name:cosyvoice.utils.common.ras_sampling
        top_p: 0.8
        top_k: 25
        win_size: 10
        tau_r: 0.1

flow: !new:cosyvoice.flow.flow.MaskedDiffWithXvec
    input_size: 32
    output_size: 80
    spk_embed_dim: !ref <spk_embed_dim>
    output_type: 'mel'
    vocab_size: 4096
    input_frame_rate: FRAME_RATE
    only_mask_loss: True
    encoder: !new:cosyvoice.transformer.encoder.ConformerEncoder
        output_size: 32
        attention_heads: 2
        linear_units: 64
        num_blocks: 2
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
    length_regulator: !new:cosyvoice.flow.length_regulator.InterpolateRegulator
        channels: 80
        sampling_ratios: [1, 1, 1, 1]
    decoder: !new:cosyvoice.flow.flow_matching.ConditionalCFM
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
        estimator: !new:cosyvoice.flow.decoder.ConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [32, 32]
            dropout: 0.0
            attention_head_dim: 16
            n_blocks: 1
            num_mid_blocks: 1
            num_heads: 2
            act_fn: 'gelu'

hift: !new:cosyvoice.hifigan.generator.HiFTGenerator
    in_channels: 80
    base_channels: 16
    nb_harmonics: 8
    sampling_rate: !ref <sample_rate>
    nsf_alpha: 0.1
    nsf_sigma: 0.003
    nsf_voiced_threshold: 10
    upsample_rates: [8, 8]
    upsample_kernel_sizes: [16, 16]
    istft_params:
        n_fft: 16
        hop_len: 4
    resblock_kernel_sizes: [3, 7, 11]
    resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5], [1, 3, 5]]
    source_resblock_kernel_sizes: [7, 11]
    source_resblock_dilation_sizes: [[1, 3, 5], [1, 3, 5]]
    lrelu_slope: 0.1
    audio_limit: 0.99
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
        num_class: 1
        in_channels: 80
        cond_channels: 16

parquet_opener: !name:cosyvoice.dataset.processor.parquet_opener
get_tokenizer: !name:TOKENIZER
    multilingual: True
    num_languages: 100
    language: 'en'
    task: 'transcribe'
allowed_special: 'all'
tokenize: !name:cosyvoice.dataset.processor.tokenize
    get_tokenizer: !ref <get_tokenizer>
    allowed_special: !ref <allowed_special>
feat_extractor: !name:matcha.utils.audio.mel_spectrogram
    n_fft: 1024
    num_mels: 80
    sampling_rate: !ref <sample_rate>
    hop_size: 256
    win_size: 1024
    fmin: 0
    fmax: 8000
    center: False
data_pipeline: [
    !ref <parquet_opener>,
    !ref <tokenize>,
]
"""
TOKENIZERS = {
    25: ("cosyvoice.tokenizer.tokenizer.get_tokenizer", 60515),
    50: ("whisper.tokenizer.get_tokenizer", 51866),
}
SPEAKERS = ("中文女", "英文男")


def build(folder: Path, frame_rate: int = 25, extra: str = "") -> Path:
    """Write the directory and return it.

    frame_rate: speech tokens per second, 25 or 50. extra: lines put into the YAML.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, text_tokens = TOKENIZERS[frame_rate]
    text = extra + YAML.replace("TOKENIZER", tokenizer).replace(
        "TEXT_TOKENS", str(text_tokens)
    ).replace("FRAME_RATE", str(frame_rate))
    (folder / "cosyvoice.yaml").write_text(text, encoding="utf-8")
    with torch.random.fork_rng(devices=[]):
        save_networks(folder, text)
    speech_tokenizer(frame_rate, folder / "speech_tokenizer_v1.onnx")
    speaker_encoder(folder / "campplus.onnx")
    return folder


def save_networks(folder, text):
    torch.manual_seed(7)
    networks = load_hyperpyyaml(text[text.index("sample_rate:") : text.index("parquet_opener:")])
    with torch.no_grad():
        networks["llm"].llm_decoder.bias[-1] = 8  # the end is likely as soon as it is allowed
        networks["hift"].f0_predictor.classifier.bias.fill_(150)  # Hz
    for name in ("llm", "flow", "hift"):
        torch.save(networks[name].state_dict(), folder / f"{name}.pt")
    torch.save(
        {name: {"embedding": torch.randn(1, 192)} for name in SPEAKERS}, folder / "spk2info.pt"
    )


def speech_tokenizer(frame_rate, path, codes=4096):
    frames = 100 // frame_rate
    nodes = [
        helper.make_node(
            "AveragePool", ["feats"], ["pooled"], kernel_shape=[frames], strides=[frames]
        ),
        helper.make_node("ReduceMean", ["pooled"], ["level"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["level", "scale"], ["scaled"]),
        helper.make_node("Abs", ["scaled"], ["positive"]),
        helper.make_node("Cast", ["positive"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mod", ["whole", "size"], ["indices"]),
    ]
    constants = {"scale": np.float32(1e5), "size": np.int64(codes)}
    save_onnx(
        path,
        nodes,
        constants,
        [("feats", TensorProto.FLOAT, [1, 128, "T"]), ("feats_length", TensorProto.INT32, [1])],
        ("indices", TensorProto.INT64, [1, "N"]),
    )


def speaker_encoder(path):
    weight = np.random.default_rng(7).standard_normal((80, 192)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["squared"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "weight"], ["output"]),
    ]
    nodes.insert(0, helper.make_node("Mul", ["input", "input"], ["squared"]))
    save_onnx(
        path,
        nodes,
        {"weight": weight},
        [("input", TensorProto.FLOAT, ["B", "T", 80])],
        ("output", TensorProto.FLOAT, ["B", 192]),
    )


def save_onnx(path, nodes, constants, inputs, output):
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(*i) for i in inputs],
        [helper.make_tensor_value_info(*output)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path
    )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
