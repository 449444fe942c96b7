"""The tables themselves: every row is whole, named once, and agrees with the other tables."""

from __future__ import annotations

import itertools
from importlib.resources import files
from typing import Any

import pytest

from k8s_stateful_lint.knowledge import TABLES, ApiVersion, Driver, VolumePlugin, _tables, builtin, parse_version
from k8s_stateful_lint.knowledge._tables import load
from k8s_stateful_lint.schema.kinds import schema_of
from tools.tables import compiled

ROWS = [(name, row) for name, table in TABLES.items() for row in load(name, table.row_type)]

TALK = [
    *(
        "gcePersistentDisk",
        "awsElasticBlockStore",
        "azureDisk",
        "cinder",
        "vsphereVolume",
        "azureFile",
        "portworxVolume",
    ),
    *("cephfs", "rbd", "glusterfs", "quobyte", "flocker", "storageos", "scaleIO", "photonPersistentDisk"),
    *("flexVolume", "hostPath", "nfs", "fc", "iscsi"),
]
OTHER_SOURCES = [
    *("csi", "local", "ephemeral", "emptyDir", "configMap", "secret", "projected", "downwardAPI", "image"),
    *("persistentVolumeClaim", "gitRepo"),
]
IN_TREE_PROVISIONERS = [
    *("aws-ebs", "gce-pd", "azure-disk", "azure-file", "cinder", "vsphere-volume", "portworx-volume", "rbd"),
    *("glusterfs", "scaleio", "storageos", "quobyte", "flocker", "host-path"),
]
VERSIONS = [(1, minor) for minor in range(25, 38)]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_rows_and_a_header(name: str) -> None:
    text = files("k8s_stateful_lint.knowledge").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert any(table == name for table, _ in ROWS)


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda value: str(value)[:60])
def test_every_row_has_a_status_and_a_source(table: str, row: Any) -> None:
    assert row.status in {"verified", "partial", "unverified"}
    assert len(row.source) > 5


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_unique(name: str) -> None:
    keys = [TABLES[name].key(row) for table, row in ROWS if table == name]
    assert len(keys) == len(set(keys))


def test_names_and_aliases_of_drivers_do_not_collide() -> None:
    names = [name for driver in builtin().drivers for name in (driver.name, *driver.aliases)]
    assert len(names) == len(set(names))


def test_names_and_aliases_of_platforms_do_not_collide() -> None:
    names = [name for row in builtin().platforms for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("plugin", builtin().plugins, ids=lambda plugin: plugin.key)
def test_versions_of_plugins_are_ordered(plugin: VolumePlugin) -> None:
    ordered(plugin.deprecated, plugin.disabled_by_default, plugin.removed)
    ordered(plugin.deprecated, plugin.redirect_since, plugin.code_removed)


@pytest.mark.parametrize("row", [row for name, row in ROWS if name == "api_versions"], ids=lambda row: row.kind)
def test_versions_of_api_versions_are_ordered(row: ApiVersion) -> None:
    ordered(row.served_since, row.deprecated, row.removed)
    assert row.removed is None or row.replacement is not None or row.meaning is not None


@pytest.mark.parametrize("version", VERSIONS)
def test_api_versions_are_those_of_the_published_schemas(version: tuple[int, int]) -> None:
    rows = [row for name, row in ROWS if name == "api_versions" and not row.custom]
    wrong = [
        f"{row.kind} {row.group_version}"
        for row in rows
        if row.served_at(version) != (schema_of(row.group_version, row.kind, version) is not None)
    ]
    assert not wrong
    kinds = {row.kind for row in rows}
    for kind in kinds:
        groups = {row.group_version.rpartition("/")[0] for row in rows if row.kind == kind}
        known = {row.group_version for row in rows if row.kind == kind}
        for group in groups:
            for suffix in ("v1alpha1", "v1alpha2", "v1beta1", "v1beta2", "v1beta3", "v1", "v2beta1", "v2beta2", "v2"):
                name = f"{group}/{suffix}" if group else suffix
                assert name in known or schema_of(name, kind, version) is None, f"{kind} {name} is missing"


@pytest.mark.parametrize("field", builtin().fields, ids=lambda field: field.path)
def test_versions_of_fields_are_ordered(field: Any) -> None:
    ordered(field.alpha, field.beta, field.ga)
    ordered(field.alpha, field.on_by_default, field.switched_off, field.on_again)
    assert field.effect is not None
    assert field.path.split(".")[0] in field.kinds


def ordered(*versions: tuple[int, int] | None) -> None:
    known = [version for version in versions if version is not None]
    assert known == sorted(known)


@pytest.mark.parametrize("key", TALK + OTHER_SOURCES)
def test_every_volume_source_is_known(key: str) -> None:
    plugin = builtin().plugin(key)
    assert plugin is not None
    assert plugin.in_pods or plugin.in_volumes


def test_the_talk_has_twenty_kinds() -> None:
    assert len(set(TALK)) == 20


@pytest.mark.parametrize("name", IN_TREE_PROVISIONERS)
def test_every_in_tree_provisioner_has_a_plugin(name: str) -> None:
    assert builtin().plugin_of_provisioner(f"kubernetes.io/{name}") is not None


@pytest.mark.parametrize("plugin", [p for p in builtin().plugins if p.redirect], ids=lambda plugin: plugin.key)
def test_redirects_lead_to_the_driver(plugin: VolumePlugin) -> None:
    assert plugin.redirect is not None
    driver = builtin().driver(plugin.redirect)
    assert driver is not None
    assert plugin.provisioner in driver.aliases
    assert plugin.removed is None


def test_successors_exist() -> None:
    wanted = [driver.successor for driver in builtin().drivers] + [plugin.successor for plugin in builtin().plugins]
    assert {name for name in wanted if name is not None and builtin().driver(name) is None} == set()


@pytest.mark.parametrize("driver", builtin().drivers, ids=lambda driver: driver.name)
def test_drivers_are_consistent(driver: Driver) -> None:
    assert driver.rwx_filesystem_condition is None or driver.rwx_filesystem == "conditional"
    assert driver.rwx_block_condition is None or driver.rwx_block == "conditional"
    assert driver.rwx_block in (None, "no") or driver.raw_block is not False
    for condition in (driver.rwx_filesystem_condition, driver.rwx_block_condition):
        assert condition is None or driver.knows_parameter(condition.parameter)
    if driver.topology == "node" and driver.kind == "local":
        assert driver.attachment in (None, "node-bound")
    if driver.attachment == "node-bound":
        assert driver.topology == "node"


def test_classes_and_platforms_name_known_rows() -> None:
    knowledge = builtin()
    for row in knowledge.class_names:
        assert row.driver is not None
        assert knowledge.driver(row.driver) is not None, row.name
        assert all(knowledge.platform(name) is not None for name in row.platforms), row.name
        driver = knowledge.driver(row.driver)
        assert driver is not None
        assert all(driver.knows_parameter(key) is not False for key in row.parameters if key != "fstype"), row.name
    for platform in knowledge.platforms:
        for listed in (*platform.drivers_installed, *platform.drivers_add_on):
            assert knowledge.driver(listed.name) is not None, platform.name
        for default in platform.default_class:
            if default.name is not None:
                assert knowledge.class_name(default.name, platform.name) is not None, platform.name


def test_names_of_several_classes_are_ambiguous() -> None:
    for name, rows in itertools.groupby(
        sorted(builtin().class_names, key=lambda row: row.name), key=lambda row: row.name
    ):
        same = list(rows)
        assert len(same) == 1 or all(row.ambiguous for row in same), name


@pytest.mark.parametrize("target", VERSIONS)
@pytest.mark.parametrize("key", sorted({row.key for row in builtin().update_messages}))
def test_every_update_message_has_one_text_in_every_version(key: str, target: tuple[int, int]) -> None:
    texts = [
        row.text
        for row in builtin().update_messages
        if row.key == key and (row.since is None or row.since <= target) and (row.until is None or target <= row.until)
    ]
    assert texts == [builtin().update_message(key, target)]


@pytest.mark.parametrize("name", TABLES)
def test_what_runs_read_is_what_people_wrote(name: str) -> None:
    yamlrocks = pytest.importorskip("yamlrocks")

    content = files("k8s_stateful_lint.knowledge").joinpath(f"{name}.yaml").read_bytes()
    row_type = TABLES[name].row_type
    written = tuple(_tables.convert(name, values, row_type) for values in yamlrocks.loads(content))
    assert load(name, row_type) == written
    assert _tables.compiled(name) == compiled(name)


@pytest.mark.parametrize(
    ("text", "version"), [("1.36", (1, 36)), ("v1.30", (1, 30)), ("1.29.4", (1, 29)), (" v1.31.2-gke.100 ", (1, 31))]
)
def test_versions_are_read(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "1", "latest", "1.x", "1.36.", "-1.2"])
def test_other_texts_are_no_versions(text: str) -> None:
    with pytest.raises(ValueError, match="write major and minor"):
        parse_version(text)
