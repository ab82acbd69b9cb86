"""How many sentences have a word swallowed or added, without VERIFY and with it.

    python -m tools.verify_figures --model pretrained_models/CosyVoice-Mini-25Hz --work WORK \\
        [--limit 0.05] [--json FILE]

Speaks the 100 sentences of verify_sentences.txt (50 Chinese, 50 English) with the speakers of the
model in turn, a seed for each, and again with the sounds of its tokens read back. An ASR, which
takes no part in that, judges both: tools/judges.py, which keeps its weights in WORK.

An error is a word that the ASR's text lacks or has beside those of the text (syllables in Chinese,
by pinyin without tone), in an alignment with as few of them as possible. A word replaced by
another is counted apart: it was not swallowed, but said or heard unclearly.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from cosyvoice.cli.cosyvoice import AutoModel
from cosyvoice.cli.verify import SoundReader, Verifier
from cosyvoice.serve.config import VERIFY_LIMIT
from cosyvoice.text.heard import units
from tools.judges import Judges, to_judge_rate

SENTENCES = Path(__file__).with_name("verify_sentences.txt")
SEEDS_APART = 3000  # of two sentences


def changes(expected: list[str], found: list[str]) -> dict[str, int]:
    """Units missing, added and replaced, in a best alignment with the most replacements."""
    row = [(j, j, 0, j, 0) for j in range(len(found) + 1)]  # cost, unpaired, missing, added, other
    for i, wanted in enumerate(expected, 1):
        above, row = row, [(i, i, i, 0, 0)]
        for j, got in enumerate(found, 1):
            cost, lone, missing, added, other = above[j - 1]
            wrong = int(wanted != got)
            paired = (cost + wrong, lone, missing, added, other + wrong)
            cost, lone, missing, added, other = above[j]
            left_out = (cost + 1, lone + 1, missing + 1, added, other)
            cost, lone, missing, added, other = row[-1]
            more = (cost + 1, lone + 1, missing, added + 1, other)
            row.append(min(paired, left_out, more))
    return dict(zip(("missing", "added", "replaced"), row[-1][2:]))


def speak(engine, text: str, speaker: str, seed: int) -> dict:
    """The speech of one sentence, its CPU seconds and, with a verifier, its score and tries."""
    begin = time.process_time()
    chunks = list(engine.inference_sft(text, speaker, seed=seed))
    cpu = time.process_time() - begin
    speech = torch.cat([chunk["tts_speech"] for chunk in chunks], 1)[0].numpy()
    last = chunks[-1]
    return {"speech": speech, "cpu": cpu, "score": last.get("score"), "tries": last.get("tries", 1)}


def judge(judges: Judges, made: dict, text: str, rate: int) -> dict:
    language = "zh" if text[0] > "z" else "en"
    heard = judges.transcribe(to_judge_rate(made.pop("speech"), rate), language)
    return {**made, "heard": heard, **changes(units(text, language), units(heard, language))}


def compare(engine, judges: Judges, texts: list[str], limit: float) -> list[dict]:
    """A row for each sentence: its text, and what was made and heard of it both ways."""
    verifier = Verifier(SoundReader.of(engine.model_dir), limit)
    speakers, rows = engine.list_available_spks(), []
    for number, text in enumerate(texts):
        request = text, speakers[number % len(speakers)], SEEDS_APART * number
        row = {"text": text}
        for name, reader in (("without", None), ("with", verifier)):
            engine.verifier = reader
            made = speak(engine, *request)
            row[name] = judge(judges, made, text, engine.sample_rate)
        rows.append(row)
    return rows


def table(rows: list[dict]) -> str:
    lines = ["| | sentences | a word missing or added | any word wrong | tries | CPU s |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for language, is_in in (
        ("Chinese", lambda text: text[0] > "z"),
        ("English", lambda text: text[0] <= "z"),
        ("both", bool),
    ):
        chosen = [row for row in rows if is_in(row["text"])]
        for name in ("without", "with"):
            found = [row[name] for row in chosen]
            errors = sum(each["missing"] + each["added"] > 0 for each in found)
            wrong = sum(each["missing"] + each["added"] + each["replaced"] > 0 for each in found)
            tries, cpu = (sum(each[what] for each in found) for what in ("tries", "cpu"))
            lines.append(
                f"| {language}, {name} | {len(found)} | {errors} | {wrong} | {tries} | {cpu:.0f} |"
            )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="model directory")
    parser.add_argument("--work", type=Path, required=True, help="folder for the judge's weights")
    parser.add_argument("--limit", type=float, default=VERIFY_LIMIT)
    parser.add_argument("--json", type=Path, help="also write each sentence's facts there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    texts = SENTENCES.read_text("utf-8").splitlines()
    rows = compare(AutoModel(args.model), Judges(args.work), texts, args.limit)
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main()
