"""What a service bears: more and more callers who listen at the pace of playback.

    python -m tools.bench_load --url http://host:9883              # a running service
    python -m tools.bench_load --servers uvicorn nginx ray-2       # started here, one after another
    python -m tools.bench_load --servers --model DIR --json load.json    # all that can be started
    python -m tools.bench_load --url URL --pid PID --folder output --soak 5000 --mixed

Each caller asks, listens to the end and asks again. A listener plays sound as it comes, keeps at
most --ahead seconds, and notes when none is left. One that is told to come back (503) does so. A
service with keys needs its API_KEY in the environment. Prints Markdown.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import requests

from tools.servers import APP, FAKE, SERVERS, missing, service, usage

PATIENCE = 600.0  # seconds that a listener waits for the next sound
STARTS_WITH = 0.2  # seconds of sound with which a player begins
HEALTH_SECONDS = 0.1  # between two looks at /health
SETTLE_SECONDS = 5.0  # after a soak, before the last look
TOLD_EVERY = 100  # requests of a soak
STATES = "requests"  # a folder of files that are kept for an hour
MAX_PAUSE = 10.0  # seconds; a caller comes back sooner than it is told, if that is later
MODEL = "pretrained_models/CosyVoice-Mini-25Hz"
TEXTS = (
    "你好。",
    "今天天气很好，我们去公园走走吧。",
    "Nice to meet you. We have not met before.",
    "清晨的风从山谷里吹来，带着青草和泥土的气息。新的一天，就从这一句问候开始。",
    "The train leaves at half past nine, and it will take us about three hours to get there.",
)
SPOKEN = "今天天气很好，我们去公园走走吧。"  # in the reference of the clones


class Player:
    """Plays at the pace of the clock what has come; counts the seconds without sound.

    now: when its methods are called, seconds of any clock.
    """

    def __init__(self):
        self.seconds = 0.0  # of sound that has come
        self.empty_at: float | None = None  # when all of it will have been played
        self.dry_seconds = 0.0

    def take(self, seconds: float, now: float):
        """More sound has come."""
        self.seconds += seconds
        if self.empty_at is not None:
            self.dry_seconds += max(0.0, now - self.empty_at)
            self.empty_at = max(now, self.empty_at) + seconds
        elif self.seconds >= STARTS_WITH:
            self.empty_at = now + self.seconds

    def ahead(self, now: float) -> float:
        """Seconds of sound that are not played yet."""
        return max(0.0, self.empty_at - now) if self.empty_at is not None else 0.0


@dataclass
class Heard:
    """One request that was answered. Times are those of time.perf_counter()."""

    asked: float
    first: float = 0.0  # when the first sound came
    seconds: float = 0.0  # of sound
    dry: float = 0.0  # seconds without sound in the middle
    failure: str = ""  # a status or the name of an error


@dataclass
class Level:
    """What one number of callers met. Seconds, unless said otherwise."""

    server: str
    callers: int
    requests: int
    first_median: float
    first_95: float
    stuttered: int  # listeners whose sound ran dry
    dry: float  # of all of them
    throughput: float  # seconds of sound per second
    per_cpu: float  # seconds of sound per CPU second; 0 unless the process is known
    refused: int  # answers 503 with Retry-After, after which the caller came back
    health_95: float
    memory: float  # MB, 0 unless the process is known
    overtaken: int  # most requests that were sent later and heard earlier
    failures: dict[str, int] = field(default_factory=dict)


HEAD = (
    "server", "callers", "requests", "first sound, median", "95 %", "stuttered (s dry)",
    "sound per s", "per CPU s", "told 503", "failed", "/health, 95 %", "memory", "overtaken by",
)  # fmt: skip


def row(level: Level) -> str:
    failed = ", ".join(f"{count} x {name}" for name, count in level.failures.items())
    cells = (
        level.server, level.callers, level.requests, f"{level.first_median:.2f} s",
        f"{level.first_95:.2f} s", f"{level.stuttered} ({level.dry:.1f})",
        f"{level.throughput:.1f}", f"{level.per_cpu:.1f}" if level.per_cpu else "-",
        level.refused, failed or 0, f"{level.health_95 * 1000:.0f} ms",
        f"{level.memory:.0f} MB" if level.memory else "-", level.overtaken,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0


def most_overtaken(heard: list[Heard], grace: float = 0.05) -> int:
    """The most requests that were sent later than one of these and heard earlier."""
    return max(
        (
            sum(
                other.asked > each.asked + grace and other.first < each.first - grace
                for other in heard
            )
            for each in heard
        ),
        default=0,
    )


class Load:
    """Callers of one service. texts, modes: taken in turn. streamed: share of streamed requests."""

    def __init__(self, url: str, options: argparse.Namespace):
        self.url, self.options = url.rstrip("/"), options
        self.session = requests.Session()
        # a kept connection may be closed by the server just when it is used again
        self.session.headers["Connection"] = "close"
        if key := os.environ.get("API_KEY"):
            self.session.headers["Authorization"] = f"Bearer {key}"
        self.sample_rate = self.session.get(f"{self.url}/ready", timeout=60).json()["sample_rate"]
        self.reference = self._reference() if set(options.modes) - {"preset"} else b""
        self.refused = 0
        self.guard = threading.Lock()

    def _reference(self) -> bytes:
        """A WAV to clone, spoken by the service itself."""
        fields = self._fields("preset", SPOKEN, False)
        answer = self.session.post(f"{self.url}/generate_audio", data=fields, timeout=PATIENCE)
        answer.raise_for_status()
        return answer.content

    def _fields(self, mode: str, text: str, is_streamed: bool) -> dict[str, str]:
        names = {"preset": "预训练音色", "clone": "3s极速复刻", "cross": "跨语种复刻"}
        fields = {"mode": names[mode], "tts_text": text, "stream": str(is_streamed)}
        if mode == "preset":
            fields["spk_id"] = self.options.speaker
        elif mode == "clone":
            fields["prompt_text"] = SPOKEN
        return fields

    def job(self, number: int) -> tuple[dict[str, str], dict, bool]:
        """The fields and files of a request, and whether it is streamed; the same each run."""
        choice = random.Random(number)
        is_streamed = choice.random() < self.options.streamed
        mode = self.options.modes[number % len(self.options.modes)]
        text = self.options.texts[choice.randrange(len(self.options.texts))]
        files = {} if mode == "preset" else {"prompt_speech_16k": ("reference.wav", self.reference)}
        return self._fields(mode, text, is_streamed), files, is_streamed

    def listen(self, number: int) -> Heard:
        """One request, from asking to the end of its sound; asked again while it is refused."""
        fields, files, is_streamed = self.job(number)
        while True:
            heard = Heard(time.perf_counter())
            try:
                with self.session.post(
                    f"{self.url}/generate_audio", data=fields, files=files, stream=True,
                    timeout=PATIENCE,
                ) as answer:  # fmt: skip
                    if not (answer.status_code == 503 and "Retry-After" in answer.headers):
                        return self._hear(answer, heard, is_streamed)
                    pause = min(MAX_PAUSE, float(answer.headers["Retry-After"]))
            except requests.RequestException as error:
                heard.failure = type(error).__name__
                return heard
            with self.guard:
                self.refused += 1
            time.sleep(pause)

    def _hear(self, answer: requests.Response, heard: Heard, is_streamed: bool) -> Heard:
        if not answer.ok:
            heard.failure = str(answer.status_code)
            return heard
        per_second = self.options.kbps * 125 if is_streamed else self.sample_rate * 2
        player = Player()
        for block in answer.iter_content(None):
            now = time.perf_counter()
            heard.first = heard.first or now
            player.take(len(block) / per_second, now)
            time.sleep(max(0.0, player.ahead(now) - self.options.ahead))
        heard.seconds, heard.dry = player.seconds, player.dry_seconds if is_streamed else 0.0
        return heard

    @contextmanager
    def health(self) -> Iterator[list[float]]:
        """Seconds that /health took, asked again and again until the end of the block."""
        took: list[float] = []
        ended = threading.Event()

        def look():
            while not ended.wait(HEALTH_SECONDS):
                begin = time.perf_counter()
                self.session.get(f"{self.url}/health", timeout=PATIENCE)
                took.append(time.perf_counter() - begin)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield took
        finally:
            ended.set()
            thread.join()

    def run(
        self, callers: int, count: int, on_each: Callable[[], None] = lambda: None
    ) -> tuple[list[Heard], list[float], float]:
        """What each of `count` requests met, what /health took, and the seconds of it all."""
        self.refused = 0
        begin = time.perf_counter()
        heard = []
        with self.health() as took, ThreadPoolExecutor(callers) as pool:
            for each in pool.map(self.listen, range(count)):
                heard.append(each)
                on_each()
        return heard, took, time.perf_counter() - begin


def measure(load: Load, server: str, callers: int, pid: int | None) -> Level:
    """One row: so many callers at once."""
    before = usage(pid) if pid else {"cpu": 0.0}
    count = max(load.options.least, callers * load.options.requests)
    heard, took, seconds = load.run(callers, count)
    after = usage(pid) if pid else {"cpu": 0.0, "memory": 0.0}
    served = [each for each in heard if not each.failure]
    firsts = [each.first - each.asked for each in served]
    sound, cpu = sum(each.seconds for each in served), after["cpu"] - before["cpu"]
    return Level(
        server, callers, len(heard),
        statistics.median(firsts) if firsts else 0.0, quantile(firsts, 0.95),
        sum(each.dry > 0 for each in served), sum(each.dry for each in served),
        sound / seconds, sound / cpu if cpu else 0.0, load.refused, quantile(took, 0.95),
        after["memory"], most_overtaken(served),
        dict(Counter(each.failure for each in heard if each.failure)),
    )  # fmt: skip


def soak(load: Load, pid: int | None, folder: Path | None) -> list[dict]:
    """Many requests; what the process and its folder hold after each hundred, and at the end."""
    rows: list[dict] = []
    done = 0

    def look():
        held = usage(pid) if pid else {}
        held.pop("cpu", None)
        if folder:
            held["left"] = sum(STATES not in path.parts for path in folder.rglob("*"))
        rows.append({"requests": done, **held})
        print(f"| {' | '.join(f'{value:.0f}' for value in rows[-1].values())} |", flush=True)

    def count():
        nonlocal done
        done += 1
        if done % TOLD_EVERY == 0:
            look()

    print(
        "memory in MB; left: files and folders in --folder, without states of requests\n\n"
        "| requests | memory | threads | files | left |\n|---|---|---|---|---|"
    )
    look()
    heard, took, seconds = load.run(load.options.soak_callers, load.options.soak, count)
    time.sleep(SETTLE_SECONDS)
    look()
    failures = dict(Counter(each.failure for each in heard if each.failure))
    print(
        f"\n{len(heard)} requests in {seconds:.0f} s, {load.refused} told 503, failed: "
        f"{failures or 0}, /health 95 %: {quantile(took, 0.95) * 1000:.0f} ms"
    )
    return rows


def ramp(load: Load, server: str, pid: int | None) -> list[Level]:
    load.listen(0)  # what the first request alone has to wait for is not of interest here
    levels = []
    for callers in load.options.callers:
        levels.append(measure(load, server, callers, pid))
        print(row(levels[-1]), flush=True)
    return levels


def run_servers(options: argparse.Namespace) -> Iterator[tuple[str, str, int, Path]]:
    """(server, address, process id, its folder) of each that can be started here."""
    for server in options.servers or SERVERS:
        if lacking := missing(server):
            print(f"{server} is left out: {lacking} is not here", file=sys.stderr)
            continue
        settings = {"MAX_QUEUE": str(options.max_queue)}
        app = FAKE if options.fake else APP
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            model = folder if options.fake else options.model
            with service(server, model, Path(folder), app, **settings) as (url, pid):
                yield server, url, pid, Path(folder) / "output"


def main(argv: list[str] | None = None):
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench_load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--url", help="of a running service")
    parser.add_argument("--pid", type=int, help="of that service, to see what it uses (Linux)")
    parser.add_argument("--folder", type=Path, help="OUTPUT_DIR of that service, for --soak")
    parser.add_argument(
        "--servers", nargs="*", choices=SERVERS, help="start these; without a name all of them"
    )
    parser.add_argument("--model", default=MODEL, help="for the services that are started")
    parser.add_argument("--fake", action="store_true", help="start them with the tests' engine")
    parser.add_argument("--max_queue", type=int, default=64, help="MAX_QUEUE of those")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64])
    parser.add_argument("--requests", type=int, default=2, help="of each caller")
    parser.add_argument("--least", type=int, default=8, help="requests at each step")
    parser.add_argument("--texts", type=Path, help="file with a text on each line")
    parser.add_argument("--modes", nargs="+", choices=["preset", "clone", "cross"])
    parser.add_argument("--streamed", type=float, default=1.0, help="share; the others are WAV")
    parser.add_argument(
        "--mixed", action="store_true", help="all modes, and a quarter of the answers are WAV"
    )
    parser.add_argument("--speaker", default="中文女")
    parser.add_argument("--kbps", type=int, default=96, help="MP3_BITRATE of the service")
    parser.add_argument("--ahead", type=float, default=5.0, help="seconds that listeners keep")
    parser.add_argument("--soak", type=int, help="so many requests instead of the ramp")
    parser.add_argument("--soak_callers", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(argv)
    if (options.url is None) == (options.servers is None):
        parser.error("give --url or --servers")
    options.modes = options.modes or (["preset", "clone", "cross"] if options.mixed else ["preset"])
    options.streamed = 0.75 if options.mixed else options.streamed
    options.texts = options.texts.read_text("utf-8").splitlines() if options.texts else TEXTS
    if not options.soak:
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    places = (
        [(options.url, options.url, options.pid, options.folder)]
        if options.url
        else run_servers(options)
    )
    figures: list[dict] = []
    for server, url, pid, folder in places:
        load = Load(url, options)
        if options.soak:
            figures += [{"server": server, **each} for each in soak(load, pid, folder)]
        else:
            figures += [asdict(level) for level in ramp(load, server, pid)]
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    main()
