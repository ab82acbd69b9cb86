"""The listeners of tools/bench_load.py notice what happens to their sound."""

import json

import pytest

from tests.support.server import Server
from tools import bench_load
from tools.bench_load import Heard, Player, most_overtaken, quantile
from tools.servers import SERVERS, command, missing


def played(arrivals: list[tuple[float, float]]) -> Player:
    """A player to whom so many seconds of sound came at each time: (time, seconds)."""
    player = Player()
    for now, seconds in arrivals:
        player.take(seconds, now)
    return player


def test_sound_that_comes_in_time_never_runs_dry():
    player = played([(10.0, 1.0), (10.9, 1.0), (11.9, 0.5)])
    assert player.dry_seconds == 0 and player.seconds == 2.5
    assert player.ahead(12.0) == pytest.approx(0.5)


def test_seconds_without_sound_count_and_delay_what_follows():
    player = played([(0.0, 1.0), (1.5, 1.0), (3.0, 1.0)])
    assert player.dry_seconds == pytest.approx(0.5 + 0.5)
    assert player.ahead(3.0) == pytest.approx(1.0)


def test_a_player_begins_when_there_is_enough_to_play():
    player = played([(0.0, 0.05), (2.0, 0.05), (4.0, 1.0)])
    assert player.dry_seconds == 0 and player.ahead(4.0) == pytest.approx(1.1)


def test_requests_in_the_order_of_arrival_are_not_overtaken():
    heard = [Heard(asked=n, first=n + 5) for n in range(4)]
    assert most_overtaken(heard) == 0
    heard[0].first = 7.5  # after those of two later ones
    assert most_overtaken(heard) == 2


def test_quantile_of_nothing_is_nothing():
    assert quantile([], 0.95) == 0 and quantile([3.0, 1.0, 2.0], 0.5) == 2.0


def test_every_server_has_a_command_or_says_what_is_missing():
    for server in SERVERS:
        assert "all_api" in " ".join(command(server, "all_api", 1))
        assert isinstance(missing(server), str)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The service with the fake engine, one request at once and one that waits."""
    server = Server("uvicorn", tmp_path_factory.mktemp("load"))
    yield server
    server.stop()


def run(server, tmp_path, *options: str, text: str) -> list[dict]:
    (tmp_path / "texts").write_text(text, "utf-8")
    arguments = ["--url", server.url, "--pid", str(server.process.pid), "--least", "1"]
    files = ["--texts", f"{tmp_path}/texts", "--json", f"{tmp_path}/load.json"]
    bench_load.main([*arguments, *files, *options])
    return json.loads((tmp_path / "load.json").read_text("utf-8"))


@pytest.mark.server
def test_a_fast_service_keeps_its_listeners_in_sound(server, tmp_path, capsys):
    (level,) = run(server, tmp_path, "--callers", "1", text="{chunks=4 size=22050 delay=0.02}")
    assert level["requests"] == 2 and level["failures"] == {} and level["stuttered"] == 0
    assert 0 < level["first_median"] <= level["first_95"] and level["throughput"] > 1
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 3 and len({line.count("|") for line in table}) == 1


@pytest.mark.server
def test_a_slow_service_makes_its_listeners_stutter(server, tmp_path):
    text = "{chunks=4 size=11025 delay=0.6}"  # 0.5 s of sound every 0.6 s
    (level,) = run(server, tmp_path, "--callers", "1", "--requests", "1", text=text)
    assert level["stuttered"] == 1 and level["dry"] > 0.05


@pytest.mark.server
def test_refused_callers_are_counted_and_come_back(server, tmp_path, monkeypatch):
    monkeypatch.setattr(bench_load, "MAX_PAUSE", 0.5)
    text = "{chunks=1 delay=0.3}"
    (level,) = run(server, tmp_path, "--callers", "4", "--requests", "1", text=text)
    assert level["refused"] > 0 and level["requests"] == 4 and level["failures"] == {}


@pytest.mark.server
def test_failures_are_named(server, tmp_path):
    one = ("--callers", "1", "--requests", "1")
    (level,) = run(server, tmp_path, *one, text="{error=TextError}")
    assert level["failures"] == {"400": 1}
    (level,) = run(server, tmp_path, *one, text="{chunks=3 fail=2 delay=0.1}")
    assert level["failures"] == {"ChunkedEncodingError": 1}


@pytest.mark.server
def test_a_soak_tells_what_the_service_holds(server, tmp_path, monkeypatch):
    monkeypatch.setattr(bench_load, "TOLD_EVERY", 3)
    monkeypatch.setattr(bench_load, "SETTLE_SECONDS", 0.5)
    folder = ("--folder", str(server.folder / "output"))
    options = ("--soak", "6", "--soak_callers", "1", "--mixed", *folder)
    rows = run(server, tmp_path, *options, text="{chunks=1 size=5000}")
    assert [each["requests"] for each in rows] == [0, 3, 6, 6]
    assert rows[-1]["left"] == rows[0]["left"]
    assert rows[-1]["threads"] < rows[0]["threads"] + 6  # none stays for each request
