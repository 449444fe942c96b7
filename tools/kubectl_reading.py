"""Compare what both readers make of manifests with what kubectl itself reads from them, without a cluster.

    python -m tools.kubectl_reading manifests/

prints every file that is read differently, with the reason, then how many there are of each reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from k8s_stateful_lint.reading import Engine, SourceFile, read
from k8s_stateful_lint.sources import find_sources

ENGINES: tuple[Engine, ...] = ("yamlrocks", "ruamel")
_EMPTY: tuple[object, ...] = (None, "", 0, False, [], {})
# What kubectl says when it has read the YAML, but cannot make an object of a type that it knows from it.
_BEYOND_YAML = {
    "'Kind' is missing": "a document that is no Kubernetes object",
    "'apiVersion' is missing": "a document that is no Kubernetes object",
    "unable to decode": "kubectl decodes the kinds it knows: a field has the wrong type",
    "strict decoding error": "kubectl decodes the kinds it knows: a field has the wrong type",
    "cannot unmarshal": "kubectl decodes the kinds it knows: a field has the wrong type",
    "quantities must match": "kubectl decodes the kinds it knows: a field has the wrong type",
    "error: no objects passed": "a document that is no Kubernetes object",
    "must be string": "a document that is no Kubernetes object",
    "metadata": "an object without usable metadata",
    "json: offset": "kubectl reads a .json file as JSON only: comments or a comma too many",
}


def differences(data: bytes, theirs: list[Any], complaints: str, engine: Engine) -> Iterator[tuple[str, str]]:
    """The reasons why kubectl reads a file differently, each with the detail; nothing where it reads the same.

    ``theirs`` and ``complaints`` are what `kubectl` returns for the same bytes.
    """
    reading = read(SourceFile("manifest.yaml", data), engine=engine)
    ours = [document.value for document in reading.documents]
    objects = [value for value in ours if isinstance(value, dict) and "kind" in value]
    faults = [fault for fault in reading.faults if "again on line" not in fault.message]
    if complaints:
        if reading.faults or any(notice.kind == "helm-template" for notice in reading.notices):
            return  # neither reads it, or kubectl stops at what is a fault here
        reason = next((reason for sign, reason in _BEYOND_YAML.items() if sign in complaints), "unexplained")
        yield reason, complaints.strip().splitlines()[0][:300]
        return
    if faults or any(notice.kind == "helm-template" for notice in reading.notices):
        yield "unexplained", f"kubectl reads it, here it is a fault: {faults[:1] or reading.notices}"
        return
    mine = [item for value in objects for item in _items(value)]
    if len(mine) != len(theirs):
        behind = b"\n..." in data
        reason = "kubectl stops at the end marker '...'" if behind else "unexplained"
        yield reason, f"{len(theirs)} objects to kubectl, {len(mine)} here"
        return
    for our, their in zip(mine, theirs, strict=True):
        yield from (("unexplained", detail) for detail in _beyond(our, their, ""))


def _items(value: dict[str, Any]) -> list[dict[str, Any]]:
    if str(value["kind"]).endswith("List") and isinstance(value.get("items"), list):
        return [inner for item in value["items"] if isinstance(item, dict) for inner in _items(item)]
    return [value]


def _beyond(our: Any, their: Any, where: str) -> Iterator[str]:
    """What differs in two values. kubectl adds empty fields of the kinds it knows, and drops what is null or empty."""
    if isinstance(our, dict) and isinstance(their, dict):
        for key, value in our.items():
            if key in their:
                yield from _beyond(value, their[key], f"{where}.{key}")
            elif value not in _EMPTY and not _is_hollow(value):
                yield f"{where}.{key} is not there for kubectl"
        for key in their.keys() - our.keys():
            if their[key] not in _EMPTY and not _is_hollow(their[key]) and key != "metadata":
                yield f"{where}.{key} is there for kubectl only"
    elif isinstance(our, list) and isinstance(their, list) and len(our) == len(their):
        for index, pair in enumerate(zip(our, their, strict=True)):
            yield from _beyond(*pair, f"{where}[{index}]")
    elif (type(our), our) != (type(their), their) and not (our is None and their in _EMPTY):
        yield f"{where}: {our!r:.60} here, {their!r:.60} to kubectl"


def _is_hollow(value: Any) -> bool:
    """Whether there is nothing in a mapping or list but empty values."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and all(item in _EMPTY or _is_hollow(item) for item in inner)


def kubectl(path: Path) -> tuple[list[Any], str]:
    """The objects that kubectl reads from a file, and what it complains about."""
    command = ["kubectl", "annotate", "--local", "-f", str(path), "probe=1", "-o", "json"]
    done = subprocess.run(command, capture_output=True, check=False)
    # An integer that Go printed for a float is a float.
    decoder = json.JSONDecoder(parse_int=lambda digits: int(digits) if abs(int(digits)) < 2**63 else float(digits))
    text = done.stdout.decode("utf-8", "replace")
    found: list[Any] = []
    offset = 0
    while text[offset:].strip():
        offset += len(text[offset:]) - len(text[offset:].lstrip())
        value, offset = decoder.raw_decode(text, offset)
        found += value["items"] if value["kind"] == "List" else [value]
    for value in found:
        value["metadata"]["annotations"].pop("probe")
    return found, done.stderr.decode("utf-8", "replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    files = differ = 0
    with tempfile.TemporaryDirectory() as folder:
        for file in find_sources(given.paths).files:
            path = Path(folder, "manifest.json" if file.path.endswith(".json") else "manifest.yaml")
            path.write_bytes(file.data)
            files += 1
            found: dict[str, str] = {}
            theirs, complaints = kubectl(path)
            for engine in ENGINES:
                found.update(differences(file.data, theirs, complaints, engine))
            if not found:
                continue
            differ += 1
            counts.update(found.keys())
            for reason, detail in found.items():
                print(f"{file.path}: {reason}: {detail}", flush=True)
    print(f"\n{files} files, {differ} differ\n")
    for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:6}  {reason}")
    return 1 if counts["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
