"""Overlays: which are built, what is judged, and where findings point."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from k8s_stateful_lint import api, lint_text
from k8s_stateful_lint.config import config_from
from k8s_stateful_lint.engine.narrow import only_files
from k8s_stateful_lint.engine.report import Location
from k8s_stateful_lint.rendering import program as programs
from k8s_stateful_lint.rendering import render

from .helpers import CLAIM, DEPLOYMENT, lint, marked_line, needs_kustomize, places, program, write

SOME_FINDING = lint_text(CLAIM.replace("8Gi", "8Gb"), name="x.yaml").findings[0]
IGNORE = "k8s-stateful-lint/ignore"
KUSTOMIZATION = "base/kustomization.yaml"
BASE = {
    "base/kustomization.yaml": "resources: [claim.yaml, files.yaml]\n",
    "base/claim.yaml": CLAIM,
    "base/files.yaml": DEPLOYMENT,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def overlay(name: str, *lines: str) -> dict[str, str]:
    return {f"overlays/{name}/kustomization.yaml": "\n".join(["resources: [../../base]", *lines]) + "\n"}


@needs_kustomize
class TestJudgement:
    def test_what_an_overlay_makes_of_its_files_is_judged(self, here: Path) -> None:
        write(here, BASE | overlay("production", "replicas: [{name: files, count: 2}]"))
        report = lint(kustomize=True)
        assert places(report, "rwo-claim-multi-node") == ["base/files.yaml:23"]
        finding = next(f for f in report.findings if f.rule == "rwo-claim-multi-node")
        assert finding.message.endswith("(in overlays/production)")
        assert finding.environment == "production"
        related = {f"{r.location.file}:{r.location.line}" for r in finding.related}
        assert marked_line("overlays/production/kustomization.yaml", "count") in related

    def test_a_patch_that_mends_the_base_is_seen(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        patch = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: files}, spec: {replicas: 1}}"
        write(here, BASE | {"base/files.yaml": broken} | overlay("one", f"patches: [{{patch: '{patch}'}}]"))
        assert "rwo-claim-multi-node" not in {finding.rule for finding in lint(kustomize=True).findings}
        assert "rwo-claim-multi-node" not in {finding.rule for finding in lint().findings}

    def test_the_same_finding_of_several_overlays_is_one(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        trees = overlay("a", "namePrefix: a-") | overlay("b", "namespace: b") | overlay("production")
        write(here, BASE | {"base/files.yaml": broken} | trees)
        report = lint(kustomize=True)
        (finding,) = [f for f in report.findings if f.rule == "rwo-claim-multi-node"]
        assert finding.message.endswith("(in overlays/a, overlays/b and overlays/production)")
        assert report.summary.rendered == 3

    def test_the_most_severe_overlay_decides(self, here: Path) -> None:
        rolling = DEPLOYMENT.replace("  strategy: {type: Recreate}\n", "")
        write(here, BASE | {"base/files.yaml": rolling} | overlay("test") | overlay("production"))
        (finding,) = [f for f in lint(kustomize=True).findings if f.rule == "rwo-claim-rolling-update"]
        assert (finding.severity, finding.environment) == ("error", "production")
        (finding,) = [f for f in lint("overlays/test", kustomize=True).findings if f.rule == "rwo-claim-rolling-update"]
        assert finding.severity == "warning"

    def test_overlays_of_one_base_do_not_see_each_other(self, here: Path) -> None:
        budget = """
            apiVersion: policy/v1
            kind: PodDisruptionBudget
            metadata: {name: files}
            spec: {minAvailable: 0, selector: {matchLabels: {app: files}}}
        """
        base = BASE | {"base/kustomization.yaml": "resources: [claim.yaml, files.yaml, budget.yaml]\n"}
        write(here, base | {"base/budget.yaml": budget})
        write(here, overlay("a", "namespace: shop") | overlay("b", "namespace: shop", "nameSuffix: -b"))
        rules = {finding.rule for finding in lint(kustomize=True).findings}
        assert "overlapping-disruption-budgets" not in rules
        assert "rwo-claim-several-workloads" not in rules

    def test_files_outside_of_overlays_are_judged_as_ever_and_seen_from_overlays(self, here: Path) -> None:
        volume = """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: old}
            spec:
              capacity: {storage: 5Gi}
              accessModes: [ReadWriteMany]
              persistentVolumeReclaimPolicy: Recycle
              nfs: {server: nfs.example.com, path: /old}
        """
        storage = (
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: ebs.csi.aws.com\n"
        )
        write(here, BASE | overlay("a") | {"cluster/old.yaml": volume, "cluster/fast.yaml": storage})
        report = lint(kustomize=True)
        assert places(report, "recycle-reclaim-policy") == ["cluster/old.yaml:8"]
        assert not [notice for notice in report.notices if notice.kind == "unresolved"]

    def test_a_component_is_no_overlay_and_an_inner_kustomization_neither(self, here: Path) -> None:
        component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n"
        write(here, BASE | {"parts/kustomization.yaml": component} | overlay("a", "components: [../../parts]"))
        assert [made.name for made in render(_paths(), kustomize=True).results] == ["overlays/a"]
        assert [made.name for made in render(_paths("base"), kustomize=True).results] == ["base"]

    def test_overlays_can_be_named(self, here: Path) -> None:
        write(here, BASE | overlay("a") | overlay("b") | overlay("c"))
        found = render(_paths(), kustomize=True, only=("overlays/[ab]", "./overlays/c/"))
        assert [made.name for made in found.results] == ["overlays/a", "overlays/b", "overlays/c"]
        assert [made.name for made in render(_paths(), kustomize=True, only=("overlays/b",)).results] == ["overlays/b"]

    def test_every_name_that_a_kustomization_may_have_and_any_name_of_a_folder(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        files = {"base/claim.yaml": CLAIM, "base/files.yaml": broken, "base/kustomization.yml": BASE[KUSTOMIZATION]}
        write(here, files | {"it's: an overlay/Kustomization": "resources: [../base]\n"})
        report = lint(kustomize=True)
        (finding,) = [f for f in report.findings if f.rule == "rwo-claim-multi-node"]
        assert finding.location.file == "base/files.yaml"
        assert finding.message.endswith("(in it's: an overlay)")

    def test_a_reference_that_leads_nowhere_is_counted_once(self, here: Path) -> None:
        write(here, BASE | overlay("a") | overlay("b", "namespace: b"))
        report = lint(kustomize=True)
        assert [n.message for n in report.notices if n.kind == "unresolved"] == [
            "StorageClass fast is not in the input"
        ]
        assert report.summary.unresolved == 1

    def test_an_unnamed_overlay_is_judged_as_files(self, here: Path) -> None:
        extra = {"overlays/b/claim.yaml": CLAIM.replace("name: data", "name: other").replace("8Gi", "8Gb")}
        write(here, BASE | overlay("a") | overlay("b") | extra)
        sources = _paths()
        rendering = render(sources, kustomize=True, only=("overlays/a",))
        assert "overlays/b/claim.yaml" not in rendering.replaced
        assert "base/claim.yaml" in rendering.replaced


@needs_kustomize
class TestPlaces:
    def test_of_every_kind(self, here: Path) -> None:
        patch = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: files}
            spec:
              template:
                spec:
                  containers:
                    - name: database
                      image: postgres:latest # the patch
                      volumeMounts: [{name: other, mountPath: /wrong}]
                  volumes:
                    - name: other
                      persistentVolumeClaim: {claimName: other}
        """
        kustomization = """
            resources: [../../base, other.yaml]
            namePrefix: shop-
            images: [{name: registry.example.com/files, newTag: latest}]
            patches:
              - path: database.yaml
              - target: {kind: PersistentVolumeClaim, name: data}
                patch: |-
                  - op: replace
                    path: /spec/accessModes/0
                    value: ReadWriteEverywhere
                  - op: add
                    path: /spec/resources/requests
                    value: {storage: 9Gb}
        """
        other = CLAIM.replace("name: data", "name: other").replace("8Gi", "8Gb")
        write(here, BASE | {"overlays/a/kustomization.yaml": kustomization, "overlays/a/database.yaml": patch})
        write(here, {"overlays/a/other.yaml": other})
        report = lint(kustomize=True, config=config_from({}))
        assert places(report, "unpinned-database-image") == [marked_line("overlays/a/database.yaml", "the patch")]
        assert places(report, "invalid-storage-quantity") == [
            marked_line("overlays/a/kustomization.yaml", "9Gb"),
            marked_line("overlays/a/other.yaml", "8Gb"),
        ]
        found = {f"{f.location.file}:{f.location.line}" for f in report.findings}
        assert marked_line("overlays/a/kustomization.yaml", "ReadWriteEverywhere") in found

    def test_what_only_the_rendered_text_says_is_shown_there(self, here: Path) -> None:
        replacement = """
            resources: [../../base, settings.yaml]
            replacements:
              - source: {kind: ConfigMap, name: settings, fieldPath: data.replicas}
                targets:
                  - select: {kind: Deployment}
                    fieldPaths: [spec.replicas]
        """
        settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {replicas: '4'}\n"
        write(here, BASE | {"overlays/a/kustomization.yaml": replacement, "overlays/a/settings.yaml": settings})
        report = lint(kustomize=True)
        finding = next(f for f in report.findings if f.rule == "rwo-claim-multi-node")
        (related,) = [r for r in finding.related if "replicas" in r.label]
        assert related.location.file == "overlays/a/<rendered>"
        text = report.sources["overlays/a/<rendered>"].lines[related.location.line - 1]
        assert text.strip() == "replicas: 4"

    def test_the_rendered_text_is_the_one_that_people_get(self, here: Path) -> None:
        annotated = CLAIM.replace("  name: data\n", "  name: data\n  annotations: {team: a}\n")
        text = "- config.kubernetes.io/origin: |\n    path: x\n"
        settings = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: s}}\ndata:\n  k: |\n    {text}"
        write(here, BASE | {"base/claim.yaml": annotated, "base/settings.yaml": settings})
        write(here, {"base/kustomization.yaml": "resources: [claim.yaml, files.yaml, settings.yaml]\n"})
        (made,) = render(_paths(), kustomize=True).results
        command = ["kustomize", "build"] if shutil.which("kustomize") else ["kubectl", "kustomize"]
        assert made.file.data == programs.output_of([*command, "base"])

    def test_a_base_outside_of_the_input_is_shown_all_the_same(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        write(here, BASE | {"base/files.yaml": broken} | overlay("a"))
        report = lint("overlays", kustomize=True)
        assert places(report, "rwo-claim-multi-node") == ["base/files.yaml:23"]
        assert report.sources["base/files.yaml"].lines[22].strip() == "claimName: data"

    def test_absolute_paths_and_links_do_as_well(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        write(here / "tree", BASE | {"base/files.yaml": broken} | overlay("a"))
        (here / "link").symlink_to("tree")
        assert places(lint("link", kustomize=True), "rwo-claim-multi-node") == ["link/base/files.yaml:23"]
        whole = str(here / "tree")
        assert places(lint(whole, kustomize=True), "rwo-claim-multi-node") == [f"{whole}/base/files.yaml:23"]


@needs_kustomize
class TestNarrowing:
    def test_what_is_shown_in_rendered_text_changes_with_any_file_of_the_overlay(self, here: Path) -> None:
        replacement = """
            resources: [../../base, settings.yaml]
            replacements:
              - source: {kind: ConfigMap, name: settings, fieldPath: data.class}
                targets: [{select: {kind: PersistentVolumeClaim}, fieldPaths: [spec.storageClassName]}]
        """
        settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {class: x}\n"
        write(here, BASE | {"overlays/a/kustomization.yaml": replacement, "overlays/a/settings.yaml": settings})
        report = lint("overlays", kustomize=True)
        assert report.made_of.keys() == {"overlays/a/<rendered>"}
        place = Location(file="overlays/a/<rendered>", line=1, column=1, end_line=1, end_column=2)
        finding = msgspec.structs.replace(SOME_FINDING, location=place)
        report = msgspec.structs.replace(report, findings=(finding,))
        assert only_files(report, ["overlays/a/settings.yaml"]).findings == (finding,)
        assert only_files(report, [str(here / "base/claim.yaml")]).findings == (finding,)
        assert not only_files(report, ["README.md"]).findings

    def test_a_base_outside_of_the_input_counts(self, here: Path) -> None:
        write(here, BASE | {"base/files.yaml": DEPLOYMENT.replace("replicas: 1", "replicas: 3")} | overlay("a"))
        report = lint("overlays", kustomize=True)
        assert places(only_files(report, ["base/files.yaml"]), "rwo-claim-multi-node") == ["base/files.yaml:23"]


@needs_kustomize
def test_the_python_api_builds_as_well(here: Path) -> None:
    write(here, BASE | {"base/files.yaml": DEPLOYMENT.replace("replicas: 1", "replicas: 3")} | overlay("a"))
    assert api.lint(".", kustomize=True).summary.rendered == 1


@needs_kustomize
class TestSuppressions:
    def test_comments_in_sources_hold_for_what_is_made_of_them(self, here: Path) -> None:
        line = "claimName: data"
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        broken = broken.replace(line, f"{line} # k8s-stateful-lint: ignore[rwo-claim-multi-node] one node")
        write(here, BASE | {"base/files.yaml": broken} | overlay("a") | overlay("b"))
        report = lint(kustomize=True)
        rules = {finding.rule for finding in report.findings}
        assert not rules & {"rwo-claim-multi-node", "useless-suppression"}
        assert report.summary.suppressed >= 1

    def test_an_annotation_of_one_overlay_leaves_the_other(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        ignored = 'commonAnnotations: {k8s-stateful-lint/ignore: "rwo-claim-multi-node: one node"}'
        write(here, BASE | {"base/files.yaml": broken} | overlay("a", ignored) | overlay("b"))
        (finding,) = [f for f in lint(kustomize=True).findings if f.rule == "rwo-claim-multi-node"]
        assert finding.message.endswith("(in overlays/b)")

    def test_a_useless_annotation_is_told_once_at_its_source(self, here: Path) -> None:
        useless = DEPLOYMENT.replace(
            "  name: files\nspec",
            '  name: files\n  annotations: {k8s-stateful-lint/ignore: "zero-grace-period"}\nspec',
            1,
        )
        write(here, BASE | {"base/files.yaml": useless} | overlay("a") | overlay("b"))
        report = lint(kustomize=True)
        assert places(report, "useless-suppression") == [marked_line("base/files.yaml", "zero-grace-period")]

    def test_one_that_is_of_use_in_one_overlay_is_of_use(self, here: Path) -> None:
        noted = DEPLOYMENT.replace(
            "  name: files\nspec",
            '  name: files\n  annotations: {k8s-stateful-lint/ignore: "rwo-claim-multi-node"}\nspec',
            1,
        )
        tree = overlay("a", "replicas: [{name: files, count: 2}]") | overlay("b")
        write(here, BASE | {"base/files.yaml": noted} | tree)
        assert not places(lint(kustomize=True), "useless-suppression")


class TestFailure:
    @needs_kustomize
    def test_one_overlay_that_fails_leaves_the_others(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        bad = overlay("bad", "patches: [{path: missing.yaml}]")
        write(here, BASE | {"base/files.yaml": broken} | overlay("a") | bad)
        report = lint(kustomize=True)
        assert places(report, "rwo-claim-multi-node") == ["base/files.yaml:23"]
        (notice,) = [notice for notice in report.notices if notice.kind == "not-rendered"]
        assert notice.file == "overlays/bad/kustomization.yaml"
        assert "missing.yaml" in notice.message
        assert notice.is_failure

    @needs_kustomize
    def test_the_files_of_a_failed_overlay_are_judged_as_they_are(self, here: Path) -> None:
        broken = DEPLOYMENT.replace("replicas: 1", "replicas: 3")
        write(here, BASE | {"base/files.yaml": broken} | overlay("bad", "patches: [{path: missing.yaml}]"))
        assert places(lint(kustomize=True), "rwo-claim-multi-node") == ["base/files.yaml:23"]

    @pytest.mark.parametrize(
        "remote",
        [
            "https://example.com/base.yaml",
            "github.com/example/base?ref=v1",
            "git@github.com:example/base.git",
            "https://github.com/example/base//deploy?ref=v1",
        ],
    )
    def test_nothing_is_fetched(self, here: Path, remote: str, monkeypatch: pytest.MonkeyPatch) -> None:
        program(here / "bin", "kustomize", "raise SystemExit('was called')")
        monkeypatch.setenv("PATH", str(here / "bin"))
        write(here, {"base/kustomization.yaml": f"resources: ['{remote}']\n"} | overlay("a"))
        (problem,) = render(_paths(), kustomize=True).problems
        assert remote in problem.message
        assert "base/kustomization.yaml" in problem.message
        assert problem.path == "overlays/a/kustomization.yaml"

    def test_without_a_program_the_files_are_judged_as_they_are(
        self, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(here))
        write(here, BASE | {"base/files.yaml": DEPLOYMENT.replace("replicas: 1", "replicas: 3")} | overlay("a"))
        report = lint(kustomize=True)
        assert places(report, "rwo-claim-multi-node") == ["base/files.yaml:23"]
        assert [notice.kind for notice in report.notices if notice.is_failure] == ["not-rendered"]

    def test_a_program_that_hangs_is_ended(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
        program(here / "bin", "kustomize", source)
        monkeypatch.setenv("PATH", str(here / "bin"))
        monkeypatch.setattr(programs, "TIME_LIMIT", 1)
        write(here, BASE)
        (problem,) = render(_paths(), kustomize=True).problems
        assert "took longer than 1 seconds" in problem.message

    def test_programs_are_cut_off_from_the_network(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program(here / "bin", "kustomize", "import os\nfor item in sorted(os.environ.items()): print(*item)")
        monkeypatch.setenv("PATH", f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("NO_PROXY", "*")
        text = programs.output_of(["kustomize"]).decode()
        assert "HTTPS_PROXY http://127.0.0.1:9" in text
        assert "GIT_ALLOW_PROTOCOL file" in text
        assert "NO_PROXY" not in text

    def test_complaints_are_made_readable(self, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        log = (
            'E1126 12:56:38.146792   14596 run.go:72] "command failed" err="accumulating resources: accumulation '
            "err='accumulating resources from '../base': read ../base: is a directory': recursed accumulation of path "
            '\'{here}/base\': invalid Kustomization: unknown field \\"resorces\\""'
        ).replace("{here}", str(here.resolve()))
        program(here / "bin", "kustomize", f"import sys\nsys.exit({log!r})")
        with pytest.raises(programs.RenderError) as caught:
            programs.output_of([str(here / "bin/kustomize")])
        assert str(caught.value) == 'base: invalid Kustomization: unknown field "resorces"'
        several = 'E1126 12:56:38.1   14596 run.go:72] "command failed" err=<\n\tno matches for Id x\n\tin y\n >'
        program(here / "bin", "kustomize", f"import sys\nsys.exit({several!r})")
        with pytest.raises(programs.RenderError, match=r"^no matches for Id x in y$"):
            programs.output_of([str(here / "bin/kustomize")])


@needs_kustomize
def test_nothing_is_written_into_the_tree(here: Path) -> None:
    write(here, BASE | overlay("a"))
    before = sorted(str(path) for path in here.rglob("*"))
    lint(kustomize=True)
    assert sorted(str(path) for path in here.rglob("*")) == before


def _paths(*paths: str) -> list[str]:
    from k8s_stateful_lint.sources import find_sources

    return find_sources(paths or ["."]).paths
