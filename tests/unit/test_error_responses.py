"""Every error response has one shape and safe headers; no text of an exception; one line in the log."""

from __future__ import annotations

import errno
import logging
import sqlite3
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, Router

import ui.http.unexpected_errors
from kling_pipeline.errors import StorageError
from tests.conftest import run_async
from tests.unit.asgi import send_request
from ui.gradio_errors import EXCEPTION_HANDLERS, MAX_SESSIONS, SafeBlocks
from ui.gradio_uploads import delete_partial_uploads
from ui.middleware.safe_responses import SafeResponseMiddleware

SECRET = "/srv/someone/data/secret.png"


def failing_app(error: BaseException, *, gradio: bool = False) -> Any:
    async def fail(request: Any) -> Any:
        raise error

    routes = [Route("/{rest:path}", fail, methods=["GET", "POST"])]
    return SafeResponseMiddleware(
        FastAPI(routes=routes, exception_handlers=EXCEPTION_HANDLERS) if gradio else Router(routes)
    )


def disk_error(number: int) -> OSError:
    return OSError(number, "on purpose", SECRET)


def sqlite_error(code: int, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def chained(error: BaseException) -> BaseException:
    outer = RuntimeError(SECRET)
    outer.__cause__ = error
    return outer


def raised_within(
    first: BaseException, second: BaseException, *, aside: bool = False
) -> BaseException:
    """An exception that was raised while another was handled."""
    try:
        raise first
    except BaseException:
        try:
            if aside:
                raise second from None
            raise second
        except BaseException as error:
            return error


DISK = [
    disk_error(errno.ENOSPC), disk_error(errno.EDQUOT), disk_error(errno.EFBIG),
    sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full"),
    sqlite_error(sqlite3.SQLITE_IOERR_SHMSIZE, "disk I/O error"),
    chained(disk_error(errno.ENOSPC)), ExceptionGroup("several", [ValueError(), disk_error(errno.ENOSPC)]),
    StorageError("no room"), raised_within(disk_error(errno.ENOSPC), RuntimeError(SECRET)),
]  # fmt: skip
UNWRITABLE = [
    disk_error(errno.EROFS), disk_error(errno.EACCES), disk_error(errno.EIO), chained(disk_error(errno.EROFS)),
    sqlite_error(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error"),
    sqlite_error(sqlite3.SQLITE_CANTOPEN, "unable to open database file"),
    sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED, "attempt to write a readonly database"),
]  # fmt: skip


@pytest.mark.parametrize("gradio", [False, True])
@pytest.mark.parametrize("error", DISK, ids=lambda one: type(one).__name__)
def test_a_full_disk_is_507_at_every_address(error: BaseException, gradio: bool) -> None:
    for path in ("/api/jobs", "/gradio_api/upload", "/"):
        answer = send_request(failing_app(error, gradio=gradio), path)
        assert (answer.status, answer.code) == (507, "disk_full")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("error", UNWRITABLE, ids=lambda one: type(one).__name__)
def test_a_disk_that_cannot_be_written_is_507_and_not_reported_as_full(
    error: BaseException,
) -> None:
    answer = send_request(failing_app(error))
    assert (answer.status, answer.code) == (507, "disk_unwritable")
    assert b"space" not in answer.body
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("gradio", [False, True])
def test_an_unexpected_error_shows_nothing_of_this_machine(gradio: bool) -> None:
    for error in (
        ValueError(SECRET),
        OSError(SECRET),
        KeyError(SECRET),
        chained(ValueError(SECRET)),
        raised_within(disk_error(errno.EACCES), ValueError(SECRET), aside=True),
        raised_within(disk_error(errno.EACCES), chained(KeyError(SECRET))),
    ):
        answer = send_request(failing_app(error, gradio=gradio), "/api/jobs")
        assert (answer.status, answer.code) == (500, "internal_error")
        assert b"secret" not in answer.body
        assert "content-security-policy" in answer.headers


def test_the_same_failure_a_hundred_times_is_a_hundred_lines_and_one_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ui.http.unexpected_errors, "_logged", set())
    app = failing_app(ValueError("a\nb"))
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            send_request(app)
    ours = [one for one in caplog.records if one.name == "ui.http.unexpected_errors"]
    assert len(ours) == 100
    assert sum(one.exc_info is not None and one.exc_info[0] is not None for one in ours) == 1
    assert all("\n" not in one.getMessage() for one in ours)


def test_a_response_that_has_begun_is_cut() -> None:
    async def begun(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError(SECRET)

    answer = send_request(SafeResponseMiddleware(begun))
    assert (answer.status, answer.body) == (200, b"half")


def test_plain_text_of_a_library_becomes_json() -> None:
    for path, status, code in (
        ("/api/x", 400, "bad_request"), ("/media/x", 416, "bad_range"), ("/api/x", 413, "file_too_large"),
        ("/", 500, "internal_error"), ("/gradio_api/x", 503, "busy"), ("/api/x", 405, "method_not_allowed"),
    ):  # fmt: skip
        answer = send_request(
            SafeResponseMiddleware(PlainTextResponse(f"Traceback {SECRET}", status)), path
        )
        assert (answer.status, answer.code) == (status, code)
        assert b"secret" not in answer.body


def test_an_http_exception_of_gradio_has_the_code_of_its_status() -> None:
    for status, code in (
        (413, "file_too_large"),
        (503, "busy"),
        (404, "not_found"),
        (403, "bad_request"),
    ):
        answer = send_request(
            failing_app(HTTPException(status, SECRET), gradio=True), "/gradio_api/upload"
        )
        assert (answer.status, answer.code) == (status, code)
        assert b"secret" not in answer.body


def test_an_event_that_fails_shows_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    def fail(text: str) -> str:
        raise ValueError(SECRET)

    with SafeBlocks() as page:
        box = gr.Textbox()
        choice = gr.Dropdown(["a"])
        box.change(fail, box, box)
        choice.change(lambda one: one, choice, box)
    messages = set()
    for number, value in ((0, "x"), (1, SECRET), (1, {"a": [SECRET]})):
        with pytest.raises(gr.Error) as caught:
            run_async(page.process_api(number, [value]))
        assert not caught.value.print_exception
        messages.add(caught.value.message)
    assert len(messages) == 1
    assert "secret" not in messages.pop()


def test_a_stream_that_has_reported_its_error_ends_with_one_line(caplog: Any) -> None:
    """Gradio's queue streams so to a page whose session is gone."""

    async def tell() -> Any:
        yield b"data: gone\n\n"
        raise HTTPException(404)

    async def answer(request: Any) -> Any:
        return StreamingResponse(tell(), media_type="text/event-stream")

    app = FastAPI(
        routes=[Route("/gradio_api/queue/data", answer)], exception_handlers=EXCEPTION_HANDLERS
    )
    complete = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def seen(message: Any) -> None:
            complete.append(message["type"].endswith("body") and not message.get("more_body"))
            await send(message)

        await SafeResponseMiddleware(app)(scope, receive, seen)

    assert send_request(watched, "/gradio_api/queue/data", method="GET").body == b"data: gone\n\n"
    assert complete == [False, False, True]
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None
    assert "queue/data" in caplog.text


def test_the_sessions_that_gradio_keeps_are_bounded() -> None:
    """A page that is reloaded for weeks, or a caller with a new name each time, took gigabytes."""
    with SafeBlocks() as page:
        gr.Textbox()
    sessions = gr.routes.App.create_app(page).state_holder
    for number in range(MAX_SESSIONS + 50):
        assert sessions[f"visit-{number}"].config_values
    assert len(sessions.session_data) == len(sessions.time_last_used) == MAX_SESSIONS
    assert f"visit-{MAX_SESSIONS + 49}" in sessions


FORMS = {
    "a boundary of thousands": (b"abc", "multipart/form-data; boundary=" + "x" * 5000),
    "a field where a file should be": (
        b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nabc\r\n--x--',
        "multipart/form-data; boundary=x",
    ),
}


@pytest.mark.parametrize("query", ["", "?upload_id=1"], ids=["", "with its progress"])
@pytest.mark.parametrize(("form", "kind"), FORMS.values(), ids=FORMS)
def test_a_malformed_form_is_the_callers_fault(
    form: bytes, kind: str, query: str, caplog: Any
) -> None:
    delete_partial_uploads()
    with SafeBlocks() as page:
        gr.File()
    app = gr.mount_gradio_app(
        FastAPI(), page, path="/", app_kwargs={"exception_handlers": EXCEPTION_HANDLERS}
    )
    header = {"content-type": kind, "content-length": str(len(form))}
    answer = send_request(app, f"/gradio_api/upload{query}", body=[form], headers=header)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert "Traceback" not in caplog.text
