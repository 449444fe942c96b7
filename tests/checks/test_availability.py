"""The parsers of family availability: scripts, sleeps and sizes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from k8s_stateful_lint.checks import availability


@pytest.mark.parametrize(
    ("script", "commands"),
    [
        ("postgres -c a=b", [["postgres", "-c", "a=b"]]),
        ("set -e\nmkdir -p /x # why\nexec postgres", [["set", "-e"], ["mkdir", "-p", "/x"], ["exec", "postgres"]]),
        ("a && b || c; d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("if test -f x; then exec mysqld; fi", [["test", "-f", "x"], ["exec", "mysqld"]]),
        ("mysqld \\\n  --datadir=/x 2>&1", [["mysqld", "--datadir=/x", "2"]]),
        ("run ${ARGS[@]} $(id -u; true) 'a; b'", [["run", "_", "_", "_"]]),
    ],
)
def test_commands_of_a_script(script: str, commands: list[list[str]]) -> None:
    assert availability._commands(script) == commands


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (("sleep", "30"), 30),
        (("sh", "-c", "sleep 5; drain; sleep 1m"), 65),
        (("sh", "-c", "/bin/sleep 5"), 5),
        (("sh", "-c", "sleep $SECONDS"), 0),
        (("sh", "-c", "sleep 2.5"), 0),
        (("/oversleep.sh", "30"), 0),
    ],
)
def test_literal_sleeps(command: tuple[str, ...], seconds: int) -> None:
    assert availability._sleeps(command) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("512m", 512 * 2**20), ("4G", 4 * 2**30), ("2GB", 2 * 2**30), ("1.5GiB", 3 * 2**29), ("25%", None), (".25", None)],
)
def test_sizes_as_databases_write_them(written: str, size: int | None) -> None:
    found = availability._size_of(written)
    assert (found and found[0] * found[1]) == (None if size is None else Decimal(size))
