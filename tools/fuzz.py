"""Look for an input that the program trips over: real manifests and the examples of the rules, mutated.

    python -m tools.fuzz [manifests/] [--seconds 600] [--seed 1] [--keep crashes/]

Each goes through linting, every format and the graph, and is compared with what it was before. The program tells how
many inputs were tried, and keeps each that raised, let a rule crash, or took longer than ten seconds. What it finds is
mended and becomes a test of tests/test_robustness.py.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import Config, config_from
from k8s_stateful_lint.engine.cards import read_card, rules_directory
from k8s_stateful_lint.engine.compare import Side, compare
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.reports import FORMATS, Style, render
from k8s_stateful_lint.reports import graph as picture
from k8s_stateful_lint.sources import find_sources

SLOW = 10.0  # seconds of the processor for one input
_ODD = (
    *(
        "null",
        "~",
        "yes",
        "-1",
        "0",
        "1e400",
        "99999999999999999999",
        ".inf",
        ".nan",
        "0o17",
        "²",
        "9" * 5_000,
        "9" * 5_000 + "%",
        "1:30",
        "''",
        '"\\ud800"',
    ),
    *(
        "[]",
        "{}",
        "[[]]",
        "{a: {}}",
        "[null]",
        "[[x], 7]",
        "{name: []}",
        "&a x",
        "*a",
        "!!int x",
        "!!binary '*'",
        "|",
        ">-",
        "'",
        '"',
        "{{ .x }}",
    ),
    *("${X}", "x" * 300, "a/b/c", "../..", "\u202e", "\x00", "\x1b[31m", "é", "😀", "- -", "? x", "<<: *a", "# x", "%"),
    *("kind: Secret", "kind: List", "$patch: delete", "k8s-stateful-lint: ignore[", "---", "..."),
)


@cache
def _config() -> Config:
    return config_from({"schema": "all", "strict": True, "target": "1.29-1.36"})


def outputs(data: bytes | str) -> list[str]:
    """All that is ever shown of an input.

    Raises:
        AssertionError: a rule crashed.

    """
    report = lint_text(data, config=_config())
    assert not report.crashes, report.crashes[0]
    shown = [render(name, report, Style(width=80, verbose=True)) for name in FORMATS]
    shown += [picture.render(report.graph, report, name, Style()) for name in picture.FORMATS]
    for text in shown:
        text.encode()
    return shown


def compare_both_ways(data: bytes, other: bytes) -> None:
    """Compare an input with another one, as the newer and as the older revision.

    Raises:
        AssertionError: a rule crashed.

    """
    one, two = (SourceFile("manifest.yaml", text) for text in (data, other))
    for old, new in ((one, two), (two, one)):
        report = compare(Side("old", [old]), Side("new", [new]), _config())
        assert not report.crashes, report.crashes[0]


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """An input made from two others by a few changes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        data = chance.choice(_MUTATIONS)(data, other, chance)
    return data[:200_000]


def _value(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Another value behind some key or dash."""
    places = [match.span(1) for match in re.finditer(rb"(?:: |- )([^\n#]+)", data)]
    if not places:
        return data
    start, end = chance.choice(places)
    return data[:start] + chance.choice(_ODD).encode("utf-8", "surrogatepass") + data[end:]


def _key(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The name of another key."""
    names = re.findall(rb"([A-Za-z]+):", other)
    places = [match.span(1) for match in re.finditer(rb"([A-Za-z]+):", data)]
    if not names or not places:
        return data
    start, end = chance.choice(places)
    return data[:start] + chance.choice(names) + data[end:]


def _lines(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Lines gone, repeated, moved, indented otherwise, or those of another input."""
    lines = data.split(b"\n")
    start = chance.randrange(len(lines))
    end = min(start + chance.randint(1, 6), len(lines))
    part = lines[start:end]
    match chance.randrange(5):
        case 0:
            part = []
        case 1:
            part = part + part
        case 2:
            lead = b" " * chance.randint(0, 8)
            part = [lead + line.lstrip(b" ") for line in part]
        case 3:
            lines[start:end] = []
            place = chance.randint(0, len(lines))
            return b"\n".join(lines[:place] + part + lines[place:])
        case _:
            theirs = other.split(b"\n")
            place = chance.randrange(len(theirs))
            part = theirs[place : place + chance.randint(1, 12)]
    return b"\n".join(lines[:start] + part + lines[end:])


def _bytes(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, gone, or repeated very often."""
    place = chance.randint(0, len(data))
    match chance.randrange(4):
        case 0:
            return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        case 1:
            return data[:place] + data[place + chance.randint(1, 40) :]
        case 2:
            return data[:place] + data[place : place + chance.randint(1, 4)] * chance.randint(2, 3000) + data[place:]
        case _:
            sign = chance.choice(
                (b"\t", b"\r\n", b"\n", b":", b"'", b'"', b"{", b"[", b"#", b"&a ", b"*a", b"\xef\xbb\xbf")
            )
            return data[:place] + sign + data[place:]


_MUTATIONS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    _value,
    _value,
    _value,
    _key,
    _lines,
    _lines,
    _bytes,
)


def attempt(data: bytes, before: bytes) -> str | None:
    """What is wrong with how an input is handled that was another one before; None where nothing is."""
    started = time.process_time()
    try:
        outputs(data)
        compare_both_ways(data, before)
    except Exception:
        return traceback.format_exc(limit=-6)
    seconds = time.process_time() - started
    return f"{seconds:.0f} seconds" if seconds > SLOW else None


class Judge:
    """Tries inputs, and keeps the first of each kind of problem in a folder."""

    def __init__(self, keep: Path) -> None:
        self.tried = 0
        self.kinds: set[str] = set()
        self._keep = keep
        self._started = time.monotonic()

    def __call__(self, data: bytes, before: bytes = b"") -> None:
        self.tried += 1
        problem = attempt(data, before)
        if problem is not None:
            kind = problem.strip().rpartition("\n")[2] + "".join(re.findall(r", line \d+, in \w+", problem)[-1:])
            if kind not in self.kinds:
                self.kinds.add(kind)
                self._keep.mkdir(parents=True, exist_ok=True)
                path = self._keep / f"{hashlib.sha256(data).hexdigest()[:12]}.yaml"
                path.write_bytes(data)
                print(f"{path}\n{problem}", flush=True)
        if self.tried % 500 == 0:
            print(self, flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def __str__(self) -> str:
        return f"{self.tried} inputs in {self.seconds / 3600:.2f} hours, {len(self.kinds)} different problems"


def _examples() -> Iterator[bytes]:
    """The examples of the rules: without them, most rules would have nothing to look at."""
    for path in sorted(rules_directory().glob("*/*.yaml")):
        card = read_card(path)
        for example in (*card.examples.bad, *card.examples.good):
            for texts in (example.texts, *example.sides.values()):
                yield "\n---\n".join(texts.values()).encode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("crashes"))
    given = parser.parse_args()
    seeds = [*_examples(), *(file.data for file in find_sources(given.paths).files if len(file.data) < 50_000)]
    chance = random.Random(given.seed)
    judge = Judge(given.keep)
    while judge.seconds < given.seconds:
        seed = chance.choice(seeds)
        judge(mutated(seed, chance.choice(seeds), chance), seed)
    print(judge)
    return 1 if judge.kinds else 0


if __name__ == "__main__":
    sys.exit(main())
