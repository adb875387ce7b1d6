"""An address that stands for another is judged by that one, in a link and behind a name."""

from __future__ import annotations

import pytest

from kling_pipeline.kling.urls import FakeAddress, check_link, public_addresses

# 5db8:d70e is 93.184.215.14, 7f00:1 is 127.0.0.1, a00:1 is 10.0.0.1, a9fe:a9fe is 169.254.169.254.
PUBLIC = {
    "mapped": "::ffff:5db8:d70e",
    "compatible": "::5db8:d70e",
    "translated": "::ffff:0:5db8:d70e",
    "NAT64": "64:ff9b::5db8:d70e",
    "NAT64 of a network": "64:ff9b:1::5db8:d70e",
    "NAT64 of a network, another": "64:ff9b:1:fffe::5db8:d70e",
    "NAT64 of a network, as a /48": "64:ff9b:1:5db8:d7:e00::",
    "6to4": "2002:5db8:d70e::1",
    "Teredo": "2001:0:5db8:d70e:0:0:a247:28f1",
    "ISATAP": "2606:2800:21f:1:0:5efe:5db8:d70e",
    "plain": "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
}
INSIDE = [
    "::ffff:7f00:1",
    "::a00:1",
    "::ffff:0:a00:1",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::6440:1",  # 100.64.0.1
    "64:ff9b:1::a00:1",
    "64:ff9b:1:fffe::a9fe:a9fe",
    "64:ff9b:1:a00:0:100::",
    "64:ff9b:1:a00:0:100:808:808",
    "64:ff9b:1::",
    "2002:a00:1::1",
    "2001:0:5db8:d70e:0:0:f5ff:fffe",  # Teredo of 10.0.0.1
    "2001:0:a00:1:0:0:a247:28f1",
    "2606:2800:21f:1:0:5efe:a00:1",
    "fe80::5efe:5db8:d70e",
    "::",
    "::1",
    "fec0::1",
    "fd00::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC.values(), ids=PUBLIC.keys())
def test_what_stands_for_a_public_address_is_public(address: str) -> None:
    assert public_addresses("cdn.example.com", lambda _: [address]) == [address]
    check_link(f"https://[{address}]/a")


@pytest.mark.parametrize("address", INSIDE)
def test_what_stands_for_an_address_inside_is_not(address: str) -> None:
    for fake_ip in (False, True):
        with pytest.raises(ValueError, match="not public"):
            public_addresses("cdn.example.com", lambda _: [address], fake_ip=fake_ip)
    with pytest.raises(ValueError, match="cannot reach"):
        check_link(f"https://[{address}]/a")


@pytest.mark.parametrize("number", ["198.18.0.5", "[fc00::5]", "[::ffff:c612:5]", "3323068421"])
def test_a_made_up_number_is_no_link_for_kling(number: str) -> None:
    with pytest.raises(ValueError, match="cannot reach"):
        check_link(f"https://{number}/a")
    host = number.strip("[]")
    with pytest.raises(ValueError, match="not public") as caught:
        public_addresses(host, lambda _: ["198.18.0.5"], fake_ip=True)
    assert not isinstance(caught.value, FakeAddress)


def test_an_address_of_megabytes_is_refused_before_it_is_read() -> None:
    """It would be kept with its job, sent, and told to every page that asks."""
    check_link("https://example.com/" + "a" * 7900)
    for long in ("https://example.com/" + "a" * 8000, "https://" + "a." * 10_000_000 + "com"):
        with pytest.raises(ValueError, match="at most 8000 characters"):
            check_link(long)
