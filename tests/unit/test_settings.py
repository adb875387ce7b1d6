"""The environment: what is refused at the start, in one sentence, without a key in it."""

from __future__ import annotations

import pytest

from app import check_exposure
from kling_pipeline.errors import StudioError
from kling_pipeline.settings import Settings, read_settings

CANARY = "AKcanary-0123456789-never-shown"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in (
        "KLING_ACCESS_KEY",
        "KLING_SECRET_KEY",
        "KLING_API_KEY",
        "KLING_BASE_URL",
        "HOST",
        "PORT",
    ):
        monkeypatch.delenv(name, raising=False)


def test_no_keys_is_demo_mode_with_play_money(monkeypatch):
    settings = read_settings(_env_file=None)
    assert settings.demo
    assert settings.opening_credits == 100_000
    monkeypatch.setenv("KLING_API_KEY", CANARY)
    settings = read_settings(_env_file=None)
    assert not settings.demo
    assert settings.opening_credits == 20_000
    assert CANARY not in repr(settings)


@pytest.mark.parametrize(
    ("given", "missing"),
    [("KLING_ACCESS_KEY", "KLING_SECRET_KEY"), ("KLING_SECRET_KEY", "KLING_ACCESS_KEY")],
)
def test_half_a_pair_stops_the_start_with_a_sentence(monkeypatch, given, missing):
    monkeypatch.setenv(given, CANARY)
    with pytest.raises(StudioError, match=f"{missing} is not set") as caught:
        read_settings(_env_file=None)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("STUDIO_WORKERS", "-1"),
        ("STUDIO_TIME_SCALE", "0"),
        ("STUDIO_PLACES", "video"),
        ("STUDIO_PLACES", "video=0"),
        ("STUDIO_PLACES", "video=5,sound=2"),
        ("STUDIO_PLACES", "5"),
        ("STUDIO_OPENING_CREDITS", "-5"),
        ("KLING_CONTRACT", "both"),
        ("KLING_BASE_URL", "ftp://kling"),
        ("KLING_BASE_URL", "http://api.example.com"),
        ("KLING_BASE_URL", "kling"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(StudioError, match=name):
        read_settings(_env_file=None)


def test_places_are_read_by_pool(monkeypatch):
    assert read_settings(_env_file=None).studio_places == {}
    monkeypatch.setenv("STUDIO_PLACES", " video=5, image=9 ")
    assert read_settings(_env_file=None).studio_places == {"video": 5, "image": 9}


def test_zero_opening_credits_grant_nothing(monkeypatch):
    monkeypatch.setenv("STUDIO_OPENING_CREDITS", "0")
    assert read_settings(_env_file=None).opening_credits == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "studio.example"])
def test_keys_and_an_open_address_do_not_go_together(host):
    demo = Settings(_env_file=None, host=host)
    check_exposure(demo)
    keyed = Settings(_env_file=None, host=host, kling_api_key=CANARY)
    with pytest.raises(StudioError, match="sign-in") as caught:
        check_exposure(keyed)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_is_fine_with_keys(host):
    check_exposure(Settings(_env_file=None, host=host, kling_api_key=CANARY))
