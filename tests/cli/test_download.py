"""Downloads against a server that answers as ModelScope does, through ModelScope's library."""

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from modelscope_hub import HubConfig

from cosyvoice.__main__ import main
from cosyvoice.cli import model_list
from cosyvoice.cli.model_list import LAYOUT_2, LAYOUT_300M, choose_model

PATHS = [*LAYOUT_300M.needed, "spk2info.pt", "flow.decoder.estimator.fp32.onnx"]


class Hub:
    """One repository. files: what is sent; listed: what the hub's list says of them."""

    def __init__(self, model_id="iic/CosyVoice-300M", paths=PATHS):
        self.address = f"/api/v1/models/{model_id}/repo"
        self.files = {path: f"the content of {path}".encode() for path in paths}
        self.listed = {
            path: {"Size": len(data), "Sha256": hashlib.sha256(data).hexdigest()}
            for path, data in self.files.items()
        }
        self.revisions, self.sent = set(), []

    def answer(self, url: str) -> bytes | None:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.revisions |= {query["Revision"]} if "Revision" in query else set()
        if parts.path == f"{self.address}/files":
            files = [{"Path": path, "Type": "blob", **of} for path, of in self.listed.items()]
            return json.dumps({"Code": 200, "Success": True, "Data": {"Files": files}}).encode()
        if parts.path == self.address:
            self.sent.append(query["FilePath"])
            return self.files.get(query["FilePath"])
        return None


@pytest.fixture
def hub(request, monkeypatch, tmp_path):
    hub = Hub(*getattr(request, "param", ()))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = hub.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = HubConfig(
        endpoint=f"http://127.0.0.1:{server.server_port}", cache_dir=tmp_path / "cache"
    )
    monkeypatch.setattr("modelscope_hub.config._default_config", settings)
    monkeypatch.setattr("modelscope_hub._download.DOWNLOAD_INTEGRITY_RETRY_BACKOFF", 0.01)
    monkeypatch.setattr(model_list, "PRETRAINED", tmp_path)
    yield hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def download(hub, monkeypatch, tmp_path):
    def call(*options, name="CosyVoice-300M"):
        monkeypatch.setattr(sys, "argv", ["cosyvoice", "download", name, *options])
        main()
        return tmp_path / name

    return call


def test_the_files_that_are_needed_come_from_the_revision(hub, download):
    folder = download("--revision", "4f2c")
    assert hub.revisions == {"4f2c"} and set(hub.sent) == {*LAYOUT_300M.needed, "spk2info.pt"}
    assert all((folder / path).read_bytes() == hub.files[path] for path in hub.sent)


OF_COSYVOICE2 = [*LAYOUT_2.needed, "CosyVoice-BlankEN/model.safetensors", "flow.encoder.fp32.zip"]


@pytest.mark.parametrize("hub", [("iic/CosyVoice2-0.5B", OF_COSYVOICE2)], indirect=True)
def test_the_weights_that_nothing_reads_are_not_fetched(hub, download):
    folder = download(name="CosyVoice2-0.5B")
    assert set(hub.sent) == set(LAYOUT_2.needed)
    assert (folder / "CosyVoice-BlankEN/vocab.json").is_file()


def test_a_complete_folder_is_not_sent_again(hub, download):
    download()
    hub.sent.clear()
    download()
    assert hub.sent == []


@pytest.mark.parametrize("digest", [True, False])
def test_a_file_on_the_disk_that_differs_is_fetched_again(hub, download, digest):
    """By its digest, or by its size where the list has no digest."""
    if not digest:
        for listed in hub.listed.values():
            del listed["Sha256"]
    data = hub.files["llm.pt"]
    (folder := download()).joinpath("llm.pt").write_bytes(data[::-1] if digest else data[:-1])
    hub.sent.clear()
    download()
    assert hub.sent == ["llm.pt"] and (folder / "llm.pt").read_bytes() == data


@pytest.mark.parametrize("wrong", [b"a very different text", b"short", b""])
def test_a_file_that_the_hub_sends_wrongly_is_refused_and_not_kept(hub, download, tmp_path, wrong):
    right = hub.files["flow.pt"]
    hub.files["flow.pt"] = wrong.ljust(len(right) if len(wrong) > 5 else 0)
    with pytest.raises(SystemExit) as caught:
        download()
    message = str(caught.value)
    assert "flow.pt" in message and "run the same command again" in message
    assert not (tmp_path / "CosyVoice-300M/flow.pt").exists()
    hub.files["flow.pt"] = right
    assert (download() / "flow.pt").read_bytes() == right


def test_a_model_named_by_its_id_is_checked_too(hub, tmp_path):
    hub.files["hift.pt"] = hub.files["hift.pt"][::-1]
    with pytest.raises(RuntimeError, match=r"(?s)hift\.pt.*Hash mismatch.*were not kept"):
        choose_model("iic/CosyVoice-300M@4f2c", may_download=True)
    hub.files["hift.pt"] = hub.files["hift.pt"][::-1]
    folder = choose_model("iic/CosyVoice-300M@4f2c", may_download=True)
    assert choose_model("iic/CosyVoice-300M@4f2c", may_download=False) == folder
    with pytest.raises(FileNotFoundError, match="is not downloaded"):
        choose_model("iic/CosyVoice-300M@another", may_download=False)
    assert str(tmp_path) in folder


def test_a_needed_file_that_the_hub_lacks_is_named(hub, download):
    del hub.listed["campplus.onnx"]
    with pytest.raises(SystemExit, match=r"lacks campplus\.onnx"):
        download()
