"""Host and Origin are parsed strictly; behind a proxy the setting decides, not a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from kling_pipeline.errors import StudioError
from kling_pipeline.settings import Settings, read_settings
from tests.unit.asgi import Response, send_request
from ui.middleware.host_check import HostCheckMiddleware


async def echo(scope: Any, receive: Any, send: Any) -> None:
    names = sorted(name.decode() for name, _ in scope["headers"])
    seen = {"path": scope["path"], "scheme": scope["scheme"], "headers": names}
    await JSONResponse(seen)(scope, receive, send)


def demo_check(**settings: Any) -> HostCheckMiddleware:
    return HostCheckMiddleware(echo, Settings(_env_file=None, **settings))


def keyed_check(**settings: Any) -> HostCheckMiddleware:
    return demo_check(kling_access_key="a", kling_secret_key="b", **settings)


def request(check: HostCheckMiddleware, path: str = "/", **headers: str) -> Response:
    return send_request(check, path, headers=headers, method="GET")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:7860", "localhost:1", "LOCALHOST:7860", "localhost.", "[::1]",
     "[::1]:7860", "[0:0:0:0:0:0:0:1]"],
)  # fmt: skip
def test_own_hosts_are_allowed(host: str) -> None:
    assert request(demo_check(), host=host).status == 200


BAD_HOSTS = [
    "", " ", "127.0.0.1:7851@evil.com", "[::1]evil.com", "[::1]:7860evil", "localhost:", "localhost:0",
    "localhost:99999", "localhost:78 60", "localhost:+1", "localhost..", ".localhost", "localhost,evil.com",
    "localhost evil.com", "localhost/evil", "localhost#", "localhost?", "user@localhost", "127.0.0.1%00",
    "127.0.0.1\t", "[::1%25lo]", "[::1", "::1", "[]", "[127.0.0.1]", "evil.com", "127.0.0.1.evil.com",
    "localhost:7860:7860", "l\xf6calhost", "１２７.0.0.1".encode().decode("latin-1"), "http://localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_foreign_or_malformed_hosts_are_refused(host: str) -> None:
    for check in (demo_check(), demo_check(host="0.0.0.0"), keyed_check()):
        answer = request(check, host=host)
        assert (answer.status, answer.code) == (403, "foreign_host")
        assert "evil" not in answer.body.decode()


def test_two_hosts_or_two_origins_are_refused() -> None:
    ours = [("host", "localhost"), ("host", "localhost")]
    assert send_request(demo_check(), headers=ours).code == "foreign_host"
    twice = [("host", "localhost"), ("origin", "http://localhost"), ("origin", "http://localhost")]
    assert send_request(demo_check(), headers=twice).code == "foreign_origin"
    assert send_request(demo_check(), headers=[]).code == "foreign_host"


def test_a_url_in_place_of_a_path_is_refused() -> None:
    for path in ("http://localhost/healthz", "*", "healthz"):
        assert request(demo_check(), path, host="localhost").status == 400


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://", "http://localhost:7861", "https://localhost", "http://localhost",
     "http://u@localhost:7860", "http://localhost:7860/", "http://localhost:7860@evil.com",
     "http://localhost:7860, http://evil.com", "ftp://localhost:7860", "localhost:7860", "http://[",
     "http://127.0.0.1:7860", "http://localhost:7860 ", "file://"],
)  # fmt: skip
def test_origins_of_another_site_are_refused(origin: str) -> None:
    answer = request(demo_check(), host="localhost:7860", origin=origin)
    assert (answer.status, answer.code) == (403, "foreign_origin")
    assert "STUDIO_PUBLIC_URL" in answer.body.decode()


def test_origins_of_this_site_are_allowed() -> None:
    assert (
        request(demo_check(), host="localhost:7860", origin="http://localhost:7860").status == 200
    )
    assert request(demo_check(), host="localhost", origin="http://localhost").status == 200
    assert request(demo_check(), host="[::1]:80", origin="http://[::1]").status == 200
    assert (
        request(demo_check(host="0.0.0.0"), host="10.0.0.5:80", origin="http://10.0.0.5").status
        == 200
    )


def test_behind_a_proxy_the_setting_in_the_message_helps() -> None:
    asked = {"host": "localhost", "origin": "http://localhost:8080"}
    assert b"STUDIO_PUBLIC_URL" in request(demo_check(), **asked).body
    for check in (demo_check, keyed_check):
        assert request(check(studio_public_url="http://localhost:8080"), **asked).status == 200
        other = {**asked, "origin": "http://localhost:8081"}
        assert request(check(studio_public_url="http://localhost:8080"), **other).status == 403
    outside = {"host": "film.example.com", "origin": "https://film.example.com"}
    assert b"STUDIO_PUBLIC_URL" in request(demo_check(), **outside).body
    demo = demo_check(studio_public_url="https://film.example.com/")
    assert request(demo, **outside).status == 200
    assert request(demo, host="127.0.0.1:7860", origin="https://film.example.com").status == 200
    assert request(demo, host="127.0.0.1", origin="http://film.example.com").status == 403
    assert request(demo, host="127.0.0.1", origin="https://film.example.com:8443").status == 403


def test_with_keys_the_public_name_serves_callbacks_only() -> None:
    check = keyed_check(studio_public_url="https://film.example.com/studio")
    for path in ("/callbacks/kling", "/studio/callbacks/kling"):
        assert request(check, path, host="film.example.com").status == 200
    for path in ("/", "/api/jobs", "/studio/", "/callbacksx", "/studio/api/jobs"):
        answer = request(check, path, host="film.example.com")
        assert answer.status == 403
        assert b"no sign-in" in answer.body
    rewritten = request(check, "/api/jobs", host="127.0.0.1", origin="https://film.example.com")
    assert rewritten.status == 403
    assert b"no sign-in" in rewritten.body


@pytest.mark.parametrize("url", ["https://film.example.com/studio", "https://film.example.com/a/b"])
def test_a_path_prefix_is_taken_off_where_the_proxy_left_it_on(url: str) -> None:
    prefix = url.partition("com")[2]
    check = demo_check(studio_public_url=url)
    for path, inside in (
        (f"{prefix}/", "/"), (f"{prefix}/api/jobs", "/api/jobs"), ("/", "/"), ("/api/jobs", "/api/jobs"),
        (f"{prefix}x/api", f"{prefix}x/api"), (f"{prefix}{prefix}/", f"{prefix}/"),
    ):  # fmt: skip
        assert f'"path":"{inside}"' in request(check, path, host="film.example.com").body.decode()
    redirect = request(check, prefix, host="film.example.com")
    assert (redirect.status, redirect.headers["location"]) == (308, f"{prefix}/")
    redirect = request(check, f"{prefix}?x=1&y=%C3%BC%2F", host="film.example.com")
    assert redirect.headers["location"] == f"{prefix}/?x=1&y=%C3%BC%2F"
    assert request(check, prefix, host="evil.com").status == 403


def test_headers_of_a_proxy_are_not_passed_on() -> None:
    proxy_headers = {
        "x-forwarded-host": "evil.com", "x-forwarded-proto": "https", "forwarded": "host=evil.com",
        "x-forwarded-for": "1.1.1.1", "x-gradio-server": "http://evil.com", "x-real-ip": "1.1.1.1",
        "x-forwarded-prefix": "/evil", "x-original-url": "/evil", "X-Gradio-User": "app",
    }  # fmt: skip
    answer = request(demo_check(), host="localhost", accept="*/*", **proxy_headers).body
    assert b'"headers":["accept","host"]' in answer


def test_the_scheme_under_the_public_name_is_that_of_the_setting() -> None:
    check = demo_check(studio_public_url="https://film.example.com")
    assert b'"scheme":"https"' in request(check, host="film.example.com").body
    assert b'"scheme":"http"' in request(check, host="localhost").body


@pytest.mark.parametrize(
    "url",
    ["https://a.b/x?y", "https://a.b/x#y", "https://a.b/x//y", "https://a.b/<x>", "https://a.b/../x%2f",
     "https://u:p@a.b/", "ftp://a.b"],
)  # fmt: skip
def test_a_public_url_that_is_none_stops_the_start(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudioError, match="STUDIO_PUBLIC_URL"):
        read_settings(studio_public_url=url, _env_file=None)
