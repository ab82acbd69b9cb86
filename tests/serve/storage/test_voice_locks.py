"""One change of a voice at a time, over processes that share a folder."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cosyvoice.serve.http.problem import Problem
from cosyvoice.serve.storage import voice_locks
from cosyvoice.serve.storage.voice_locks import VoiceLocks


def test_a_voice_is_held_by_one_process_and_by_its_thread_as_often_as_it_likes(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(voice_locks, "PATIENCE", 0.02)
    mine, other = VoiceLocks(tmp_path / "voices"), VoiceLocks(tmp_path / "voices")

    def hold(locks: VoiceLocks, *keys: str) -> bool:
        with locks.hold(*keys):
            return True

    with ThreadPoolExecutor(1) as pool:
        with mine.hold("a", "b"):
            assert hold(mine, "b", "a") and hold(mine, "a")
            for locks in (mine, other):
                with pytest.raises(Problem, match="has not ended"):
                    pool.submit(hold, locks, "b").result()
            assert pool.submit(hold, other, "c").result()
        assert pool.submit(hold, other, "b").result()


def test_many_voices_need_few_files(tmp_path):
    locks = VoiceLocks(tmp_path)
    with locks.hold(*(str(number) for number in range(500))):
        assert len(list(tmp_path.iterdir())) == voice_locks.FILES
