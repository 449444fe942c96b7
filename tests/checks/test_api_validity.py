"""Family api-validity beside the schema check, and manifests that are too odd for the examples of a card."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile

FAMILY = "api-validity"
CLASS = """
    apiVersion: storage.k8s.io/v1
    kind: StorageClass
    metadata: {name: fast}
    provisioner: csi.example.com
    allowVolumeExpansion: "true"
    parameters: {encrypted: yes}
"""
POD = """
    apiVersion: v1
    kind: Pod
    metadata: {{name: report}}
    spec:
      {spec}
      containers:
        - name: report
          image: registry.example.com/report:1.4.2
          {container}
"""


def lint(files: dict[str, str] | str, **config: Any) -> list[tuple[str, str]]:
    """Rule and path of every finding of the family and of the schema check."""
    texts = {"manifest.yaml": files} if isinstance(files, str) else files
    sources = [SourceFile(name, textwrap.dedent(text).encode()) for name, text in texts.items()]
    report = run(sources, config_from({"select": [FAMILY, "schema-violation"], **config}))
    assert not report.crashes, report.crashes
    return [(finding.rule, finding.path) for finding in report.findings]


def test_the_schema_check_is_silent_where_a_rule_speaks() -> None:
    assert lint(CLASS) == [
        ("schema-violation", "allowVolumeExpansion"),
        ("non-string-map-value", "parameters.encrypted"),
    ]


def test_the_schema_check_speaks_where_the_rule_is_off() -> None:
    assert lint(CLASS, rules={"non-string-map-value": "off"}) == [
        ("schema-violation", "allowVolumeExpansion"),
        ("schema-violation", "parameters.encrypted"),
    ]


def test_a_suppressed_rule_does_not_come_back_as_a_schema_violation() -> None:
    suppressed = CLASS.replace("yes}", "yes} # k8s-stateful-lint: ignore[non-string-map-value] decoded by a script")
    assert lint(suppressed) == [("schema-violation", "allowVolumeExpansion")]


@pytest.mark.parametrize(
    "volumes",
    ["[]", "null", "text", "[null]", "[text]", "[[]]", "[{name: 8, emptyDir: {}}]", "[{emptyDir: text}]", "{a: {}}"],
)
def test_odd_volumes_crash_nothing(volumes: str) -> None:
    lint(POD.format(spec=f"volumes: {volumes}", container="volumeMounts: [{name: data, mountPath: /data}, null, text]"))


@pytest.mark.parametrize(
    "kind",
    [
        "PersistentVolumeClaim",
        "PersistentVolume",
        "StatefulSet",
        "Deployment",
        "DaemonSet",
        "Service",
        "VolumeSnapshot",
    ],
)
@pytest.mark.parametrize("spec", ["null", "text", "[]", "{}", "8"])
def test_odd_specs_crash_nothing(kind: str, spec: str) -> None:
    version = {"StatefulSet": "apps/v1", "Deployment": "apps/v1", "DaemonSet": "apps/v1"}.get(kind, "v1")
    version = "snapshot.storage.k8s.io/v1" if kind == "VolumeSnapshot" else version
    lint(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: odd}}\nspec: {spec}\n")


def test_a_volume_with_a_number_for_a_name_is_no_missing_volume() -> None:
    found = lint(
        POD.format(spec="volumes: [{name: 8, emptyDir: {}}]", container='volumeMounts: [{name: "8", mountPath: /data}]')
    )
    assert [rule for rule, _ in found] == ["schema-violation"]


def test_a_kustomization_writes_selector_and_labels() -> None:
    files = {
        "kustomization.yaml": "commonLabels: {app: web}\nresources: [web.yaml]\n",
        "web.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              template:
                spec:
                  containers: [{name: web, image: "registry.example.com/web:1.4.2"}]
        """,
    }
    assert lint(files) == []
    other = files["web.yaml"].replace(
        "spec:\n              template", "spec:\n              selector: {}\n              template"
    )
    assert lint({**files, "web.yaml": other}) == []


def test_a_kustomization_does_not_mend_other_keys() -> None:
    files = {
        "kustomization.yaml": "commonLabels: {team: shop}\nresources: [web.yaml]\n",
        "web.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {k8s-app: web}}
                spec:
                  containers: [{name: web, image: "registry.example.com/web:1.4.2"}]
        """,
    }
    assert lint(files) == [("selector-template-mismatch", "spec.selector")]


@pytest.mark.parametrize(
    ("size", "rule"),
    [
        ("8Gi", None),
        ("8G", None),
        ("1e9", None),
        ("0.5Gi", None),
        ("1Mi", None),
        ("8Ti", None),
        ('"8 Gi"', "quantity"),
        ("8GiB", "quantity"),
        ("8K", "quantity"),
        ("0", "quantity"),
        ("1000", "quantity"),
        ("500m", "quantity"),
        ('""', "quantity"),
        ('" 8Gi "', None),
        ("SIZE_OF_DISK", None),
        ("${SIZE}Gi", None),
    ],
)
def test_sizes(size: str, rule: str | None) -> None:
    found = lint(f"""
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {{name: data}}
        spec:
          accessModes: [ReadWriteOnce]
          resources: {{requests: {{storage: {size}}}}}
    """)
    expected = ("invalid-storage-quantity", "spec.resources.requests.storage")
    assert (expected in found) == (rule is not None)


IMAGE_AND_SIZE = """
    apiVersion: v1
    kind: Pod
    metadata: {name: report}
    spec:
      containers:
        - name: report
          image: %s
          resources: {limits: {memory: %s}}
    ---
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: report}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: %s}}
"""


@pytest.mark.parametrize("size", ["10GB", "8g", "5 Gi", "1.2.3", "ten"])
def test_what_is_no_quantity_is_refused(size: str) -> None:
    found = {rule for rule, _ in lint(IMAGE_AND_SIZE % ("postgres:16.3", f'"{size}"', f'"{size}"'))}
    assert found == {"invalid-value", "invalid-storage-quantity"}


@pytest.mark.parametrize("image", ["postgres::16", "Registry/Postgres:16", "postgres:", "http://hub/postgres", "a b"])
def test_an_image_that_nobody_can_parse_is_refused(image: str) -> None:
    assert [rule for rule, _ in lint(IMAGE_AND_SIZE % (f'"{image}"', "8Gi", "8Gi"))] == ["invalid-value"]


@pytest.mark.parametrize("text", ["<Size>", "$(VAR)", "${SIZE}", "{{ .Values.size }}", "@SIZE@", "VOLUME_SIZE"])
def test_placeholders_are_not_judged(text: str) -> None:
    found = {rule for rule, _ in lint(IMAGE_AND_SIZE % (f'"postgres:{text}"', f'"{text}"', f'"{text}"'))}
    assert found <= {"placeholder-in-manifest"}


@pytest.mark.parametrize(
    ("target", "rules"), [("1.30", ["invalid-name"]), ("1.31", ["invalid-name"]), ("1.32", []), ("1.36", [])]
)
def test_names_of_variables_follow_the_target(target: str, rules: list[str]) -> None:
    text = POD.format(spec="", container="env: [{name: 2ND, value: x}]")
    assert [rule for rule, _ in lint(text, target=target)] == rules


@pytest.mark.parametrize(
    ("version", "rules"), [("v1/apps", ["removed-api-version"]), ("apps/v1beta1", []), ("apps/v1", [])]
)
def test_a_version_that_never_was_is_wrong_in_a_patch_too(version: str, rules: list[str]) -> None:
    report = lint_text(f"{{apiVersion: {version}, kind: Deployment, metadata: {{name: web}}}}")
    assert [finding.rule for finding in report.findings] == rules
