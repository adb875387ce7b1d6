"""Tokens are signed as documented, and no key is ever shown or logged."""

from __future__ import annotations

import logging
import re
import threading
import traceback
from typing import Any

import httpx
import jwt
import pytest

from kling_pipeline.errors import StudioError
from kling_pipeline.kling.client import Keys, KlingAIClient, KlingAuth
from kling_pipeline.redaction import RedactFilter, mask
from kling_pipeline.settings import Settings
from tests.unit.kling_stub import (
    ACCESS,
    API,
    BASE,
    BOTH,
    BROKEN,
    ONLY,
    ROUTE,
    SECRET,
    claims,
    client,
    create,
    said,
    task,
    token,
    verdict_of,
)


def test_the_claims_of_a_create_are_exactly_three() -> None:
    made = client(httpx.Response(200, json=said(task())), now=lambda: 1_000_000.7)
    create(made, 1_000_060)
    assert claims(made.seen[0]) == {"iss": ACCESS, "exp": 1_000_060, "nbf": 999_995}
    assert jwt.get_unverified_header(token(made.seen[0])) == {"alg": "HS256", "typ": "JWT"}


def test_a_create_has_its_own_token_and_reads_share_one() -> None:
    clock = [1_000_000.0]
    made = client(httpx.Response(200, json=said(task())), now=lambda: clock[0])
    made.look(ROUTE, "829")
    create(made, 1_000_061)
    made.look(ROUTE, "829")
    clock[0] += 1700
    made.look(ROUTE, "829")
    clock[0] += 60
    made.look(ROUTE, "829")
    clock[0] -= 3000
    made.look(ROUTE, "829")
    tokens = [token(request) for request in made.seen]
    assert tokens[0] == tokens[2] == tokens[3] and len(set(tokens)) == 4
    assert [claims(one)["exp"] for one in made.seen] == [
        1_001_800, 1_000_061, 1_001_800, 1_001_800, 1_003_560, 1_000_560,
    ]  # fmt: skip


def test_a_refused_read_makes_the_next_one_sign_anew() -> None:
    clock = [1_000_000.0]
    made = client(httpx.Response(401, json=said(None, 1004, "expired")), now=lambda: clock[0])
    verdict_of(lambda: made.look(ROUTE, "829"))
    clock[0] += 1
    verdict_of(lambda: made.look(ROUTE, "829"))
    assert token(made.seen[0]) != token(made.seen[1])


def test_the_pair_signs_legacy_paths_and_the_api_key_the_others() -> None:
    auth = KlingAuth(BOTH)
    for path, is_jwt in (("/v1/videos/text2video", True), ("/tasks", False)):
        request = next(auth.auth_flow(httpx.Request("GET", BASE + path)))
        assert (token(request) != API) == is_jwt
    made = client(httpx.Response(200, json=said(task())), ONLY)
    create(made, None)
    assert token(made.seen[0]) == API
    assert made.unfenced and not client(httpx.Response(200), BOTH).unfenced


def test_a_create_that_could_be_fenced_must_be() -> None:
    made = client(httpx.Response(200, json=said(task())), BOTH)
    with pytest.raises(ValueError, match="expires"):
        create(made, None)
    assert made.seen == []


@pytest.mark.parametrize("bad", ["a\nb", "a b", "schlüssel", "", "a\x00"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(bad: str) -> None:
    with pytest.raises(StudioError) as caught:
        Keys(api=bad)
    assert caught.value.code == "bad_settings"
    assert not bad or bad not in repr(caught.value)


def test_half_a_pair_does_not_sign() -> None:
    for half in ({"access": "a"}, {"secret": "b"}, {}):
        with pytest.raises(StudioError):
            Keys(**half)


def test_a_client_is_made_from_settings() -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        kling_access_key=f" {ACCESS}\n",
        kling_secret_key=SECRET,
        kling_base_url=BASE,
    )
    with KlingAIClient.from_settings(settings) as made:
        assert not made.unfenced
    with KlingAIClient.from_settings(settings, base_url="http://127.0.0.1:9", keys=ONLY) as demo:
        assert demo.unfenced


TOKEN = re.compile(r"eyJ[\w-]{10,}")


def shown(error: BaseException) -> str:
    trace = "".join(traceback.format_exception(error))
    return f"{error}\n{error!r}\n{vars(error)}\n{trace}"


def echo(request: httpx.Request) -> httpx.Response:
    """Kling quoting the header back at us."""
    return httpx.Response(401, json=said(None, 1002, f"illegal {request.headers['authorization']}"))


@pytest.mark.parametrize("answer", [*[e for e, _ in BROKEN], echo, httpx.Response(500)])
@pytest.mark.parametrize("keys", [BOTH, ONLY], ids=["pair", "key"])
def test_no_error_shows_a_key(answer: Any, keys: Keys) -> None:
    made = client(answer, keys)
    for call in (lambda: create(made), lambda: made.look(ROUTE, "829")):
        text = shown(verdict_of(call)) + repr(made) + repr(keys) + repr(made._auth)
        assert "canary" not in text
        assert not TOKEN.search(text)


def test_the_log_is_masked_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    signed = "https://cdn.example.com/a.mp4?Expires=1700000000&Signature=abcDEF123456&page=1"
    made = jwt.encode({"iss": "x"}, SECRET, algorithm="HS256")
    caplog.handler.addFilter(RedactFilter(BOTH.secrets.values()))
    caplog.set_level(logging.DEBUG)
    log = logging.getLogger("httpx")
    log.debug("Authorization: Bearer %s", made)
    log.debug("Bearer opaque-token-1 and %s", {"key": SECRET})
    log.info("GET %s %d", httpx.URL(signed), 200)
    log.info("%(url)s", {"url": signed})
    log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", "/media/a?sig=0123456789", "1.1", 200)
    try:
        raise ValueError(f"{API} {signed}")
    except ValueError:
        log.exception("it broke: %s", API)
    text = caplog.text
    assert "canary" not in text and not TOKEN.search(text)
    assert "abcDEF123456" not in text and "opaque-token-1" not in text
    assert "0123456789" not in text and "1700000000" not in text
    assert "page=1" in text and "127.0.0.1" in text and "ValueError" in text


def test_masking_leaves_plain_text_alone() -> None:
    plain = "Kling answered 1201: Image pixel is invalid (280 x 640 px), see page?n=1"
    assert mask(plain) == plain
    assert mask(mask(f"Bearer {SECRET}")) == "Bearer ***"


def test_the_clients_own_log_holds_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = client(httpx.Response(200, json=said(task())), BOTH)
    create(made)
    assert caplog.text and "canary" not in caplog.text and not TOKEN.search(caplog.text)


def test_threads_share_a_client() -> None:
    made = client(httpx.Response(200, json=said(task())))
    threads = [threading.Thread(target=made.look, args=(ROUTE, "829")) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({token(request) for request in made.seen}) == 1
