"""Values that another tool fills in, so that nothing was checked that depends on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks.finding import Finding
from k8s_stateful_lint.graph import Kustomization, Node
from k8s_stateful_lint.model.placeholders import find_placeholder, is_placeholder, is_quantity_placeholder
from k8s_stateful_lint.model.resource import Place
from k8s_stateful_lint.reading import Route

_READ_FIELDS = frozenset(
    {
        "accessModes",
        "claimName",
        "image",
        "mountPath",
        "name",
        "namespace",
        "path",
        "provisioner",
        "replicas",
        "server",
        "serviceName",
        "sizeLimit",
        "storage",
        "storageClassName",
        "subPath",
        "volumeBindingMode",
        "volumeHandle",
        "volumeMode",
        "volumeName",
    }
)
_QUANTITIES = frozenset({"storage", "sizeLimit"})
_NOT_READ = frozenset({"env", "envFrom", "command", "args", "data", "stringData", "annotations", "status"})
# What a document with a placeholder holds. One after the other, because a search for a literal is many times faster.
_MAY_HOLD_PLACEHOLDER = tuple(
    regex(pattern)
    for pattern in (
        *(rb"<[A-Za-z_]", rb"@[A-Za-z_][^@\n]*@", rb"%[A-Z][A-Z0-9_]*%", rb"\{\{", rb"\[\[", rb"\$[{(A-Z]"),
        rb"s(?:torage|izeLimit)['\"]?\s*:\s*(?:[&!]\S*\s+)*['\"]?[A-Z]",
        rb"\\[ux]",  # what is written with escapes may be any of them
    )
)
# How a placeholder begins, and how messages call the pattern.
_PATTERNS = (
    ("{{", "{{ }}"),
    ("${", "${ }"),
    ("$(", "$( )"),
    ("$", "$NAME"),
    ("[[", "[[ ]]"),
    ("<", "< >"),
    ("@", "@ @"),
    ("%", "% %"),
)


def placeholder_in_manifest(node: Node) -> Iterator[Finding]:
    """A value that another tool fills in: the first of each pattern in a file."""
    in_file = node.graph.nodes_in_file(node.resource.path)
    if in_file[0] is not node:
        return
    mates = [mate for mate in in_file if mate.resource.body is not None and not isinstance(mate, Kustomization)]
    # The items of a List share one document, which is searched once.
    documents = dict.fromkeys(mate.resource.document for mate in mates)
    suspects = {document for document in documents if any(map(document.may_match, _MAY_HOLD_PLACEHOLDER))}
    seen: set[str] = set()
    for mate in mates:
        if mate.resource.document not in suspects:
            continue
        for route, field, text in _placeholders(mate.resource.as_written.raw):
            pattern, found = _pattern_of(text)
            if pattern not in seen and not _is_filled_in(mate, pattern, found):
                seen.add(pattern)
                yield Finding(
                    place=Place(mate.resource.as_written, route),
                    message=f"{found} in {field} of {mate.label} is filled in by another tool: what depends on this "
                    f"and on every other {pattern} of the file was not checked",
                )


def _placeholders(raw: Mapping[str, Any]) -> Iterator[tuple[Route, str, str]]:
    """Route, field and text of every placeholder in a field that rules read, in the order of the file."""
    pending: list[tuple[Route, str, object]] = [((), "", raw)]
    while pending:
        route, field, value = pending.pop()
        if isinstance(value, dict):
            inside = [((*route, key), key, item) for key, item in value.items() if key not in _NOT_READ]
            pending.extend(reversed(inside))
        elif isinstance(value, list):
            pending.extend(((*route, index), field, value[index]) for index in reversed(range(len(value))))
        elif field in _READ_FIELDS and (
            is_placeholder(value) or (field in _QUANTITIES and is_quantity_placeholder(value))
        ):
            yield route, field, str(value)


def _pattern_of(text: str) -> tuple[str, str]:
    found = find_placeholder(text)
    if found is None:
        return "NAME", text
    return next((pattern for start, pattern in _PATTERNS if found.startswith(start)), found), found


def _is_filled_in(node: Node, pattern: str, found: str) -> bool:
    """Whether the tool that fills it in is known: Helm, or a kustomization of the input."""
    if pattern == "{{ }}" and "templates" in node.resource.path.split("/")[:-1]:
        return True
    units = node.graph.units
    if any(build.body.replacements for build in units.builds_of(node.resource.path)):
        return True
    # A variable counts in every kustomization that builds the declaring one, and in their patches.
    return any(found == f"$({variable.get('name')})" for build in units.builds.values() for variable in build.body.vars)
