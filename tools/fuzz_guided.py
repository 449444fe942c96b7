"""Look for an input that the program trips over, as `tools.fuzz` does, guided by the code that an input reaches.

    pip install atheris
    python -m tools.fuzz_guided manifests/ [--seconds 3600] [--keep crashes/] [--found found/]

An input that reaches code that none before it did is kept in the folder FOUND and changed further, by the mutations of
`tools.fuzz` or byte by byte. atheris (CPython 3.11 to 3.13 on Linux) is no dependency: install it by hand.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["k8s_stateful_lint"]):
    from k8s_stateful_lint.sources import find_sources
    from tools.fuzz import Judge, mutated, outputs

    outputs(b"{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: 3}")  # what is imported late, too

SIZE = 20_000  # bytes of an input at most: larger ones reach nothing new, slowly


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("crashes"))
    parser.add_argument("--found", type=Path, default=Path("found"))
    given = parser.parse_args()
    seeds = [file.data for file in find_sources(given.paths).files if len(file.data) < SIZE]
    judge = Judge(given.keep)

    def change(data: bytes, size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            return atheris.Mutate(data, size)
        return mutated(data, chance.choice(seeds), chance)[:size]

    given.found.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={given.seconds}", f"-max_len={SIZE}", f"-seed={given.seed}", "-timeout=600"]
    atheris.Setup([sys.argv[0], str(given.found), *given.paths, *options], judge, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
