"""Schemas: found for the right kind and version, cut to size, and kept in a cache that nobody has to trust."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_stateful_lint import _user_cache
from k8s_stateful_lint.knowledge import NEWEST
from k8s_stateful_lint.schema import store
from k8s_stateful_lint.schema.check import BUILT_IN_GROUPS
from k8s_stateful_lint.schema.kinds import schema_of
from tests.schema.conftest import forget

POD = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "web"}]}}


def files_below(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file())


def test_every_version_since_1_25_is_known() -> None:
    known = store.known_versions()
    assert known[0] == (1, 25)
    assert known == tuple((1, minor) for minor in range(25, 25 + len(known)))
    assert known[-1] >= NEWEST


@pytest.mark.parametrize("version", store.known_versions())
def test_every_version_has_schemas_for_what_is_modelled(version: store.Version) -> None:
    for api_version, kind in (
        ("apps/v1", "StatefulSet"),
        ("v1", "PersistentVolumeClaim"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("policy/v1", "PodDisruptionBudget"),
    ):
        assert schema_of(api_version, kind, version) is not None


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("extensions/v1beta1", "Deployment"),
        # The file name of the schema leaves out the rest of the group.
        ("batch.example.com/v1", "Job"),
        ("apps/v1/v1", "Deployment"),
        ("apps/v1", "deployment"),
        ("apps/v1", "DeploymentSpec"),
        ("apps/v1", "../../Deployment"),
        ("../apps/v1", "Deployment"),
        ("", ""),
        ("v1\n", "Pod"),
    ],
)
def test_what_the_version_does_not_serve_has_no_schema(api_version: str, kind: str) -> None:
    assert store.load(api_version, kind, NEWEST) is None


def test_a_schema_stands_alone_and_holds_no_more_than_it_needs() -> None:
    schema = store.load("v1", "Pod", NEWEST)
    assert schema is not None
    definitions = schema["$defs"]
    assert set(store._references(schema)) == definitions.keys()
    assert not any(name.startswith("io.k8s.api.apps.") for name in definitions)
    assert "description" not in json.dumps(schema).replace('"properties"', "")


def test_the_groups_of_kubernetes_are_those_of_the_schemas() -> None:
    directories = list(store._directories().values())
    groups = {
        entry["group"]
        for directory in (directories[0], directories[-1])
        for path in directory.glob("*.json")
        if path.name not in {"_definitions.json", "all.json"}
        for entry in json.loads(path.read_bytes()).get("x-kubernetes-group-version-kind", ())
    }
    assert {group for group in groups if "." in group} == BUILT_IN_GROUPS


# Cache ----------------------------------------------------------------------------------------------------------------


def test_the_second_process_reads_what_the_first_wrote(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = store.load("v1", "Pod", NEWEST)
    (written,) = files_below(cache_home)
    assert written.name == "pod-v1"
    forget()
    monkeypatch.setattr(store, "_extract", lambda *_: pytest.fail("it was in the cache"))
    assert store.load("v1", "Pod", NEWEST) == first


@pytest.mark.parametrize("name", ["_package_version", "__version__"])
def test_a_new_release_does_not_read_the_cache_of_the_old_one(
    name: str, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.load("v1", "Pod", NEWEST)
    forget()
    monkeypatch.setattr(store, name, "9.9.9" if name == "__version__" else lambda: "9.9.9")
    store.load("v1", "Pod", NEWEST)
    assert len(files_below(cache_home)) == 2


@pytest.mark.parametrize("damage", ["empty", "half", "bit", "other schema", "not JSON", "directory", "unreadable"])
def test_a_damaged_cache_is_made_again(damage: str, cache_home: Path) -> None:
    good = store.load("v1", "Pod", NEWEST)
    (path,) = files_below(cache_home)
    data = path.read_bytes()
    if damage in {"directory", "unreadable"}:
        path.unlink()
        if damage == "directory":
            path.mkdir()
        else:
            path.write_bytes(data)
            path.chmod(0)
    else:
        text = {
            "empty": b"",
            "half": data[: len(data) // 2],
            "bit": data.replace(b'"integer"', b'"boolean"', 1),
            "other schema": b"0000{}",
            "not JSON": _user_cache._checksum(b"{") + b"{",
        }[damage]
        path.write_bytes(text)
    forget()
    assert store.load("v1", "Pod", NEWEST) == good
    if damage != "directory":
        path.chmod(0o600)
        assert path.read_bytes() == data
    assert [found for found in files_below(cache_home) if found != path] == []


@pytest.mark.parametrize("home", ["file", "missing", "relative", "none"])
def test_without_a_place_for_the_cache_everything_works(
    home: str, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home == "file":
        cache_home.write_text("not a directory")
    elif home == "missing":
        monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    elif home == "relative":
        monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
        monkeypatch.setenv("HOME", str(cache_home))
        assert _user_cache.directory() == cache_home / ".cache" / "k8s-stateful-lint"
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setattr(Path, "home", _no_home)
        assert _user_cache.directory() is None
    schema = schema_of("v1", "Pod", NEWEST)
    assert schema is not None
    assert schema.is_valid(POD)


def _no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/var/cache/me"}, "/var/cache/me/k8s-stateful-lint"),
        ("linux", {"XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/k8s-stateful-lint"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Caches/k8s-stateful-lint"),
        ("win32", {"LOCALAPPDATA": "/AppData/Local"}, "/AppData/Local/k8s-stateful-lint/Cache"),
        ("win32", {"LOCALAPPDATA": ""}, None),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
def test_the_cache_is_where_the_platform_keeps_caches(
    platform: str, variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _user_cache.directory() == (Path(expected) if expected else None)


def _load_many(_: int) -> int:
    forget()
    return sum(store.load("v1", kind, NEWEST) is not None for kind in ("Pod", "Service", "ConfigMap"))


def test_concurrent_runs_do_not_disturb_each_other(cache_home: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.map(_load_many, range(12)) == [3] * 12
    assert [path.name for path in files_below(cache_home)] == ["configmap-v1", "pod-v1", "service-v1"]


# Lazy -----------------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from k8s_stateful_lint import Config, lint_text
lint_text(sys.argv[1], config=Config(schema=sys.argv[2]))
print(*sorted({"jsonschema", "jsonschema_rs", "kubernetes_validate"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("text", "scope", "imported"),
    [
        ("apiVersion: example.com/v1\nkind: Web\n", "all", ""),
        ("apiVersion: v1\nkind: ConfigMap\n", "off", ""),
        ("apiVersion: v1\nkind: Secret\n", "modelled", ""),
        ("apiVersion: v1\nkind: ConfigMap\n", "modelled", "jsonschema_rs"),
    ],
)
def test_the_engine_is_loaded_only_when_there_is_something_to_validate(text: str, scope: str, imported: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, text, scope], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == imported
