"""Looking things up in the knowledge tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any, Final

import msgspec

from k8s_stateful_lint.knowledge import _tables
from k8s_stateful_lint.knowledge._tables import TableError
from k8s_stateful_lint.knowledge.field_tree import FieldTree
from k8s_stateful_lint.knowledge.rows import (
    UNKNOWN,
    ApiVersion,
    BackupKind,
    ClassName,
    Default,
    DefaultClass,
    Driver,
    Field,
    ObsoleteKey,
    Platform,
    PlatformDriver,
    Row,
    Unknown,
    UpdateMessage,
    VolumePlugin,
)
from k8s_stateful_lint.knowledge.versions import Version


class _Table(msgspec.Struct, frozen=True):
    row_type: type[Any]
    key_fields: tuple[str, ...]
    replaces: str | None = None

    def key(self, row: Row) -> tuple[object, ...]:
        return tuple(getattr(row, field) for field in self.key_fields)


TABLES: Final[Mapping[str, _Table]] = {
    "drivers": _Table(Driver, ("name",)),
    "volume_plugins": _Table(VolumePlugin, ("key",)),
    "api_versions": _Table(ApiVersion, ("kind", "group_version")),
    "fields": _Table(Field, ("path",)),
    "update_messages": _Table(UpdateMessage, ("key", "since")),
    "defaults": _Table(Default, ("object", "path")),
    "obsolete_keys": _Table(ObsoleteKey, ("key",)),
    "class_names": _Table(ClassName, ("name", "driver"), replaces="name"),
    "platforms": _Table(Platform, ("name",)),
    "backup_kinds": _Table(BackupKind, ("group", "kind")),
}
"""The tables by name, each with the type and the key of its rows."""


class Knowledge:
    """What is known about drivers, plugins, versions, classes and platforms.

    Tables are read when they are first asked. ``builtin()`` gives the tables of the package, ``extended()`` a copy with
    rows of the user.
    """

    def __init__(self, user: Mapping[str, Any] | None = None) -> None:
        """Take the tables of the package, with the user's rows over them."""
        self._user = dict(user or {})
        for name in self._user:
            if name not in TABLES:
                raise TableError(f"there is no table {name!r}; the tables are: {', '.join(TABLES)}")
        self._rows: dict[str, tuple[Any, ...]] = {}
        self._fields_off: dict[tuple[str, Version], FieldTree] = {}
        for name in self._user:
            self._rows_of(name)

    def extended(self, user: Mapping[str, Any]) -> Knowledge:
        """Knowledge with rows added or overridden; ``user`` maps a table's name to a list of rows.

        A row with the key of an existing one overrides only the fields it writes.

        Raises:
            TableError: for an unknown table, row form or field.
        """
        both = dict(self._user)
        for name, rows in user.items():
            both[name] = [*both.get(name, ()), *rows] if isinstance(rows, list | tuple) else rows
        return Knowledge(both)

    # Drivers and plugins

    @property
    def drivers(self) -> tuple[Driver, ...]:
        """All drivers."""
        return self._rows_of("drivers")

    @property
    def plugins(self) -> tuple[VolumePlugin, ...]:
        """All volume sources."""
        return self._rows_of("volume_plugins")

    def driver(self, provisioner: str) -> Driver | None:
        """The driver of a provisioner or CSI driver name.

        The exact name wins over patterns (``*.rbd.csi.ceph.com``), a longer pattern over a shorter one. In-tree names
        (``kubernetes.io/aws-ebs``) give the CSI driver they are redirected to.
        """
        if (exact := self._driver_names.get(provisioner)) is not None:
            return exact
        patterns = [pattern for pattern in self._driver_patterns if fnmatchcase(provisioner, pattern)]
        return self._driver_patterns[max(patterns, key=len)] if patterns else None

    def plugin(self, key: str) -> VolumePlugin | None:
        """The volume source of a key of the API (``awsElasticBlockStore``)."""
        return self._plugin_keys.get(key)

    def plugin_of_provisioner(self, provisioner: str) -> VolumePlugin | None:
        """The in-tree plugin behind ``kubernetes.io/aws-ebs``."""
        return self._plugin_provisioners.get(provisioner)

    # Versions

    def api_versions(self, kind: str) -> tuple[ApiVersion, ...]:
        """Every version a kind ever had, oldest first; empty for a kind the table does not know."""
        return self._kinds.get(kind, ())

    def field(self, path: str) -> Field | None:
        """A field that came with a feature gate."""
        return self._fields.get(path)

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields that came with a feature gate."""
        return self._rows_of("fields")

    def update_message(self, key: str, target: Version) -> str:
        """What the API server of the target version answers to a forbidden change.

        Raises:
            KeyError: if there is no such message.
        """
        for row in self.update_messages:
            if (
                row.key == key
                and (row.since is None or row.since <= target)
                and (row.until is None or target <= row.until)
            ):
                return row.text
        raise KeyError(key)

    @property
    def update_messages(self) -> tuple[UpdateMessage, ...]:
        """All messages about forbidden changes."""
        return self._rows_of("update_messages")

    def defaults(self, object_: str) -> tuple[Default, ...]:
        """What the API server fills in for a kind, or for a part that several kinds hold."""
        return self._defaults.get(object_, ())

    @cached_property
    def _defaults(self) -> dict[str, tuple[Default, ...]]:
        found: dict[str, list[Default]] = {}
        for row in self._rows_of("defaults"):
            found.setdefault(row.object, []).append(row)
        return {name: tuple(rows) for name, rows in found.items()}

    def obsolete_keys(self) -> tuple[ObsoleteKey, ...]:
        """Annotation and label keys that have been replaced."""
        return self._rows_of("obsolete_keys")

    def obsolete_key(self, key: str) -> ObsoleteKey | None:
        """The row of an annotation or label key, if it has been replaced."""
        return self._obsolete.get(key)

    # Classes, platforms, backups

    @property
    def class_names(self) -> tuple[ClassName, ...]:
        """All well-known class names."""
        return self._rows_of("class_names")

    def class_name(self, name: str, platform: str | None) -> ClassName | None:
        """The well-known class of a name.

        With a platform, only its own class or one that projects ship everywhere (Longhorn). Without, only a name that
        stands for one driver.
        """
        rows = [row for row in self.class_names if row.name == name]
        known = self.platform(platform) if platform is not None else None
        if known is not None:
            own = [row for row in rows if known.name in row.platforms]
            rows = own or [row for row in rows if not row.platforms]
        usable = [row for row in rows if known is not None or not row.ambiguous]
        return usable[0] if len(usable) == 1 else None

    def is_class_of_other_platform(self, name: str, platform: str) -> bool:
        """Whether the name is a well-known class of other platforms only."""
        known = self.platform(platform)
        rows = [row for row in self.class_names if row.name == name]
        return (
            known is not None and bool(rows) and all(row.platforms and known.name not in row.platforms for row in rows)
        )

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """All platforms."""
        return self._rows_of("platforms")

    def platform(self, name: str) -> Platform | None:
        """The platform of a name or alias, in any case."""
        return self._platform_names.get(name.lower())

    def default_class(self, platform: str, target: Version) -> str | Unknown | None:
        """The default class of a new cluster: its name, ``None`` if there is none, ``UNKNOWN`` if nobody knows."""
        known = self.platform(platform)
        if known is not None:
            for row in known.default_class:
                if _covers(row, target):
                    return row.name
        return UNKNOWN

    def missing_add_on(self, platform: str, driver: str, target: Version) -> PlatformDriver | None:
        """The add-on a platform needs for a driver, if it does not bring the driver itself."""
        known = self.platform(platform)
        if known is None:
            return None
        return next((row for row in known.drivers_add_on if row.name == driver and _covers(row, target)), None)

    @property
    def backup_kinds(self) -> tuple[BackupKind, ...]:
        """All kinds that back up claims."""
        return self._rows_of("backup_kinds")

    def backup_kind(self, group: str, kind: str) -> BackupKind | None:
        """The backup kind of an API group and kind."""
        return next((row for row in self.backup_kinds if (row.group, row.kind) == (group, kind)), None)

    # Indexes

    def _rows_of(self, name: str) -> tuple[Any, ...]:
        if name not in self._rows:
            table = TABLES[name]
            rows = _builtin_rows(name)
            if name in self._user:
                rows = _tables.extend(
                    name, rows, self._user[name], table.row_type, table.key, table.key_fields, table.replaces
                )
            self._rows[name] = rows
        return self._rows[name]

    @cached_property
    def _driver_names(self) -> dict[str, Driver]:
        return {name: row for name, row in self._all_driver_names() if "*" not in name}

    @cached_property
    def _driver_patterns(self) -> dict[str, Driver]:
        return {name: row for name, row in self._all_driver_names() if "*" in name}

    def _all_driver_names(self) -> list[tuple[str, Driver]]:
        aliases = [(alias, row) for row in self.drivers for alias in row.aliases]
        return aliases + [(row.name, row) for row in self.drivers]

    @cached_property
    def _plugin_keys(self) -> dict[str, VolumePlugin]:
        return {row.key: row for row in self.plugins}

    @cached_property
    def _plugin_provisioners(self) -> dict[str, VolumePlugin]:
        return {row.provisioner: row for row in self.plugins if row.provisioner is not None}

    @cached_property
    def _kinds(self) -> dict[str, tuple[ApiVersion, ...]]:
        return _grouped(self._rows_of("api_versions"), lambda row: row.kind)

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {row.path: row for row in self.fields}

    def fields_off(self, holder: str, target: Version) -> FieldTree:
        """The fields of a kind, or of a part that several kinds hold, that a cluster of a version has off."""
        tree = self._fields_off.get((holder, target))
        if tree is None:
            rows = (row for row in self.fields if holder in row.kinds and not row.on_at(target))
            tree = self._fields_off[holder, target] = FieldTree(rows)
        return tree

    @cached_property
    def _obsolete(self) -> dict[str, ObsoleteKey]:
        return {row.key: row for row in self.obsolete_keys()}

    @cached_property
    def _platform_names(self) -> dict[str, Platform]:
        aliases = {alias: row for row in self.platforms for alias in row.aliases}
        return aliases | {row.name: row for row in self.platforms}


@cache
def builtin() -> Knowledge:
    """The knowledge of the package."""
    return Knowledge()


@cache
def _builtin_rows(name: str) -> tuple[Any, ...]:
    return _tables.load(name, TABLES[name].row_type)


def _covers(row: DefaultClass | PlatformDriver, target: Version) -> bool:
    return (row.since is None or row.since <= target) and (row.until is None or target <= row.until)


def _grouped(rows: tuple[ApiVersion, ...], of: Callable[[ApiVersion], str]) -> dict[str, tuple[ApiVersion, ...]]:
    groups: dict[str, list[ApiVersion]] = {}
    for row in rows:
        groups.setdefault(of(row), []).append(row)
    return {key: tuple(group) for key, group in groups.items()}
