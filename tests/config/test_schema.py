"""The JSON Schema for editors: valid, and of one mind with the reader of the file."""

from __future__ import annotations

import json

import jsonschema
import pytest

from k8s_stateful_lint.config import ConfigError, config_from
from k8s_stateful_lint.engine.config_schema import schema_file
from k8s_stateful_lint.engine.policy import validate

SCHEMA = json.loads(schema_file().read_bytes())
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    described = SCHEMA["$defs"]["Config"]["properties"]
    assert all(part.get("description") for part in described.values())
    assert "environment" not in described


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"extends": "base.yaml"},
        {"target": "1.30-1.34", "schema": "all", "fail-on": "never", "strict": True},
        {"cluster": {"platform": "eks", "storage-classes": {"gp3": "ebs.csi.aws.com"}}},
        {"rules": {"access": "off", "liveness-kills-recovery": {"options": {"recovery-seconds": 5}}}},
        {"overrides": [{"environments": ["production"], "rules": {"zero-grace-period": {"severity": "info"}}}]},
        {"gitops": "argocd"},
        {"gitops": {"tool": "argocd"}},
        {"environments": [{"name": "bed", "labels": {"a": "b"}}], "select": ["access"]},
        {"rules": {"nope": "off"}},
        {"rules": {"access": "fatal"}},
        {"rules": {"liveness-kills-recovery": {"options": {"recovery": 5}}}},
        {"rules": {"liveness-kills-recovery": {"options": {"recovery-seconds": "5"}}}},
        {"select": ["nope"]},
        {"overrides": [{"paths": ["a"]}]},
        {"overrides": [{"rules": {"nope": "off"}}]},
        {"environments": [{"paths": []}]},
        {"target": 1.3},
        {"nonsense": 1},
        {"cluster": {"nodes": "two"}},
    ],
)
def test_it_agrees_with_the_reader(values: dict[str, object]) -> None:
    try:
        validate(config_from(values))
        is_good = True
    except ConfigError:
        is_good = False
    assert CHECK.is_valid(values) is is_good
