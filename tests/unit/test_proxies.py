"""The proxies of the environment: which host goes over which, and what is refused at the start."""

from __future__ import annotations

import pytest

from kling_pipeline.errors import StudioError
from kling_pipeline.kling.client import Keys, KlingAIClient
from kling_pipeline.kling.proxies import Proxies, mask_proxy
from kling_pipeline.settings import read_settings

NAMES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no")]
PROXY = "http://proxy.example:3128"
KLING = "api-singapore.klingai.com"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def proxies(monkeypatch: pytest.MonkeyPatch, **env: str) -> Proxies:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return Proxies.of(read_settings(_env_file=None))


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_is_taken_in_either_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxies(monkeypatch, **{name: f" {PROXY}\r"}).find(KLING) == PROXY


def test_of_both_cases_the_lower_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for order in (("HTTPS_PROXY", "https_proxy"), ("https_proxy", "HTTPS_PROXY")):
        for name in order:
            monkeypatch.delenv(name, raising=False)
        for name in order:
            monkeypatch.setenv(name, f"http://{'upper' if name.isupper() else 'lower'}.example")
        assert proxies(monkeypatch).find(KLING) == "http://lower.example"


def test_the_one_for_https_comes_first_and_the_one_for_http_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = {"http_proxy": "http://other.example", "ALL_PROXY": "socks5://last.example"}
    assert proxies(monkeypatch, **env).find(KLING) == "socks5://last.example"
    assert proxies(monkeypatch, HTTPS_PROXY=PROXY).find(KLING) == PROXY


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]", "127.9.9.9"]
)
def test_this_machine_is_never_asked_for(host: str) -> None:
    assert Proxies(PROXY).find(host, 8000) is None


SPARED = [
    ("*", True),
    ("klingai.com", True),
    (".klingai.com", True),
    ("*.klingai.com", True),
    ("localhost,KLINGAI.com ", True),
    ("localhost klingai.com", True),
    ("api-singapore.klingai.com:443", True),
    ("api-singapore.klingai.com:8443", False),
    ("ai.com", False),
    ("10.0.0.0/8", False),
    (",,", False),
]


@pytest.mark.parametrize(("entries", "spared"), SPARED)
def test_no_proxy_names_hosts_and_suffixes(
    entries: str, spared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = proxies(monkeypatch, HTTPS_PROXY=PROXY, NO_PROXY=entries)
    assert found.find(KLING, 443) == (None if spared else PROXY)


def test_no_proxy_names_networks() -> None:
    found = Proxies(PROXY, ("10.0.0.0/8", "2001:db8::1"))
    assert (found.find("10.1.2.3"), found.find("2001:db8::1")) == (None, None)
    assert found.find("11.0.0.1") == PROXY


def test_an_address_without_a_scheme_is_one_of_a_plain_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert proxies(monkeypatch, HTTPS_PROXY="proxy.example:3128").find(KLING) == PROXY


def test_a_desktop_s_socks_is_the_fifth_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """GNOME and KDE write `socks://` into ALL_PROXY, beside a plain proxy in HTTPS_PROXY or alone."""
    for written in ("socks://127.0.0.1:1080/", "SOCKS://127.0.0.1:1080/"):
        found = proxies(monkeypatch, ALL_PROXY=written).find(KLING)
        assert found == "socks5://127.0.0.1:1080/"


@pytest.mark.parametrize("unasked", ["socks4://127.0.0.1:1080", "socks://127.0.0.1:1", "ftp://x"])
def test_a_proxy_that_is_never_asked_may_be_of_any_kind(
    unasked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proxies(monkeypatch, HTTPS_PROXY=PROXY, ALL_PROXY=unasked).find(KLING) == PROXY


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    ["socks4://u:canary@a:1", "http://", "http://[::1", "http://u:canary@h:port", "http://h:70000",
     "ftp://canary", "http://a b", ":3128", "http://exämple"],
)  # fmt: skip
def test_a_broken_address_stops_the_start_with_a_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StudioError, match=f"{name}: it must be the address of a proxy") as caught:
        proxies(monkeypatch, **{name: value})
    assert "canary" not in str(caught.value)


def test_a_client_says_its_proxy_without_the_password() -> None:
    secret = "socks5h://user:canary@proxy.example:1080"
    with KlingAIClient(f"https://{KLING}", Keys(api="an-api-key"), proxies=Proxies(secret)) as made:
        assert made.proxy == "socks5h://user:***@proxy.example:1080"
    with KlingAIClient(
        "http://127.0.0.1:9", Keys(api="an-api-key"), proxies=Proxies(secret)
    ) as made:
        assert made.proxy == ""
    assert "canary" not in repr(Proxies(secret))
    assert mask_proxy(PROXY) == PROXY
