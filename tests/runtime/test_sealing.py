"""Sealing: what is sealed opens with its key, for its purpose, and in no other way."""

from __future__ import annotations

import subprocess
import sys

import pytest

from onbeat.domain.errors import InvalidSetting
from onbeat.sealing import SealBroken, Vault

OLD, NEW = "o" * 32, "n" * 32


def test_what_is_sealed_opens_with_its_key() -> None:
    sealed = Vault([OLD]).seal("whsec_ä", "webhook 1")

    assert Vault([OLD]).open(sealed, "webhook 1") == "whsec_ä"
    assert "whsec" not in sealed


def test_what_is_sealed_twice_is_sealed_differently() -> None:
    vault = Vault([OLD])

    assert vault.seal("same", "p") != vault.seal("same", "p")


def test_it_does_not_open_for_another_purpose() -> None:
    sealed = Vault([OLD]).seal("secret", "webhook 1")

    with pytest.raises(SealBroken, match="sealed for webhook 2 does not open"):
        Vault([OLD]).open(sealed, "webhook 2")


def test_it_does_not_open_with_another_key() -> None:
    sealed = Vault([OLD]).seal("secret", "p")

    with pytest.raises(SealBroken, match=r"give the key .* too, behind a comma"):
        Vault([NEW]).open(sealed, "p")


def test_the_first_key_seals_and_any_opens() -> None:
    before = Vault([OLD]).seal("secret", "p")
    both = Vault([NEW, OLD])

    assert both.open(before, "p") == "secret"
    assert Vault([NEW]).open(both.seal("secret", "p"), "p") == "secret"


@pytest.mark.parametrize("place", [3, 20, -1])
def test_what_was_changed_does_not_open(place: int) -> None:
    sealed = list(Vault([OLD]).seal("secret", "p"))
    sealed[place] = "A" if sealed[place] != "A" else "B"

    with pytest.raises(SealBroken):
        Vault([OLD]).open("".join(sealed), "p")


@pytest.mark.parametrize("sealed", ["", "v1.", "v1.!!!!", "v2.AAAA", "plain", "v1.AAAA"])
def test_what_is_no_sealed_text_does_not_open(sealed: str) -> None:
    with pytest.raises(SealBroken, match="no sealed text"):
        Vault([OLD]).open(sealed, "p")


def test_without_a_key_nothing_is_sealed_and_the_setting_is_named() -> None:
    for asked in (
        Vault([]).check,
        lambda: Vault([]).seal("a", "p"),
        lambda: Vault([]).open("a", "p"),
    ):
        with pytest.raises(InvalidSetting, match="ONBEAT_SECRET_KEY"):
            asked()


def test_a_vault_shows_nothing_of_its_keys() -> None:
    assert OLD not in repr(Vault([OLD]))


@pytest.mark.parametrize(
    ("package", "asked"),
    [
        ("cryptography", f"from onbeat.sealing import Vault; Vault(['{OLD}']).seal('a', 'p')"),
        (
            "yarl",
            "from onbeat.outbound.targets import *; read_target('https://a.example', Rules())",
        ),
        (
            "aiohttp",
            "import asyncio; from onbeat.outbound.client import Client; "
            "asyncio.run(Client().post('https://8.8.8.8/', b'', {}))",
        ),
    ],
)
def test_where_the_extra_is_not_installed_it_is_named(package: str, asked: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; {asked}"

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert "ExtraMissing" in ran.stderr
    assert "pip install 'onbeat[server]'" in ran.stderr
