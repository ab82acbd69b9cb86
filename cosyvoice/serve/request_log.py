"""The log: every line about a request has its id, and one line at its end gives the outcome.

No text, audio or key is logged.
"""

import contextvars
import functools
import logging
import time

from flask import Flask, Response, g, request

from cosyvoice.serve.http.access import address
from cosyvoice.serve.speaking.record import Record

log = logging.getLogger(__name__)
FORMAT = "%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s"
request_id = contextvars.ContextVar("request_id", default="-")


def set_up_logging():
    """Lines to stderr from INFO on, each with the id of the request whose work it is about."""
    make_record = logging.getLogRecordFactory()

    def with_id(*args, **options):
        record = make_record(*args, **options)
        record.request_id = request_id.get()
        return record

    if not hasattr(make_record("", 0, "", 0, "", (), None), "request_id"):
        logging.setLogRecordFactory(with_id)
    logging.basicConfig(level=logging.INFO, format=FORMAT)


def carry(work):
    """The same callable for another thread, where it logs under the id of the current request."""
    return functools.partial(contextvars.copy_context().run, work)


def install(app: Flask, watchers: list):
    """Open a Record for every request, and close it when the last byte or the client is gone.

    Call it after access.install, which gives a request its id.
    """

    @app.before_request
    def open_record():
        request_id.set(g.request_id)
        g.record = Record(
            g.request_id,
            path=address(),
            address=request.remote_addr or "",
            watchers=watchers,
        )

    @app.after_request
    def close_record(response: Response) -> Response:
        if response.status_code >= 400 and "record" not in g:  # refused before open_record
            open_record()
        if "record" in g:
            if response.status_code >= 400:
                g.record.change(outcome=g.get("outcome", "error"))
            is_failure = response.status_code >= 400 and g.record.path != "/ready"
            level = logging.INFO if g.record.mode != "-" or is_failure else logging.DEBUG
            response.call_on_close(functools.partial(finish, g.record, response.status_code, level))
        return response


def hand_over_record():
    """The current request's Record goes on with other work, which ends it by finish_speaking."""
    g.record = Record(g.request_id, path=address(), address=request.remote_addr or "")


def finish_speaking(record: Record):
    """End the Record of work that has outlived the request that began it."""
    finish(record, 200, logging.INFO)


def finish(record: Record, status: int, level: int):
    """End a record and write its line."""
    record.change(outcome=record.outcome or "done", state="done")
    log.log(
        level,
        "mode=%s characters=%d seconds=%.2f first=%s rtf=%s took=%.2f status=%d outcome=%s",
        record.mode,
        record.characters,
        record.seconds,
        figure(record.first_chunk),
        figure(record.real_time_factor),
        time.monotonic() - record.started,
        status,
        record.outcome,
    )


def figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
