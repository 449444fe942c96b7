"""Reports made by hand: small ones, large ones and hostile ones."""

from __future__ import annotations

from typing import Any

from k8s_stateful_lint.engine.report import (
    Location,
    Notice,
    ObjectReference,
    RelatedLocation,
    Report,
    ReportedFinding,
    Summary,
)
from k8s_stateful_lint.reading import SourceFile

VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata:
  name: archive
spec:
  persistentVolumeReclaimPolicy: Recycle
"""
# Names that mean something to one format or another.
HOSTILE = (
    "a\"b'c",
    "two\nlines\r\nand more",
    "数据 😀 e\u0301",
    "50% <b>bold</b> & more",
    "</script><script>document.title='pwned'</script>",
    "</title></style><svg onload=alert(1)>",
    "]]>--><!-- x",
    "[text](https://example.com) {0} {{1}}",
    "a:b,c::error::d",
    "@team #12 !3 ~label $x %y",
    "| pipe | `code` ``` ~~~ *bold* _it_ \\",
    "\x1b[31mred\x1b[0m \x00\x07\ufffe\u202eturned",
    "x" * 3000,
)


def place(file: str = "deploy/pv.yaml", line: int = 6, column: int = 34, end_column: int = 41) -> Location:
    return Location(file=file, line=line, column=column, end_line=line, end_column=end_column)


def thing(name: str = "archive", kind: str = "PersistentVolume", namespace: str | None = None) -> ObjectReference:
    return ObjectReference(api_version="v1", kind=kind, namespace=namespace, name=name)


def finding(**changes: Any) -> ReportedFinding:
    values: dict[str, Any] = {
        "rule": "recycle-reclaim-policy",
        "severity": "error",
        "confidence": "high",
        "message": "the volume is wiped",
        "location": place(),
        "object": thing(),
        "path": "spec.persistentVolumeReclaimPolicy",
        "environment": "unspecified",
        "environment_reason": "nothing tells",
        "fingerprint": "0123456789abcdef",
        "related": (),
        "help": "Use `Retain`.",
        "url": "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#recycle",
    }
    return ReportedFinding(**(values | changes))


def report(*findings: ReportedFinding, sources: dict[str, str] | None = None, **changes: Any) -> Report:
    texts = {"deploy/pv.yaml": VOLUME} if sources is None else sources
    severities = [one.severity for one in findings]
    values: dict[str, Any] = {
        "findings": findings,
        "notices": (),
        "summary": Summary(
            files=2,
            documents=3,
            objects=3,
            errors=severities.count("error"),
            warnings=severities.count("warning"),
            infos=severities.count("info"),
        ),
        "sources": {name: SourceFile(name, text.encode()) for name, text in texts.items()},
    }
    return Report(**(values | changes))


CLEAN = report()
NOTHING = report(summary=Summary(files=0, documents=0, objects=0, errors=0, warnings=0, infos=0))
ONE = report(finding())
SEVERAL = report(
    finding(
        related=(
            RelatedLocation(location=place("deploy/claim.yaml", 4, 9, 13), label="the claim", object=thing("logs")),
        ),
        environment="production",
        environment_reason="the path holds prod",
    ),
    finding(severity="warning", confidence="medium", rule="no-such-rule", fingerprint="1", url="", help=""),
    finding(severity="info", location=place("other.yaml", 1, 1, 2), object=None, fingerprint="2", path=""),
    sources={"deploy/pv.yaml": VOLUME, "deploy/claim.yaml": "a: 1\nb: 2\nmetadata:\n  name: logs\n", "other.yaml": "x"},
    notices=(Notice(kind="unresolved", message="Service db is not in the input", file="deploy/pv.yaml", line=3),),
    crashes=("rule x failed on y:\nTraceback\n  File z",),
)


def hostile(name: str) -> Report:
    """A report in which everything that a manifest can set is ``name``."""
    file = f"deploy/{name.splitlines()[0][:80].replace('/', '_')}.yaml"
    other = RelatedLocation(location=place(file, 2, 1, 2), label=f"the claim {name}", object=thing(name))
    return report(
        finding(
            message=f"claim {name} is wrong",
            location=place(file, 1, 7, 7 + len(name)),
            object=thing(name, namespace=name),
            path=f"metadata.labels.{name}",
            help=f"Rename {name}.",
            related=(other,),
            environment=name,
            environment_reason=f"the namespace is {name}",
        ),
        sources={file: f"name: {' '.join(name.splitlines())}\n"},
        notices=(Notice(kind="unresolved", message=f"Service {name} is not in the input", file=file, line=1),),
        crashes=(f"rule x failed on {name}",),
    )


def many(number: int) -> Report:
    """A report with a great many findings."""
    severities = ("info", "warning", "error")
    return report(
        *(
            finding(severity=severities[index % 3], fingerprint=f"f{index}", location=place(f"d/{index // 7}.yaml"))
            for index in range(number)
        ),
        sources={f"d/{index}.yaml": VOLUME for index in range(number // 7 + 1)},
    )
