"""Where a request may go, as far as its URL says."""

from __future__ import annotations

import pytest

from onbeat.domain.addresses import read_allowed
from onbeat.outbound.targets import LONGEST_URL, Rules, TargetRefused, read_target

PLAIN = Rules(http=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/a?b=c",
        "https://hooks.example:8443/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/",
        "https://hooks.example./",
    ],
)
def test_a_public_https_url_may_be_a_target(url: str) -> None:
    assert read_target(url, Rules()).url.scheme == "https"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hooks.example/", "not https"),
        ("ftp://hooks.example/", "not https"),
        ("file:///etc/passwd", "not https"),
        ("gopher://hooks.example/", "not https"),
        ("hooks.example", "not https"),
        ("", "not https"),
        ("//hooks.example/", "not https"),
        ("https://", "names no host|is no URL"),
        ("https:///path", "names no host|is no URL"),
        ("https://user@hooks.example/", "name or password"),
        ("https://user:word@hooks.example/", "name or password"),
        ("https://:word@hooks.example/", "name or password"),
        ("https://hooks.example:22/", "port 22"),
        ("https://hooks.example:25/", "port 25"),
        ("https://hooks.example:6379/", "port 6379"),
        ("https://hooks.example:5432/", "port 5432"),
        ("https://hooks.example:0/", "port 0|is no URL"),
        ("https://hooks.example:99999/", "is no URL"),
        ("https://hooks.example/a b", "blank"),
        ("https://hooks.example/\r\nHost: inner", "blank"),
        ("https://hooks.example\\@127.0.0.1/", "blank"),
        ("https://hooks.example/\0", "blank"),
        ("https://127.0.0.1/", "this host"),
        ("https://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://10.0.0.1/", "private"),
        ("https://[::1]/", "this host"),
        ("https://[::ffff:127.0.0.1]/", "this host"),
        ("https://[::ffff:a9fe:a9fe]/", "link-local"),
        ("https://[64:ff9b::7f00:1]/", "this host"),
        ("https://[2002:7f00:1::]/", "this host"),
        ("https://[fd00:ec2::254]/", "private"),
        ("https://[fe80::1%25eth0]/", "no host|link-local|is no URL"),
        ("https://2130706433/", "neither a name nor an address"),
        ("https://0x7f000001/", "neither a name nor an address"),
        ("https://0x7f.0.0.1/", "neither a name nor an address"),
        ("https://127.1/", "neither a name nor an address"),
        ("https://0177.0.0.1/", "neither a name nor an address"),
        ("https://127.0.0.1./", "neither a name nor an address"),
        ("https://hooks..example/", "is no host|is no URL"),
        ("https://①②⑦.⓪.⓪.①/", "this host|is no URL|neither|is no host"),
        ("https://hooks.example/" + "a" * LONGEST_URL, "no text of up to"),
    ],
)
def test_any_other_is_refused_with_its_field_and_what_to_give_instead(url: str, told: str) -> None:
    with pytest.raises(TargetRefused, match=rf"(?s)^url: .*({told}).*(give|leave)"):
        read_target(url, Rules())


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TargetRefused, match="no text"):
        read_target(7, Rules())  # type: ignore[arg-type]


def test_http_is_a_target_where_the_operator_says_so() -> None:
    assert read_target("http://hooks.example/", PLAIN).port == 80


def test_an_inner_address_is_one_where_the_operator_says_so() -> None:
    allowed = Rules(read_allowed("x", ["10.0.0.0/8"]))

    assert read_target("https://10.1.2.3/", allowed).host == "10.1.2.3"
    with pytest.raises(TargetRefused):
        read_target("https://192.168.0.1/", allowed)


def test_the_refusal_of_an_inner_address_says_what_an_operator_can_do() -> None:
    with pytest.raises(TargetRefused, match="ONBEAT_OUTBOUND_ALLOW"):
        read_target("https://10.1.2.3/", Rules())


def test_what_is_refused_of_a_url_does_not_show_a_password_in_it() -> None:
    with pytest.raises(TargetRefused) as caught:
        read_target("https://user:hunter2@hooks.example/", Rules())

    assert "hunter2" not in str(caught.value)
