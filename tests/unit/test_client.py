"""The client: a verdict for every answer, one create, honest look-ups, the clock."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from tests.unit.kling_stub import BROKEN, ROUTE, client, create, said, task, verdict_of

# ---------------------------------------------------------------- verdicts

CODES = [
    (401, 1000, "account"),
    (401, 1001, "account"),
    (401, 1002, "account"),
    (401, 1003, "token"),
    (401, 1004, "token"),
    (429, 1100, "account"),
    (429, 1101, "account"),
    (429, 1102, "account"),
    (403, 1103, "refused"),
    (400, 1200, "refused"),
    (400, 1201, "refused"),
    (404, 1202, "refused"),
    (404, 1203, "refused"),
    (400, 1300, "refused"),
    (400, 1301, "refused"),
    (429, 1302, "busy"),
    (429, 1303, "busy"),
    (429, 1304, "account"),
    (500, 5000, "uncertain"),
    (503, 5001, "uncertain"),
    (504, 5002, "uncertain"),
    (400, 9999, "uncertain"),
    (400, 0, "uncertain"),
    (404, 0, "uncertain"),
    (500, 1201, "uncertain"),
    (302, 1201, "uncertain"),
]


@pytest.mark.parametrize(("status", "code", "verdict"), CODES)
def test_the_verdict_of_every_code(status: int, code: int, verdict: str) -> None:
    made = client(httpx.Response(status, json=said(None, code, "no")))
    error = verdict_of(lambda: create(made))
    assert error.verdict == verdict
    assert (error.service_code, error.http_status, error.request_id) == (code, status, "r-1")
    assert error.sent
    assert len(made.seen) == 1


@pytest.mark.parametrize(("status", "code", "verdict"), [row for row in CODES if row[0] < 500])
def test_a_code_counts_inside_a_200_too(status: int, code: int, verdict: str) -> None:
    if code == 0 or status == 302:
        return
    made = client(httpx.Response(200, json=said(task(), code, "no")))
    assert verdict_of(lambda: create(made)).verdict == verdict


@pytest.mark.parametrize(
    "word", ["External_task_id ks-1 already exists", "external_task_id\nks-1 Already exists"]
)
def test_a_taken_external_id_is_known_by_its_text(word: str) -> None:
    made = client(httpx.Response(400, json=said(None, 1201, word)))
    assert verdict_of(lambda: create(made)).verdict == "exists"


NO_TASK = "Task not found by id/external id: ks-1"
ABSENT = [
    (400, said(None, 1201, NO_TASK), "absent"),
    (200, said(None, 1201, NO_TASK), "absent"),
    (404, said(None, 1203, "no such resource"), "absent"),
    (404, None, "absent"),
    (404, "<html>not here</html>", "absent"),
    (404, said(task(), 0), "uncertain"),
    (404, said(None, 1202, "method"), "refused"),
    (400, said(None, 1201, "image is wrong"), "refused"),
    (500, said(None, 1201, NO_TASK), "uncertain"),
    (401, said(None, 1002, "no"), "account"),
    (200, None, "uncertain"),
    (502, "<html>", "uncertain"),
]


@pytest.mark.parametrize(("status", "content", "verdict"), ABSENT)
def test_what_proves_absence(status: int, content: Any, verdict: str) -> None:
    body = json.dumps(content) if isinstance(content, dict) else content or ""
    for call in ("look", "find"):
        made = client(httpx.Response(status, content=body.encode()))
        asked = getattr(made, call)
        assert verdict_of(lambda asked=asked: asked(ROUTE, "ks-1")).verdict == verdict


def test_a_create_is_never_told_absent() -> None:
    made = client(httpx.Response(400, json=said(None, 1201, NO_TASK)))
    assert verdict_of(lambda: create(made)).verdict == "refused"
    assert verdict_of(lambda: create(client(httpx.Response(404)))).verdict == "uncertain"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (429, "busy"),
        (413, "refused"),
        (401, "account"),
        (403, "account"),
        *((status, "uncertain") for status in (200, 204, 400, 404, 408, 502)),
    ],
)
def test_an_answer_without_words(status: int, verdict: str) -> None:
    assert verdict_of(lambda: create(client(httpx.Response(status)))).verdict == verdict


# ---------------------------------------------------------------- a create is sent once


@pytest.mark.parametrize(("error", "sent"), BROKEN, ids=[type(e).__name__ for e, _ in BROKEN])
def test_a_create_is_never_repeated(error: Exception, sent: bool) -> None:
    made = client(error)
    found = verdict_of(lambda: create(made))
    assert (found.verdict, found.sent) == ("uncertain", sent)
    assert len(made.seen) == 1


@pytest.mark.parametrize(("error", "sent"), BROKEN, ids=[type(e).__name__ for e, _ in BROKEN])
def test_a_read_is_repeated_once_if_nothing_was_sent(error: Exception, sent: bool) -> None:
    made = client(error)
    assert verdict_of(lambda: made.look(ROUTE, "829")).verdict == "uncertain"
    assert len(made.seen) == (1 if sent else 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    made = client(httpx.Response(status, headers={"location": "https://evil.example.com/"}))
    assert verdict_of(lambda: create(made)).verdict == "uncertain"
    assert verdict_of(lambda: made.look(ROUTE, "829")).verdict == "uncertain"
    assert [request.url.host for request in made.seen] == ["kling.example.com"] * 2


def test_a_request_that_json_cannot_carry_is_not_sent() -> None:
    made = client(httpx.Response(200))
    for odd in ("\ud800", float("nan")):
        error = verdict_of(
            lambda odd=odd: made.create(ROUTE, {"prompt": odd}, expires=1, timeout=1)
        )
        assert (error.verdict, error.sent) == ("refused", False)
    assert made.seen == []


# ---------------------------------------------------------------- hostile answers

EVIL = {
    "nothing": b"",
    "html": b"<html>",
    "half": b'{"code": 0, "data": {"task_id"',
    "a list": b"[]",
    "a bare NaN": b'{"code": 0, "data": {"task_id": "829", "task_status": NaN}}',
    "not UTF-8": b'{"code": 0, "message": "\xff\xfe"}',
    "a deep nest": b"[" * 200_000,
    "a number of ten thousand digits": b'{"code": ' + b"1" * 10_000 + b"}",
    "a code that is a text": b'{"code": "0", "data": {"task_id": "829"}}',
    "a code that is a truth": b'{"code": false, "data": {"task_id": "829"}}',
    "no code": json.dumps({"data": task()}).encode(),
    "no data": json.dumps(said(None)).encode(),
    "a list of data": json.dumps(said([task()])).encode(),
    "no id": json.dumps(said(task(task_id=None))).encode(),
    "another's external id": json.dumps(said(task(task_info={"external_task_id": "x"}))).encode(),
    "two megabytes": json.dumps(said(task(task_status_msg="a" * 2 * 1024 * 1024))).encode(),
}


@pytest.mark.parametrize("content", EVIL.values(), ids=EVIL.keys())
def test_a_hostile_200_proves_nothing(content: bytes) -> None:
    made = client(httpx.Response(200, content=content))
    assert verdict_of(lambda: create(made)).verdict == "uncertain"
    assert verdict_of(lambda: made.find(ROUTE, "ks-1")).verdict == "uncertain"


def test_an_answer_must_be_about_what_was_asked() -> None:
    made = client(httpx.Response(200, json=said(task())))
    assert made.look(ROUTE, "829").id == "829"
    assert made.find(ROUTE, "ks-1").external_id == "ks-1"
    assert verdict_of(lambda: made.look(ROUTE, "830")).verdict == "uncertain"
    assert verdict_of(lambda: made.look(ROUTE, "ks-1")).verdict == "uncertain"
    assert verdict_of(lambda: made.find(ROUTE, "829")).verdict == "uncertain"


def test_an_id_stays_one_part_of_the_path() -> None:
    made = client(httpx.Response(404))
    verdict_of(lambda: made.find(ROUTE, "../a/b?c#d"))
    assert made.seen[0].url.raw_path == b"/v1/videos/text2video/..%2Fa%2Fb%3Fc%23d"


class Endless(httpx.SyncByteStream):
    """A body that would never end."""

    def __init__(self, pause: float = 0) -> None:
        self.given, self.closed, self._pause = 0, False, pause

    def __iter__(self) -> Iterator[bytes]:
        while True:
            time.sleep(self._pause)
            self.given += 65536
            yield b" " * 65536

    def close(self) -> None:
        self.closed = True


def test_an_endless_answer_is_left() -> None:
    one, many = Endless(), Endless()
    made = client(httpx.Response(200, stream=one))
    assert verdict_of(lambda: create(made)).verdict == "uncertain"
    made = client(httpx.Response(200, stream=many))
    assert verdict_of(lambda: made.look_many(ROUTE, 1)).verdict == "uncertain"
    assert one.given < 2 * 1024 * 1024 < many.given < 9 * 1024 * 1024
    assert one.closed and many.closed


def test_an_answer_that_trickles_is_left() -> None:
    slow = Endless(pause=0.05)
    made = client(httpx.Response(200, stream=slow), timeout=0.1)
    assert verdict_of(lambda: made.look(ROUTE, "829")).verdict == "uncertain"
    assert slow.given < 10 * 65536


def test_an_answer_is_asked_for_unpacked_and_a_packing_is_named() -> None:
    body = Endless()
    made = client(httpx.Response(200, headers={"content-encoding": "br"}, stream=body))
    error = verdict_of(lambda: create(made))
    assert error.verdict == "uncertain" and "packed (br)" in error.message
    assert body.given <= 64 * 1024, "its first piece tells whether the word is true"
    assert made.seen[0].headers["accept-encoding"] == "identity"


class Body(httpx.SyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
    + [(word, bytes) for word in ("aws-chunked", "", "UTF-8", "identity, aws-chunked", "gzip")],
)
def test_an_answer_is_read_whatever_its_encoding_is_called(encoding: str, pack: Any) -> None:
    body = Body(pack(json.dumps(said(task())).encode()))
    headers = {"content-encoding": encoding, "content-length": "5"}
    made = client(httpx.Response(200, headers=headers, stream=body))
    assert made.look(ROUTE, "829").id == "829"


def test_a_packed_answer_is_unpacked_no_further_than_its_cap() -> None:
    bomb = Body(gzip.compress(b" " * 50_000_000))
    made = client(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=bomb))
    assert "too long" in verdict_of(lambda: create(made)).message


def test_a_page_asks_for_its_size_and_skips_the_foreign() -> None:
    made = client(httpx.Response(200, json=said([task(), {"task_id": 5}, task(task_id="830")])))
    assert [one.id for one in made.look_many(ROUTE, 2)] == ["829", "830"]
    assert dict(made.seen[0].url.params) == {"pageNum": "2", "pageSize": "500"}
    made = client(httpx.Response(200, json=said({"tasks": []})))
    assert verdict_of(lambda: made.look_many(ROUTE, 1)).verdict == "uncertain"


# ---------------------------------------------------------------- the clock


def test_skew_is_the_largest_difference_seen() -> None:
    dates = iter([formatdate(1_000_000, usegmt=True), formatdate(999_993, usegmt=True), "soon"])
    made = client(
        lambda _: httpx.Response(200, json=said(task()), headers={"date": next(dates)}),
        now=lambda: 1_000_000.5,
    )
    assert made.skew == 0
    for expected in (0, 7, 7):
        made.look(ROUTE, "829")
        assert made.skew == expected


def test_an_answer_that_was_long_on_its_way_is_no_clock_that_is_off() -> None:
    moments = iter([1_000_000.0] * 3 + [1_000_009.0] * 9)
    headers = {"date": formatdate(1_000_002, usegmt=True)}
    made = client(
        lambda _: httpx.Response(200, json=said(task()), headers=headers), now=lambda: next(moments)
    )
    made.look(ROUTE, "829")
    assert made.drift == 0
    assert made.skew > 5, "the fence takes the worst case"


def test_a_date_of_another_age_does_not_hold_a_job_for_ever() -> None:
    made = client(httpx.Response(404, headers={"date": formatdate(0, usegmt=True)}))
    verdict_of(lambda: made.look(ROUTE, "829"))
    assert made.skew == 7200


NOW = 1_800_000_000  # 15 January 2027, 08:00 UTC


@pytest.mark.parametrize("ahead", [3600, -3600])
@pytest.mark.parametrize(("status", "code"), [(401, 1004), (401, 1003), (200, 0)])
def test_a_refusal_tells_kling_s_time_too(ahead: int, status: int, code: int) -> None:
    headers = {"date": formatdate(NOW + ahead, usegmt=True)}
    made = client(
        httpx.Response(status, json=said(task(), code, "token"), headers=headers),
        now=lambda: NOW + 0.9,
    )
    if status == 200:
        made.look(ROUTE, "829")
    else:
        assert verdict_of(lambda: made.look(ROUTE, "829")).verdict == "token"
    assert round(made.drift) == 3600


def drift_of(date: str, **headers: str) -> float:
    named = {"date": date, **headers}
    made = client(httpx.Response(200, headers=named, json=said(task())), now=lambda: NOW + 0.5)
    made.look(ROUTE, "829")
    return round(made.drift)


@pytest.mark.parametrize(
    "date",
    ["Fri, 15 Jan 2027 08:00:00 GMT", "Fri Jan 15 08:00:00 2027", "Friday, 15-Jan-27 08:00:00 GMT",
     "Fri, 15 Jan 2027 08:00:00 -0000", "Fri, 15 Jan 2027 08:00:00", "Fri, 15 Jan 2027 16:00:00 +0800"],
)  # fmt: skip
def test_a_date_is_one_of_greenwich_wherever_this_machine_is(
    date: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        monkeypatch.setenv("TZ", "Asia/Shanghai")
        time.tzset()
        assert drift_of(date) == 0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("off", [8 * 3600, -8 * 3600, 400 * 86_400, -400 * 86_400])
def test_a_clock_that_is_off_by_hours_or_years_is_told_by_how_much(off: int) -> None:
    """A zone that is set wrong, or a battery that is empty, is more than any fence waits for."""
    assert drift_of(formatdate(NOW + off, usegmt=True)) == abs(off)


def test_what_a_cache_kept_is_no_clock_that_is_off() -> None:
    assert drift_of(formatdate(NOW - 900, usegmt=True), age="900") == 0
    assert drift_of(formatdate(NOW - 900, usegmt=True), age="soon") == 900


@pytest.mark.parametrize("moment", [0, 1_000_000, 250_000_000_000])
def test_a_server_that_tells_another_age_has_no_clock(moment: int) -> None:
    assert drift_of(formatdate(moment, usegmt=True)) == 0


def test_an_answer_without_a_date_tells_no_time() -> None:
    made = client(httpx.Response(401, json=said(None, 1004, "token")))
    verdict_of(lambda: made.look(ROUTE, "829"))
    assert (made.drift, made.skew) == (0, 0)
