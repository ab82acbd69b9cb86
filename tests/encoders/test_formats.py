"""Encoders that are an ffmpeg: what a full disk and a broken ffmpeg become."""

import errno
import stat

import imageio_ffmpeg
import numpy as np
import pytest

from cosyvoice.encoders.formats import FFMPEG, FfmpegStream
from cosyvoice.serve.http.problem import as_problem

SOUND = (8000 * np.sin(np.arange(220_500) / 20)).astype(np.int16)


@pytest.fixture
def ffmpeg(tmp_path, monkeypatch):
    """Replaces ffmpeg by a script, in which "$FFMPEG" is the real one."""
    real, script = imageio_ffmpeg.get_ffmpeg_exe(), tmp_path / "ffmpeg"

    def replace(line: str):
        script.write_text(f"#!/bin/bash\nFFMPEG={real}\n{line}\n")
        script.chmod(stat.S_IRWXU)
        monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(script))

    return replace


def encode(kind, folder):
    encoder = FfmpegStream(kind, 22050, folder)
    try:
        return b"".join([*(encoder.feed(SOUND) for _ in range(5)), encoder.end()])
    finally:
        encoder.close()


@pytest.mark.parametrize("kind", FFMPEG)
def test_a_full_disk_is_507_and_leaves_nothing(kind, ffmpeg, tmp_path):
    (scratch := tmp_path / "scratch").mkdir()
    assert len(encode(kind, scratch)) > 10_000
    ffmpeg('exec "$FFMPEG" "${@:1:$#-1}" /dev/full')  # the last argument is the file
    with pytest.raises(OSError) as full:
        encode(kind, scratch)
    assert full.value.errno == errno.ENOSPC and as_problem(full.value).status == 507
    assert not list(scratch.iterdir())


def test_a_full_disk_at_the_end_is_507_too(ffmpeg, tmp_path):
    ffmpeg("cat > /dev/null; exit 228")
    with pytest.raises(OSError) as full:
        encode("flac", tmp_path)
    assert as_problem(full.value).status == 507


def test_an_ffmpeg_that_ends_otherwise_is_our_fault(ffmpeg, tmp_path):
    ffmpeg("cat > /dev/null; exit 3")
    with pytest.raises(RuntimeError, match="code 3") as broken:
        encode("opus", tmp_path)
    assert as_problem(broken.value).status == 500
