"""Compare the schema check with ``kubernetes_validate.validate(..., strict=True)``, object by object.

    python -m tools.schema_agreement manifests/ [--target 1.36]

prints every object on whose validity the two differ, with the reason, then how many there are of each reason.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.graph import Graph, Node
from k8s_stateful_lint.knowledge import NEWEST
from k8s_stateful_lint.knowledge.versions import format_version, parse_version
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.model.resource import Resource, field_path
from k8s_stateful_lint.reading import SourceFile, read
from k8s_stateful_lint.schema import check_schemas, targets_of
from k8s_stateful_lint.schema.check import silence
from k8s_stateful_lint.schema.kinds import KindSchema, schema_of, value_at
from k8s_stateful_lint.sources import find_sources

UNEXPLAINED = "unexplained"


class Comparison(NamedTuple):
    """One object of a kind that kubernetes_validate knows.

    ``reasons`` are why the verdicts differ: none where they agree.
    """

    node: Node
    theirs: bool
    ours: bool
    reasons: tuple[str, ...]
    details: tuple[str, ...]


def resources_of(files: Iterable[SourceFile]) -> list[Resource]:
    return [resource for file in files for document in read(file).documents for resource in decode(document)]


def compare(resources: list[Resource], target: str) -> Iterator[Comparison]:
    """Both verdicts on every object whose kind kubernetes_validate knows in that version."""
    config = config_from({"schema": "all", "target": target})
    graph = Graph(resources, config)
    outcome = check_schemas(graph, config, targets_of(config))
    spoken = {node.resource.as_written for _, _, node in outcome.findings}
    for node in graph.nodes:
        resource = node.resource.as_written
        theirs = verdict(resource.raw, target)
        if theirs is None:
            continue
        ours = resource not in spoken
        reasons: tuple[str, ...] = ()
        details: tuple[str, ...] = ()
        if ours is not theirs:
            schema = schema_of(resource.api_version, resource.kind, parse_version(target))
            found = sorted(_differences(node, schema, theirs))
            reasons = tuple(dict.fromkeys(reason for reason, _ in found)) or (UNEXPLAINED,)
            details = tuple(detail for _, detail in found)
        yield Comparison(node, theirs, ours, reasons, details)


def verdict(raw: Any, target: str) -> bool | None:
    """What kubernetes_validate says; None for a kind that it does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import kubernetes_validate

        try:
            kubernetes_validate.validate(dict(raw), target, strict=True)
        except kubernetes_validate.ValidationError:
            return False
        except (kubernetes_validate.SchemaNotFoundError, KeyError):  # a KeyError where it has no apiVersion
            return None
    return True


def _differences(node: Node, schema: KindSchema | None, theirs: bool) -> Iterator[tuple[str, str]]:
    """The reasons with the fields that they are about."""
    if schema is None:
        yield "not the kind that its file of schemas is for", f"{node.resource.api_version} {node.kind}"
        return
    raw = node.resource.as_written.raw
    for error in schema.errors(raw):
        where = field_path(error.route)
        if theirs:
            is_null = error.violation == "missing" and value_at(raw, error.route[:-1]) is not None
            yield "a required field is null" if is_null else UNEXPLAINED, where
        elif node.is_owned:
            yield "made by a controller", where
        else:
            yield silence(error, node) or UNEXPLAINED, where


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--target", default=format_version(NEWEST))
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    compared = refused = differ = 0
    for comparison in compare(resources_of(find_sources(given.paths).files), given.target):
        compared += 1
        refused += not comparison.theirs
        if not comparison.reasons:
            continue
        differ += 1
        counts.update(comparison.reasons)
        resource = comparison.node.resource
        says = "valid" if comparison.ours else "invalid"
        print(f"{resource.path}:{resource.document.line}: {comparison.node.label}: {says} here")
        print(f"    {', '.join(comparison.reasons)}: {', '.join(comparison.details)}")
    print(f"\n{compared} objects compared; kubernetes_validate refuses {refused}; {differ} differ\n")
    for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:6}  {reason}")
    return 1 if counts[UNEXPLAINED] else 0


if __name__ == "__main__":
    sys.exit(main())
