"""The command that starts the engines says why it cannot."""

from importlib.util import find_spec

import pytest

from cosyvoice.serve.cluster.app import main
from tests.support.server import free_port


@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_an_address_without_a_cluster_is_told_at_once(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", address := f"127.0.0.1:{free_port()}")
    with pytest.raises(SystemExit, match=f"no Ray cluster answers at {address}.* / .*RAY_ADDRESS"):
        main([])


@pytest.mark.parametrize("words", [["--min_replicas", "0"], ["--min_replicas", "2"]])
def test_numbers_of_replicas_that_contradict_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert "--min_replicas must be at least 1 and at most" in capsys.readouterr().err
