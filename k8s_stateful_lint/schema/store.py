"""Where the schemas come from: the JSON files of kubernetes-validate, cut down to one kind and kept in a cache.

The package carries one file of definitions for each version of Kubernetes, 1.8 MB each. What a kind needs of it is 2 to
50 KB, so that is what is kept on disk. The package itself is never imported: only its files are read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from k8s_stateful_lint import _user_cache
from k8s_stateful_lint._about import __version__
from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.knowledge.versions import Version, format_version, parse_version

Schema = dict[str, Any]

_DIRECTORY = regex(r"v(\d+\.\d+)\.\d+-local-strict\Z")
_PACKAGE_VERSION = regex(r"__version__\s*=\s*['\"]([\w.+-]+)['\"]")
_KIND = regex(r"[A-Za-z][A-Za-z0-9]*\Z")
_API_VERSION = regex(r"(?:(?P<group>[a-z][a-z0-9-]*)(?:\.[a-z0-9.-]+)?/)?(?P<version>v[a-z0-9]+)\Z")
# Keywords that say nothing about what is valid; formats are not checked by the API's own schemas either.
_SILENT_KEYWORDS = frozenset({"$id", "$schema", "default", "description", "format"})


class _Definitions(msgspec.Struct, rename={"definitions": "$defs"}):
    """The file of definitions; each is only decoded when some kind needs it."""

    definitions: dict[str, msgspec.Raw]


@cache
def _package() -> Path | None:
    """The files of kubernetes-validate; None where it is not installed as a directory."""
    spec = find_spec("kubernetes_validate")
    places = (spec.submodule_search_locations if spec is not None else None) or ()
    return next((Path(place) for place in places if Path(place, "kubernetes-json-schema").is_dir()), None)


@cache
def _directories() -> dict[Version, Path]:
    package = _package()
    if package is None:
        return {}
    found = {}
    for path in (package / "kubernetes-json-schema").iterdir():
        match = _DIRECTORY.match(path.name)
        if match is not None:
            found[parse_version(match[1])] = path
    return dict(sorted(found.items()))


@cache
def _file_names(directory: Path) -> frozenset[str]:
    return frozenset(os.listdir(directory))  # noqa: PTH208 - several hundred paths would only be made for their names


def known_versions() -> tuple[Version, ...]:
    """The versions of Kubernetes that there are schemas for, the oldest first."""
    return tuple(_directories())


@cache
def load(api_version: str, kind: str, version: Version) -> Schema | None:
    """The schema of a kind with every definition that it needs; None where that version has no such kind."""
    directory = _directories().get(version)
    name = _file_name(api_version, kind)
    if directory is None or name not in _file_names(directory):
        return None
    cached = _cache_file(name, version)
    schema = _read_cached(cached)
    if schema is None:
        schema = _extract(directory, name)
        _write_cached(cached, schema)
    # The names of the files leave out most of the group: batch.example.com/v1 reads like batch/v1.
    return schema if _names(schema, "apiVersion") == [api_version] and _names(schema, "kind") == [kind] else None


def _file_name(api_version: str, kind: str) -> str:
    """The name that the file of a kind would have; that of no file where it is no kind."""
    match = _API_VERSION.match(api_version)
    if match is None or _KIND.match(kind) is None:
        return ""
    return "-".join(part for part in (kind.lower(), match["group"], match["version"]) if part) + ".json"


def _names(schema: Schema, key: str) -> object:
    written = schema.get("properties", {}).get(key, {})
    return written.get("enum") if isinstance(written, dict) else None


# Extraction -----------------------------------------------------------------------------------------------------------


@cache
def _definitions(directory: Path) -> dict[str, msgspec.Raw]:
    data = (directory / "_definitions.json").read_bytes()
    return msgspec.json.decode(data, type=_Definitions).definitions


def _extract(directory: Path, name: str) -> Schema:
    """A schema that stands alone: with the definitions it leads to, and without prose."""
    root: Schema = _stripped(msgspec.json.decode((directory / name).read_bytes()))
    definitions: dict[str, Any] = {}
    pending = [root]
    while pending:
        for reference in _references(pending.pop()):
            if reference not in definitions:
                definitions[reference] = _stripped(msgspec.json.decode(_definitions(directory)[reference]))
                pending.append(definitions[reference])
    root["$defs"] = definitions
    return root


def _stripped(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept: Schema = {}
    for keyword, value in schema.items():
        if keyword in _SILENT_KEYWORDS or keyword.startswith("x-"):
            continue
        if keyword == "properties":
            kept[keyword] = {name: _stripped(field) for name, field in value.items()}
        elif keyword == "$ref":
            kept[keyword] = "#/$defs/" + value.rpartition("/")[2]
        elif keyword == "oneOf" and all(option.keys() == {"type"} for option in value):
            # "One of these types" as one keyword: a quantity, or an integer or string.
            types = [_types(option) for option in value]
            kept["type"] = list(dict.fromkeys(name for names in types for name in names))
        else:
            kept[keyword] = [_stripped(item) for item in value] if isinstance(value, list) else _stripped(value)
    for name in kept.get("required", ()):
        # Null is absent. Types that stand here exclude it by themselves, those of definitions do not.
        field = kept.get("properties", {}).get(name, {})
        if "$ref" in field:
            field["not"] = {"type": "null"}
    return kept


def _types(schema: Schema) -> list[str]:
    written = schema["type"]
    return [written] if isinstance(written, str) else written


def _references(schema: Any) -> Iterator[str]:
    pending = [schema]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            reference = part.get("$ref")
            if isinstance(reference, str):
                yield reference.rpartition("/")[2]
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


# Cache ----------------------------------------------------------------------------------------------------------------


@cache
def _package_version() -> str:
    try:
        match = _PACKAGE_VERSION.search((_package() or Path()).joinpath("version.py").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        match = None
    return match[1] if match else "unknown"


def _cache_file(name: str, version: Version) -> Path | None:
    directory = _user_cache.directory()
    if directory is None or _package_version() == "unknown":
        return None
    # A new release of either package looks in a new place; two releases can run side by side.
    release = f"{_package_version()}-{__version__}"
    # It is no file of JSON: a checksum stands in front.
    return directory / "schemas" / release / format_version(version) / name.removesuffix(".json")


def _read_cached(path: Path | None) -> Schema | None:
    """The schema in a file of the cache; None where there is none, or where it is not what was written."""
    data = _user_cache.load(path) if path is not None else None
    try:
        return msgspec.json.decode(data, type=Schema) if data is not None else None
    except msgspec.DecodeError:
        return None


def _write_cached(path: Path | None, schema: Schema) -> None:
    """Keep a schema for the next run. A cache is never needed."""
    if path is not None:
        _user_cache.save(path, msgspec.json.encode(schema))
