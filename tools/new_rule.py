"""Start a new rule: its card, its function and a place in the fixtures. The tests fail until all three are filled in.

Usage: python tools/new_rule.py FAMILY/RULE-NAME
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

CARD = """\
summary: TODO one line that names the bad pattern, without a full stop
severity: warning
confidence: medium
wave: full
why: |
  TODO the mechanism: what Kubernetes really does, and what that costs. With sources below.
fix: TODO what to do, in one or two sentences.
exceptions:
  - TODO every guard, in words
references:
  - TODO https://kubernetes.io/docs/...
examples:
  bad:
    - title: TODO one for every branch of the condition
      manifest: |
        TODO: {manifest: here} # <- here
  good:
    - title: TODO one for every "silent when"
      manifest: |
        TODO: {manifest: here}
"""

FUNCTION = '''

def {function}({subject}) -> Iterator[Finding]:
    """TODO what it finds, and the source of the fact it rests on."""
    raise NotImplementedError
'''

MODULE = '''"""Family {family}: TODO what its rules are about."""

from __future__ import annotations

from collections.abc import Iterator

from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.graph import Workload
'''


def scaffold(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a new rule; the names of what was written or extended.

    Raises:
        ValueError: the name has not the form family/rule-name, or the rule exists.

    """
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*/[a-z0-9]+(-[a-z0-9]+)+", name):
        raise ValueError(f"{name} is not of the form family/rule-name, in lower case with hyphens")
    family, rule = name.split("/")
    card = root / "rules" / family / f"{rule}.yaml"
    if any((root / "rules").glob(f"*/{rule}.yaml")):
        raise ValueError(f"there is a rule {rule} already")
    package = root / "k8s_stateful_lint" / "checks" / family.replace("-", "_")
    # The family change has a package: what the API server accepts is in `data`, what it refuses in `refused`.
    module = package / "data.py" if package.is_dir() else package.with_suffix(".py")
    text = module.read_text(encoding="utf-8") if module.exists() else MODULE.format(family=family)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(CARD if family != "change" else _with_two_sides(CARD), encoding="utf-8")
    module.parent.mkdir(parents=True, exist_ok=True)
    subject = "pair: Pair[Workload]" if family == "change" else "workload: Workload"
    function = FUNCTION.format(function=rule.replace("-", "_"), subject=subject)
    module.write_text(text + function, encoding="utf-8")
    return [card, module]


def _with_two_sides(card: str) -> str:
    """The card of a rule that compares: its examples have an old and a new side, the marker is on the new one."""
    text = "        TODO: {manifest: here}"
    old = f"      old: |\n{text}\n      new: |\n"
    return card.replace("      manifest: |\n", old)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        written = scaffold(sys.argv[1])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for path in written:
        print(f"written: {path.relative_to(ROOT)}")
    print("next: fill in every TODO, add a bad case to tests/fixtures/, run `make generate test`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
