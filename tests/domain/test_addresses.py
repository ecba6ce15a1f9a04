"""Which addresses lie outside."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.addresses import read_allowed, what_within
from onbeat.domain.errors import InvalidInput

OUTSIDE = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255",
    "100.128.0.0", "169.253.255.255", "192.167.255.255", "223.255.255.255", "2606:4700::1111",
    "2a00:1450:4001::8a", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip

WITHIN = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104 - bound by nobody
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1",
    "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1",
    "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2002:c0a8:101::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
    "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_that_is_given_out_is_outside(address: str) -> None:
    assert what_within(ip_address(address)) is None


@pytest.mark.parametrize("address", WITHIN)
def test_an_address_of_another_use_is_within_and_says_what_it_is(address: str) -> None:
    assert what_within(ip_address(address))


@given(st.ip_addresses(v=4))
def test_no_address_is_outside_that_python_takes_for_private(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert what_within(address) is not None


@given(st.ip_addresses(v=6))
def test_no_address_of_version_six_is_outside_that_python_takes_for_private(
    address: IPv6Address,
) -> None:
    # Those that carry another address lie where that lies; early Pythons of 3.11 take some of
    # 2002::/16 for private whatever they carry.
    carries = address.ipv4_mapped is not None or any(
        address in IPv6Network(each) for each in ("64:ff9b::/96", "2002::/16")
    )
    if not carries and (address.is_private or address.is_multicast or address.is_reserved):
        assert what_within(address) is not None


@given(st.ip_addresses(v=4))
def test_an_address_lies_where_the_one_lies_that_it_carries(address: IPv4Address) -> None:
    number = int(address)
    carriers = [
        IPv6Address((0xFFFF << 32) + number),
        IPv6Address((0x64FF9B << 96) + number),
        IPv6Address((0x2002 << 112) + (number << 80)),
    ]

    assert [what_within(each) is None for each in carriers] == [what_within(address) is None] * 3


def test_hosts_and_networks_are_allowed_by_name_and_by_address() -> None:
    allowed = read_allowed("x", ["Hooks.Example", "10.1.0.0/16", "127.0.0.1", "fd00::/8"])

    assert allowed.has("hooks.example.", ip_address("192.168.0.1"))
    assert allowed.has("other", ip_address("10.1.2.3"))
    assert allowed.has("other", ip_address("127.0.0.1"))
    assert allowed.has("other", ip_address("fd00::1"))
    assert not allowed.has("other", ip_address("10.2.0.1"))
    assert not allowed.has("other", ip_address("127.0.0.2"))
    assert not allowed.has("sub.hooks.example", ip_address("10.2.0.1"))


@pytest.mark.parametrize("entry", ["10.1.0.1/16", "300.0.0.0/8", "a b", "https://x", "*.example"])
def test_what_is_neither_host_nor_network_is_refused(entry: str) -> None:
    with pytest.raises(InvalidInput, match=r"^allow: .*give"):
        read_allowed("allow", [entry])
