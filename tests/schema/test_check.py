"""What the schema check says, in which words, and when it is silent."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from k8s_stateful_lint import Report, ReportedFinding, lint_text
from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile
from k8s_stateful_lint.reports import Style, render

BOTH = ["schema-violation", "unknown-field"]


def lint(text: str, **config: Any) -> Report:
    report = lint_text(textwrap.dedent(text), config=config_from({"select": BOTH, **config}))
    assert not report.crashes
    return report


def said(text: str, **config: Any) -> list[tuple[str, str, str]]:
    return [(f.rule, f.path, f.message) for f in lint(text, **config).findings]


def only(text: str, **config: Any) -> ReportedFinding:
    (finding,) = lint(text, **config).findings
    return finding


def pod(container: str = "", spec: str = "") -> str:
    return (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
        + textwrap.indent(textwrap.dedent(spec), "  ")
        + "\n  containers:\n    - name: web\n      image: registry.example.com/web:1.0\n"
        + textwrap.indent(textwrap.dedent(container), "      ")
    )


# Words ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        (
            pod("ports: [{containerPort: '80'}]"),
            'containerPort must be an integer, not the string "80"',
            "Remove the q",
        ),
        (pod("tty: 'true'"), 'tty must be a boolean, not the string "true"', "Remove the quotes."),
        (pod("env: [{name: A, value: yes}]"), "value must be a string, not the boolean true", "Quote the value."),
        (pod("env: [{name: A, value: 1.5}]"), "value must be a string, not the number 1.5", "Quote the value."),
        (pod("env: {A: b}"), "env must be a list, not a mapping", "Make it a list: begin every entry with a dash."),
        (
            pod("resources: [limits]"),
            "resources must be a mapping, not a list",
            "Make it a mapping: remove the dashes.",
        ),
        (pod("args: [a, {b: c}]"), "args[1] must be a string, not a mapping", "Quote the text: a colon with a blank"),
        (pod("args: [3]"), "args[0] must be a string, not the number 3", "Quote the value."),
        (pod("resources: {limits: {cpu: [1]}}"), "cpu must be a number or a string, not a list", "Write a value"),
        (
            pod("livenessProbe: {tcpSocket: {port: true}}"),
            "port must be an integer or a string, not the boolean true",
            "Quote the value.",
        ),
        (pod("stdin: |\n  a\n  b"), "stdin must be a boolean, not a string", "Write a value of the type"),
        (pod("env: [{value: a}]"), "`name` of EnvVar is missing, and the API server requires it", "Write `name`."),
        (pod("env: [{name: , value: a}]"), "`name` of EnvVar has no value, and the API server requires it", "Write `n"),
    ],
)
def test_violations(text: str, message: str, help_: str) -> None:
    finding = only(text)
    assert finding.rule == "schema-violation"
    assert finding.severity == "error"
    assert finding.message == message
    assert finding.help.startswith(help_)


@pytest.mark.parametrize(
    ("text", "hint", "help_"),
    [
        (pod("volumeMount: []"), "; did you mean `volumeMounts`?", "Write `volumeMounts`."),
        (pod("volume_mounts: []"), "; did you mean `volumeMounts`?", "Write `volumeMounts`."),
        (pod("imagePulPolicy: Always"), "; did you mean `imagePullPolicy`?", "Write `imagePullPolicy`."),
        (pod("limits: {cpu: 1}"), "; did you mean to write it in `resources`?", "Move it into `resources`."),
        (pod("volumes: []"), "; it is a field of PodSpec", "Move it up to `spec`."),
        # The right field is there already, so the wrong one is no misspelling of it.
        (pod("images: other"), "", "Correct the name"),
        (pod("zzz: 1"), "", "Correct the name"),
        # Several fields have one: nobody can tell which was meant.
        (pod("", "port: 80"), "", "Correct the name"),
    ],
)
def test_unknown_fields(text: str, hint: str, help_: str) -> None:
    finding = only(text)
    field = finding.path.rpartition(".")[2]
    owner = "Container" if "containers" in finding.path else "PodSpec"
    assert finding.rule == "unknown-field"
    assert finding.severity == "warning"
    assert finding.message == f"`{field}` is not a field of {owner}: the API server drops it silently{hint}"
    assert finding.help.startswith(help_)


def test_unknown_field_at_the_top() -> None:
    finding = only("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, data: {a: b}}}")
    assert finding.message.endswith(
        "is not a field of ObjectMeta: the API server drops it silently; it is a field of ConfigMap"
    )
    assert finding.help == "Move it up to the top level."


def test_every_error_is_found_at_its_own_line() -> None:
    text = pod(
        "volumeMount: []\nports:\n  - containerPort: '80'\n  - containerPort: 81\n  - containerPort: '82'\ntty: 1"
    )
    lines = text.splitlines()
    found = {(lines[f.location.line - 1].strip(), f.location.column) for f in lint(text).findings}
    assert {line for line, _ in found} == {
        "volumeMount: []",
        "- containerPort: '80'",
        "- containerPort: '82'",
        "tty: 1",
    }


def test_items_of_a_list_are_validated_one_by_one() -> None:
    text = """
        apiVersion: v1
        kind: List
        items:
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, datum: {}}
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: c}, immutable: "no"}
    """
    found = lint(text).findings
    assert [(f.object.name, f.path, f.location.line) for f in found if f.object] == [
        ("a", "datum", 5),
        ("c", "immutable", 7),
    ]


# Silence --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pod("ports: [{containerPort: '${PORT}'}, {containerPort: <port>}, {containerPort: PORT_NUMBER}]"),
        pod("'{{ x }}': 1\n${MORE}: 2"),
        pod("volumeMount:\nresources:\nargs:\nenv: [{name: A, value: }]\nports: [{containerPort: 80, protocol: null}]"),
        pod("args: [null]"),
        pod("livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: X-Probe}]}}"),
        pod("lifecycle: {preStop: {sleep: {}}}"),
        pod("", "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}}"),
        pod("", "volumes: [{name: a, scaleIO: {gateway: a, system: a, volumeName: a}}]"),
        pod("resources: {limits: {cpu: 1, memory: 1.5, ephemeral-storage: 1Gi}}"),
        # Kubernetes decodes 2.0 as the integer 2.
        pod("ports: [{containerPort: 80.0}]"),
        pod("", "volumes: [{name: a, configMap: {name: a, defaultMode: 0644}}]"),
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: a, selfLink: /x, clusterName: "", managedFields: [], creationTimestamp: null}
        spec: {containers: [{name: a, image: a:1}]}
        status: {phase: Running, conditions: [{}], other: 1}
        """,
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: a}
        spec: {replicas: 3, $retainKeys: [replicas]}
        """,
        """
        apiVersion: v1
        kind: Service
        metadata: {name: a}
        spec: {ports: [{$patch: delete, name: http}], $setElementOrder/ports: []}
        """,
        # A workload without an image is a patch.
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {containers: [{}]}}}}",
        # Neither selector nor labels.
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: a}
        spec: {template: {spec: {containers: [{name: a, image: a:1}]}}}
        """,
        # Removed, and somebody else's.
        "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {minavailable: 1}}",
        "{apiVersion: batch.example.com/v1, kind: Job, metadata: {name: a}, spec: {podTemplate: {containers: 3}}}",
        # Nothing that the rules know, or known under another group, or a placeholder.
        "{apiVersion: apps/v1, kind: Gadget, metadata: {name: a}, spec: 3}",
        "{apiVersion: v1, kind: Node, metadata: {name: a}}",
        "{apiVersion: example.com/v1, kind: Deploymnet, metadata: {name: a}, spec: 3}",
        "{apiVersion: apps/v1, kind: '${KIND}', metadata: {name: a}, spec: 3}",
        # Made by a controller.
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: a, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: a, uid: a}]}
        spec: {containers: [{name: a, image: a:1, volumeMount: []}]}
        """,
        "{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resource: [a.yaml]}",
    ],
)
def test_silent(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("api_version", "written", "meant"),
    [
        ("apps/v1", "Statefulset", "StatefulSet"),
        ("apps/v1", "Deploymnet", "Deployment"),
        ("v1", "PersistentVolumeclaim", "PersistentVolumeClaim"),
        ("v1", "Pods", "Pod"),
        ("storage.k8s.io/v1", "StorageClas", "StorageClass"),
    ],
)
def test_a_misspelt_kind(api_version: str, written: str, meant: str) -> None:
    text = f"{{apiVersion: {api_version}, kind: {written}, metadata: {{name: a}}, spec: 3}}"
    finding = only(text)
    assert (finding.rule, finding.path, finding.help) == ("schema-violation", "kind", f"Write kind: {meant}.")
    assert f'no matches for kind "{written}" in version "{api_version}"' in finding.message


def test_a_stateful_set_without_service_name_is_accepted_by_older_servers_too() -> None:
    text = """
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: {name: a}
        spec:
          selector: {matchLabels: {app: a}}
          template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a:1}]}}
    """
    assert said(text, target="1.28") == []


def test_a_field_that_another_document_of_the_unit_writes_is_not_missing() -> None:
    base = b"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: a}}
"""
    overlay = b"""
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a}
spec: {maxReplicas: 9}
"""
    build = b"resources: [../base/hpa.yaml, hpa.yaml]"
    config = config_from({"select": BOTH})

    def paths(*files: tuple[str, bytes]) -> list[str]:
        return [f"{f.location.file} {f.path}" for f in run([SourceFile(*file) for file in files], config).findings]

    missing = ["prod/hpa.yaml spec.scaleTargetRef"]
    assert paths(("prod/hpa.yaml", overlay)) == missing
    assert paths(("base/hpa.yaml", base), ("prod/hpa.yaml", overlay)) == missing
    together = (("base/hpa.yaml", base), ("prod/hpa.yaml", overlay), ("prod/kustomization.yaml", build))
    assert paths(*together) == []


# Scope ----------------------------------------------------------------------------------------------------------------

ROLE = """
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: a}
    rule: []
"""


def test_scope() -> None:
    assert said(ROLE) == []
    assert [path for _, path, _ in said(ROLE, schema="all")] == ["rule"]
    assert said(pod("volumeMount: []"), schema="off") == []
    assert [path for _, path, _ in said(pod("volumeMount: []"))] == ["spec.containers[0].volumeMount"]


@pytest.mark.parametrize("schema", ["modelled", "off"])
def test_a_wrong_type_is_told_once(schema: str) -> None:
    text = "{apiVersion: v1, kind: PersistentVolume, metadata: {name: a}, spec: {accessModes: ReadWriteOnce}}"
    (found,) = said(text, schema=schema)
    assert found[:2] == ("schema-violation", "spec.accessModes")


def test_without_a_schema_the_model_still_checks_types() -> None:
    text = "{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: a}, spec: {replicas: '2'}}"
    assert said(text) == [("schema-violation", "spec.replicas", 'spec.replicas must be an integer, not the string "2"')]


def test_a_target_without_schemas_is_told() -> None:
    text = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a:1}]}}"
    for target, told in (("1.63", ["1.63"]), ("1.20-1.30", ["1.20"]), ("1.30", [])):
        notices = [notice for notice in lint(text, target=target).notices if notice.kind == "no-schema-of-target"]
        assert [notice.message.split()[6].rstrip(":") for notice in notices] == told
    assert not [n for n in lint(text, target="1.63", schema="off").notices if n.kind == "no-schema-of-target"]


def test_kinds_without_a_schema_are_one_notice() -> None:
    text = """
        {apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: a}}
        ---
        {apiVersion: cert-manager.io/v1, kind: Certificate, metadata: {name: b}}
        ---
        {apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, spec: {scaleTargetRef: {name: a}}}
        ---
        {apiVersion: networking.k8s.io/v1beta1, kind: Ingress, metadata: {name: a}}
        ---
        {apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization}
    """
    notices = [notice.message for notice in lint(text).notices if notice.kind == "no-schema"]
    assert notices == ["2 kinds have no schema and were not checked against one: Certificate, ScaledObject"]
    assert not [notice for notice in lint(text, schema="off").notices if notice.kind == "no-schema"]
    single = lint("{apiVersion: cert-manager.io/v1, kind: Certificate}").notices
    assert [notice.message for notice in single] == [
        "1 kind has no schema and was not checked against one: Certificate"
    ]


def test_selection_ignores_and_severities() -> None:
    text = pod("volumeMount: []\ntty: 1")
    assert [rule for rule, _, _ in said(text, select=["unknown-field"])] == ["unknown-field"]
    assert [rule for rule, _, _ in said(text, ignore=["unknown-field"])] == ["schema-violation"]
    assert [f.severity for f in lint(text, rules={"unknown-field": "error"}).findings] == ["error", "error"]
    assert said(text.replace("tty: 1", "tty: 1 # k8s-stateful-lint: ignore[schema-violation]"))[0][0] == "unknown-field"


# Versions -------------------------------------------------------------------------------------------------------------


def test_a_field_that_the_target_does_not_have_yet() -> None:
    text = pod("resizePolicy: []")
    assert said(text) == []
    (finding,) = lint(text, target="1.26").findings
    assert "is not a field of Container in Kubernetes 1.26 yet (it is in 1." in finding.message


def test_both_ends_of_a_range_are_checked() -> None:
    text = pod("resizePolicy: []\nvolumeMount: []\ntty: 1")
    found = {path.rpartition(".")[2]: message for _, path, message in said(text, target="1.26-1.34")}
    assert found.keys() == {"resizePolicy", "volumeMount", "tty"}
    assert "in Kubernetes 1.26 yet" in found["resizePolicy"]
    assert "Kubernetes" not in found["volumeMount"] + found["tty"]


def test_what_only_one_end_refuses_names_its_version() -> None:
    text = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}}"
    (found,) = said(text, target="1.34-1.36")
    assert found[1:] == (
        "spec",
        "`spec` of HorizontalPodAutoscaler is missing, and the API server requires it (Kubernetes 1.36)",
    )


def test_rules_run_at_both_ends() -> None:
    text = "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {maxUnavailable: 1}}"
    for target in ("1.25-1.30", "1.29-1.30"):
        found = lint_text(text, config=config_from({"target": target, "select": ["removed-api-version"]})).findings
        assert len(found) == 1
        assert found[0].severity == "error"


# Secrets --------------------------------------------------------------------------------------------------------------

SECRET = """
apiVersion: v1
kind: Secret
metadata:
  name: database
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"password":"hunter2"}}'
stringData:
  password: [hunter2]
  pin: 31337
  mode: yes
stringdata: {password: hunter2}
data: "hunter2"
immutable: "hunter2-is-not-here"
"""


@pytest.mark.parametrize("name", ["concise", "json", "text"])
def test_values_of_secrets_are_not_told(name: str) -> None:
    report = lint_text(SECRET, config=config_from({"schema": "all", "select": BOTH}))
    messages = {finding.path: finding.message for finding in report.findings}
    assert messages["stringData.pin"] == "pin must be a string, not a number"
    assert messages["stringData.mode"] == "mode must be a string, not a boolean"
    assert messages["data"] == "data must be a mapping, not a string"
    assert "hunter2-is-not-here" in messages["immutable"]
    text = render(name, report, Style()).replace("hunter2-is-not-here", "")
    assert "hunter2" not in text
    assert "31337" not in text
