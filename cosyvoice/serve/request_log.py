"""The log: every line of a request has its id, one line at the end says what became of it. No text, audio or key is logged."""

import contextvars
import functools
import logging
import time

from flask import Flask, Response, g, request

from cosyvoice.serve.speaking.speech import Record, Speech

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
    """The same callable for another thread, where it runs under the id of the request that started it."""
    return functools.partial(contextvars.copy_context().run, work)


def install(app: Flask, watchers: list):
    """Open a Record for every request (after guard has given the id) and close it when the last byte is out, or the client is."""

    @app.before_request
    def open_record():
        request_id.set(g.request_id)
        g.record = Record(g.request_id, path=request.path, watchers=watchers)

    @app.after_request
    def close_record(response: Response) -> Response:
        if response.status_code >= 400 and "record" not in g:  # refused at the door
            open_record()
        if "record" in g:
            if response.status_code >= 400:
                g.record.change(outcome=g.get("outcome", "error"))
            loud = g.record.mode != "-" or response.status_code >= 400 and request.path != "/ready"
            response.call_on_close(
                functools.partial(finish, g.record, g.get("speech"), response.status_code, loud)
            )
        return response


def finish(record: Record, speech: Speech | None, status: int, loud: bool):
    if speech:
        speech.close()
    record.change(outcome=record.outcome or ("client_gone" if speech else "done"), state="done")
    log.log(
        logging.INFO if loud else logging.DEBUG,
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
