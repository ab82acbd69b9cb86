"""10,000 mixed operations on voices by 8 callers: no 500, nothing lost, a name is given once.

    python -m tools.stress.voices http://127.0.0.1:9883

Each caller lists, looks at previews, deletes and now and then makes voices of a user of its own. At
the end it checks that exactly its voices are there. Now and then all callers make a voice of one
name for one user at once: one gets 201, the others 409. Needs requests, numpy and soundfile.
"""

import io
import os
import random
import secrets
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import requests
import soundfile

from tools.stress import Row

CALLERS = 8
OPERATIONS = 10_000
RACES = 4  # names that all callers want at once
NAMES = [f"v{i}" for i in range(5)] + ["妈妈"]  # of each caller
SECONDS = 140.0  # the whole run; what is not done by then counts as missing
PATIENCE = 30.0  # seconds for one answer
WEIGHTS = {  # of 100 operations
    "list": 40,
    "openai_list": 15,
    "preview_head": 28,
    "delete_absent": 12,
    "delete": 2,
    "make": 2,
    "make_again": 1,
}


class Caller:
    """One user with voices; `own` is what must be in the store."""

    def __init__(self, url: str, number: int, name: str):
        self.url, self.user_id, self.random = url, f"{name}-{number}", random.Random(number)
        self.shared_user, self.own, self.taken = f"{name}-shared", set(), 0
        self.answers: Counter = Counter()  # (operation, status)
        self.faults: list[str] = []
        self.session = requests.Session()
        if key := os.environ.get("API_KEY"):
            self.session.headers["Authorization"] = f"Bearer {key}"

    def call(self, what: str, method: str, path: str, **options) -> requests.Response:
        """An answer. A busy service is asked again; anything unexpected is a fault."""
        while True:
            answer = self.session.request(method, self.url + path, timeout=PATIENCE, **options)
            self.answers[what, answer.status_code] += 1
            if answer.status_code != 503:
                return answer
            time.sleep(min(1.0, float(answer.headers.get("Retry-After", 1))))

    def expect(self, what: str, wanted: int, answer: requests.Response):
        if answer.status_code != wanted:
            self.faults.append(
                f"{what}: {answer.status_code} instead of {wanted}: {answer.text[:200]}"
            )

    def work(self, operations: int, end: float, gate: threading.Barrier):
        """All operations of this caller, with the races spread among them."""
        pause = operations // (RACES + 1)
        for number in range(1, operations - RACES + 1):
            if time.monotonic() > end:
                gate.abort()
                return
            what = self.random.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
            getattr(self, what)()
            if number % pause == 0:
                self.race(f"race{number // pause}", gate)

    def race(self, name: str, gate: threading.Barrier):
        try:
            gate.wait(SECONDS)
        except threading.BrokenBarrierError:
            return
        answer = self.push(self.shared_user, name)
        self.taken += answer.status_code == 201
        if answer.status_code != 201:
            self.expect("race", 409, answer)

    def push(self, user_id: str, name: str, **fields) -> requests.Response:
        given = {"user_id": user_id, "name": name, "prompt_text": "今天天气很好。", **fields}
        sound = {"prompt_speech_16k": ("take.wav", REFERENCE, "audio/wav")}
        return self.call("make", "POST", "/voices", data=given, files=sound)

    def names(self) -> list[str]:
        answer = self.call("list", "GET", "/voices", params={"user_id": self.user_id})
        self.expect("list", 200, answer)
        return [voice["name"] for voice in answer.json().get("voices", [])]

    def list(self):
        found = self.names()
        if sorted(found) != sorted(self.own):
            self.faults.append(f"list: {sorted(found)} instead of {sorted(self.own)}")

    def openai_list(self):
        answer = self.call(
            "openai_list", "GET", "/v1/audio/voices", params={"user_id": self.user_id}
        )
        self.expect("openai_list", 200, answer)
        if answer.ok and not self.own <= {voice["id"] for voice in answer.json()["voices"]}:
            self.faults.append("openai_list: a voice is missing")

    def preview_head(self):
        path = f"/voices/{self.random.choice(NAMES)}/preview"
        self.expect("preview", 200, self.call("preview", "HEAD", path, params=self.whose))

    @property
    def whose(self) -> dict:
        return {"user_id": self.user_id}

    def delete_absent(self):
        self.expect("delete", 404, self.call("delete", "DELETE", "/voices/none", params=self.whose))

    def delete(self):
        if self.own:
            name = self.random.choice(sorted(self.own))
            answer = self.call("delete", "DELETE", f"/voices/{name}", params=self.whose)
            self.expect("delete", 200, answer)
            self.own.discard(name)

    def make(self):
        """A voice of a name that is free, or a 409 for one that is not."""
        name = self.random.choice(NAMES)
        is_taken = name in self.own
        self.expect("make", 409 if is_taken else 201, self.push(self.user_id, name))
        self.own.add(name)

    def make_again(self):
        name = self.random.choice(NAMES)
        self.expect("make", 201, self.push(self.user_id, name, overwrite="True"))
        self.own.add(name)

    def clean(self):
        for name in self.own:
            self.call("delete", "DELETE", f"/voices/{name}", params=self.whose)


def _reference() -> bytes:
    """4.8 s of words of 0.8 s and pauses of 0.4 s, as 16-bit WAV at 16 kHz."""
    seconds = np.arange(12_800) / 16_000
    word = 0.4 * np.sin(2 * np.pi * (220 - 40 * seconds) * seconds)
    sound = np.concatenate([np.concatenate([word, np.zeros(6_400)])] * 4)
    soundfile.write(file := io.BytesIO(), sound, 16_000, format="WAV")
    return file.getvalue()


REFERENCE = _reference()


def run(url: str, pid: int = 0, operations: int = OPERATIONS) -> list[Row]:
    """The whole load; pid is not used. A service with keys needs its API_KEY in the environment."""
    name, gate, begin = (
        f"stress-{secrets.token_hex(4)}",
        threading.Barrier(CALLERS),
        time.monotonic(),
    )
    callers = [Caller(url, number, name) for number in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        work = [
            pool.submit(caller.work, operations // CALLERS, begin + SECONDS, gate)
            for caller in callers
        ]
    errors = [error for future in work if (error := future.exception())]
    lost = 0
    for caller in callers:
        lost += sorted(caller.names()) != sorted(caller.own)
        caller.clean()
    seconds = time.monotonic() - begin
    callers[0].own, callers[0].user_id = {f"race{i + 1}" for i in range(RACES)}, f"{name}-shared"
    callers[0].clean()
    answers = sum((caller.answers for caller in callers), Counter())
    failures = sum(n for (_, status), n in answers.items() if status >= 500 and status != 503)
    faults = [fault for caller in callers for fault in caller.faults] + [repr(e) for e in errors]
    for fault in faults[:5]:
        print(fault, file=sys.stderr)
    done, won = answers.total(), sum(caller.taken for caller in callers)
    return [
        Row(
            "voice operations",
            f"{operations:,} by {CALLERS} callers within {SECONDS:g} s",
            f"{done:,} in {seconds:.0f} s",
            done >= operations * 0.9,
        ),
        Row("voice operations: 500", "none", str(failures), not failures),
        Row("voice operations: wrong answers", "none", str(len(faults)), not faults),
        Row("voices lost", "none", f"{lost} callers lost some", not lost),
        Row("one name, all callers at once", f"201 {RACES} times", f"{won} times", won == RACES),
    ]


if __name__ == "__main__":
    rows = run(sys.argv[1])
    for row in rows:
        print("ok  " if row.ok else "BAD ", row.kind, row.bar, row.measured, sep=" | ")
    sys.exit(not all(row.ok for row in rows))
