"""A callback is a hint: it can make us look sooner, and nothing else."""

from __future__ import annotations

import time

import pytest

from kling_pipeline.errors import InputError
from kling_pipeline.jobs.callbacks import verify_signature

# The vendor's published test vector (Kling docs, callbacks, Sept 2026).
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
    b'"update_time":1781080794151}'
)
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": "1781080794",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}


class _Then(__import__("datetime").datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(1781080794, tz)


@pytest.fixture
def then(monkeypatch):
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _Then)


def test_the_published_vector_is_good(then):
    verify_signature(SECRET, BODY, HEADERS)


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_missing_or_changed_header_is_refused(then, name):
    for headers in (
        {key: value for key, value in HEADERS.items() if key != name},
        {**HEADERS, name: "1" + HEADERS[name][1:]},
    ):
        if headers == HEADERS:
            continue
        with pytest.raises(InputError) as caught:
            verify_signature(SECRET, BODY, headers)
        assert caught.value.code == "bad_signature"


def test_another_body_or_an_old_one_is_refused(then):
    with pytest.raises(InputError):
        verify_signature(SECRET, BODY + b" ", HEADERS)


def test_an_old_callback_is_refused():
    assert time.time() > 1781080794 + 300
    with pytest.raises(InputError):
        verify_signature(SECRET, BODY, HEADERS)


def test_a_forged_success_moves_nothing(harness):
    (job_id,) = harness.submit()
    harness.tick()
    task = harness.job(job_id)["provider_task_id"]
    harness.tick()
    before = harness.job(job_id)
    for _ in range(1000):
        harness.pipeline.poll_soon(task)
    asked = len(harness.kling.pages)
    harness.tick(0.1)
    assert harness.job(job_id)["state"] == before["state"] == "running"
    assert len(harness.kling.pages) - asked <= 1, "a thousand hints are one look"
    harness.pipeline.poll_soon("nobody's")
