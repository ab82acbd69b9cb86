"""The training data chain: what each step does to a row, and what reaches the network."""

import random
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import soundfile
import torch
from matcha.utils.audio import mel_spectrogram

from cosyvoice.dataset import processor
from cosyvoice.dataset.dataset import Dataset
from cosyvoice.training.trainer import load_config
from tests.support.tiny_training import HOP, RATE, row, write_config, write_list, write_parquet


def chain(tmp_path, rows, model="flow", mode="train", **changes):
    gan = "_gan" if model == "hift" else ""
    pipeline = load_config(write_config(tmp_path), model)["data_pipeline" + gan]
    files = write_list(tmp_path / "data.list", [write_parquet(tmp_path / "a.parquet", rows)])
    return Dataset(files, pipeline, model, mode, **{"token_rate": 25, **changes})


def batches(data, epoch=0):
    return list(data.epoch(epoch, data.files()))


def sizes(rows):
    return [processor.size(row) for row in rows]


def mels(*lengths):
    return [{"speech_feat": torch.zeros(n, 80)} for n in lengths]


def test_import_needs_no_training_packages():
    code = (
        "import sys, cosyvoice.dataset.processor; "
        "print({'pyarrow', 'librosa', 'pandas'} & set(sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )


def test_flow_batch_has_tokens_mel_and_speaker(tmp_path):
    (batch,) = batches(chain(tmp_path, [row(0, 60), row(1, 40)]))
    assert batch["speech_feat"].shape == (2, 58, 80) and batch["speech_feat_len"].tolist() == [
        58,
        40,
    ]
    assert batch["speech_token"].shape == (2, 17) and batch["speech_token_len"].tolist() == [17, 12]
    assert batch["speech_token"].dtype == torch.int64 and batch["embedding"].shape == (2, 192)
    assert batch["utts"] == ["u0", "u1"]


def test_vocoder_batch_has_pieces_of_one_length_with_their_pitch(tmp_path):
    (batch,) = batches(chain(tmp_path, [row(0, 60), row(1, 8)], "hift"))
    assert (
        batch["speech"].shape == (2, 4096)
        and batch["speech_feat"].shape == (2, 16, 80)
        and batch["pitch_feat"].shape == (2, 16)
    )
    short = batch["utts"].index("u1")
    assert batch["pitch_feat"][short].tolist() == [110.0] * 8 + [0.0] * 8
    assert (batch["speech"][short, 8 * HOP :] == 0).all()


def test_pieces_of_audio_and_pitch_start_together():
    sample = {"speech": torch.arange(100 * HOP)[None], "pitch_feat": np.arange(100)}
    (cut,) = processor.truncate([sample], 10 * HOP, rng=random.Random(3))
    assert (
        cut["pitch_feat"].tolist() == (cut["speech"][0, ::HOP] // HOP).tolist()
        and len(cut["pitch_feat"]) == 10
    )


def test_a_stored_mel_stands_for_that_of_the_audio_and_is_cut_with_it(tmp_path):
    stored = np.arange(60 * 80, dtype=np.float16).tolist()
    (batch,) = batches(chain(tmp_path, [row(0, 60, speech_feat=stored)], "hift"))
    first = batch["speech_feat"][0, 0, 0].item() / 80
    assert batch["speech_feat"].shape == (1, 16, 80) and batch["speech_feat"][0, :, 0].tolist() == [
        80 * (first + i) for i in range(16)
    ]
    sample = {"speech": torch.zeros(1, 10 * HOP), "speech_feat": torch.zeros(8 * 80)}
    (cut,) = processor.truncate([sample], 12 * HOP)
    assert (
        cut["speech_feat"][:8].eq(0).all() and cut["speech_feat"][8:].eq(processor.SILENT_MEL).all()
    )


def test_lm_reads_no_audio_and_learns_rows_without_a_speaker(tmp_path):
    rows = [row(0), row(1, audio_data=None), row(2, no_speaker=True)]
    (batch,) = batches(chain(tmp_path, rows, "llm"))
    assert sorted(batch["utts"]) == ["u0", "u1", "u2"] and "speech_feat" not in batch
    silent = batch["embedding"].norm(dim=1) == 0
    assert [utt for utt, zero in zip(batch["utts"], silent) if zero] == ["u2"]


def test_flow_and_vocoder_leave_out_rows_without_audio_and_keep_every_speaker(tmp_path):
    rows = [row(0), row(1, audio_data=None), row(2, no_speaker=True)]
    for model in ("flow", "hift"):
        (batch,) = batches(chain(tmp_path, rows, model))
        assert sorted(batch["utts"]) == ["u0", "u2"]
        assert batch["embedding"].norm(dim=1).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    "frames, tokens, kept",
    [(345, 100, (100, 344)), (344, 100, (100, 344)), (400, 100, (100, 344)), (100, 100, (29, 99))],
)
def test_tokens_and_mel_end_together(frames, tokens, kept):
    sample = {"speech_feat": torch.zeros(frames, 80), "speech_token": [0] * tokens}
    processor.align(sample, RATE / HOP / 25)
    assert (len(sample["speech_token"]), len(sample["speech_feat"])) == kept


def test_the_last_token_of_24_khz_is_filled_up_so_that_tokens_have_two_frames():
    mel = partial(mel_spectrogram, n_fft=1920, num_mels=80, sampling_rate=24000, hop_size=480,
                  win_size=1920, fmin=0, fmax=None)  # fmt: skip
    sample = {"speech": torch.randn(1, 960 * 9 + 480), "speech_token": [0] * 10}
    (made,) = processor.compute_fbank([sample], mel, token_rate=25, num_frames=960)
    assert len(made["speech_token"]) == 10 and made["speech_feat"].shape == (20, 80)


def test_a_row_without_speech_tokens_is_named():
    rows = [
        {"src": "a.parquet", "utt": "u0", "speech_token": [1]},
        {"src": "a.parquet", "utt": "u1"},
    ]
    passed = processor.compute_whisper_fbank(rows, 960)
    assert next(passed) == rows[0]
    with pytest.raises(ValueError, match="a.parquet.*'u1' has no speech_token"):
        next(passed)


def test_pieces_start_on_a_frame_of_their_rate():
    sample = {"speech": torch.arange(480 * 30)[None], "sample_rate": 24000}
    (cut,) = processor.truncate([sample], 480 * 10, rng=random.Random(1))
    assert cut["speech"][0, 0] % 480 == 0
    with pytest.raises(ValueError, match="multiple of the hop, 480"):
        next(processor.truncate([sample], 256 * 10))


def test_stored_text_tokens_need_no_tokenizer_and_others_are_made():
    rows = [{"text": "ab", "text_token": [7]}, {"text": "ab", "text_token": None}, {"text": "c"}]
    made = []

    class Tokenizer:
        def __init__(self):
            made.append(self)

        def encode(self, text, allowed_special):
            return [ord(c) for c in text]

    assert [r["text_token"] for r in processor.tokenize(rows, Tokenizer, "all")] == [
        [7],
        [97, 98],
        [99],
    ]
    assert len(made) == 1 and list(processor.tokenize(rows[:1], None, "all"))


def test_instructions_become_ids_and_columns_of_a_batch():
    class Tokenizer:
        def encode(self, text, allowed_special):
            return [ord(c) for c in text]

    rows = [
        {"text": "ab", "instruct": words, "speech_token": [1], "utt": "u", **vectors()}
        for words in ("x", "yz")
    ]
    made = list(processor.tokenize(rows, Tokenizer, "all"))
    assert [row["instruct_token"] for row in made] == [[120], [121, 122]]
    (batch,) = processor.padding([made], use_spk_embedding=False)
    assert batch["instruct_token"].tolist() == [[120, 0], [121, 122]]
    assert batch["instruct_token_len"].tolist() == [1, 2]


def vectors():
    return {name: torch.ones(192) for name in ("utt_embedding", "spk_embedding")}


def test_filter_drops_what_is_out_of_bounds():
    short, long = row(0, 10), row(1, 200)
    rows = [
        {**short, "src": "a"},
        {**long, "src": "a"},
        {**short, "text_token": [1] * 9},
        {**short, "speech_token": []},
    ]
    kept = processor.filter(rows, max_length=100, min_length=5, token_max_length=8)
    assert [r["utt"] for r in kept] == ["u0"]


def test_resample_levels_and_drops_low_rates():
    loud = {"speech": torch.full((1, 8), 2.0), "sample_rate": RATE}
    low = {"speech": torch.ones(1, 8), "sample_rate": 8000}
    high = {"speech": torch.ones(1, 2400), "sample_rate": 24000}
    first, second = processor.resample([loud, low, high], RATE)
    assert (
        first["speech"].max() == 1
        and second["speech"].shape == (1, 2205)
        and second["sample_rate"] == RATE
    )


def test_embeddings_have_unit_length_and_one_serves_for_two():
    (first,) = processor.parse_embedding(
        [{"utt_embedding": [3.0, 4.0], "spk_embedding": None}], normalize=True
    )
    assert (
        first["utt_embedding"].tolist()
        == first["spk_embedding"].tolist()
        == pytest.approx([0.6, 0.8])
    )
    with pytest.raises(ValueError, match="a.parquet.*u9.*neither"):
        list(processor.parse_embedding([{"src": "a.parquet", "utt": "u9"}], normalize=True))


def test_pitch_that_is_not_stored_is_measured(tmp_path):
    """The rows' tones have 100 + 10 i Hz."""
    del (rows := [row(0, 60), row(5, 60)])[0]["pitch_feat"], rows[1]["pitch_feat"]
    (batch,) = batches(chain(tmp_path, rows, "hift"))
    wanted = [100.0 + 10 * int(utt[1:]) for utt in batch["utts"]]
    assert batch["pitch_feat"].median(1).values.tolist() == pytest.approx(wanted, rel=0.01)


def test_shuffle_mixes_in_training_alone():
    rows = list(range(20))
    assert list(processor.shuffle(rows, 8, mode="cv")) == rows
    mixed = list(processor.shuffle(rows, 8, rng=random.Random(0)))
    assert mixed != rows and sorted(mixed) == rows


def test_sort_orders_within_blocks():
    assert sizes(processor.sort(mels(5, 3, 4, 2, 1), 3)) == [3, 4, 5, 1, 2]


def test_dynamic_batches_stay_below_the_limit_and_lose_nothing():
    rows = mels(10, 20, 30, 40, 200, 5)
    groups = list(processor.batch(rows, "dynamic", max_frames_in_batch=90, mode="cv"))
    assert [sizes(group) for group in groups] == [[10, 20, 30], [40], [200], [5]]


def test_training_batches_leave_in_random_order():
    rows = mels(*range(1, 31))
    groups = list(processor.batch(rows, "static", batch_size=3, rng=random.Random(0)))
    assert [sizes(g) for g in groups] != sorted(sizes(g) for g in groups) and sorted(
        sum(map(sizes, groups), [])
    ) == list(range(1, 31))
    with pytest.raises(ValueError, match="use static or dynamic"):
        list(processor.batch(rows, "bucket"))


def test_an_epoch_is_repeatable_and_the_next_one_differs(tmp_path):
    data = chain(tmp_path, [row(i) for i in range(12)], "hift", max_frames=32)
    first, again, second = batches(data), batches(data), batches(data, 1)
    assert all(torch.equal(a["speech"], b["speech"]) for a, b in zip(first, again))
    assert [b["utts"] for b in first] != [b["utts"] for b in second]


def test_cached_and_uncached_batches_are_equal(tmp_path):
    rows = [row(i) for i in range(6)]
    kept, read = chain(tmp_path, rows), chain(tmp_path, rows, cache_bytes=0)
    for epoch in (0, 1):
        assert all(
            torch.equal(a["speech_feat"], b["speech_feat"])
            for a, b in zip(batches(kept, epoch), batches(read, epoch))
        )
    assert kept.cache and not read.cache


def test_damaged_files_and_rows_are_named(tmp_path):
    damaged = tmp_path / "bad.parquet"
    damaged.write_bytes(b"PAR1 but no more")
    opener = partial(processor.parquet_opener, mode="train")
    with pytest.raises(ValueError, match="bad.parquet cannot be read as parquet"):
        list(opener([{"src": str(damaged)}]))
    with pytest.raises(FileNotFoundError, match="gone.parquet not found"):
        list(opener([{"src": str(tmp_path / "gone.parquet")}]))
    with pytest.raises(ValueError, match="a.parquet: audio of utterance 'u1' cannot be decoded"):
        batches(chain(tmp_path, [row(0), row(1, audio_data=b"no audio")]))


def test_decoded_audio_is_mono(tmp_path):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.array([[0.5, -0.5], [0.25, 0.25]]), RATE, subtype="FLOAT")
    wav, rate = processor.decode({"audio_data": path.read_bytes()})
    assert wav.tolist() == [[0.0, 0.25]] and rate == RATE
