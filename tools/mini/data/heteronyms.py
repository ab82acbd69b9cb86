"""Weights of cosyvoice/tokenizer/heteronyms.py, trained on marked sentences.

DATA is the folder `data` of WikipediaHomographData (Gorman et al. 2018, Apache-2.0); heteronyms.tsv
beside this file has sentences of ours of kinds that an encyclopedia lacks: requests, questions,
talk. It prints the share right on the data's own test sentences. Needs scikit-learn.

    python -m tools.mini.data.heteronyms --data DATA
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

from cosyvoice.tokenizer.english import OWN_SENSES, sentences_of
from cosyvoice.tokenizer.heteronyms import features

ASSET = Path(__file__).parents[3] / "cosyvoice/tokenizer/assets/heteronyms.txt"
OURS_FOR_ONE, OURS_FOR_ALL = 2.0, 0.3  # how much a sentence of ours counts
OURS = Path(__file__).with_suffix(".tsv")
STRENGTH = 1.5  # inverse of the L1 penalty: smaller makes fewer weights
# The labels of the data that are the second sense; of others, those that end so.
SECOND = {
    "lead_nou", "bass_corp", "bow_nou-ship", "row_2", "sow_nou", "dove_vrb", "tear_vrb",
    "read_past", "wound_vrb", "content_nou", "invalid_nou", "minute_adj", "learned_adj",
    "aged_adj", "blessed_adj", "isolate", "affect", "compress", "transform", "rerelease_vrb",
    "intrigue_nou-vrb", "correlate_nou-vrb",
}  # fmt: skip
SECOND_ENDS = "_vrb"
# Words of the data whose senses are told by capitals, or not at all here
LEFT_OUT = set(
    """august axes analyses bologna celtic diagnoses expose increment instrument jesus job mate
mobile nestle pasty polish ravel reading rodeo sake""".split()
)

Sample = tuple[str, list[str], int, bool]  # word, sentence, place, whether it is the second sense


def samples_of_data(folder: Path) -> list[Sample]:
    found = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                if row["homograph"] not in LEFT_OUT:
                    found += sample(row)
    return found


def sample(row: dict) -> list[Sample]:
    text = row["sentence"].encode()
    before = text[: int(row["start"])].decode()
    word = text[int(row["start"]) : int(row["end"])].decode()
    after = text[int(row["end"]) :].decode()
    second = row["wordid"] in SECOND or row["wordid"].endswith(SECOND_ENDS)
    return marked(row["homograph"], before, word, after, second)


def marked(name: str, before: str, word: str, after: str, second: bool) -> list[Sample]:
    for sentence, places in sentences_of(f"{before} {word} {after}"):
        for position, place in places:
            if position == len(before) + 1:
                return [(name, sentence, place, second)]
    return []


def our_samples(words: list[str]) -> list[Sample]:
    found = []
    for line in OURS.read_text("utf-8").splitlines()[1:]:
        sense, which, text = line.split("\t")
        before, after = text.split("*", 1)
        for word in words if which == "all" else which.split():
            found += marked(word, before, word, after, sense == "2")
    return found


def named(item: Sample, shared: bool) -> list[str]:
    word, sentence, place, _ = item
    names = features(sentence, place)
    return [f"{word}|{name}" for name in names] + (names if shared else [])


def train(samples: list[Sample], weight_of_ours: list[float]) -> dict[str, float]:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = DictVectorizer()
    matrix = vectors.fit_transform(
        [dict.fromkeys(named(item, item[0] not in OWN_SENSES), 1.0) for item in samples]
    )
    matrix.indices, matrix.indptr = matrix.indices.astype("int32"), matrix.indptr.astype("int32")
    model = LogisticRegression(
        l1_ratio=1, C=STRENGTH, solver="liblinear", fit_intercept=False, max_iter=200
    )
    model.fit(matrix, [item[3] for item in samples], weight_of_ours)
    return {
        name: weight
        for name, weight in zip(vectors.get_feature_names_out(), model.coef_[0])
        if abs(weight) >= 0.05
    }


def right_share(weights: dict[str, float], samples: list[Sample]) -> tuple[float, Counter]:
    wrong: Counter = Counter()
    for item in samples:
        total = sum(weights.get(name, 0.0) for name in named(item, item[0] not in OWN_SENSES))
        wrong[item[0]] += (total > 0) != item[3]
    return 1 - wrong.total() / len(samples), wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    train_set, test_set = (samples_of_data(data / part) for part in ("train", "eval"))
    shared = sorted({item[0] for item in train_set} - set(OWN_SENSES))
    ours = our_samples(shared[::4])
    counts = [1.0 if item[0] in OWN_SENSES else OURS_FOR_ALL for item in ours]
    weights = train(train_set + ours, [1.0] * len(train_set) + [OURS_FOR_ONE * n for n in counts])
    share, wrong = right_share(weights, test_set)
    print(f"{len(weights)} weights, {share:.1%} of {len(test_set)} test sentences right")
    print(wrong.most_common(25))
    lines = [f"{name}\t{round(100 * weight)}" for name, weight in sorted(weights.items())]
    ASSET.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{ASSET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
