"""References: nearest definition, namespaces, ambiguity, generated claims."""

from __future__ import annotations

from k8s_stateful_lint.config import Config
from k8s_stateful_lint.graph.unresolved import unresolved
from k8s_stateful_lint.reading import SourceFile
from tests.graph.helpers import USES_DATA, claim, deployment, documents, graph


def the_volume(found, name: str = "db"):  # type: ignore[no-untyped-def]
    (workload,) = [w for w in found.workloads if w.name == name]
    return workload.volumes[0]


def test_same_file_wins_over_same_unit() -> None:
    found = graph(
        {
            "a/db.yaml": documents(deployment(pod=USES_DATA), claim("data", modes="ReadWriteMany")),
            "a/other.yaml": claim("data"),
        }
    )
    assert the_volume(found).claim.modes == {"ReadWriteMany"}
    assert the_volume(found).weak == 0


def test_same_unit_wins_over_another() -> None:
    found = graph(
        {
            "a/db.yaml": deployment(pod=USES_DATA),
            "a/claim.yaml": claim("data"),
            "b/claim.yaml": claim("data", modes="ReadWriteMany"),
        }
    )
    assert the_volume(found).claim.modes == {"ReadWriteOnce"}


def test_longest_common_path_and_less_confidence_without_namespaces() -> None:
    found = graph(
        {
            "x/a/db.yaml": deployment(pod=USES_DATA),
            "x/b/claim.yaml": claim("data", modes="ReadWriteMany"),
            "y/claim.yaml": claim("data"),
        }
    )
    assert the_volume(found).claim.modes == {"ReadWriteMany"}
    assert the_volume(found).weak == 1


def test_written_namespaces_keep_confidence_across_units() -> None:
    found = graph(
        {
            "a/db.yaml": deployment(pod=USES_DATA, namespace="shop"),
            "b/claim.yaml": claim("data", namespace="shop"),
        }
    )
    assert the_volume(found).claim is not None
    assert the_volume(found).weak == 0


def test_another_namespace_is_no_match() -> None:
    found = graph(documents(deployment(pod=USES_DATA, namespace="shop"), claim("data", namespace="blog")))
    assert the_volume(found).claim is None


def test_namespace_on_one_side_only_is_a_weak_match() -> None:
    found = graph(documents(deployment(pod=USES_DATA, namespace="shop"), claim("data")))
    assert the_volume(found).claim is not None
    assert the_volume(found).weak == 1


def test_full_match_is_preferred_to_a_half_written_one() -> None:
    found = graph(
        {
            "a/db.yaml": documents(deployment(pod=USES_DATA, namespace="shop"), claim("data", modes="ReadWriteMany")),
            "b/claim.yaml": claim("data", namespace="shop"),
        }
    )
    assert the_volume(found).claim.modes == {"ReadWriteOnce"}


def test_equally_near_definitions_that_disagree_are_ambiguous() -> None:
    found = graph(
        {
            "a/db.yaml": deployment(pod=USES_DATA),
            "a/one.yaml": claim("data"),
            "a/two.yaml": claim("data", modes="ReadWriteMany"),
        }
    )
    assert the_volume(found).claim is None
    assert the_volume(found).resolution.ambiguous
    (reference,) = [r for r in unresolved(found) if r.kind == "PersistentVolumeClaim"]
    assert reference.is_ambiguous


def test_equally_near_definitions_that_agree_are_one() -> None:
    found = graph({"a/db.yaml": deployment(pod=USES_DATA), "a/one.yaml": claim("data"), "a/two.yaml": claim("data")})
    assert the_volume(found).claim is not None


def test_command_line_namespace_applies_to_objects_without_one() -> None:
    found = graph(documents(deployment(pod=USES_DATA, namespace="shop"), claim("data")), namespace="shop")
    assert the_volume(found).claim is not None
    assert the_volume(found).weak == 0


def test_kustomization_namespace_applies() -> None:
    found = graph(
        {
            "a/db.yaml": deployment(pod=USES_DATA, namespace="shop"),
            "a/claim.yaml": claim("data"),
            "a/kustomization.yaml": "namespace: blog\nresources: [db.yaml, claim.yaml]\n",
        }
    )
    assert the_volume(found).claim is not None
    assert the_volume(found).claim.namespace == "blog"
    assert the_volume(found).weak == 0


def test_a_namespace_is_set_on_what_its_kustomization_builds_alone() -> None:
    found = graph(
        {
            "kustomization.yaml": "resources: [monitoring, shop, blog]\n",
            "monitoring/kustomization.yaml": "namespace: monitoring\nresources: [claim.yaml]\n",
            "monitoring/claim.yaml": claim("metrics"),
            "shop/kustomization.yaml": "namespace: shop\nresources: [../parts/db]\ncomponents: [../parts/common]\n",
            "parts/db/kustomization.yaml": "namespace: db\nresources: [claim.yaml]\n",
            "parts/db/claim.yaml": claim("orders"),
            "parts/common/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            "namespace: common\nresources: [claim.yaml]\n",
            "parts/common/claim.yaml": claim("files"),
            "blog/kustomization.yaml": "resources: [claim.yaml]\n",
            "blog/claim.yaml": claim("posts", namespace="blog"),
        }
    )
    namespaces = {node.name: node.namespace for node in found.objects("PersistentVolumeClaim")}
    assert namespaces == {"metrics": "monitoring", "orders": "shop", "files": "shop", "posts": "blog"}


def test_base_and_overlay_are_one_unit() -> None:
    found = graph(
        {
            "base/db.yaml": deployment(pod=USES_DATA),
            "base/kustomization.yaml": "resources: [db.yaml]\n",
            "overlays/one/claim.yaml": claim("data"),
            "overlays/one/kustomization.yaml": "resources: [../../base, claim.yaml]\n",
        }
    )
    assert the_volume(found).claim is not None
    assert the_volume(found).weak == 0


STATEFUL_SET = (
    deployment("serviceName: db\nreplicas: 2", kind="StatefulSet")
    + """\
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 8Gi}}}
"""
)


def test_generated_claims_resolve_to_their_template() -> None:
    pod = """\
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers: [{name: a, image: busybox:1.36, volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: data-db-1}}]
"""
    found = graph(documents(STATEFUL_SET, pod))
    assert the_volume(found, "reader").claim is found.stateful_sets[0].claim_templates[0]
    beyond = graph(documents(STATEFUL_SET, pod.replace("data-db-1", "data-db-2")))
    assert the_volume(beyond, "reader").claim is None


def test_claim_template_replaces_a_volume_of_its_name() -> None:
    shadowed = STATEFUL_SET.replace(
        "      containers:", "      volumes: [{name: data, emptyDir: {}}]\n      containers:"
    )
    (stateful_set,) = graph(shadowed).stateful_sets
    assert [volume.source_key for volume in stateful_set.volumes] == ["volumeClaimTemplate"]
    assert [volume.source_key for volume in stateful_set.dead_volumes] == ["emptyDir"]


def test_partial_objects_define_nothing() -> None:
    found = graph({"a/db.yaml": deployment(pod=USES_DATA), "a/patches/claim.yaml": claim("data")})
    assert the_volume(found).claim is None


def test_a_prefix_is_part_of_the_name_outside_of_the_build_only() -> None:
    files = {
        "db/kustomization.yaml": "namePrefix: shop-\nnameSuffix: -v2\nresources: [claim.yaml, inside.yaml]\n",
        "db/claim.yaml": claim("data", namespace="shop"),
        "db/inside.yaml": deployment(pod=USES_DATA, name="inside", namespace="shop"),
        "other/right.yaml": deployment(
            pod=USES_DATA.replace("claimName: data", "claimName: shop-data-v2"), name="outside", namespace="shop"
        ),
        "other/wrong.yaml": deployment(pod=USES_DATA, name="mistaken", namespace="shop"),
    }
    found = graph(files)
    assert the_volume(found, "inside").claim is not None
    assert the_volume(found, "outside").resolution.target is the_volume(found, "inside").claim
    assert the_volume(found, "mistaken").resolution.target is None


def test_a_prefix_that_one_of_several_overlays_sets_decides_nothing() -> None:
    files = {
        "base/kustomization.yaml": "resources: [claim.yaml]\n",
        "base/claim.yaml": claim("data", namespace="shop"),
        "one/kustomization.yaml": "namePrefix: one-\nresources: [../base]\n",
        "two/kustomization.yaml": "resources: [../base]\n",
        "other/db.yaml": deployment(pod=USES_DATA, namespace="shop"),
    }
    assert the_volume(graph(files)).resolution.target is not None


def test_patch_files_of_a_kustomization_are_partial() -> None:
    found = graph(
        {
            "a/db.yaml": deployment(),
            "a/more.yaml": deployment("replicas: 3"),
            "a/kustomization.yaml": "resources: [db.yaml]\npatches: [{path: more.yaml}]\n",
        }
    )
    assert {w.resource.path: w.is_partial for w in found.workloads} == {"a/db.yaml": False, "a/more.yaml": True}


def test_patch_must_be_a_whole_word() -> None:
    found = graph({"a/dispatcher.yaml": deployment(), "a/db-patch.yaml": deployment()})
    assert {w.resource.path: w.is_partial for w in found.workloads} == {
        "a/dispatcher.yaml": False,
        "a/db-patch.yaml": True,
    }


def test_custom_resource_may_create_what_is_missing() -> None:
    found = graph(
        documents(
            deployment(pod=USES_DATA),
            "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: data}\n",
        )
    )
    assert found.possible_creator("data", found.workloads[0]) is not None
    assert found.possible_creator("other", found.workloads[0]) is None


def test_another_project_defines_nothing() -> None:
    files = {"one/db.yaml": deployment(pod=USES_DATA), "two/claim.yaml": claim("data")}
    assert the_volume(graph(files)).claim is None
    deeper = {f"repos/{name}": text for name, text in files.items()}
    assert the_volume(graph(deeper)).claim is None


def test_the_default_namespace_does_not_join_projects() -> None:
    found = graph(
        {
            "one/db.yaml": deployment(pod=USES_DATA, namespace="default"),
            "two/claim.yaml": claim("data", namespace="default"),
        }
    )
    assert the_volume(found).claim is None


def test_a_file_that_could_not_be_read_leaves_its_unit_open() -> None:
    from k8s_stateful_lint.engine.run import inspect

    files = {
        "a/db.yaml": deployment(),
        "a/web.yaml": "apiVersion: v1\nkind: {{ .Values.kind }}\n",
        "b/db.yaml": deployment(),
    }
    _, found = inspect([SourceFile(name, text.encode()) for name, text in files.items()], Config())
    assert [found.is_fully_read(workload) for workload in found.workloads] == [False, True]


BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: db, namespace: shop}
spec: {minAvailable: 3, selector: {matchLabels: {app: db}}}
"""


def test_a_selector_reaches_the_nearest_definition_of_a_workload() -> None:
    """Each environment defines the same objects in the same namespace: they are alternatives, not more pods."""
    one = deployment("replicas: 3", namespace="shop", kind="StatefulSet")
    found = graph({f"clusters/{name}/db.yaml": f"{one}---{BUDGET}" for name in ("a", "b")})
    for budget in found.disruption_budgets:
        (selected,) = budget.workloads
        assert selected.resource.path == budget.resource.path


def test_a_selector_reaches_definitions_that_are_equally_near_and_other_workloads() -> None:
    one = deployment("replicas: 3", namespace="shop", kind="StatefulSet")
    other = one.replace("{name: db, namespace", "{name: db-replica, namespace")
    found = graph({"a/db.yaml": one, "b/db.yaml": one, "c/budget.yaml": BUDGET, "c/db.yaml": other})
    (budget,) = found.disruption_budgets
    assert [workload.resource.path for workload in budget.workloads] == ["c/db.yaml", "a/db.yaml", "b/db.yaml"]
