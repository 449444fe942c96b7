"""Inputs that grow with a number: many objects of a kind that all have to do with each other.

Each of them once took the program time that grew with the square of the number.
"""

from __future__ import annotations

from collections.abc import Callable

_POD = "{{apiVersion: v1, kind: Pod, metadata: {{name: a{i}{more}}}, spec: {spec}}}\n"
_SET = (
    "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: {name}}}, spec: {{serviceName: {service}, selector: "
    "{{matchLabels: {{app: a}}}}, template: {{metadata: {{labels: {{app: a}}}}, spec: {{containers: [{{name: a, image: "
    "{image}}}]}}}}{more}}}}}\n"
)
_SERVICE = (
    "{{apiVersion: v1, kind: Service, metadata: {{name: a{i}}}, spec: {{selector: {{app: a}}, ports: "
    "[{{port: 80}}]}}}}\n"
)
_BUDGET = (
    "{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: a{i}}}, spec: {{selector: {{matchLabels: "
    "{{app: a}}}}, minAvailable: 1}}}}\n"
)
_CLAIM = (
    "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, spec: {{accessModes: [ReadWriteOnce], "
    "resources: {{requests: {{storage: {size}Gi}}}}{more}}}}}\n"
)
_VOLUME = (
    "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {name}{labels}}}, spec: {{accessModes: "
    "[ReadWriteOnce], capacity: {{storage: {size}Gi}}, nfs: {{server: a, path: /a}}{more}}}}}\n"
)
_SCALER = (
    "{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: a{i}}}, spec: {{scaleTargetRef: "
    "{{apiVersion: apps/v1, kind: StatefulSet, name: {target}}}, maxReplicas: 3}}}}\n"
)
_CLASS = (
    "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: {name}{more}}}, "
    "provisioner: ebs.csi.aws.com}}\n"
)
_SNAPSHOT = (
    "{{apiVersion: snapshot.storage.k8s.io/v1, kind: VolumeSnapshot, metadata: {{name: s{i}}}, spec: {{source: "
    "{{persistentVolumeClaimName: {claim}}}}}}}\n"
)
_KEEPING = (
    "{{containers: [{{name: a, image: 'postgres:16', volumeMounts: [{{name: a, mountPath: /var/lib/postgresql/data}}]}}"
    "], volumes: [{{name: a, persistentVolumeClaim: {{claimName: {claim}}}}}]}}"
)
_DEFAULT = ", annotations: {storageclass.kubernetes.io/is-default-class: 'true'}"


def _stream(*documents: str) -> str:
    return "---\n".join(documents)


def _each(make: Callable[[int], str]) -> Callable[[int], str]:
    return lambda number: _stream(*map(make, range(number)))


def _pod(i: int, spec: str, more: str = "") -> str:
    return _POD.format(i=i, spec=spec, more=more)


def _set(i: int, more: str = "", *, name: str = "", service: str = "x", image: str = "postgres") -> str:
    return _SET.format(name=name or f"a{i}", service=service, image=image, more=more)


def _claim(name: str, more: str = "", size: int = 1) -> str:
    return _CLAIM.format(name=name, more=more, size=size)


def _volume(name: str, more: str = "", size: int = 1, labels: str = "") -> str:
    return _VOLUME.format(name=name, more=more, size=size, labels=labels)


def _pod_with(**fields: Callable[[int], str]) -> Callable[[int], str]:
    """One pod with lists in its spec or, for names with a dash of its container, that grow."""

    def make(number: int) -> str:
        pod, container = [], ["name: a", "image: postgres"]
        for field, entry in fields.items():
            text = f"{field.removeprefix('c_')}: [{', '.join(map(entry, range(number)))}]"
            (container if field.startswith("c_") else pod).append(text)
        if not any(field.startswith("containers") for field in fields):
            pod.append("containers: [{" + ", ".join(container) + "}]")
        return _pod(0, "{" + ", ".join(pod) + "}")

    return make


def _one_claim_template(name: str) -> str:
    spec = "{accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}"
    return f"{{metadata: {{name: {name}}}, spec: {spec}}}"


def _using(claim: str) -> str:
    return (
        "{containers: [{name: a, image: postgres, volumeMounts: [{name: v, mountPath: /d}]}], volumes: [{name: v, "
        f"persistentVolumeClaim: {{claimName: {claim}}}}}]}}"
    )


GROWING: dict[str, Callable[[int], str]] = {
    "sets-of-one-selector": _each(_set),
    "sets-of-one-name": _each(lambda i: _set(i, name="a")),
    "sets-services-budgets": _each(lambda i: _stream(_set(i), _SERVICE.format(i=i), _BUDGET.format(i=i))),
    "sets-and-their-services": _each(lambda i: _stream(_set(i, service=f"a{i}"), _SERVICE.format(i=i))),
    "sets-of-one-service": lambda n: _stream(*(_set(i, service="a0") for i in range(n)), _SERVICE.format(i=0)),
    "services-of-one-selector": _each(lambda i: _SERVICE.format(i=i)),
    "services-of-one-set": lambda n: _stream(_set(0), *(_SERVICE.format(i=i) for i in range(n))),
    "budgets-of-one-set": lambda n: _stream(_set(0), *(_BUDGET.format(i=i) for i in range(n))),
    "objects-of-a-list": lambda n: (
        "apiVersion: v1\nkind: List\nitems:\n"
        + "".join(f"- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: a{i}}}}}\n" for i in range(n))
    ),
    "containers-of-a-pod": _pod_with(
        containers=lambda i: f"{{name: c{i}, image: postgres, volumeMounts: [{{name: v{i}, mountPath: /d{i}}}]}}",
        volumes=lambda i: f"{{name: v{i}, emptyDir: {{}}}}",
    ),
    "containers-of-one-volume": _pod_with(
        containers=lambda i: f"{{name: c{i}, image: postgres, volumeMounts: [{{name: v, mountPath: /d}}]}}",
        volumes=lambda i: "{name: v, persistentVolumeClaim: {claimName: a}}" if i == 0 else f"{{name: v{i}}}",
    ),
    "mounts-of-a-container": _pod_with(
        c_volumeMounts=lambda i: f"{{name: v{i}, mountPath: /d{i}}}",
        volumes=lambda i: f"{{name: v{i}, emptyDir: {{}}}}",
    ),
    "mounts-of-one-volume": _pod_with(
        c_volumeMounts=lambda i: f"{{name: v0, mountPath: /d{i}, subPath: a}}",
        volumes=lambda i: f"{{name: v{i}, persistentVolumeClaim: {{claimName: a}}}}",
    ),
    "mounts-of-no-volume": _pod_with(c_volumeMounts=lambda i: f"{{name: v{i}, mountPath: /var/lib/postgresql/d{i}}}"),
    "mounts-on-one-path": _pod_with(
        c_volumeMounts=lambda i: f"{{name: v{i}, mountPath: /d}}",
        volumes=lambda i: f"{{name: v{i}, hostPath: {{path: /a}}}}",
    ),
    "volumes-of-one-claim": _pod_with(volumes=lambda i: f"{{name: v{i}, persistentVolumeClaim: {{claimName: a}}}}"),
    "volumes-of-one-name": _pod_with(volumes=lambda i: "{name: v, emptyDir: {}}"),
    "ports-of-a-container": _pod_with(c_ports=lambda i: f"{{containerPort: {i % 60000 + 1}, name: p{i}}}"),
    "ports-of-one-number": _pod_with(c_ports=lambda i: "{containerPort: 80, name: p, hostPort: 80}"),
    "variables-of-a-container": _pod_with(c_env=lambda i: f"{{name: E{i}, value: $(E{i - 1})}}"),
    "variables-of-one-name": _pod_with(c_env=lambda i: f"{{name: E, value: '{i}'}}"),
    "variables-from-files": _pod_with(c_envFrom=lambda i: f"{{configMapRef: {{name: a{i}}}}}"),
    "tolerations": _pod_with(tolerations=lambda i: f"{{key: a{i}, operator: Exists}}"),
    "spread-constraints": _pod_with(
        topologySpreadConstraints=lambda i: (
            f"{{maxSkew: 1, topologyKey: a{i}, whenUnsatisfiable: DoNotSchedule, labelSelector: "
            "{matchLabels: {a: b}}}"
        )
    ),
    "claim-templates-of-a-set": lambda n: _set(
        0, f", volumeClaimTemplates: [{', '.join(_one_claim_template(f't{i}') for i in range(n))}]"
    ),
    "sets-with-templates": _each(lambda i: _set(i, f", volumeClaimTemplates: [{_one_claim_template('data')}]")),
    "sets-with-templates-and-volumes": _each(
        lambda i: _stream(
            _set(i, f", volumeClaimTemplates: [{_one_claim_template('data')}]"),
            _volume(f"v{i}", f", claimRef: {{name: data-a{i}-0, namespace: default}}"),
        )
    ),
    "claims-of-one-name": _each(lambda i: _claim("a", size=i + 1)),
    "claims-and-volumes": _each(
        lambda i: _stream(
            _claim(f"a{i}", f", storageClassName: c{i % 7}", i % 50 + 1),
            _volume(f"v{i}", f", storageClassName: c{i % 11}", i % 40 + 1),
        )
    ),
    "claims-and-volumes-of-no-class": _each(
        lambda i: _stream(_claim(f"a{i}", ", storageClassName: ''"), _volume(f"v{i}", size=i + 1))
    ),
    "claims-that-select-volumes": _each(
        lambda i: _stream(
            _claim(f"a{i}", f", storageClassName: '', selector: {{matchLabels: {{n: l{i}}}}}"),
            _volume(f"v{i}", labels=f", labels: {{n: l{i}}}"),
        )
    ),
    "claims-of-one-volume": lambda n: _stream(*(_claim(f"a{i}", ", volumeName: v") for i in range(n)), _volume("v")),
    "volumes-for-one-claim": lambda n: _stream(
        _claim("a"), *(_volume(f"v{i}", ", claimRef: {name: a, namespace: default}") for i in range(n))
    ),
    "volumes-of-one-disk": _each(lambda i: _volume(f"v{i}", ", csi: {driver: ebs.csi.aws.com, volumeHandle: a}")),
    "pods-of-one-claim": lambda n: _stream(_claim("a"), *(_pod(i, _using("a")) for i in range(n))),
    "pods-of-no-claim": _each(lambda i: _pod(i, _using("a"))),
    "pods-claims-volumes": _each(
        lambda i: _stream(
            _pod(i, _using(f"c{i}")),
            _claim(f"c{i}", ", storageClassName: ''", i % 50 + 1),
            _volume(f"v{i}", size=i % 40 + 1),
        )
    ),
    # The data is on the claim, and each claim may get each volume, which is a share or a disk.
    "databases-on-claims-and-shares": _each(
        lambda i: _stream(
            _pod(i, _KEEPING.format(claim=f"c{i}")), _claim(f"c{i}", ", storageClassName: ''"), _volume(f"v{i}")
        )
    ),
    "databases-on-claims-and-disks": _each(
        lambda i: _stream(
            _pod(i, _KEEPING.format(claim=f"c{i}")),
            _claim(f"c{i}", ", storageClassName: ''"),
            _volume(f"v{i}").replace(
                "nfs: {server: a, path: /a}", f"csi: {{driver: csi.example.com, volumeHandle: v{i}}}"
            ),
        )
    ),
    "pods-of-one-name": _each(lambda i: _pod(0, _using(f"c{i}"))),
    "scalers-of-one-set": lambda n: _stream(_set(0), *(_SCALER.format(i=i, target="a0") for i in range(n))),
    "scalers-and-sets": _each(lambda i: _stream(_set(i), _SCALER.format(i=i, target=f"a{i}"))),
    "scalers-of-sets-of-one-name": _each(lambda i: _stream(_set(i, name="a"), _SCALER.format(i=i, target="a"))),
    "kustomizations": lambda n: _stream(
        *(
            f"{{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [../a{i}, ../a{i + 1}], "
            f"images: [{{name: postgres, newTag: '{i}'}}], patches: [{{path: a{i}.yaml}}]}}\n"
            for i in range(n)
        ),
        *(_set(i) for i in range(n)),
    ),
    "default-classes-and-claims": _each(lambda i: _stream(_CLASS.format(name=f"c{i}", more=_DEFAULT), _claim(f"a{i}"))),
    "classes-of-one-name-and-claims": _each(
        lambda i: _stream(_CLASS.format(name="c", more=""), _claim(f"a{i}", ", storageClassName: c"))
    ),
    "claims-of-unknown-classes": _each(
        lambda i: _stream(_CLASS.format(name=f"fast{i}", more=""), _claim(f"a{i}", f", storageClassName: fats{i}"))
    ),
    "namespaces": _each(
        lambda i: _stream(
            f"{{apiVersion: v1, kind: Namespace, metadata: {{name: n{i}}}}}\n",
            _claim(f"a, namespace: n{i}"),
            _pod(0, _using("a"), f", namespace: n{i}"),
        )
    ),
    "namespaces-of-one-name": _each(
        lambda i: _stream("{apiVersion: v1, kind: Namespace, metadata: {name: n}}\n", _claim(f"a{i}, namespace: n"))
    ),
    "snapshots-of-one-claim": lambda n: _stream(_claim("a"), *(_SNAPSHOT.format(i=i, claim="a") for i in range(n))),
    "snapshots-and-restored-claims": _each(
        lambda i: _stream(
            _SNAPSHOT.format(i=i, claim=f"a{i}"),
            _claim(
                f"a{i}",
                f", dataSource: {{apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: s{i - 1}}}",
            ),
        )
    ),
    "snapshots-of-one-name": _each(
        lambda i: _stream(
            _SNAPSHOT.format(i="", claim="a"),
            _claim(f"a{i}", ", dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: s}"),
        )
    ),
    "config-maps-of-one-name": _each(
        lambda i: _stream(
            f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{A: '{i}'}}}}\n",
            _pod(i, "{containers: [{name: a, image: postgres, envFrom: [{configMapRef: {name: a}}]}]}"),
        )
    ),
    "suppressions": _each(lambda i: "# k8s-stateful-lint: ignore[schema-violation]\n" + _pod(i, "3")),
    "misspelt-labels": _each(
        lambda i: _stream(
            _set(i, image="redis").replace("labels: {app: a}", f"labels: {{app: aa{i}}}"),
            _SERVICE.format(i=i).replace("app: a", f"app: ab{i}"),
        )
    ),
    "misspelt-names": _each(
        lambda i: _stream(_set(i, service=f"service{i}x"), _SERVICE.format(i=i).replace("name: a", "name: servicex"))
    ),
    "misspelt-claims": _each(lambda i: _stream(_pod(i, _using(f"claim{i}x")), _claim(f"claimx{i}"))),
    "cron-job": lambda n: (
        "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '* * * * *', jobTemplate: {spec: "
        "{template: {spec: {restartPolicy: Never, containers: [{name: a, image: postgres, env: ["
        + ", ".join(f"{{name: E{i}, value: $(E{i + 1})}}" for i in range(n))
        + "]}]}}}}}}\n"
    ),
    "kinds-without-schema": _each(
        lambda i: f"{{apiVersion: a{i}.example.com/v1, kind: K{i}, metadata: {{name: a}}}}\n"
    ),
    "removed-versions": _each(lambda i: _set(i).replace("apps/v1", "apps/v1beta1")),
    "deployments-of-one-claim": lambda n: _stream(
        _claim("a"),
        *(
            _set(i)
            .replace("StatefulSet", "Deployment")
            .replace("serviceName: x, ", "")
            .replace("{containers: [{name: a, image: postgres}]}", _using("a"))
            for i in range(n)
        ),
    ),
    "patches": _each(
        lambda i: f"{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: a}}, spec: {{replicas: {i}}}}}\n"
    ),
    "roles": _each(
        lambda i: (
            f"{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: a{i}}}, rules: "
            "[{apiGroups: [''], resources: [pods], verbs: [get]}]}\n"
        )
    ),
    "drivers": _each(
        lambda i: _stream(
            f"{{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {{name: a{i}.example.com}}, spec: {{}}}}\n",
            _CLASS.format(name=f"c{i}", more="").replace("ebs.csi.aws.com", f"b{i}.example.com"),
        )
    ),
}
