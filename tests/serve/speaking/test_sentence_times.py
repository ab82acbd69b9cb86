"""Sentence times: how a segment's text is split, and where its sound is."""

import numpy as np
import pytest

from cosyvoice.serve.speaking.record import Record
from cosyvoice.serve.speaking.sentence_times import Segment
from cosyvoice.text.aligned import Aligned
from cosyvoice.text.sentences import sentences_of

RATE = 22050
TEXT = "他说：“你来了！”我点点头。外面下着大雨，街上一个人也没有；屋里却很暖和。"
SPOKEN = [
    (0.8, 0.4),
    (0.9, 0.15),
    (1.2, 0.2),
    (1.3, 0.3),
    (2.2, 0.3),
    (1.9, 0.2),
]  # seconds of each clause and of the pause after it


def pieces(text: str) -> list[tuple[str, str]]:
    """(written, spoken) of each sentence: in capitals, as if letters were read out."""
    return [(piece.text, piece.text.upper()) for piece in sentences_of(Aligned(text))]


def sound(clauses) -> tuple[np.ndarray, np.ndarray]:
    """Noise and pauses; int16 samples, and the sample at which each pause ends."""
    noise, parts = np.random.default_rng(0), []
    for seconds, pause in clauses:
        parts += [noise.normal(0, 3000, int(seconds * RATE)), noise.normal(0, 3, int(pause * RATE))]
    return np.concatenate(parts).astype(np.int16), np.cumsum([len(part) for part in parts])[1::2]


@pytest.mark.parametrize(
    "text, sentences",
    [
        ("你好。很高兴认识你！走吗？好；走", ["你好。", "很高兴认识你！", "走吗？", "好；", "走"]),
        ("他说“走吧。”然后走了……没有回头？！……", ["他说“走吧。”", "然后走了……没有回头？！……"]),
        (
            " Wait! At 3.5 degrees? See example.com; now.",
            ["Wait!", "At 3.5 degrees?", "See example.com;", "now."],
        ),
        (
            'Mr. J. Smith met Prof. Xavier. "Go." He left.',
            ["Mr. J. Smith met Prof. Xavier.", '"Go."', "He left."],
        ),
        ("Pears, plums, etc. are fruit. Eat.", ["Pears, plums, etc. are fruit.", "Eat."]),
        ("一行\n二行", ["一行", "二行"]),
        ("一句", ["一句"]),
        ("", [""]),
    ],
)
def test_text_is_split_at_the_ends_of_sentences(text, sentences):
    assert [written for written, _ in pieces(text)] == sentences


def test_sentences_end_in_the_pauses_after_them_and_not_in_those_of_commas():
    pcm, ends = sound(SPOKEN)
    segment = Segment(0, pieces(TEXT), 1000, RATE)
    segment.add(pcm)
    marks = segment.sentence_times(whole=True)
    assert [text for text, *_ in marks] == [
        "他说：“你来了！”",
        "我点点头。",
        "外面下着大雨，街上一个人也没有；",
        "屋里却很暖和。",
    ]
    assert marks[0].start == 1000 and marks[-1].end == 1000 + len(pcm)
    for (_, _, _, end), stop in zip(marks, (1, 2, 4)):
        assert ends[stop] - SPOKEN[stop][1] * RATE < end - 1000 < ends[stop]


def test_no_sentence_ends_before_the_first_sound():
    pcm, quiet = (
        sound([(0.4, 0.3), (2.0, 0.3)])[0],
        np.random.default_rng(1).normal(0, 3, RATE).astype(np.int16),
    )
    segment = Segment(0, pieces("你好！很高兴认识你们大家。"), 0, RATE)
    segment.add(np.concatenate([quiet, pcm]))
    assert 1.4 * RATE < segment.sentence_times(whole=True)[0].end < 1.7 * RATE


def test_what_is_written_is_shown_and_what_is_spoken_sets_the_times():
    """The second sentence is as short as the first in figures, and much longer in words."""
    sentences = [("一共8个。", "一共八个。"), ("共9999个。", "共九千九百九十九个。")]
    segment = Segment(0, sentences, 0, RATE)
    segment.add(np.zeros(15 * RATE, np.int16))
    first, second = segment.sentence_times(whole=True)
    assert (first.text, first.spoken) == sentences[0] and second.spoken == sentences[1][1]
    assert first.end == second.start == 5 * RATE


@pytest.mark.parametrize("size", [5_000, 20_000, 1_000_000])
@pytest.mark.parametrize("loudness", [0, 1])
def test_while_it_is_spoken_the_sentences_begun_cover_what_is_made(size, loudness):
    pcm, segment, known = sound(SPOKEN)[0] * loudness, Segment(0, pieces(TEXT), 0, RATE), 0
    for begin in range(0, len(pcm), size):
        segment.add(pcm[begin : begin + size])
        for whole in (False, True):
            marks = segment.sentence_times(whole)
            assert marks[0].start == 0 and marks[-1].end == min(begin + size, len(pcm))
            assert all(one.end == other.start for one, other in zip(marks, marks[1:]))
            assert all(mark.start < mark.end for mark in marks)
        known, before = len(segment.sentence_times(whole=False)), known
        assert known >= before
    assert known == len(segment.sentences)


def test_nothing_is_told_of_sentences_that_have_not_begun():
    segment = Segment(0, pieces(TEXT), 0, RATE)
    segment.add(sound(SPOKEN[:1])[0])
    assert [text for text, *_ in segment.sentence_times(whole=False)] == ["他说：“你来了！”"]


def test_a_segment_is_settled_when_the_next_one_begins_or_the_sound_ends():
    record, (pcm, _) = Record("request-1", sample_rate=RATE), sound(SPOKEN)
    for number in (0, 1):
        for part in np.array_split(pcm, 5):
            record.add_chunk({"sentence": number, "sentences": pieces(TEXT)}, part)
    record.finish_segment()
    first, second = record.sentence_times[:4], record.sentence_times[4:]
    assert len(second) == 4 and second == [
        (text, spoken, start + len(pcm), end + len(pcm)) for text, spoken, start, end in first
    ]
    assert record.samples == 2 * len(pcm) == second[-1].end


def test_a_pause_is_no_sentence_and_moves_the_times_of_those_after_it():
    record = Record("request-1", sample_rate=RATE)
    tone, silence = np.full(RATE, 3000, np.int16), np.zeros(RATE // 2, np.int16)
    record.add_chunk({"sentence": 0, "sentences": [("1。", "一。")]}, tone)
    record.add_chunk({"sentence": 1, "sentences": ()}, silence)
    assert record.sentence_times == [("1。", "一。", 0, RATE)]
    record.add_chunk({"sentence": 2, "sentences": [("2。", "二。")]}, tone)
    record.finish_segment()
    second = ("2。", "二。", RATE + RATE // 2, 2 * RATE + RATE // 2)
    assert record.sentence_times == [("1。", "一。", 0, RATE), second]
    assert record.samples == second[-1]
