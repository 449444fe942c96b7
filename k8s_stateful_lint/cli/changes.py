"""What changed in a git repository since a commit: files, and objects that are gone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from k8s_stateful_lint.cli.shared import fail, say

if TYPE_CHECKING:
    from k8s_stateful_lint.engine.report import Report
    from k8s_stateful_lint.graph import Graph

_FULL_CLONE = "fetch more history first (git fetch --unshallow, or fetch-depth: 0 in actions/checkout)"


class Changes(msgspec.Struct, frozen=True):
    """Files that changed, that are new or gone: by absolute path; and what stood in those that changed or are gone."""

    files: frozenset[str]
    before: dict[str, bytes]


def only_changed(report: Report, graph: Graph, reference: str, *, quiet: bool) -> Report:
    """The report narrowed to what concerns files that changed since a commit.

    That is a finding whose own or related object lies in such a file, or whose object refers to one that such a file
    defined and nobody defines any more.
    """
    from k8s_stateful_lint.engine.narrow import only_files, referring_to
    from k8s_stateful_lint.model.decode import decode
    from k8s_stateful_lint.reading import SourceFile, read

    changes = changed_since(reference)
    gone = {
        (resource.kind, resource.name)
        for path, data in changes.before.items()
        for document in read(SourceFile(path, data)).documents
        for resource in decode(document)
    }
    narrowed = only_files(report, changes.files, referring_to(graph, gone))
    if not quiet:
        number, others = len(changes.files), len(report.findings) - len(narrowed.findings)
        say(
            f"{number} file{'' if number == 1 else 's'} changed since {reference}; {others} "
            f"finding{' has' if others == 1 else 's have'} nothing to do with that"
        )
    return narrowed


def changed_since(reference: str) -> Changes:
    """What changed since the commit where the present branch left a reference; untracked files count, too.

    The command ends with a message where git or the reference is missing.
    """
    top = _git("rev-parse", "--show-toplevel", wrong="--changed-since needs a git repository, and this is none")
    root = Path(os.fsdecode(top).rstrip("\n"))
    base = _base(reference)
    status = _git("diff", "--name-status", "--no-renames", "--no-ext-diff", "-z", base, "--", cwd=root)
    fields = os.fsdecode(status).split("\0")
    changed = dict(zip(fields[1::2], fields[0::2], strict=False))
    new = os.fsdecode(_git("ls-files", "--others", "--exclude-standard", "-z", cwd=root)).split("\0")
    files = frozenset(str(root / name) for name in (*changed, *new) if name)
    before = {
        name: _git("cat-file", "blob", f"{base}:{name}", cwd=root)
        for name, letter in changed.items()
        if letter in ("M", "D") and name.lower().endswith((".yaml", ".yml", ".json"))
    }
    return Changes(files, before)


def _base(reference: str) -> str:
    commit = _try("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}") if reference[:1] != "-" else None
    is_shallow = (_try("rev-parse", "--is-shallow-repository") or b"").strip() == b"true"
    if commit is None:
        hint = f"this is a shallow clone: {_FULL_CLONE}" if is_shallow else "is it fetched, and spelt right?"
        fail(f"--changed-since: there is no commit {reference} here; {hint}")
    common = _try("merge-base", os.fsdecode(commit).strip(), "HEAD")
    if common is None:
        why = f"the clone is shallow; for the exact difference, {_FULL_CLONE}" if is_shallow else "the histories differ"
        say(f"no common ancestor with {reference} is known ({why}): everything that differs from it counts as changed")
    return os.fsdecode(common or commit).strip()


def _try(*arguments: str) -> bytes | None:
    done = _run(arguments, None)
    return done.stdout if done.returncode == 0 else None


def _git(*arguments: str, cwd: Path | None = None, wrong: str | None = None) -> bytes:
    done = _run(arguments, cwd)
    if done.returncode != 0:
        fail(wrong or f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout


def _run(arguments: tuple[str, ...], cwd: Path | None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False, cwd=cwd)
    except FileNotFoundError:
        fail("--changed-since needs git, and there is no git on the path")
