"""Charts, rendered by helm where it is installed, and everywhere by a small program of the test's own.

That one knows ``.Values`` and little else: it gives what helm gives (``helm template NAME CHART --values FILE``, a
``# Source:`` line before each document), not how.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.knowledge.versions import NEWEST, format_version
from k8s_stateful_lint.rendering import render
from k8s_stateful_lint.sources import find_sources

from .helpers import CLAIM, DEPLOYMENT, lint, marked_line, places, program, write

HELM = """
    import re, sys
    from pathlib import Path

    command, name, chart, *options = sys.argv[1:]
    assert command == "template", sys.argv
    values, namespace, version = {}, "default", None
    files = [Path(chart, "values.yaml")]
    while options:
        option, value, *options = options
        if option == "--values":
            files.append(Path(value))
        elif option == "--namespace":
            namespace = value
        elif option == "--kube-version":
            version = value
        else:
            sys.exit(f"Error: unknown flag: {option}")
    for file in files:
        for line in file.read_text().splitlines() if file.exists() else []:
            key, _, value = line.partition(":")
            values[key.strip()] = value.strip()
    title = re.search("^name: (.*)", Path(chart, "Chart.yaml").read_text(), re.MULTILINE)[1]
    if "fail" in values:
        sys.exit(f"Error: execution error at ({title}/templates/files.yaml:1:4): {values['fail']}")
    for file in sorted(Path(chart, "templates").glob("*.yaml")):
        text = file.read_text()
        text = re.sub(r"[{][{]-? *if [.]Values[.](\\w+) *-?[}][}]\\n(.*?)[{][{]-? *end *-?[}][}]\\n",
                      lambda m: m[2] if values.get(m[1]) == "true" else "", text, flags=re.DOTALL)
        text = re.sub(r"[{][{] *[.]Values[.](\\w+) *[}][}]", lambda m: values[m[1]], text)
        text = text.replace("{{ .Release.Name }}", name).replace("{{ .Release.Namespace }}", namespace)
        text = text.replace("{{ .Capabilities.KubeVersion.Version }}", f"v{version}.0")
        for document in re.split(r"(?m)^---\\n", text):
            print(f"---\\n# Source: {title}/templates/{file.name}\\n{document}", end="")
"""

CHART = {
    "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "shop/values.yaml": "replicas: 1\nstrategy: Recreate\n",
    "shop/templates/claim.yaml": CLAIM,
    "shop/templates/files.yaml": DEPLOYMENT.replace("replicas: 1", "replicas: {{ .Values.replicas }}")
    .replace("name: files\n", "name: {{ .Release.Name }}\n", 1)
    .replace("{type: Recreate}", "{type: {{ .Values.strategy }}}"),
}


needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")


@pytest.fixture(autouse=True, params=["stand-in", pytest.param("helm", marks=needs_helm)])
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "stand-in":
        program(tmp_path / "bin", "helm", HELM)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    place = tmp_path / "tree"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def names(*paths: str) -> list[str]:
    return [made.name for made in render(find_sources(paths or ["."]).paths, helm=True).results]


def test_every_set_of_values_is_rendered(here: Path) -> None:
    write(here, CHART)
    write(here, {"shop/values-production.yaml": "replicas: 3\n", "shop/ci/small-values.yaml": "replicas: 0\n"})
    write(here, {"shop/values.schema.json": "{}", "shop/ci/notes.yaml": "a: b\n"})
    assert names() == ["shop", "shop with values-production.yaml", "shop with ci/small-values.yaml"]


def test_findings_point_into_the_templates(here: Path) -> None:
    write(here, CHART | {"shop/values-production.yaml": "replicas: 3\n"})
    report = lint(helm=True)
    (finding,) = [f for f in report.findings if f.rule == "rwo-claim-multi-node"]
    assert f"{finding.location.file}:{finding.location.line}" == marked_line("shop/templates/files.yaml", "claimName")
    assert finding.message.endswith("(in shop with values-production.yaml)")
    lines = {f"{r.location.file}:{r.location.line}" for r in finding.related}
    assert marked_line("shop/templates/files.yaml", ".Values.replicas") in lines
    assert marked_line("shop/templates/claim.yaml", "accessModes") in lines


def test_templates_are_no_notice_any_more(here: Path) -> None:
    write(here, CHART)
    assert "helm-template" in {notice.kind for notice in lint().notices}
    assert "helm-template" not in {notice.kind for notice in lint(helm=True).notices}


def test_a_line_that_stands_twice_is_shown_as_rendered(here: Path) -> None:
    both = "".join(f"{{{{- if .Values.{key} }}}}\n  replicas: 3\n{{{{- end }}}}\n" for key in ("many", "more"))
    twice = DEPLOYMENT.replace("  replicas: 1\n", both)
    write(here, CHART | {"shop/templates/files.yaml": twice, "shop/values.yaml": "many: true\nmore: false\n"})
    (finding,) = [f for f in lint(helm=True).findings if f.rule == "rwo-claim-multi-node"]
    (related,) = [r for r in finding.related if "replicas" in r.label]
    assert related.location.file == "shop/<rendered>"


def test_a_comment_in_a_template_suppresses(here: Path) -> None:
    line = "claimName: data"
    files = CHART["shop/templates/files.yaml"].replace(
        line, f"{line} # k8s-stateful-lint: ignore[rwo-claim-multi-node] one node"
    )
    write(here, CHART | {"shop/templates/files.yaml": files, "shop/values-production.yaml": "replicas: 3\n"})
    report = lint(helm=True)
    # It is of no use with the chart's own values, and of use with the others.
    assert not {finding.rule for finding in report.findings} & {"rwo-claim-multi-node", "useless-suppression"}


def test_a_chart_in_a_chart_is_a_part_and_a_library_is_none(here: Path) -> None:
    write(here, CHART | {"lib/Chart.yaml": "name: lib\ntype: library\n"})
    write(here, {"shop/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"})
    assert names() == ["shop"]


def test_the_namespace_is_that_of_the_release(here: Path) -> None:
    claim = CLAIM.replace("name: data\n", "name: data\n  namespace: {{ .Release.Namespace }}\n", 1)
    write(here, CHART | {"shop/templates/claim.yaml": claim})
    (made,) = render(find_sources(["shop"]).paths, helm=True, namespace="orders").results
    assert made.resources[0].metadata.namespace == "orders"


def test_charts_are_rendered_for_the_target(here: Path) -> None:
    claim = CLAIM.replace("name: data\n", 'name: data\n  labels: {for: "{{ .Capabilities.KubeVersion.Version }}"}\n', 1)
    write(here, CHART | {"shop/templates/claim.yaml": claim})
    for version, said in (((1, 29), "v1.29.0"), (NEWEST, f"v{format_version(NEWEST)}.0")):
        (made,) = render(find_sources(["shop"]).paths, helm=True, version=version).results
        assert made.resources[0].metadata.labels == {"for": said}


def test_one_set_of_values_that_fails_leaves_the_others(here: Path) -> None:
    failing = "{{- if .Values.fail }}\n{{ fail .Values.fail }}\n{{- end }}\n" + CLAIM
    write(
        here, CHART | {"shop/templates/claim.yaml": failing, "shop/values-broken.yaml": "fail: a password is needed\n"}
    )
    write(here, {"shop/values-production.yaml": "replicas: 3\n"})
    report = lint(helm=True)
    assert places(report, "rwo-claim-multi-node")
    (notice,) = [notice for notice in report.notices if notice.is_failure]
    assert "values-broken.yaml" in notice.message
    assert "a password is needed" in notice.message


def test_without_helm_the_templates_are_passed_over(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here))
    write(here, CHART)
    report = lint(helm=True)
    assert [notice.kind for notice in report.notices if notice.is_failure] == ["not-rendered"]
    assert "helm-template" in {notice.kind for notice in report.notices}


def test_a_chart_and_the_directory_of_another_command_stay_apart(here: Path) -> None:
    write(here, CHART | {"other/claim.yaml": CLAIM.replace("8Gi", "8Gb")})
    assert places(lint(helm=True, config=config_from({})), "invalid-storage-quantity") == ["other/claim.yaml:10"]


def test_the_chart_may_be_the_current_directory(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, CHART | {"shop/values.yaml": "replicas: 2\nstrategy: Recreate\n"})
    monkeypatch.chdir(here / "shop")
    report = lint(helm=True)
    assert places(report, "rwo-claim-multi-node") == [marked_line("templates/files.yaml", "claimName")]
