"""The OpenAPI description names every route, and the service answers as described."""

import re

import pytest

from cosyvoice.serve.http.jobs import (
    CONSENT_FIELDS,
    CONVERSION_FIELDS,
    OPENAI_FIELDS,
    OPENAI_VOICE_FIELDS,
    PRONUNCIATION_FIELDS,
    RENAME_FIELDS,
    VOICE_FIELDS,
    book_fields,
    dialogue_fields,
    piece_fields,
    preview_fields,
    stream_fields,
)
from tests.support.waiting import wait_for

HIDDEN = {
    "/page/<name>",
    "/requests/<id>/subtitles.json",
}  # the page's files, and what {format} describes


@pytest.fixture
def api(service):
    return service(MAX_QUEUE=100)


@pytest.fixture
def spec(api):
    return api.app.test_client().get("/openapi.json").json


def test_every_route_is_described_and_no_other(api, spec):
    there = {
        (
            re.sub(r"<(?:any\(.*?\):)?(\w+)>", r"{\1}", rule.rule).replace("{form}", "{format}"),
            method.lower(),
        )
        for rule in api.app.url_map.iter_rules()
        if rule.rule not in HIDDEN
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, item in spec["paths"].items() for method in item}
    assert described == there


def test_every_field_that_is_read_is_described(api, spec):
    def fields(path, method="post"):
        return set(
            spec["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"][
                "properties"
            ]
        )

    assert fields("/generate_audio") == set(api.FIELDS)
    assert fields("/voices") == set(VOICE_FIELDS)
    form = spec["paths"]["/jobs"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert set(form["schema"]["properties"]) == set(book_fields(10_000))
    assert fields("/voices/{name}", "patch") | {"name"} == set(RENAME_FIELDS)
    assert fields("/voice_conversion") == set(CONVERSION_FIELDS)
    assert fields("/v1/audio/speech") == set(OPENAI_FIELDS)
    assert fields("/v1/audio/voices") == set(OPENAI_VOICE_FIELDS)
    assert fields("/v1/audio/voice_consents") == set(CONSENT_FIELDS)
    assert fields("/text/preview") == set(preview_fields(10_000))
    assert fields("/dialogue") == set(dialogue_fields(10_000))
    assert fields("/streams") == set(stream_fields(10_000))
    assert fields("/streams/{id}/text") == set(piece_fields(10_000))
    assert fields("/pronunciations", "put") | {"user_id"} == set(PRONUNCIATION_FIELDS)


def test_references_lead_somewhere(spec):
    for name in re.findall(r"#/components/schemas/(\w+)", str(spec)):
        assert name in spec["components"]["schemas"]
    assert spec["openapi"].startswith("3.1") and spec["components"]["schemas"]["Error"][
        "required"
    ] == ["error", "code", "field"]


def test_the_page_lists_everything_and_loads_nothing_from_elsewhere(api, spec):
    answer = api.app.test_client().get("/docs")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "text/html" and "'sha256-" in policy and "unsafe" not in policy
    assert all(path in answer.text for path in spec["paths"]) and "tts_text" in answer.text
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]*)"', answer.text)
    assert set(loaded) == {"page/icon.svg", "page/docs.js"}


def test_the_page_begins_with_an_example_and_an_index_of_every_call(api, spec):
    page = api.app.test_client().get("/docs", headers={"Host": "127.0.0.1:9883"}).text
    assert page.index("curl -s http://127.0.0.1:9883/generate_audio") < page.index("<nav")
    index = re.findall(r'<a href="#([^"]+)"', page)
    assert len(index) == len(set(index)) == sum(len(item) for item in spec["paths"].values())
    assert index == re.findall(r'<section id="([^"]+)"', page)


def test_both_are_open_where_keys_are_set(service):
    client = service(API_KEY="secret").app.test_client()
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 200


@pytest.mark.slow
def test_the_service_answers_as_described(api):
    """schemathesis: made-up requests, good and bad, get described answers and never a 500."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [content_type_conformance, response_schema_conformance, status_code_conformance]
    schema = schemathesis.openapi.from_wsgi("/openapi.json", api.app)
    for operation in schema.get_all_operations():

        @settings(
            max_examples=4,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def answers(case):
            assert case.call_and_validate(checks=checks).status_code != 500

        answers()
    wait_for(
        lambda: api.readiness.done, 60
    )  # the trial that /ready began must not reach into the next test
