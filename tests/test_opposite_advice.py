"""Twelve cases in which well-known linters advise the opposite of what keeps data safe: our verdict on each.

Each case has a manifest that is right, on which nothing may be said against it, and often one that is wrong, with the
rule that must say so.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from k8s_stateful_lint import lint_text
from k8s_stateful_lint.config import config_from

CLAIM = """\
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: fast
  accessModes: [MODE]
  resources: {requests: {storage: 8Gi}}
"""

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
        - name: app
          image: registry.example.com/app:1.0
          volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
""" + CLAIM.replace("MODE", "ReadWriteOnce")

STATEFUL_SET = """\
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {clusterIP: None, selector: {app: app}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: app}
spec:
  serviceName: app
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: app
          image: registry.example.com/app:1.0
          volumeMounts: [{name: data, mountPath: /data}, {name: log, mountPath: /log}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {storageClassName: fast, accessModes: [ReadWriteOncePod], resources: {requests: {storage: 8Gi}}}
    - metadata: {name: log}
      spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
"""

POSTGRES = """\
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: db
          image: postgres:17.2
          resources: {requests: {memory: 1Gi}}
          volumeMounts: [{name: data, mountPath: /var/lib/postgresql/data, subPath: pgdata}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
"""

CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
reclaimPolicy: POLICY
---
"""


def quorum(budget: str) -> str:
    """Three members of etcd, and a budget."""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: etcd}}
spec: {{clusterIP: None, publishNotReadyAddresses: true, selector: {{app: etcd}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: etcd}}
spec:
  serviceName: etcd
  replicas: 3
  podManagementPolicy: Parallel
  selector: {{matchLabels: {{app: etcd}}}}
  template:
    metadata: {{labels: {{app: etcd}}}}
    spec:
      topologySpreadConstraints:
        - {{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
           labelSelector: {{matchLabels: {{app: etcd}}}}}}
      containers:
        - name: etcd
          image: quay.io/coreos/etcd:v3.5.17
          args: [etcd, --data-dir=/var/lib/etcd/data]
          resources: {{requests: {{memory: 1Gi}}}}
          readinessProbe: {{tcpSocket: {{port: 2379}}}}
          volumeMounts: [{{name: data, mountPath: /var/lib/etcd}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{storageClassName: fast, accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 8Gi}}}}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: etcd}}
spec: {{{budget}, selector: {{matchLabels: {{app: etcd}}}}}}
"""


class Case(NamedTuple):
    they_say: str
    right: str
    wrong: tuple[str, str] | None
    config: dict[str, object]


CASES = {
    1: Case(
        "every Deployment needs at least two replicas",
        DEPLOYMENT,
        (DEPLOYMENT.replace("replicas: 1", "replicas: 2"), "rwo-claim-multi-node"),
        {},
    ),
    2: Case(
        "the strategy must be RollingUpdate",
        DEPLOYMENT,
        (DEPLOYMENT.replace("type: Recreate", "type: RollingUpdate"), "rwo-claim-rolling-update"),
        {},
    ),
    3: Case("a StatefulSet must have exactly one claim template, ReadWriteOnce", STATEFUL_SET, None, {}),
    4: Case(
        "resources.requests.storage should not be set in a claim template",
        STATEFUL_SET,
        (
            STATEFUL_SET.replace("[ReadWriteOncePod], resources: {requests: {storage: 8Gi}}", "[ReadWriteOncePod]"),
            "missing-required-storage-field",
        ),
        {},
    ),
    5: Case(
        "reclaimPolicy must be Delete",
        CLASS.replace("POLICY", "Retain") + POSTGRES,
        (CLASS.replace("POLICY", "Delete") + POSTGRES, "delete-policy-under-database"),
        {"environment": "production"},
    ),
    6: Case(
        "a budget must let half of the pods go",
        quorum("minAvailable: 66%"),
        (quorum("maxUnavailable: 2"), "disruption-exceeds-quorum"),
        {},
    ),
    7: Case(
        "a percentage in a budget is a violation, maxUnavailable 0% is not",
        quorum("minAvailable: 50%"),
        (quorum("maxUnavailable: 0%"), "budget-never-allows-eviction"),
        {},
    ),
    8: Case(
        "every pod must set fsGroup and fsGroupChangePolicy: Always",
        POSTGRES,
        (
            POSTGRES.replace("      containers:", "      securityContext: {runAsUser: 999}\n      containers:"),
            "non-root-without-fs-group",
        ),
        {},
    ),
    9: Case(
        "a mount below /var must be read-only",
        POSTGRES,
        (POSTGRES.replace("/var/lib/postgresql/data", "/data"), "data-directory-not-mounted"),
        {},
    ),
    10: Case(
        "every claim must be ReadWriteOncePod",
        DEPLOYMENT,
        (
            DEPLOYMENT.replace("[ReadWriteOnce]", "[ReadWriteOncePod]").replace("Recreate", "RollingUpdate"),
            "rwo-claim-rolling-update",
        ),
        {},
    ),
    11: Case(
        "no subPath at all",
        POSTGRES,
        (POSTGRES.replace(", subPath: pgdata", ""), "lost-found-in-data-directory"),
        {},
    ),
    12: Case(
        'storageClassName: "" is a missing class',
        """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: ""
  volumeName: archive
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 8Gi}}
""",
        (
            """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  storageClassName: ""
  accessModes: [ReadWriteMany]
  resources: {requests: {storage: 8Gi}}
""",
            "empty-storage-class-name",
        ),
        {},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.they_say)
def test_what_is_right_is_left_alone(case: Case) -> None:
    found = lint_text(case.right, config=config_from(case.config)).findings
    assert [(f.rule, f.message) for f in found if f.severity != "info"] == []


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.wrong], ids=lambda case: case.they_say)
def test_what_is_wrong_is_said(case: Case) -> None:
    assert case.wrong is not None
    text, rule = case.wrong
    assert text != case.right
    assert rule in {finding.rule for finding in lint_text(text, config=config_from(case.config)).findings}


def test_all_twelve() -> None:
    assert list(CASES) == list(range(1, 13))
