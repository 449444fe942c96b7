"""Facts as data: drivers, volume plugins, API versions, class names, platforms. One YAML file a table.

``builtin()`` gives the tables of the package; ``builtin().extended({...})`` the same with rows of the user.
"""

from __future__ import annotations

from k8s_stateful_lint.knowledge._tables import TableError
from k8s_stateful_lint.knowledge.lookup import TABLES, Knowledge, builtin
from k8s_stateful_lint.knowledge.rows import (
    UNKNOWN,
    ApiVersion,
    ApiWarning,
    BackupKind,
    ClassName,
    Condition,
    DefaultClass,
    Driver,
    Field,
    NetworkFileSystemCase,
    ObsoleteKey,
    Parameter,
    Platform,
    PlatformDriver,
    RequiredField,
    Row,
    Unknown,
    UpdateMessage,
    VolumePlugin,
)
from k8s_stateful_lint.knowledge.versions import NEWEST, Version, format_version, parse_version

__all__ = [
    "NEWEST",
    "TABLES",
    "UNKNOWN",
    "ApiVersion",
    "ApiWarning",
    "BackupKind",
    "ClassName",
    "Condition",
    "DefaultClass",
    "Driver",
    "Field",
    "Knowledge",
    "NetworkFileSystemCase",
    "ObsoleteKey",
    "Parameter",
    "Platform",
    "PlatformDriver",
    "RequiredField",
    "Row",
    "TableError",
    "Unknown",
    "UpdateMessage",
    "Version",
    "VolumePlugin",
    "builtin",
    "format_version",
    "parse_version",
]
