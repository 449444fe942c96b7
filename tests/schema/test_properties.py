"""The check never raises, whatever the document is, and finds what was made wrong on purpose."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.graph import Graph
from k8s_stateful_lint.knowledge import NEWEST
from k8s_stateful_lint.model.decode import decode
from k8s_stateful_lint.reading import SourceFile, read
from k8s_stateful_lint.schema import check_schemas, targets_of
from k8s_stateful_lint.schema.kinds import KindSchema, schema_of, value_at

STATEFUL_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "db", "labels": {"app": "db"}},
    "spec": {
        "replicas": 3,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": {
            "metadata": {"labels": {"app": "db"}},
            "spec": {
                "terminationGracePeriodSeconds": 60,
                "containers": [
                    {
                        "name": "db",
                        "image": "registry.example.com/db:1.0",
                        "ports": [{"containerPort": 5432, "name": "sql"}],
                        "readinessProbe": {"tcpSocket": {"port": "sql"}, "periodSeconds": 5},
                        "resources": {"limits": {"cpu": 1, "memory": "1Gi"}},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    }
                ],
            },
        },
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}},
            }
        ],
    },
}
SCHEMA = schema_of("apps/v1", "StatefulSet", NEWEST)
assert SCHEMA is not None
FREE_MAPS = {"labels", "matchLabels", "limits", "requests"}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([math.inf, 2**200, -(2**70), "${A}", "<B>", "", "$patch"])
)
keys = st.text() | st.sampled_from(["metadata", "spec", "name", "containers", "status", "$patch", "items", "template"])
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=20
)


def routes(value: Any, route: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [route]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        found += routes(inner, (*route, step))
    return found


ROUTES = [route for route in routes(STATEFUL_SET) if route]


def changed(route: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(STATEFUL_SET)
    value_at(document, route[:-1])[route[-1]] = value
    return document


def check(document: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    """Validate a value as if it had been read from a file."""
    (shell,) = read(SourceFile("db.yaml", b"{}")).documents
    shell.value = document
    config = config_from({"schema": "all", "target": "1.27-1.36"})
    outcome = check_schemas(Graph(list(decode(shell)), config), config, targets_of(config))
    return [(rule, finding.place.route) for rule, finding, _ in outcome.findings if finding.message]


def test_the_sample_is_valid() -> None:
    assert check(STATEFUL_SET) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), trees)
def test_never_raises_for_a_changed_document(route: tuple[str | int, ...], value: Any) -> None:
    check(changed(route, value))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees, st.sampled_from(["Pod", "StatefulSet", "Service", "Secret", "PersistentVolume", "List", "Role"]))
def test_never_raises_for_any_document(tree: Any, kind: str) -> None:
    fields = tree if isinstance(tree, dict) else {"spec": tree}
    versions = {"StatefulSet": "apps/v1", "Role": "rbac.authorization.k8s.io/v1"}
    check({**fields, "apiVersion": versions.get(kind, "v1"), "kind": kind})


def test_deep_documents_are_left_alone() -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"a": deep}
    assert isinstance(SCHEMA, KindSchema)
    assert SCHEMA.errors(deep) == []


@pytest.mark.parametrize("route", [r for r in ROUTES if isinstance(r[-1], str)], ids=lambda r: ".".join(map(str, r)))
def test_a_misspelt_key_is_found(route: tuple[str | int, ...]) -> None:
    *parents, name = route
    if (parents and parents[-1] in FREE_MAPS) or route in {("apiVersion",), ("kind",)}:
        return
    document = copy.deepcopy(STATEFUL_SET)
    parent = value_at(document, tuple(parents))
    parent[f"{name}x"] = parent.pop(name)
    assert ("unknown-field", (*parents, f"{name}x")) in check(document)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: ".".join(map(str, r)))
def test_a_value_of_another_type_is_found(route: tuple[str | int, ...]) -> None:
    if route in {("apiVersion",), ("kind",)}:
        return
    found = check(changed(route, [[]]))
    inside = (*route, 0) if isinstance(value_at(STATEFUL_SET, route), list) else route
    assert ("schema-violation", inside) in found


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: ".".join(map(str, r)))
def test_null_is_absent(route: tuple[str | int, ...]) -> None:
    """A null says the same as leaving the field out."""
    if route in {("apiVersion",), ("kind",)} or isinstance(route[-1], int):
        return
    without = copy.deepcopy(STATEFUL_SET)
    del value_at(without, route[:-1])[route[-1]]
    assert check(changed(route, None)) == check(without)
