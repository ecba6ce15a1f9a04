"""A program is had where nobody installed it; the packages here are from a folder, over no net."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.debian import NotThere, program

ON_DEBIAN = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is of Debian")

CONTROL = "Package: hello\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: hello\n"


def test_a_program_on_the_path_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "promtool"
    installed.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert program("promtool", package="prometheus", place=tmp_path / "none") == installed
    assert not (tmp_path / "none").exists()


def test_where_it_cannot_be_fetched_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotThere, match=r"^No prometheus and no apt-get .* on the PATH$"):
        program("promtool", package="prometheus", place=tmp_path)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one package, that alone is known to apt, which has not read of it yet."""
    folder, tree = tmp_path / "packages", tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(CONTROL)
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/hello").write_text("#!/bin/sh\necho hello\n")
    (tree / "usr/bin/hello").chmod(0o755)
    folder.mkdir()
    built = folder / "hello.deb"
    build: list[str | Path] = ["dpkg-deb", "--build", tree, built]
    subprocess.run(build, check=True, capture_output=True)
    digest, size = hashlib.sha256(built.read_bytes()).hexdigest(), built.stat().st_size
    listed = f"{CONTROL}Filename: ./hello.deb\nSize: {size}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(listed)
    (tmp_path / "sources").write_text(f"deb [trusted=yes] file:{folder} ./\n")
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt.conf").write_text(
        f'Dir::State "{tmp_path}/apt";\nDir::State::status "/dev/null";\n'
        f'Dir::Etc::sourcelist "{tmp_path}/sources";\nDir::Etc::sourceparts "-";\n'
        'APT::Sandbox::User "";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    return folder


FETCHING = """
import sys
from pathlib import Path
from tests.servers.debian import program
print(program("hello", package="hello", place=Path(sys.argv[1])))
"""


@ON_DEBIAN
def test_a_package_is_fetched_once_by_those_who_want_it_at_once(
    packages: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", FETCHING, str(place)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    found = {each.communicate()[0].strip() for each in both}

    (path,) = found
    assert subprocess.run([path], capture_output=True, text=True, check=True).stdout == "hello\n"
    assert sorted(each.name for each in place.iterdir()) == ["hello", "lock"]


@ON_DEBIAN
def test_a_package_that_nobody_has_is_named(packages: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"

    with pytest.raises(NotThere, match="No onbeat-is-none, and apt-get cannot get it"):
        program("onbeat-is-none", package="onbeat-is-none", place=place)

    assert [each.name for each in place.iterdir()] == ["lock"]
