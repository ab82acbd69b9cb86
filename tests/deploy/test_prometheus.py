"""Every query of deploy/grafana.json, sent to a real Prometheus that watches the service.

Skipped where Prometheus is missing.
"""

import json
import shutil
import subprocess

import pytest
import requests

from tests.support.server import ROOT, Server, free_port
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not shutil.which("prometheus"), reason="no Prometheus here"),
]
CONFIG = """global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: cosyvoice, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """The address of a Prometheus that has watched the service being used."""
    folder, server = (
        tmp_path_factory.mktemp("prometheus"),
        Server("uvicorn", tmp_path_factory.mktemp("service")),
    )
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(CONFIG.format(port=server.port))
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: reachable(address), 30)
        for text in ["你好。", "{chunks=2 size=22050}", "{fail=0}"] * 2:
            server.post(text, stream="False")
            wait_for(lambda: ask(address, "sum(cosyvoice_requests_total)"), 30)
        yield address
    finally:
        for child in (process, server.process):
            child.kill()
            child.wait()


def reachable(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=2).ok
    except requests.exceptions.ConnectionError:
        return False


def ask(address: str, expression: str) -> list:
    answer = requests.get(
        f"http://{address}/api/v1/query", {"query": expression}, timeout=10
    ).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


BOARD = json.loads((ROOT / "deploy/grafana.json").read_text("utf-8"))
QUERIES = [
    target["expr"].replace("$__rate_interval", "30s")
    for panel in BOARD["panels"]
    for target in panel.get("targets", ())
]


@pytest.mark.parametrize("expression", [query for query in QUERIES if "store_errors" not in query])
def test_every_panel_of_the_dashboard_has_data(prometheus, expression):
    wait_for(
        lambda: (
            all(float(point["value"][1]) >= 0 for point in ask(prometheus, expression))
            and ask(prometheus, expression)
        ),
        20,
    )


def test_the_errors_panel_is_understood(prometheus):
    assert [ask(prometheus, query) for query in QUERIES if "store_errors" in query] == [[]]
