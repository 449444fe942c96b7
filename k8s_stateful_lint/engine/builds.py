"""Findings in what overlays and charts make of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from k8s_stateful_lint.engine.drafts import SEVERITIES, Draft
from k8s_stateful_lint.engine.own import FileFacts
from k8s_stateful_lint.engine.report import Notice
from k8s_stateful_lint.model.kustomization import KustomizationBody
from k8s_stateful_lint.rendering import Rendering

_NAMED = 3  # builds that a message names


def judged(facts: Iterable[FileFacts], rendering: Rendering) -> list[FileFacts]:
    """The facts to judge: a file that is part of a build is judged by what the build makes of it.

    Its kustomizations stay, because rules look at what they generate; and it stays as a file, because its comments
    suppress findings.
    """
    found = []
    for item in facts:
        if item.file.path in rendering.replaced:
            kustomizations = [r for r in item.resources if isinstance(r.body, KustomizationBody)]
            found.append(FileFacts(item.file, item.reading._replace(notices=()), kustomizations))
        else:
            found.append(item)
    return found + [FileFacts(made.file, made.reading, list(made.resources)) for made in rendering.results]


def across_builds(drafts: Iterable[Draft]) -> list[Draft]:
    """What several builds have from one line is one finding, as severe as the most severe of them, that names them."""
    groups: dict[Any, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(_key(draft), []).append(draft)
    return [_merged(group) for group in groups.values()]


def notices_of(rendering: Rendering) -> Iterator[Notice]:
    """What was rendered, and what was not."""
    for problem in rendering.problems:
        yield Notice(kind="not-rendered", message=problem.message, file=problem.path)
    for made in rendering.results:
        count = len(made.resources)
        yield Notice(kind="rendered", message=f"rendered: {count} object{'' if count == 1 else 's'}", file=made.name)
    if not rendering.results and not rendering.problems:
        yield Notice(kind="nothing-to-render", message="there is nothing to render in the input")


def _key(draft: Draft) -> Any:
    origin = draft.resource.origin if draft.resource is not None else None
    if draft.resource is None or origin is None:
        return id(draft)
    if draft.location != draft.made_at:
        return draft.head.name, draft.path, draft.location
    source = origin.source or draft.resource
    return draft.head.name, draft.path, draft.message, source.path if origin.source else "", source.kind, source.name


def _merged(group: list[Draft]) -> Draft:
    draft = max(group, key=lambda draft: SEVERITIES.index(draft.severity))
    builds = sorted(
        {d.resource.origin.build for d in group if d.resource is not None and d.resource.origin is not None}
    )
    if len(builds) > 1 or (builds and not draft.location.file.startswith(f"{builds[0]}/")):
        draft.message += f" (in {_listed(builds)})"
    return draft


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= _NAMED else names[: _NAMED - 1]
    rest = len(names) - len(shown)
    last = f"{rest} more" if rest else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last
