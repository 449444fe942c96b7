"""What the linter costs, as ratios: against reading the same files, against an empty Python, against itself.

    python -m benchmarks.run [--corpus DIRECTORY] [--rounds N] [--copies N] [--checkov]

Ratios are of processor time (user and system) of whole processes, the median of several rounds in which all programs
take turns: a busy machine slows all of them alike. Run it with an installed package, and nothing else at work.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.trees import GROUPS, OBJECTS, SHAPES

HERE = Path(__file__).parent
PYTHON = sys.executable
CHECK = (PYTHON, "-m", "k8s_stateful_lint", "check", "--quiet", "--format", "json", "--output", os.devnull)
ONE_FILE = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 8Gi}}
"""


class Cost(NamedTuple):
    """Seconds of processor and of wall time, and the peak of memory in MB."""

    processor: float
    wall: float
    memory: float


def cost(command: tuple[str, ...]) -> Cost:
    """Run a program once; how it ends does not matter."""
    started = perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment())
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return Cost(usage.ru_utime + usage.ru_stime, perf_counter() - started, usage.ru_maxrss / scale)


def _environment() -> dict[str, str]:
    # Without compiled modules, Python would compile ours in every run.
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def compare(title: str, commands: dict[str, tuple[str, ...]], rounds: int) -> None:
    """Print what programs cost, as ratios to the first of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            found = cost(command)
            if number:  # the first round fills caches
                costs[name].append(found)
    base = statistics.median(each.processor for each in next(iter(costs.values())))
    print(f"\n{title}\n{'':34}{'processor':>10}{'ratio':>8}{'wall':>9}{'memory':>10}")
    for name, found_costs in costs.items():
        processor, wall, memory = (statistics.median(values) for values in zip(*found_costs, strict=True))
        print(f"{name:34}{processor:8.3f} s{processor / base:7.2f}x{wall:7.2f} s{memory:7.0f} MB")


def start_up(rounds: int, scratch: Path) -> None:
    """One small file, and no file at all, against an empty Python."""
    file = scratch / "claim.yaml"
    file.write_text(ONE_FILE, encoding="utf-8")
    commands = {
        "python -c pass": (PYTHON, "-c", "pass"),
        "--version": (PYTHON, "-m", "k8s_stateful_lint", "--version"),
        "check one file": (*CHECK, str(file)),
        "check one file, no schemas": (*CHECK, "--schema", "off", str(file)),
    }
    compare("Start", commands, rounds * 3)


def whole_corpus(corpus: Path, rounds: int, *, checkov: bool) -> None:
    """Thousands of real files against reading them."""
    commands = {
        "read with yamlrocks": (PYTHON, str(HERE / "floor.py"), str(corpus)),
        "check": (*CHECK, "--no-cache", str(corpus)),
        "check, nothing changed": (*CHECK, "--cache", str(corpus)),
        "check, no schemas": (*CHECK, "--no-cache", "--schema", "off", str(corpus)),
    }
    compare(f"Corpus {corpus.name}", commands, rounds)
    program = shutil.which("checkov")
    if checkov and program is not None:
        arguments = ("--framework", "kubernetes", "--compact", "--quiet", "-o", "json", "-d", str(corpus))
        compare("Corpus, against checkov", {"check": commands["check"], "checkov": (program, *arguments)}, 1)


def growth(copies: int, rounds: int, scratch: Path) -> None:
    """What an object costs as there are more of them, however they lie; what a dozen of them cost is taken off."""
    numbers = (1, 10, copies)
    print(f"\nGrowth: microseconds an object\n{'':20}" + "".join(f"{number * OBJECTS:>12}" for number in numbers))
    for name, make in SHAPES.items():
        few = scratch / "few"
        make(few, 1, 2)
        roots = [scratch / str(number) for number in numbers]
        for root, number in zip(roots, numbers, strict=True):
            make(root, number)
        costs = [
            [cost((*CHECK, "--no-cache", "--fail-on", "never", str(root))) for root in (few, *roots)]
            for _ in range(rounds)
        ]
        start, *processor = (statistics.median(each.processor for each in found) for found in zip(*costs, strict=True))
        cells = [
            f"{(seconds - start) / (6 * (GROUPS * number - 2)) * 1e6:8.0f} us"
            for seconds, number in zip(processor, numbers, strict=True)
        ]
        print(f"{name:20}" + "".join(f"{cell:>12}" for cell in cells) + f"{costs[0][-1].memory:8.0f} MB", flush=True)
        for root in (few, *roots):
            shutil.rmtree(root)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a directory of real manifests")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=20, help="copies of the generated tree, besides 1 and 10")
    parser.add_argument("--checkov", action="store_true", help="run it on the corpus too, where it is installed")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = str(Path(scratch, "cache"))
        start_up(given.rounds, Path(scratch))
        if given.corpus is not None:
            whole_corpus(given.corpus, given.rounds, checkov=given.checkov)
        empty = Path(scratch, "trees")
        empty.mkdir()
        if given.copies:
            growth(given.copies, given.rounds, empty)


if __name__ == "__main__":
    main()
