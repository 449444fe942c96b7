"""Trees of manifests that are the same for the same seed: what a run costs must grow with them, and no faster."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

OBJECTS = 1000
"""About as many objects has a tree of one copy."""
GROUPS = OBJECTS // 6
"""So many groups of six objects are in it."""

_SETS = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {space}}}
spec:
  clusterIP: None
  selector: {{app: {name}}}
  ports: [{{name: db, port: 5432}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}, namespace: {space}}}
spec:
  serviceName: {name}
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 120
      containers:
        - name: db
          image: {image}
          ports: [{{name: db, containerPort: 5432}}]
          resources: {{requests: {{cpu: 500m, memory: 1Gi}}, limits: {{memory: 1Gi}}}}
          volumeMounts: [{{name: data, mountPath: {mount}}}]
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec:
        accessModes: [{mode}]
        storageClassName: {storage_class}
        resources: {{requests: {{storage: {size}Gi}}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}, namespace: {space}}}
spec:
  maxUnavailable: 1
  selector: {{matchLabels: {{app: {name}}}}}
"""
_DEPLOYMENT = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}, namespace: {space}}}
spec:
  accessModes: [{mode}]
  storageClassName: {storage_class}
  resources: {{requests: {{storage: {size}Gi}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {space}}}
spec:
  replicas: {replicas}
  strategy: {{type: {strategy}}}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: app
          image: registry.example.com/shop/{name}:1.{size}
          volumeMounts: [{{name: files, mountPath: /files}}]
      volumes:
        - name: files
          persistentVolumeClaim: {{claimName: {name}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {space}}}
data:
  settings.ini: |
    [main]
    workers = {size}
"""
_CLASS = """\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: {name}}}
provisioner: ebs.csi.aws.com
reclaimPolicy: Retain
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
"""
_PLAIN_CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: claim-{number}, namespace: shop}}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: shared
  resources: {{requests: {{storage: 8Gi}}}}
"""
_IMAGES = (("postgres:16.4", "/var/lib/postgresql/data"), ("mysql:8.4.2", "/var/lib/mysql"), ("redis:7.4", "/data"))


def manifests(copy: int, groups: int = GROUPS, seed: int = 0) -> Iterator[tuple[str, str]]:
    """One copy of a tree of a thousand objects: paths and texts. Every copy has namespaces and folders of its own."""
    dice = random.Random(seed)
    for number in range(groups):
        space = f"team-{copy}-{number % 10}"
        image, mount = dice.choice(_IMAGES)
        values = {
            "space": space,
            "replicas": dice.choice((1, 2, 3)),
            "image": image,
            "mount": mount,
            "mode": dice.choice(("ReadWriteOnce", "ReadWriteOnce", "ReadWriteMany")),
            "strategy": dice.choice(("Recreate", "RollingUpdate")),
            "size": dice.randrange(1, 200),
            "storage_class": f"fast-{copy}",
        }
        yield f"{space}/db-{number}/db.yaml", _SETS.format(name=f"db-{number}", **values)
        yield f"{space}/app-{number}/app.yaml", _DEPLOYMENT.format(name=f"app-{number}", **values)
    yield f"classes-{copy}/fast.yaml", _CLASS.format(name=f"fast-{copy}")


def tree(root: Path, copies: int, groups: int = GROUPS) -> None:
    """Write copies of the tree, each file in its own folder."""
    for copy in range(copies):
        for path, text in manifests(copy, groups):
            _write(root / path, text)


def one_directory(root: Path, copies: int, groups: int = GROUPS) -> None:
    """Write the same objects, with all files in one folder."""
    for copy in range(copies):
        for path, text in manifests(copy, groups):
            _write(root / path.replace("/", "-"), text)


def one_file(root: Path, copies: int, groups: int = GROUPS) -> None:
    """Write the same objects into one file."""
    _write(root / "all.yaml", "---\n".join(text for copy in range(copies) for _, text in manifests(copy, groups)))


def one_class(root: Path, copies: int, groups: int = GROUPS) -> None:
    """Write as many claims, all of one storage class, in one folder."""
    _write(root / "class.yaml", _CLASS.format(name="shared"))
    for number in range(6 * groups * copies):
        _write(root / f"claim-{number}.yaml", _PLAIN_CLAIM.format(number=number))


SHAPES = {"tree": tree, "one-directory": one_directory, "one-file": one_file, "one-class": one_class}
"""How the same objects may lie."""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
