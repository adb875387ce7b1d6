"""Answers that nobody can read, of Kling or of what stands before it: said within minutes, then the owner decides."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.conftest import Harness
from tests.unit.kling_stub import client, said
from tests.unit.samples import clip

OPENING = 20_000
NOT_FOUND = httpx.Response(400, json=said(None, 1201, "Task not found by id/external id: x"))


def html(status: int, **headers: str) -> httpx.Response:
    page = f"<html><style>b {{}}</style><body><h1>{status} Sorry</h1></body></html>"
    return httpx.Response(status, html=page, headers=headers)


BARE = {
    **{f"html{status}": html(status) for status in (404, 405, 407, 410, 451, 501, 500, 502, 503)},
    **{f"html{status}": html(status) for status in (401, 403, 429)},
    "moved": html(301, location="https://elsewhere.example.com/"),
    "found": html(302, location="/sign-in"),
    "page": html(200),
    "empty": httpx.Response(200),
    "gateway json": httpx.Response(403, json={"message": "Forbidden"}),
    "a gateway's own code": httpx.Response(403, json={"code": 403, "message": "Forbidden"}),
    "its 404": httpx.Response(404, json={"code": 404, "message": "no Route matched"}),
    "done and refused": httpx.Response(401, json=said({})),
    "a list": httpx.Response(200, json=[]),
    "no code": httpx.Response(200, json={"data": {}}),
    "no data": httpx.Response(200, json=said(None)),
    "another code": httpx.Response(200, json=said(None, 9999, "odd")),
    "5000": httpx.Response(500, json=said(None, 5000, "internal")),
}


class Gateway:
    """A Kling over HTTP without a socket; `create` and `look` are answers that come in place of its own."""

    def __init__(self, harness: Harness) -> None:
        self.harness, self.creates, self.asked, self.pages = harness, list[str](), 0, 0
        self.create: httpx.Response | Exception | None = None
        self.look: httpx.Response | Exception | None = None
        self.task: dict[str, Any] = {"task_status": "processing"}
        self.made: dict[str, str] = {}
        harness.engine.client = client(self, now=lambda: harness.time)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(".mp4"):
            return httpx.Response(200, content=clip())
        if request.method == "POST":
            external = httpx.Response(200, content=request.read()).json()["external_task_id"]
            self.creates.append(external)
            if self.create is not None:
                return self._give(self.create)
            self.made[external] = str(800 + len(self.made))
            return httpx.Response(200, json=said(self._tell(external)))
        self.asked += 1
        self.pages += "pageNum" in request.url.params
        if self.look is not None:
            return self._give(self.look)
        if "pageNum" in request.url.params:
            return httpx.Response(200, json=said([self._tell(one) for one in self.made]))
        name = request.url.path.rsplit("/", 1)[-1]
        for external, task_id in self.made.items():
            if name in (external, task_id):
                return httpx.Response(200, json=said(self._tell(external)))
        return NOT_FOUND

    def _give(self, answer: httpx.Response | Exception) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def _tell(self, external: str) -> dict[str, Any]:
        info = {"external_task_id": external}
        moment = int(self.harness.time * 1000)
        return {"task_id": self.made[external], "task_info": info, "created_at": moment} | self.task


@pytest.fixture
def gateway(harness: Harness) -> Gateway:
    return Gateway(harness)


def run(harness: Harness, gateway: Gateway) -> str:
    [job_id] = harness.submit()
    harness.ticks(2)
    assert harness.job(job_id)["state"] == "running"
    return job_id


UNREADABLE = {
    "no files": {"task_status": "succeed", "task_result": {"videos": []}},
    "no result": {"task_status": "succeed"},
    "null": {"task_status": "succeed", "task_result": None},
    "another key": {"task_status": "succeed", "task_result": {"files": [{"url": "https://x/y"}]}},
    "no address": {"task_status": "succeed", "task_result": {"videos": [{"id": "v1"}]}},
    "unknown word": {"task_status": "canceled"},
    "no word": {"task_status": None},
    "a number": {"task_status": 3},
}


@pytest.mark.parametrize("task", UNREADABLE.values(), ids=UNREADABLE)
def test_a_final_answer_that_cannot_be_read_is_said_and_left_to_the_owner(harness, gateway, task):
    job_id = run(harness, gateway)
    gateway.task = task
    harness.ticks(6, 10)
    job = harness.job(job_id)
    assert (job["state"], job["status"]["code"]) == ("running", "unreadable")
    assert "cannot be read" in job["message"]
    harness.ticks(30, 15)
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("unknown", "answer_unreadable")
    assert job["error"]["message"] in job["message"]
    assert harness.credits() == (OPENING - 210, 210, 0), "held until its owner decides"
    listed = [one for one in harness.pipeline.examine()["warnings"] if one["code"] == "undecided"]
    assert [one["figures"]["said"] for one in listed] == [job["error"]["message"]]
    assert len(gateway.creates) == 1
    harness.pipeline.cancel("local", job_id)
    harness.pipeline.cancel("local", job_id)
    assert harness.credits() == (OPENING, 0, 0)


def test_what_kling_answered_is_quoted_short_and_without_the_key_to_a_file(harness, gateway):
    job_id = run(harness, gateway)
    link = "https://cdn.example.com/a.mp4?sign=0123456789abcdef"
    gateway.task = {"task_status": "succeed", "task_result": {"films": [link], "x": "y" * 999}}
    harness.ticks(6, 10)
    job = harness.job(job_id)
    assert "films" in job["message"]
    assert "0123456789abcdef" not in str(job)
    assert len(job["message"]) < 400
    gateway.task = {"task_status": "Canceled by hand"}
    harness.ticks(12, 15)
    assert "Canceled by hand" in harness.job(job_id)["message"]


@pytest.mark.parametrize("word", ["SUCCEED", "Succeed", "SUCCEEDED", " succeed "])
def test_a_status_is_a_word_whatever_its_case(harness, gateway, word):
    job_id = run(harness, gateway)
    file = {"id": "v1", "url": "https://kling.example.com/a.mp4"}
    gateway.task = {"task_status": word, "task_result": {"videos": [file]}}
    harness.ticks(3, 10)
    assert harness.job(job_id)["state"] == "done"


@pytest.mark.parametrize("by", ["itself", "the owner"])
def test_what_becomes_readable_goes_on_and_is_paid_once(harness, gateway, by):
    job_id = run(harness, gateway)
    gateway.task = {"task_status": "canceled"}
    harness.ticks(40, 15)
    assert harness.job(job_id)["state"] == "unknown"
    file = {"id": "v1", "url": "https://kling.example.com/a.mp4"}
    gateway.task = {"task_status": "succeed", "task_result": {"videos": [file]}}
    if by == "the owner":
        harness.pipeline.retry("local", job_id)
        assert harness.job(job_id)["state"] == "running", "it is asked again, not sent again"
        harness.ticks(3, 1)
    else:
        harness.ticks(8, 60)
    job = harness.job(job_id)
    assert (job["state"], job["error"]) == ("done", None)
    assert (len(gateway.creates), harness.credits()) == (1, (OPENING - 210, 0, 210))


def test_asked_again_in_vain_it_comes_back_to_its_owner(harness, gateway):
    job_id = run(harness, gateway)
    gateway.task = {"task_status": "canceled"}
    for _ in range(2):
        harness.ticks(40, 15)
        assert harness.job(job_id)["state"] == "unknown"
        harness.pipeline.retry("local", job_id)
    assert len(gateway.creates) == 1


@pytest.mark.parametrize(
    "answer",
    [*BARE.values(), httpx.RemoteProtocolError("illegal status line")],
    ids=[*BARE, "no HTTP"],
)
def test_looks_that_bring_a_gateways_words_go_to_the_owner_after_a_quarter_of_an_hour(
    harness, gateway, answer
):
    job_id = run(harness, gateway)
    gateway.look = answer
    harness.ticks(12, 15)
    job = harness.job(job_id)
    assert (job["state"], job["status"]["code"]) == ("running", "unreadable")
    harness.ticks(24, 60)
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"]) == ("unknown", "answer_unreadable")
    gateway.look = None
    harness.ticks(6, 61)
    assert harness.job(job_id)["state"] == "running", "it heals by itself"
    assert len(gateway.creates) == 1


def test_a_line_that_is_down_is_waited_for_and_said(harness, gateway):
    job_id = run(harness, gateway)
    gateway.look = httpx.ConnectError("no")
    harness.ticks(60, 240)
    job = harness.job(job_id)
    assert (job["state"], job["status"]["code"]) == ("running", "unanswered")
    assert "again by itself" in job["message"] and "(ConnectError)" in job["message"]
    assert gateway.asked < 300, "asked for less and less often"
    gateway.look = None
    harness.ticks(2, 80)
    assert harness.job(job_id)["status"]["code"] == "generating"


@pytest.mark.parametrize("looks", ["readable", "the same"])
@pytest.mark.parametrize("name", BARE)
def test_a_create_is_sent_three_times_at_most_and_then_its_owner_decides(
    harness, gateway, name, looks
):
    gateway.create = BARE[name]
    gateway.look = BARE[name] if looks == "the same" else None
    [job_id] = harness.submit()
    harness.ticks(8, 5)
    harness.ticks(26, 60)
    job, sent = harness.job(job_id), len(gateway.creates)
    assert job["state"] == "unknown", job
    assert job["error"]["code"] in ("send_refused", "outcome_unknown")
    assert sent <= (2 if name in ("html404", "its 404") else 3)
    status = BARE[name].status_code
    assert (
        status == 200 or str(status) in job["message"] + job["error"]["message"] or name == "5000"
    )
    harness.ticks(5, 300)
    assert len(gateway.creates) == sent, "it rests"
    assert harness.credits() == (OPENING - 210, 210, 0)
    gateway.create = gateway.look = None
    harness.pipeline.retry("local", job_id)
    harness.ticks(8, 60)
    assert harness.job(job_id)["state"] == "running"
    assert len(gateway.creates) == sent + 1


@pytest.mark.parametrize("words", ["html", "json"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_gateway_that_lets_nobody_in_pauses_every_submit_and_is_named(
    harness, gateway, status, words
):
    own = httpx.Response(status, json={"code": status, "message": "You shall not pass"})
    gateway.create = html(status) if words == "html" else own
    first, second = harness.submit(2)
    harness.tick()
    harness.ticks(5)
    assert len(gateway.creates) == 1, "the others wait"
    assert str(status) in harness.pipeline.notice()
    assert "KLING_BASE_URL" in harness.pipeline.notice()
    assert {harness.job(one)["state"] for one in (first, second)} == {"queued"}
    gateway.create = None
    harness.ticks(8, 60)
    assert {harness.job(one)["state"] for one in (first, second)} == {"running"}
    assert harness.pipeline.notice() == ""


def test_a_line_that_is_down_after_an_odd_answer_is_waited_for(harness, gateway):
    job_id = run(harness, gateway)
    gateway.look = html(502)
    harness.ticks(2, 10)
    gateway.look = httpx.ReadTimeout("no")
    harness.ticks(40, 60)
    assert harness.job(job_id)["state"] == "running"


def test_a_hiccup_on_each_side_of_an_outage_is_no_answer(harness, gateway):
    """Nobody is asked before Kling itself, or what stands before it, has told the same for long enough."""
    job_id = run(harness, gateway)
    for _ in range(3):
        gateway.look = html(502)
        harness.tick(80)
        gateway.look = httpx.ConnectError("no")
        harness.ticks(20, 80)
    gateway.look = html(502)
    harness.ticks(5, 80)
    assert harness.job(job_id)["state"] == "running"
    harness.ticks(12, 80)
    assert harness.job(job_id)["state"] == "unknown"


@pytest.mark.parametrize("known", [True, False], ids=["told", "doubtful"])
def test_what_waits_for_its_owner_is_asked_for_less_and_less_often(harness, gateway, known):
    """Days of it cost a look an hour, and the pages of a list ten times fewer; the owner's word asks at once."""
    if known:
        job_id = run(harness, gateway)
        gateway.look = html(200)
    else:
        gateway.create = gateway.look = html(200)
        [job_id] = harness.submit()
    harness.ticks(40, 60)
    assert harness.job(job_id)["state"] == "unknown"
    gateway.look = NOT_FOUND
    gateway.asked = gateway.pages = 0
    harness.pipeline.resume()
    harness.ticks(24 * 7, 600)
    harness.pipeline.resume()
    assert 20 < gateway.asked - gateway.pages < 100, "in 28 hours, one or two a look"
    assert gateway.pages <= 5
    assert harness.row(job_id)["next_at"] > harness.engine.now(), (
        "no appointment is taken for a wrong clock"
    )
    gateway.create = gateway.look = None
    harness.pipeline.retry("local", job_id)
    harness.ticks(2, 1)
    assert harness.job(job_id)["state"] == "running"


def test_a_second_bare_404_shows_its_reason_and_is_given_back_once(harness, gateway):
    gateway.create = html(404)
    [job_id] = harness.submit()
    harness.ticks(60, 10)
    job = harness.job(job_id)
    assert (job["state"], job["error"]["code"], len(gateway.creates)) == (
        "unknown", "send_refused", 2,
    )  # fmt: skip
    assert "HTTP 404" in job["error"]["message"]
    assert "404 Sorry" in job["error"]["message"], "what it said, without its markup"
    harness.pipeline.cancel("local", job_id)
    harness.ticks(3, 60)
    assert harness.credits() == (OPENING, 0, 0)


def test_what_kling_says_itself_is_heard_as_long_as_it_says_it(harness, gateway):
    """An empty account and a full one are no gateway's words: what waits goes on when they end."""
    gateway.create = httpx.Response(429, json=said(None, 1102, "resource pack exhausted"))
    [job_id] = harness.submit()
    harness.ticks(60, 60)
    assert harness.job(job_id)["state"] == "queued"
    assert len(gateway.creates) > 3
    gateway.create = None
    harness.ticks(5, 300)
    assert harness.job(job_id)["state"] == "running"


def test_a_line_that_is_down_before_the_create_is_waited_for(harness, gateway):
    gateway.create = gateway.look = httpx.ConnectError("no")
    [job_id] = harness.submit()
    harness.ticks(60, 60)
    assert (harness.job(job_id)["state"], harness.job(job_id)["status"]["code"]) == (
        "queued", "unanswered",
    )  # fmt: skip
    assert harness.job(job_id)["message"].endswith("Kling was not reached (ConnectError).")
    gateway.create = gateway.look = None
    harness.ticks(3, 60)
    assert harness.job(job_id)["state"] == "running"


def test_a_doubtful_create_is_looked_for_as_long_as_nobody_answers(harness, gateway):
    gateway.create, gateway.look = httpx.ReadTimeout("no"), httpx.ConnectError("no")
    [job_id] = harness.submit()
    harness.ticks(60, 60)
    assert (harness.job(job_id)["state"], harness.job(job_id)["status"]["code"]) == (
        "checking", "unanswered",
    )  # fmt: skip
    assert harness.job(job_id)["message"].endswith("Kling was not reached (ConnectError).")
    assert len(gateway.creates) == 1
