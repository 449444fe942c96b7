"""Claims, volumes and classes: pairing, modes, default class, driver, attachment."""

from __future__ import annotations

import pytest

from k8s_stateful_lint.graph.storage import ClassName
from k8s_stateful_lint.model.base import LabelSelector, SelectorRequirement
from tests.graph.helpers import claim, documents, graph

GP3 = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: kubernetes.io/aws-ebs\n"


def volume(name: str = "vol", spec: str = "nfs: {server: files, path: /x}") -> str:
    return (
        f"apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\n"
        f"spec:\n  capacity: {{storage: 8Gi}}\n  accessModes: [ReadWriteMany]\n  {spec}\n"
    )


def test_modes_of_the_paired_volume_count() -> None:
    found = graph(documents(claim("data", spec="volumeName: vol"), volume()))
    assert found.claims[0].volume is found.persistent_volumes[0]
    assert found.claims[0].modes == {"ReadWriteMany"}


def test_claim_ref_pairs_too() -> None:
    found = graph(documents(claim("data"), volume(spec="nfs: {server: a, path: /}\n  claimRef: {name: data}")))
    assert found.claims[0].volume is not None


def test_claim_ref_of_another_namespace_does_not_pair() -> None:
    reserved = volume(spec="nfs: {server: a, path: /}\n  claimRef: {name: data, namespace: blog}")
    found = graph(documents(claim("data", namespace="shop"), reserved))
    assert found.claims[0].volume is None


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("storageClassName: fast", ("fast", True)),
        ('storageClassName: ""', ("", True)),
        ("storageClassName: ${CLASS}", (None, True)),
        ("", (None, False)),
    ],
)
def test_class_as_written(spec: str, expected: tuple[str | None, bool]) -> None:
    name = graph(claim("data", spec=spec)).claims[0].class_name
    assert (name.name, name.written) == expected


def test_beta_annotation_wins_over_the_field() -> None:
    text = claim("data", spec="storageClassName: slow").replace(
        "{name: data}", '{name: data, annotations: {"volume.beta.kubernetes.io/storage-class": fast}}'
    )
    assert graph(text).claims[0].class_name.name == "fast"


def test_default_class_of_the_unit() -> None:
    marked = GP3.replace(
        "{name: fast}", '{name: fast, annotations: {"storageclass.kubernetes.io/is-default-class": "true"}}'
    )
    found = graph({"a/claim.yaml": claim("data"), "a/class.yaml": marked})
    assert found.claims[0].class_name == ClassName("fast", False, 0)
    elsewhere = graph({"a/claim.yaml": claim("data"), "b/class.yaml": marked})
    assert elsewhere.claims[0].class_name == ClassName("fast", False, 1)


def test_default_class_of_the_configuration() -> None:
    assert graph(claim("data"), cluster={"default-class": "fast"}).claims[0].class_name.name == "fast"
    assert graph(claim("data"), cluster={"default-class": "none"}).claims[0].class_name.name == ""


def test_in_tree_provisioner_gives_its_csi_driver() -> None:
    fact = graph(documents(claim("data", spec="storageClassName: fast"), GP3)).claims[0].driver
    assert (fact.provisioner, fact.origin) == ("kubernetes.io/aws-ebs", "class")
    assert fact.driver is not None
    assert fact.driver.name == "ebs.csi.aws.com"


def test_well_known_class_name_tells_the_driver_with_less_confidence() -> None:
    fact = graph(claim("data", spec="storageClassName: gp3")).claims[0].driver
    assert fact.driver is not None
    assert (fact.driver.name, fact.origin, fact.weak) == ("ebs.csi.aws.com", "class-name", 1)


def test_ambiguous_class_name_tells_nothing_without_a_platform() -> None:
    assert graph(claim("data", spec="storageClassName: standard")).claims[0].driver.driver is None


def test_class_name_of_a_static_volume_is_no_well_known_class() -> None:
    text = documents(
        claim("data", spec="storageClassName: gp3"), volume(spec="storageClassName: gp3\n  nfs: {path: /}")
    )
    assert graph(text).claims[0].driver.driver is None


@pytest.mark.parametrize(
    ("source", "attachment"),
    [
        ("nfs: {server: a, path: /}", "attach-free"),
        ("hostPath: {path: /x}", "attach-free"),
        ("csi: {driver: ebs.csi.aws.com, volumeHandle: v}", "exclusive"),
        ("csi: {driver: never.heard.of.it, volumeHandle: v}", "exclusive"),
        ("awsElasticBlockStore: {volumeID: v}", "exclusive"),
        ("local: {path: /x}", "node-bound"),
    ],
)
def test_attachment(source: str, attachment: str) -> None:
    assert graph(volume(spec=source)).persistent_volumes[0].attachment == attachment


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", None),
        ("volumeMode: Filesystem", None),
        ("volumeMode: Block", "incompatible volumeMode"),
    ],
)
def test_misfits_use_the_controllers_words(spec: str, reason: str | None) -> None:
    found = graph(documents(claim("data", modes="ReadWriteMany", spec=spec), volume()))
    assert [text for text, _, _ in found.persistent_volumes[0].misfits(found.claims[0])] == ([reason] if reason else [])


def test_misfit_of_size_and_modes() -> None:
    big = claim("data").replace("8Gi", "9Gi")
    found = graph(documents(big, volume()))
    assert [text for text, _, _ in found.persistent_volumes[0].misfits(found.claims[0])] == [
        "requested PV is too small",
        "incompatible accessMode",
    ]


@pytest.mark.parametrize("labels", [{}, {"tier": "a"}, {"tier": "b"}, {"tier": "a", "zone": "x"}])
@pytest.mark.parametrize("values", [(), ("a",), ("a", "b")])
@pytest.mark.parametrize("operator", ["In", "NotIn", "Exists", "DoesNotExist", "Near"])
@pytest.mark.parametrize("key", ["tier", "zone", "none"])
def test_volumes_are_selected_as_one_by_one(
    key: str, operator: str, values: tuple[str, ...], labels: dict[str, str]
) -> None:
    spec = "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: s, path: /a}}"
    texts = ["{}", "{tier: a}", "{tier: b}", "{tier: a, zone: x}", "{zone: x}"]
    found = graph(
        "\n---\n".join(
            f"apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: v{index}, labels: {text}}}\n{spec}"
            for index, text in enumerate(texts)
        )
    )
    selector = LabelSelector(labels, (SelectorRequirement(key, operator, values),))
    one_by_one = {volume for volume in found.persistent_volumes if selector.matches(dict(volume.labels))}
    assert found.volumes.selected_by(selector) == one_by_one
