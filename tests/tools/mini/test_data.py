"""The data side of the small model: labels fit the audio they were made for."""

import io
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
import soundfile

from tools.mini.data.pack_parquet import (
    HURRY,
    Joiner,
    hurried,
    pitch_feat,
    plain_row,
    played,
    varied,
)
from tools.mini.data.sentences import CALLED, CALLS, calls  # noqa: E402
from tools.mini.data.teacher import (
    FRAME,
    Teacher,
    cast,
    held_out_voices,
    lone_voice,
    native_voices,
    settle,
    trim,
)
from tools.mini.data.tokens import (
    CONTENTS,
    INDEX,
    LEVELS,
    SOUNDS,
    CodeBook,
    count_samples,
    count_tokens,
    levels,
    make_book,
    pairs_of,
    sounds_on_grid,
    speech_tokens,
    text_positions,
    token_f0,
)

pytestmark = pytest.mark.laboratory

VOICES = [
    "zf_a",
    "zm_b",
    "af_c",
    "am_d",
    "bf_e",
    "jf_f",
    "em_g",
    "zf_xiaoxiao",
    "zf_xiaobei",
    "zm_yunxi",
    "zm_yunjian",
    "zm_yunxia",
    "af_heart",
    "af_nicole",
    "af_kore",
    "bf_emma",
    "am_michael",
    "am_fenrir",
    "am_puck",
    "bm_fable",
]


@pytest.fixture(scope="module")
def book():
    return make_book(
        ["你好，世界。", "A quick brown fox jumps over the lazy dog.", "我爱吃苹果。"],
        {"_": [5], ",": [6], "a": [3]},
    )


def spelt(phonemes, durations):
    """The sounds of the half frames, runs as (sound, length)."""
    runs = []
    for index in sounds_on_grid(phonemes, durations):
        if runs and runs[-1][0] == SOUNDS[index]:
            runs[-1][1] += 1
        else:
            runs.append([SOUNDS[index], 1])
    return [tuple(run) for run in runs]


def test_marks_belong_to_their_vowel_and_diphthongs_have_halves():
    assert spelt("ma→", [2, 3, 4, 5, 1]) == [("_", 4), ("m", 6), ("a", 18), ("_", 2)]
    assert spelt("bˈI", [1, 1, 2, 3, 1]) == [("_", 2), ("b", 2), ("I1", 7), ("I2", 3), ("_", 2)]


def test_a_space_is_shared_but_a_pause_is_silent():
    assert spelt("m n", [1, 1, 2, 1, 1]) == [("_", 2), ("m", 4), ("n", 4), ("_", 2)]
    assert spelt("m, n", [1, 1, 2, 2, 1, 1]) == [("_", 2), ("m", 2), ("_", 6), ("n", 4), ("_", 2)]


def test_tokens_cover_the_audio_to_half_a_token():
    durations = [5, 3, 4, 7, 2]
    samples = count_samples(durations)
    pairs = pairs_of("ma,", durations)
    assert len(pairs) == count_tokens(samples) and abs(len(pairs) * 882 - samples) <= 441


def test_the_book_has_every_steady_pair_and_finds_near_ones(book):
    assert len(book.pairs) <= CONTENTS
    for sound in SOUNDS:
        assert book.pairs[book.content[INDEX[sound], INDEX[sound]]].tolist() == [INDEX[sound]] * 2
    b, p = INDEX["b"], INDEX["p"]
    assert INDEX["_"] not in book.pairs[book.content[b, p]]


def test_the_book_comes_back_from_its_file_and_refuses_another_alphabet(book, tmp_path):
    book.save(tmp_path / "book.json")
    assert (CodeBook.load(tmp_path / "book.json").content == book.content).all()
    (tmp_path / "other.json").write_text(
        (tmp_path / "book.json").read_text("utf-8").replace('"sounds": ["_"', '"sounds": ["%"'),
        "utf-8",
    )
    with pytest.raises(ValueError, match="other sounds"):
        CodeBook.load(tmp_path / "other.json")


def test_pitch_levels_are_whole_tones_around_the_base():
    assert levels(np.array([200.0]), 200.0)[0] in (3, 4)
    assert (levels(200 * 2 ** (np.arange(-4, 4) / 6 + 1 / 24), 200) == np.arange(8)).all()
    assert levels(np.array([20.0, 2000.0]), 200.0).tolist() == [0, LEVELS - 1]
    assert (levels(np.zeros(3), 200) == levels(np.full(3, 200.0), 200)).all()


def test_unvoiced_tokens_take_their_neighbours_pitch():
    f0 = np.concatenate(
        [np.full(16, 5.0), np.full(16, 100.0), np.full(16, 5.0), np.full(16, 200.0)]
    )
    filled, voiced = token_f0(f0, 20)
    assert (
        filled[0] == pytest.approx(100)
        and filled[-1] == pytest.approx(200)
        and 100 < filled[12] < 200
    )
    assert not voiced[:5].any() and voiced[5:10].all() and not voiced[11:14].any()
    assert (token_f0(np.full(16, 5.0), 5)[0] == 0).all()


def test_an_instructed_shift_shows_in_the_levels(book):
    f0 = np.full(64, 200.0)
    row = {"phonemes": "ma→", "durations": [4, 8, 8, 8, 4], "f0": f0}
    plain, high = (
        speech_tokens({**row, "f0": f0 * shift}, book, 206.0) for shift in (1.0, 2 ** (1 / 3))
    )
    assert (high // LEVELS == plain // LEVELS).all() and (high % LEVELS - plain % LEVELS == 2).all()


def test_trimming_keeps_labels_and_audio_together():
    durations = np.array([20, 4, 6, 10, 2])
    loud = np.zeros(42)
    loud[18:30] = 1.0
    wav, f0 = np.repeat(loud, FRAME).astype(np.float32), np.arange(84.0)
    wav, trimmed, f0 = trim(wav, durations, f0, "ma.", (4, 5))
    assert len(wav) == trimmed.sum() * FRAME and len(f0) == 2 * trimmed.sum()
    assert trimmed.tolist() == [
        4,
        6,
        6,
        5,
        0,
    ]  # two frames that sound in the pad are m's; 4 and 5 frames of silence stay
    assert f0[0] == 28


def test_a_pause_gets_the_silence_its_last_sound_was_stretched_over():
    silent = np.array([True] * 3 + [False] * 6 + [True] * 5 + [False] * 4)
    assert settle(np.array([3, 2, 9, 0, 2, 2]), silent, "an,m").tolist() == [3, 2, 4, 5, 2, 2]


def test_pitch_feat_is_what_is_heard_not_what_the_teacher_meant():
    pytest.importorskip("parselmouth")
    told = np.concatenate(
        [np.full(40, 5.0), np.full(120, 150.0)]
    )  # half a second of silence, then 150 Hz, at 80 Hz
    seconds = np.arange(2 * 22050) / 22050
    tone = np.where(
        (seconds > 0.5) & (seconds < 1.5),
        sum(np.sin(2 * np.pi * 160 * k * seconds) / k for k in range(1, 6)),
        0,
    )
    file = io.BytesIO()
    soundfile.write(file, 0.1 * tone, 22050, format="FLAC")
    pitch = pitch_feat(file.getvalue(), told)
    assert len(pitch) == 2 * 22050 // 256
    assert (
        np.allclose(pitch[48:124], 160, rtol=0.01)
        and not pitch[:38].any()
        and not pitch[134:].any()
    )


def test_joined_rows_are_of_one_speaker_and_without_audio():
    def row(name, speaker, no_speaker=False):
        return {
            "utt": name,
            "spk": speaker,
            "text": name,
            "text_token": [1],
            "speech_token": np.array([7, 8]),
            "audio_data": b"x",
            "text_position": np.array([0, 0]),
            "pitch_feat": None,
            "no_speaker": no_speaker,
        }

    joiner = Joiner(np.random.default_rng(0))
    joined = [j for i in range(40) for j in joiner.rows(row(f"u{i}", "ab"[i % 2], i % 5 == 0))]
    assert 12 < len(joined) < 32 and any(len(set(r["utt"].split("+"))) == 1 for r in joined)
    for r in joined:
        first, second = (int(name[1:]) for name in r["utt"].split("+"))
        assert first % 2 == second % 2 and first % 5 and second % 5
        assert (
            r["audio_data"] is None
            and r["text_token"] == [1, 1]
            and r["speech_token"].tolist() == [7, 8, 7, 8]
        )
        assert r["text_position"].tolist() == [0, 0, 1, 1]


def test_a_varied_row_keeps_its_symbols_and_their_pitch():
    durations = [4, 3, 0, 5, 40, 6]
    before = {"durations": durations, "f0": np.repeat(np.arange(6.0), 2 * np.array(durations))}
    rows = [varied(before, np.random.default_rng(seed)) for seed in range(20)]
    assert len({sum(row["durations"]) for row in rows}) > 5
    for row in rows:
        assert row["durations"][2] == 0 and 36 <= row["durations"][4] <= 43
        assert np.array_equal(row["f0"], np.repeat(np.arange(6.0), 2 * np.array(row["durations"])))


def test_half_of_the_speakers_are_in_another_hurry_than_the_teacher():
    rows = hurried(
        [{"speaker": str(i % 400), "durations": [4]} for i in range(800)], np.random.default_rng(0)
    )
    paces = np.array([row["pace"] for row in rows[:400]])
    assert paces.tolist() == [row["pace"] for row in rows[400:]]  # a speaker has one
    assert (
        150 < (paces == 1).sum() < 250
        and paces.min() >= HURRY[0]
        and paces.max() <= HURRY[1]
        and np.ptp(paces) > 0.7
    )


def test_a_row_of_prosody_in_a_hurry_says_the_same_in_fewer_tokens(book):
    said, durations = "ni→xau→", [4, 8, 8, 0, 8, 8, 8, 0, 4]
    row = {
        "id": 3,
        "speaker": "a",
        "instruct": "",
        "audio": b"",
        "text": "你好",
        "phonemes": said,
        "durations": durations,
        "f0": np.repeat(np.linspace(180, 220, 9), 2 * np.array(durations)),
    }
    usual, fast = (
        plain_row(given, book, 200.0, {}, {"a": np.eye(192)[0]})
        for given in (row, {**row, "pace": 1.5})
    )
    assert (
        len(fast["speech_token"])
        == round(len(usual["speech_token"]) / 1.5)
        == len(fast["text_position"])
    )
    contents = [
        [content for content, _ in groupby(book.pairs[r["speech_token"] // LEVELS].ravel())]
        for r in (usual, fast)
    ]
    assert contents[0] == contents[1] and set(fast["text_position"]) == set(usual["text_position"])
    assert (
        fast["text_token"] == usual["text_token"]
        and np.ptp(fast["speech_token"] % LEVELS) == np.ptp(usual["speech_token"] % LEVELS) > 0
    )


def test_text_positions_follow_the_durations_and_pads_count_to_their_neighbours():
    assert text_positions([4, 8, 0, 8, 4]).tolist() == [0] * 7 + [2] * 8  # 24 frames of 25 ms


def test_held_out_voices_are_ten_and_ten_mixes_of_them():
    bases, mixes = held_out_voices()
    assert len(bases) == len(mixes) == 10
    assert {voice for blend in mixes.values() for voice in blend} <= set(bases)


def test_the_cast_is_seeded_and_borrows_prosody_in_reach():
    pitches = {name: 120.0 if name[1] == "m" else 210.0 for name in VOICES}
    speakers = cast(VOICES, pitches, 3)
    assert speakers == cast(VOICES, pitches, 3) and speakers != cast(VOICES, pitches, 4)
    assert len({s.name for s in speakers}) == len(speakers)
    foreign = next(s for s in speakers if s.name == "jf_f")
    assert all(voice[0] == "z" and voice[1] == "f" for voice in foreign.prosody["zh"])
    assert native_voices("z", {"jf_f": 1.0}, 999.0, VOICES, pitches)[0][0] == "z"


def test_a_lone_voice_is_its_blend_scattered_the_same_way_each_time():
    pitches, rng = (
        {name: 120.0 if name[1] == "m" else 210.0 for name in VOICES},
        np.random.default_rng(0),
    )
    voice, teacher = lone_voice(7, VOICES, pitches, rng), object.__new__(Teacher)
    teacher.packs = {name: rng.standard_normal((510, 256)) for name in VOICES}
    teacher.mean, teacher.deviation = np.zeros((510, 256)), np.ones((510, 256))
    style = teacher.style(voice, "zh", 12)
    off = style - teacher.style(replace(voice, scatter=0.0), "zh", 12)
    assert off[0, :128].std() == pytest.approx(voice.scatter, rel=0.3) and not off[0, 128:].any()
    assert (teacher.style(voice, "zh", 12) == style).all() and lone_voice(
        8, VOICES, pitches, rng
    ) != voice


def test_speech_played_faster_has_fewer_tokens_of_the_same_sounds_and_its_own_pitch(book):
    durations = [8, 40, 40, 8]
    wav = np.sin(2 * np.pi * 200 * np.arange(count_samples(durations)) / 22050)
    file = io.BytesIO()
    soundfile.write(file, 0.1 * wav, 22050, format="FLAC")
    row = {
        "phonemes": "am",
        "durations": durations,
        "f0": np.full(192, 200.0),
        "speaker": "a",
        "audio": file.getvalue(),
    }
    other = played(row, 1.25)
    heard, rate = soundfile.read(io.BytesIO(other["audio"]))
    assert (
        rate == 22050
        and len(heard) == pytest.approx(len(wav) / 1.25, abs=2)
        and (other["f0"] == 250).all()
    )
    spectrum = np.abs(np.fft.rfft(heard))
    assert spectrum.argmax() * 22050 / len(heard) == pytest.approx(250, abs=1)
    slow, fast = speech_tokens(row, book, 200.0), speech_tokens(other, book, 250.0)
    assert len(slow) == 60 and len(fast) == 48
    assert [token for token, _ in groupby(slow)] == [token for token, _ in groupby(fast)]
    assert text_positions(durations, 1.25).tolist() == [0] * 24 + [1] * 24


def test_interjections_go_on_counting_and_are_all_asked_for_alike():
    rows = calls(1400)
    assert [row["id"] for row in rows] == list(range(1400, 1400 + CALLED))
    assert {row["text"] for row in rows} == {call + end for call in CALLS for end in "。！？"}
    asked = [sum(row["text"][0] == call for row in rows) for call in CALLS]
    assert min(asked) == max(asked) == CALLED // len(CALLS)
