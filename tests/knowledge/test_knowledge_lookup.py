"""Looking things up, and rows of the user."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_stateful_lint.knowledge import UNKNOWN, Driver, TableError, builtin

K = builtin()


def driver(name: str) -> Driver:
    found = K.driver(name)
    assert found is not None
    return found


def test_the_built_in_knowledge_is_made_once() -> None:
    assert builtin() is builtin()


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("ebs.csi.aws.com", "ebs.csi.aws.com"),
        ("kubernetes.io/aws-ebs", "ebs.csi.aws.com"),
        ("rook-ceph.rbd.csi.ceph.com", "rbd.csi.ceph.com"),
        ("rook-ceph.cephfs.csi.ceph.com", "*.cephfs.csi.ceph.com"),
        ("cephfs.csi.ceph.com", "cephfs.csi.ceph.com"),
        ("fuseim.pri/ifs", "k8s-sigs.io/nfs-subdir-external-provisioner"),
        ("cluster.local/nfs-nfs-subdir-external-provisioner", "k8s-sigs.io/nfs-subdir-external-provisioner"),
        ("cluster.local/nfs-server-provisioner", "cluster.local/*nfs-server-provisioner"),
        ("kubernetes.io/no-provisioner", "kubernetes.io/no-provisioner"),
    ],
)
def test_drivers_are_found_by_name_alias_and_pattern(name: str, row: str) -> None:
    assert driver(name).name == row


@pytest.mark.parametrize("name", ["", "example.org/mine", "rbd.csi.ceph.com.evil", "kubernetes.io/rbd", "ebs"])
def test_other_names_are_unknown(name: str) -> None:
    assert K.driver(name) is None


def test_conditions_are_read_in_any_case() -> None:
    ebs = driver("ebs.csi.aws.com").rwx_block_condition
    assert ebs is not None
    assert ebs.holds({"Type": "io2"})
    assert not ebs.holds({"type": "gp3"})
    assert not ebs.holds({})
    azure = driver("disk.csi.azure.com").rwx_block_condition
    assert azure is not None
    assert azure.holds({"maxshares": "2"})
    assert azure.holds({"maxShares": "3"})
    assert not azure.holds({"maxShares": "1"})
    assert not azure.holds({"maxShares": "many"})


def test_the_network_file_system_depends_on_class_and_claim() -> None:
    azure = driver("file.csi.azure.com")
    assert azure.network_file_system_with({}) == "smb"
    assert azure.network_file_system_with({"protocol": "nfs"}) == "nfs"
    longhorn = driver("driver.longhorn.io")
    assert longhorn.network_file_system_with({}, shared=True) == "nfs"
    assert longhorn.network_file_system_with({}, shared=False) == "none"
    assert longhorn.network_file_system_with({}) is None


def test_the_fs_group_depends_on_policy_and_modes() -> None:
    rwo, rwop, rwx = ["ReadWriteOnce"], ["ReadWriteOncePod"], ["ReadWriteMany"]

    def applied(name: str, modes: list[str], *, has_fstype: bool = False, minor: int = 36) -> bool | None:
        return driver(name).applies_fs_group(modes, has_fstype=has_fstype, target=(1, minor))

    assert applied("nfs.csi.k8s.io", rwx) is True
    assert applied("pd.csi.storage.gke.io", rwo) is True
    assert applied("pd.csi.storage.gke.io", rwop) is True
    assert applied("pd.csi.storage.gke.io", rwop, minor=31) is False
    assert applied("efs.csi.aws.com", rwx) is False
    assert applied("efs.csi.aws.com", rwo) is None
    assert applied("efs.csi.aws.com", rwo, has_fstype=True) is True
    assert applied("file.csi.azure.com", rwx) is True
    assert applied("fuseim.pri/ifs", rwx) is False
    assert applied("csi.weka.io", rwx) is None


def test_parameters_are_known_in_any_case() -> None:
    ebs = driver("ebs.csi.aws.com")
    assert ebs.knows_parameter("IopsPerGB") is True
    assert ebs.knows_parameter("tagSpecification_1") is True
    assert ebs.knows_parameter("skuName") is False
    assert ebs.knows_value("type", "GP3") is True
    assert ebs.knows_value("type", "pd-ssd") is False
    assert ebs.knows_value("iops", "3000") is None
    assert driver("topolvm.io").knows_parameter("type") is None


@pytest.mark.parametrize(
    ("key", "minor", "nothing", "redirected"),
    [
        ("rbd", 30, False, False),
        ("rbd", 31, True, False),
        ("awsElasticBlockStore", 22, False, False),
        ("awsElasticBlockStore", 36, False, True),
        ("gitRepo", 35, False, False),
        ("gitRepo", 36, True, False),
        ("nfs", 36, False, False),
    ],
)
def test_plugins_know_their_end(key: str, minor: int, *, nothing: bool, redirected: bool) -> None:
    plugin = K.plugin(key)
    assert plugin is not None
    assert plugin.does_nothing((1, minor)) is nothing
    assert plugin.redirected((1, minor)) is redirected


def test_plugins_know_the_warnings_of_the_server() -> None:
    gluster = K.plugin("glusterfs")
    assert gluster is not None
    assert gluster.warning((1, 24), volume=False) is None
    assert gluster.warning((1, 26), volume=False) == (
        "deprecated in v1.25, this feature will be removed soon after in a subsequent release"
    )
    assert gluster.warning((1, 36), volume=False) == "deprecated in v1.25, non-functional in v1.26+"
    assert gluster.warning((1, 27), volume=True) is None
    quobyte = K.plugin("quobyte")
    assert quobyte is not None
    assert quobyte.warning((1, 36), volume=True) is None


def test_api_versions_know_what_never_existed() -> None:
    assert [row.group_version for row in K.api_versions("StatefulSet")] == ["apps/v1beta1", "apps/v1beta2", "apps/v1"]
    assert K.api_versions("Banana") == ()
    old = K.api_versions("PodDisruptionBudget")[0]
    assert old.served_at((1, 24))
    assert old.deprecated_at((1, 24))
    assert not old.served_at((1, 25))
    snapshots = {row.group_version: row.served_at((1, 36)) for row in K.api_versions("VolumeSnapshot")}
    assert snapshots == {
        "snapshot.storage.k8s.io/v1alpha1": False,
        "snapshot.storage.k8s.io/v1beta1": False,
        "snapshot.storage.k8s.io/v1": True,
    }


def test_fields_are_on_in_their_versions() -> None:
    field = K.field("StatefulSet.spec.updateStrategy.rollingUpdate.maxUnavailable")
    assert field is not None
    assert [minor for minor in range(24, 38) if field.on_at((1, minor))] == [35, 37]
    assert K.field("StatefulSet.spec.replicas") is None


@pytest.mark.parametrize(
    ("name", "platform", "found"),
    [
        ("gp2", None, "ebs.csi.aws.com"),
        ("gp2", "eks", "ebs.csi.aws.com"),
        ("gp2", "gke", None),
        ("standard", None, None),
        ("standard", "kind", "rancher.io/local-path"),
        ("standard", "minikube", "k8s.io/minikube-hostpath"),
        ("standard", "GKE", "pd.csi.storage.gke.io"),
        ("standard", "eks", None),
        ("default", None, None),
        ("default", "aks", "disk.csi.azure.com"),
        ("local-storage", None, None),
        ("longhorn", None, "driver.longhorn.io"),
        ("longhorn", "aks", "driver.longhorn.io"),
        ("mine", None, None),
    ],
)
def test_class_names(name: str, platform: str | None, found: str | None) -> None:
    row = K.class_name(name, platform)
    assert (row.driver if row else None) == found


def test_classes_of_other_platforms() -> None:
    assert K.is_class_of_other_platform("gp2", "gke")
    assert not K.is_class_of_other_platform("gp2", "eks")
    assert not K.is_class_of_other_platform("longhorn", "gke")
    assert not K.is_class_of_other_platform("mine", "gke")
    assert not K.is_class_of_other_platform("gp2", "no-such-platform")


@pytest.mark.parametrize(
    ("platform", "minor", "expected"),
    [
        ("eks", 29, "gp2"),
        ("EKS", 30, None),
        ("k3s", 36, "local-path"),
        ("openshift", 36, UNKNOWN),
        ("somewhere", 36, UNKNOWN),
    ],
)
def test_default_classes(platform: str, minor: int, expected: object) -> None:
    assert K.default_class(platform, (1, minor)) == expected


def test_add_ons() -> None:
    found = K.missing_add_on("eks", "ebs.csi.aws.com", (1, 23))
    assert found is not None
    assert found.add_on == "aws-ebs-csi-driver"
    assert K.missing_add_on("eks", "ebs.csi.aws.com", (1, 22)) is None
    assert K.missing_add_on("gke", "pd.csi.storage.gke.io", (1, 36)) is None
    assert K.missing_add_on("somewhere", "ebs.csi.aws.com", (1, 36)) is None


def test_update_messages() -> None:
    assert "'ordinals'" not in K.update_message("M-STS", (1, 25))
    assert "'revisionHistoryLimit'" in K.update_message("M-STS", (1, 36))
    with pytest.raises(KeyError):
        K.update_message("M-NOTHING", (1, 36))


def test_obsolete_keys_and_backup_kinds() -> None:
    row = K.obsolete_key("volume.beta.kubernetes.io/storage-class")
    assert row is not None
    assert row.wins_over_field
    assert K.obsolete_key("app") is None
    assert K.backup_kind("velero.io", "Schedule") is not None
    assert K.backup_kind("velero.io", "Restore") is None


def test_users_add_rows() -> None:
    mine = K.extended({"drivers": [{"name": "csi.example.org", "kind": "block", "rwx_filesystem": "no"}]})
    found = mine.driver("csi.example.org")
    assert found is not None
    assert (found.rwx_filesystem, found.source) == ("no", "configuration")
    assert K.driver("csi.example.org") is None


def test_users_override_the_fields_they_write() -> None:
    mine = K.extended({"drivers": [{"name": "rancher.io/local-path", "rwx_filesystem": "yes"}]})
    found = mine.driver("rancher.io/local-path")
    assert found is not None
    assert found.rwx_filesystem == "yes"
    assert found.topology == "node"
    assert len(mine.drivers) == len(K.drivers)


def test_users_override_rows_with_versions() -> None:
    mine = K.extended({"platforms": [{"name": "eks", "default_class": [{"name": "gp3", "since": "1.30"}]}]})
    assert mine.default_class("eks", (1, 36)) == "gp3"
    assert mine.default_class("eks", (1, 29)) is UNKNOWN
    plugins = K.extended({"volume_plugins": [{"key": "rbd", "removed": "1.40"}]})
    plugin = plugins.plugin("rbd")
    assert plugin is not None
    assert not plugin.does_nothing((1, 36))


def test_a_class_of_the_user_takes_the_place_of_the_well_known_one() -> None:
    mine = K.extended({"class_names": [{"name": "gp2", "driver": "efs.csi.aws.com"}]})
    found = mine.class_name("gp2", None)
    assert found is not None
    assert found.driver == "efs.csi.aws.com"
    standard = K.extended({"class_names": [{"name": "standard", "driver": "csi.hetzner.cloud"}]})
    found = standard.class_name("standard", None)
    assert found is not None
    assert found.driver == "csi.hetzner.cloud"


def test_extending_twice_keeps_both() -> None:
    mine = K.extended({"drivers": [{"name": "a.example.org"}]}).extended({"drivers": [{"name": "b.example.org"}]})
    assert mine.driver("a.example.org") is not None
    assert mine.driver("b.example.org") is not None


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"drvers": []}, "there is no table 'drvers'; the tables are: drivers, "),
        ({"drivers": {"name": "x"}}, "drivers: expected a list of rows, got dict"),
        ({"drivers": ["x"]}, "drivers: expected a row with fields, got 'x'"),
        ({"drivers": [{"name": "x", "rwx": "no"}]}, "drivers, row 'x': Object contains unknown field `rwx`"),
        (
            {"drivers": [{"name": "x", "rwx_block": "never"}]},
            r"row 'x': Invalid enum value 'never' .*rwx_block",
        ),
        ({"drivers": [{"kind": "block"}]}, "drivers, row .*: Object missing required field `name`"),
        ({"volume_plugins": [{"key": "rbd", "removed": 1.3}]}, "row 'rbd': write the version of `removed` in quotes"),
        ({"volume_plugins": [{"key": "rbd", "removed": "soon"}]}, "row 'rbd': 'soon' is no Kubernetes version"),
    ],
)
def test_faults_name_the_row_and_the_field(user: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        K.extended(user)
