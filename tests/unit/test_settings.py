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
        ("KLING_BASE_URL", "https://x.example:abc"),
        ("KLING_BASE_URL", "https://x.example:99999"),
        ("KLING_BASE_URL", "https://x.example:0"),
        ("KLING_BASE_URL", "https://[::1"),
        ("KLING_BASE_URL", "https://api.kl ing.example"),
        ("KLING_BASE_URL", "https://\u0661.example"),
        ("KLING_BASE_URL", "https://x.example/?a=1"),
        ("KLING_BASE_URL", "https://x.example\\v1"),
        ("STUDIO_PUBLIC_URL", "https://x.example:abc"),
        ("STUDIO_PUBLIC_URL", "https://x.example:99999"),
        ("STUDIO_PUBLIC_URL", "https://x.example/?"),
        ("STUDIO_PUBLIC_URL", "https://x.example/a#"),
        ("STUDIO_PUBLIC_URL", "https://-\u00fc-.example"),
        ("STUDIO_PUBLIC_URL", "https://x .example"),
        ("STUDIO_PUBLIC_URL", "https://x.example/../a"),
        ("STUDIO_DATA_DIR", "$NO_SUCH_VARIABLE/x"),
        ("STUDIO_DATA_DIR", "/tmp/${NO_SUCH_VARIABLE}/x"),
        ("STUDIO_DATA_DIR", "%USERPROFILE%\\x"),
        ("STUDIO_DATA_DIR", "file:///tmp/x"),
        ("STUDIO_DATA_DIR", "C:\\studio"),
        ("STUDIO_DATA_DIR", "~nobody-of-this-name/x"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(StudioError, match=name):
        read_settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "7860 # mine", "it must be a whole number"),
        ("STUDIO_FAKE_IP", "enabled", "it must be 1 (yes) or 0 (no)."),
        ("STUDIO_TIME_SCALE", "1,5", "a point and not a comma"),
    ],
)
def test_a_value_that_is_no_number_is_told_what_it_must_be(monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    with pytest.raises(StudioError, match=name) as caught:
        read_settings(_env_file=None)
    assert said in caught.value.message and "unable to" not in caught.value.message


def test_a_public_name_in_other_letters_is_the_one_that_a_browser_sends(monkeypatch):
    monkeypatch.setenv("STUDIO_PUBLIC_URL", "https://B\u00fccher.example:8443/film/")
    url = read_settings(_env_file=None).studio_public_url
    assert url == "https://xn--bcher-kva.example:8443/film"


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


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "::1", "127.0.0.2", "LocalHost", "localhost."]
)
def test_loopback_is_fine_with_keys(host):
    check_exposure(Settings(_env_file=None, host=host, kling_api_key=CANARY))


@pytest.mark.parametrize(
    "around",
    ["\r", "\t", " ", "\r\n", "\xa0", "\ufeff", "\u200b", '"', "'", ' " ', "\u202a", "\u200e", "\u2003",
     "\u202f", "\u00ad", "\u201c", "\u2019", "\u202a\u201d"],
)  # fmt: skip
def test_what_stands_around_a_value_is_not_the_value(monkeypatch, tmp_path, around):
    given = {
        "KLING_API_KEY": CANARY,
        "STUDIO_DATA_DIR": str(tmp_path / "a b"),
        "KLING_BASE_URL": "https://api.example.com",
        "KLING_CONTRACT": "brief",
        "HOST": "127.0.0.1",
        "PORT": "8000",
        "STUDIO_PLACES": "video=5",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, f"{around}{value}{around[::-1]}")
    settings = read_settings(_env_file=None)
    assert settings.kling_api_key.get_secret_value() == CANARY
    assert settings.studio_data_dir == tmp_path / "a b"
    assert (settings.kling_base_url, settings.kling_contract) == (
        "https://api.example.com",
        "brief",
    )
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.studio_places == {"video": 5}


def test_a_variable_in_the_data_folder_is_what_a_shell_makes_of_it(monkeypatch, tmp_path):
    """Docker and service managers hand it on as it is written: another folder would be another ledger."""
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    for written in ("$STUDIO_HOME/a", "${STUDIO_HOME}/a", f"{tmp_path}/a"):
        monkeypatch.setenv("STUDIO_DATA_DIR", written)
        assert read_settings(_env_file=None).studio_data_dir == tmp_path / "a"
    monkeypatch.setenv("STUDIO_DATA_DIR", f"{tmp_path}/5$ a day")
    assert read_settings(_env_file=None).studio_data_dir == tmp_path / "5$ a day"


@pytest.mark.parametrize("nothing", ["", " ", "\r", "\ufeff", '""', "' '"])
def test_a_value_of_nothing_is_not_set(monkeypatch, nothing):
    for name in ("PORT", "KLING_API_KEY", "STUDIO_PLACES", "STUDIO_OPENING_CREDITS"):
        monkeypatch.setenv(name, nothing)
    settings = read_settings(_env_file=None)
    assert settings.demo
    assert (settings.port, settings.opening_credits) == (7860, 100_000)


ENV = (
    "# Gr\u00fc\u00dfe \u4f60\u597d\r\nKLING_API_KEY=abc\r\nSTUDIO_DATA_DIR=/tmp/J\u00f6\u4f60\r\n"
)


@pytest.mark.parametrize(
    "data",
    [
        ENV.encode(),
        ENV.encode("utf-8-sig"),
        ENV.encode("utf-16"),
        b"\xfe\xff" + ENV.encode("utf-16-be"),
        ENV.encode("utf-16-le"),
        ENV.encode("utf-16-be"),
        ENV.encode("utf-32"),
        ENV.replace("=", "=\ufeff").encode(),
    ],
    ids=[
        "utf-8",
        "utf-8 bom",
        "utf-16 bom",
        "utf-16-be bom",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "mark in a value",
    ],
)
def test_an_env_file_is_read_as_its_editor_saved_it(monkeypatch, tmp_path, data):
    monkeypatch.delenv("STUDIO_DATA_DIR", raising=False)
    (tmp_path / ".env").write_bytes(data)
    settings = read_settings(_env_file=tmp_path / ".env")
    assert settings.kling_api_key.get_secret_value() == "abc"
    assert str(settings.studio_data_dir) == "/tmp/J\u00f6\u4f60"


def broken_files(folder):
    for encoding in ("latin-1", "gbk"):
        (folder / encoding).write_bytes(
            "PORT=1\nHOST=127.0.0.1 # \u00fc".encode(encoding, "replace")
        )
        yield folder / encoding, "line 2: this is not UTF-8"
    (folder / "half").write_bytes("PORT=1".encode("utf-16")[:-1])
    yield folder / "half", "is not UTF-8"
    plain, wide = "# \u4f60\nPORT=1\n", "KLING_API_KEY=abc\n"
    mixed = {
        "appended": (plain.encode() + wide.encode("utf-16-le"), 3),
        "appended with a mark": (plain.encode() + wide.encode("utf-8-sig"), 3),
        "no end of line": (plain.encode() + b"HOST=::1" + wide.encode("utf-8-sig"), 3),
        "two marks": (b"\xef\xbb\xbf" + wide.encode("utf-8-sig"), 1),
        "plain behind wide": (plain.encode("utf-16") + wide.encode(), 3),
        "wide without a mark": (plain.encode("utf-16-le")[8:] + wide.encode("utf-16"), 2),
        "utf-32-le": (wide.encode("utf-32-le"), 1),
        "utf-32-be": (wide.encode("utf-32-be"), 1),
    }
    for name, (data, line) in mixed.items():
        (folder / name).write_bytes(data)
        yield folder / name, f"line {line}: this file is written in two ways at once"
    (folder / "folder").mkdir()
    yield folder / "folder", "is a folder"


def test_an_env_file_that_cannot_be_read_is_named_in_a_sentence(tmp_path, monkeypatch):
    for path, said in broken_files(tmp_path):
        with pytest.raises(StudioError, match=said) as caught:
            read_settings(_env_file=path)
        assert str(path) in caught.value.message

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
    with pytest.raises(StudioError, match=r"half cannot be read: Permission denied"):
        read_settings(_env_file=tmp_path / "half")
    assert read_settings(_env_file=tmp_path / "not there").port == 7860


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1", "127.0.0.1:7860", "[::1]:80", "a b", "me@host"]
)
def test_a_host_with_more_in_it_is_named(monkeypatch, host):
    monkeypatch.setenv("HOST", host)
    with pytest.raises(StudioError, match="HOST: it must be an address or a name alone"):
        read_settings(_env_file=None)


def test_a_host_in_brackets_is_taken(monkeypatch):
    monkeypatch.setenv("HOST", "[::1]")
    assert read_settings(_env_file=None).host == "::1"
