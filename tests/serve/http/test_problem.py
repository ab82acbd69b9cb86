"""Exceptions as answers: which status and code each has."""

import sqlite3
from contextlib import closing

import pytest

from cosyvoice.serve.http import limits
from cosyvoice.serve.http.limits import Allowance, Limits
from cosyvoice.serve.http.problem import as_problem

ALLOWANCE = Allowance(requests_per_minute=5)


def test_a_range_beyond_the_end_is_told_with_the_length(service):
    client = service().app.test_client()
    query = {"tts_text": "你好。", "stream": "False"}
    whole = client.get("/generate_audio_get", query_string=query)
    headers = {"Range": "bytes=99999999-"}
    answer = client.get("/generate_audio_get", query_string=query, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (416, "range_beyond_end")
    assert answer.headers["Content-Range"] == f"bytes */{len(whole.data)}"


def problem_of_charging(file):
    with pytest.raises(sqlite3.OperationalError) as error:
        Limits(file).charge("key", ALLOWANCE, 1)
    return as_problem(error.value)


def test_a_full_disk_under_sqlite_is_told_as_one(tmp_path, monkeypatch):
    connect = sqlite3.connect

    def connect_to_little(*arguments, **options):
        database = connect(*arguments, **options)
        database.execute("PRAGMA max_page_count = 1")
        return database

    monkeypatch.setattr(sqlite3, "connect", connect_to_little)
    problem = problem_of_charging(tmp_path / "limits.sqlite")
    assert (problem.status, problem.code) == (507, "disk_full")


def test_records_that_another_process_holds_are_a_503(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    with closing(sqlite3.connect(tmp_path / "limits.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        problem = problem_of_charging(tmp_path / "limits.sqlite")
    assert (problem.status, problem.code, problem.headers) == (503, "busy", {"Retry-After": "5"})
