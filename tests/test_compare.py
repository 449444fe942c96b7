"""``compare``: where revisions come from, how objects are known again, and what is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import pytest

from k8s_stateful_lint.cli import main
from k8s_stateful_lint.config import Config, config_from
from k8s_stateful_lint.engine.compare import Side, compare
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.reading import SourceFile

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: orders
  namespace: shop
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: ssd
  resources:
    requests:
      storage: 20Gi
"""
SHRUNK = CLAIM.replace("20Gi", "10Gi")
GROWN = CLAIM.replace("20Gi", "30Gi")
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n"
STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
  namespace: shop
spec:
  serviceName: db
  replicas: 3
  selector:
    matchLabels: {app: db}
  template:
    metadata:
      labels: {app: db}
    spec:
      containers:
        - name: db
          image: registry.example.com/db:1
          volumeMounts:
            - name: data
              mountPath: /data
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        storageClassName: ssd
        resources:
          requests:
            storage: 10Gi
"""
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def cli(cli):
    """Run ``compare`` in an empty folder."""
    return partial(cli, "compare")


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def git(*words: str, where: str = ".") -> str:
    options = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", where, *options, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(cli) -> None:
    """A repository whose main branch has a claim, and whose feature branch shrinks it."""
    git("init", "-q", "-b", "main")
    write("deploy/claims.yaml", CLAIM)
    write("deploy/web.yaml", SERVICE)
    git("add", ".")
    git("commit", "-qm", "first")
    git("checkout", "-qb", "feature")
    write("deploy/claims.yaml", SHRUNK)
    git("commit", "-qam", "second")


def compared(old: dict[str, str], new: dict[str, str], **config: object) -> Report:
    """The report of two sets of files."""
    sides = [
        Side("old", [SourceFile(path, text.encode(), f"old:{path}", "old") for path, text in old.items()]),
        Side("new", [SourceFile(path, text.encode()) for path, text in new.items()]),
    ]
    report = compare(*sides, config_from(config) if config else Config())
    assert not report.crashes, report.crashes
    return report


def rules_of(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings]


# Directories, files, archives, standard input -------------------------------------------------------------------------


def test_directories(cli) -> None:
    write("old/db/claims.yaml", CLAIM)
    write("new/db/claims.yaml", SHRUNK)
    result = cli("old", "new")
    assert result.code == 1
    assert "error[claim-shrunk]: claim orders shrinks from 20Gi to 10Gi" in result.out
    assert "--> new/db/claims.yaml:11:16" in result.out
    assert "::: old/db/claims.yaml:11:16" in result.out
    assert "2 files" not in result.out, "a file is the same in both revisions"
    assert cli("new", "new").code == 0


def test_files_of_any_name(cli) -> None:
    write("before.yaml", CLAIM)
    write("after.yaml", SHRUNK)
    result = cli("before.yaml", "after.yaml", "--format", "concise")
    assert "after.yaml:11:16: error[claim-shrunk]" in result.out
    assert cli("after.yaml", "before.yaml", "--format", "concise").code == 0


def test_standard_input(cli) -> None:
    write("new/claims.yaml", SHRUNK)
    result = cli("-", "new", "--format", "concise", stdin=CLAIM.encode())
    assert "new/claims.yaml:11:16: error[claim-shrunk]" in result.out
    assert "standard input can be one of the two revisions" in cli("-", "-").err


@pytest.mark.parametrize("name", ["old.tar.gz", "old.tar", "old.zip"])
def test_archives(cli, name: str) -> None:
    write("shop-1.0/deploy/claims.yaml", CLAIM)
    write("shop-1.0/README.md", "# Shop")
    if name.endswith("zip"):
        with zipfile.ZipFile(name, "w") as archive:
            archive.write("shop-1.0/deploy/claims.yaml")
            archive.write("shop-1.0/README.md")
    else:
        with tarfile.open(name, "w:gz" if name.endswith("gz") else "w") as archive:
            archive.add("shop-1.0")
    write("new/deploy/claims.yaml", SHRUNK)
    result = cli(name, "new")
    assert result.code == 1
    assert f"::: {name}:shop-1.0/deploy/claims.yaml:11:16" in result.out


def test_broken_archive(cli) -> None:
    Path("old.zip").write_bytes(b"PK\x05\x06" + b"\0" * 18)
    write("new/claims.yaml", CLAIM)
    result = cli("old.zip", "new")
    assert result.code == 0
    assert "old.zip holds no manifest" in result.err


def test_sides_with_nothing(cli) -> None:
    Path("empty").mkdir()
    write("full/claims.yaml", CLAIM)
    assert cli("empty", "empty").code == 4
    result = cli("full", "empty", "--format", "concise")
    assert result.code == 1
    assert "full/claims.yaml:4:9: warning[claim-removed]" in result.out
    assert "empty holds no manifest: everything in full counts as removed" in result.err


def test_a_path_that_is_not_there(cli) -> None:
    write("new/claims.yaml", CLAIM)
    result = cli("old", "new")
    assert result.code == 2
    assert "no file or directory old" in result.err or "no revision old" in result.err
    assert cli("new").code == 2


def test_a_file_that_cannot_be_read_any_more_is_an_error(cli) -> None:
    write("old/claims.yaml", CLAIM)
    write("new/claims.yaml", CLAIM + "  - broken: [\n")
    result = cli("old", "new", "--format", "concise")
    assert result.code == 1
    assert "error[unreadable-manifest]" in result.out
    assert "claim-removed" not in result.out
    again = cli("new", "old", "--format", "json")
    assert json.loads(again.out)["findings"] == []
    assert [notice["kind"] for notice in json.loads(again.out)["notices"]] == ["unreadable-before"]


# Git ------------------------------------------------------------------------------------------------------------------


@needs_git
@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    "arguments",
    [
        ("main", "feature"),
        ("main..feature",),
        ("main...feature",),
        ("main..", "deploy"),
        ("--from", "main"),
        ("--from", "main", "deploy/claims.yaml"),
        ("HEAD~1", "HEAD", "deploy"),
    ],
)
def test_git(cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments, "--format", "json")
    assert result.code == 1, result.err
    (finding,) = json.loads(result.out)["findings"]
    assert (finding["file"], finding["line"]) == ("deploy/claims.yaml", 11)
    (related,) = finding["related"]
    old = {"main...feature": "main"}.get(arguments[0], arguments[1] if arguments[0] == "--from" else arguments[0])
    old = old.partition("..")[0]
    assert related["file"] == f"{old}:deploy/claims.yaml"
    assert related["revision"] == old
    assert git("status", "--porcelain") == ""


@needs_git
@pytest.mark.usefixtures("repository")
def test_git_below_the_root_and_without_changes(cli, monkeypatch) -> None:
    monkeypatch.chdir("deploy")
    result = cli("--from", "main", "--format", "concise")
    assert "claims.yaml:11:16: error[claim-shrunk]" in result.out
    assert not result.out.startswith("deploy/")
    assert cli("--from", "feature").code == 0
    assert cli("--from", "main", "web.yaml").code == 0


@needs_git
@pytest.mark.usefixtures("repository")
def test_what_came_to_the_base_branch_since_is_no_change(cli) -> None:
    git("checkout", "-q", "main")
    write("deploy/web-claim.yaml", CLAIM.replace("orders", "web"))
    git("add", ".")
    git("commit", "-qm", "third")
    git("checkout", "-q", "feature")
    result = cli("--from", "main", "--format", "concise")
    assert "claim-shrunk" in result.out
    assert "claim-removed" not in result.out
    assert "claim-removed" in cli("main..feature", "--format", "concise").out


@needs_git
@pytest.mark.usefixtures("repository")
def test_the_working_tree_is_what_git_would_add(cli) -> None:
    write(".gitignore", "secret/\n")
    write("secret/claims.yaml", CLAIM.replace("orders", "hidden"))
    write("deploy/more.yaml", CLAIM.replace("orders", "more"))
    Path("deploy/claims.yaml").unlink()
    data = json.loads(cli("--from", "main", "--format", "json").out)["comparison"]["data"]
    assert [(row["fate"], row["name"]) for row in data] == [("unknown", "orders"), ("new", "more")]


@needs_git
@pytest.mark.usefixtures("repository")
def test_staged_changes(cli) -> None:
    assert cli("--staged").code == 0
    write("deploy/claims.yaml", SHRUNK.replace("10Gi", "5Gi"))
    assert cli("--staged").code == 0, "not staged yet"
    git("add", ".")
    result = cli("--staged")
    assert result.code == 1
    assert "from 10Gi to 5Gi" in result.out
    assert "::: HEAD:deploy/claims.yaml" in result.out


@needs_git
def test_the_first_commit_has_nothing_to_compare_with(cli) -> None:
    git("init", "-q", "-b", "main")
    assert cli("--staged").code == 0, "and nothing is staged"
    write("claims.yaml", CLAIM)
    git("add", ".")
    result = cli("--staged")
    assert result.code == 0
    assert "HEAD holds no manifest" in result.err


@needs_git
@pytest.mark.usefixtures("repository")
def test_a_bare_and_a_shallow_repository(cli, tmp_path) -> None:
    git("clone", "-q", "--bare", ".", "bare.git")
    git("clone", "-q", "--depth=1", f"file://{tmp_path}", "shallow")
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as here:
        here.chdir("bare.git")
        assert "deploy/claims.yaml:11:16: error[claim-shrunk]" in cli("main..feature", "--format", "concise").out
        result = cli("--from", "main")
        assert result.code == 2
        assert "bare repository" in result.err
    with monkeypatch.context() as here:
        here.chdir("shallow")
        result = cli("--from", "main")
        assert result.code == 2
        assert "there is no revision main in this repository; it may be missing from this shallow clone" in result.err


@needs_git
@pytest.mark.usefixtures("repository")
def test_wrong_use_of_git(cli, tmp_path_factory, monkeypatch) -> None:
    assert "there is no revision nowhere" in cli("--from", "nowhere").err
    assert "neither main nor working tree has a manifest in charts" in cli("--from", "main", "charts").err
    assert "is outside of the repository" in cli("--from", "main", "deploy", "..").err
    assert "leave --from out" in cli("--from", "main", "--staged").err
    assert "is a path" in cli("deploy", "main", "deploy").err
    assert cli("--from", "--output").code == 2
    git("update-ref", "refs/remotes/origin/release", "main")
    assert "but there is origin/release" in cli("--from", "release").err
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert "is in no git repository" in cli("--from", "main").err


@needs_git
@pytest.mark.usefixtures("repository")
def test_links_and_strange_names(cli) -> None:
    strange = 'deploy/naïve "name"\n.yaml'
    write(strange, CLAIM.replace("orders", "strange"))
    Path("deploy/link.yaml").symlink_to("claims.yaml")
    git("add", ".")
    git("commit", "-qm", "third")
    write(strange, SHRUNK.replace("orders", "strange"))
    findings = json.loads(cli("--from", "HEAD", "--format", "json").out)["findings"]
    assert [finding["file"] for finding in findings] == [strange]


# Which object is which ------------------------------------------------------------------------------------------------


def test_a_moved_file_is_the_same_object() -> None:
    report = compared({"claims.yaml": CLAIM}, {"storage/claims.yaml": SHRUNK})
    assert rules_of(report) == ["claim-shrunk"]


def test_objects_of_one_name_are_known_by_their_file() -> None:
    bare = CLAIM.replace("  namespace: shop\n", "")
    old = {"dev/claims.yaml": bare.replace("20Gi", "1Gi"), "prod/claims.yaml": bare}
    new = {"dev/claims.yaml": bare.replace("20Gi", "2Gi"), "prod/claims.yaml": bare.replace("20Gi", "10Gi")}
    (finding,) = compared(old, new).findings
    assert finding.location.file == "prod/claims.yaml"
    (removed,) = compared(old, {"dev/claims.yaml": new["dev/claims.yaml"]}).findings
    assert (removed.rule, removed.confidence) == ("claim-removed", "low"), "another one of its name is still there"


def test_of_several_definitions_in_a_file_the_most_alike_are_the_same_object() -> None:
    other = CLAIM.replace("ssd", "hdd").replace("20Gi", "1Gi")
    old = {"claims.yaml": f"{CLAIM}---\n{other}"}
    new = {"claims.yaml": f"{other.replace('1Gi', '2Gi')}---\n{SHRUNK}"}
    (finding,) = compared(old, new).findings
    assert (finding.rule, finding.location.line) == ("claim-shrunk", 23)


def test_it_is_not_said_which_of_several_definitions_moved() -> None:
    bare = CLAIM.replace("  namespace: shop\n", "")
    old = {"a/claims.yaml": bare, "b/claims.yaml": bare}
    new = {"c/claims.yaml": bare.replace("20Gi", "10Gi"), "d/claims.yaml": bare.replace("20Gi", "5Gi")}
    assert compared(old, new).findings == ()


def test_another_definition_in_the_same_namespace_is_the_same_object() -> None:
    assert compared({"a.yaml": CLAIM, "b/b.yaml": CLAIM}, {"b/b.yaml": CLAIM}).findings == ()


def test_a_namespace_that_is_written_on_one_side_lowers_the_confidence() -> None:
    bare = CLAIM.replace("  namespace: shop\n", "")
    (finding,) = compared({"claims.yaml": bare}, {"claims.yaml": SHRUNK}).findings
    assert (finding.rule, finding.confidence) == ("claim-shrunk", "medium")


def test_another_api_version_is_the_same_object() -> None:
    old = STATEFUL_SET.replace("apps/v1", "apps/v1beta2")
    assert rules_of(compared({"db.yaml": old}, {"db.yaml": STATEFUL_SET.replace("10Gi", "20Gi")})) == [
        "claim-template-changed"
    ]


def test_patches_are_not_compared() -> None:
    patch = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {serviceName: SERVICE}\n"
    files = {"kustomization.yaml": "resources: []\npatches: [{path: db.yaml}]\n"}
    old, new = ({**files, "db.yaml": patch.replace("SERVICE", name)} for name in ("a", "b"))
    assert compared(old, new).findings == ()


def test_a_document_that_moves_in_its_file_is_the_same_object() -> None:
    other = CLAIM.replace("orders", "other")
    assert compared({"a.yaml": f"{CLAIM}---\n{other}"}, {"a.yaml": f"{other}---\n{CLAIM}"}).findings == ()


# What is told ---------------------------------------------------------------------------------------------------------


def test_steps_have_the_names_of_the_object() -> None:
    (finding,) = compared({"db.yaml": STATEFUL_SET}, {"db.yaml": STATEFUL_SET.replace("10Gi", "20Gi")}).findings
    patch = """-p '{"spec":{"resources":{"requests":{"storage":"20Gi"}}}}'"""
    assert finding.steps == (
        f"kubectl -n shop patch pvc data-db-0 --type merge {patch}",
        f"kubectl -n shop patch pvc data-db-1 --type merge {patch}",
        f"kubectl -n shop patch pvc data-db-2 --type merge {patch}",
        "kubectl -n shop delete statefulset db --cascade=orphan",
        "kubectl -n shop apply -f db.yaml",
    )


def test_steps_of_many_claims_are_a_loop() -> None:
    many = STATEFUL_SET.replace("replicas: 3", "replicas: 12")
    (finding,) = compared({"db.yaml": many}, {"db.yaml": many.replace("10Gi", "20Gi")}).findings
    assert finding.steps[0].startswith('for n in $(seq 0 11); do kubectl -n shop patch pvc data-db-"$n" --type merge')


def test_names_of_objects_are_quoted_for_the_shell() -> None:
    hostile = STATEFUL_SET.replace("name: db\n", "name: 'db; rm -rf ~'\n", 1)
    other = hostile.replace("serviceName: db", "serviceName: x")
    (finding,) = compared({"db.yaml": hostile}, {"db.yaml": other}).findings
    assert "kubectl -n shop delete statefulset 'db; rm -rf ~' --cascade=orphan" in finding.steps


def test_the_page_says_what_was_compared(cli) -> None:
    write("old/db.yaml", STATEFUL_SET)
    write("new/db.yaml", STATEFUL_SET.replace("10Gi", "20Gi"))
    assert "old to new: 1 changed objects" in cli("old", "new", "--format", "html").out


RENAMED = STATEFUL_SET.replace("name: data", "name: files")


@pytest.mark.parametrize(
    "new", [RENAMED, STATEFUL_SET.replace("name: db\n", "name: orders\n", 1)], ids=["template", "StatefulSet"]
)
def test_a_volume_is_grown_before_it_goes_to_a_claim_that_requests_more(new: str) -> None:
    """A claim does not get a smaller volume, not even one that is kept for it, but a new one."""
    for size, grown in (("10Gi", False), ("5Gi", False), ("20Gi", True)):
        (finding,) = compared({"db.yaml": STATEFUL_SET}, {"db.yaml": new.replace("10Gi", size)}).findings
        steps = list(finding.steps)
        waits = [index for index, step in enumerate(steps) if " wait pvc data-db-0 " in step and size in step]
        assert bool(waits) == grown
        assert any(" patch pvc data-db-0 " in step for step in steps) == grown
        assert all(index < steps.index("kubectl -n shop scale statefulset db --replicas=0") for index in waits)


def test_steps_are_shell() -> None:
    for new in (STATEFUL_SET.replace("10Gi", "20Gi"), RENAMED, RENAMED.replace("10Gi", "20Gi")):
        for finding in compared({"db.yaml": STATEFUL_SET}, {"db.yaml": new}).findings:
            done = subprocess.run(["sh", "-n"], input="\n".join(finding.steps), text=True, capture_output=True)
            assert (done.returncode, done.stderr) == (0, "")


def test_both_ends_of_a_range_of_versions() -> None:
    new = STATEFUL_SET.replace("serviceName: db", "serviceName: db\n  revisionHistoryLimit: 3")
    (finding,) = compared({"db.yaml": STATEFUL_SET}, {"db.yaml": new}, target="1.30-1.34").findings
    assert finding.message.endswith("(Kubernetes 1.30)")


def test_suppression_on_the_side_of_the_finding() -> None:
    told = SHRUNK.replace("storage: 10Gi", "storage: 10Gi # k8s-stateful-lint: ignore[claim-shrunk] made anew by hand")
    report = compared({"a.yaml": CLAIM}, {"a.yaml": told})
    assert (rules_of(report), report.summary.suppressed) == ([], 1)
    comment = "  # k8s-stateful-lint: ignore[claim-removed] moved to the chart\n"
    kept = CLAIM.replace("  name: orders", f"{comment}  name: orders")
    report = compared({"a.yaml": kept, "b.yaml": SERVICE}, {"b.yaml": SERVICE})
    assert (rules_of(report), report.summary.suppressed) == ([], 1)


def test_machine_formats_mark_no_line_of_the_old_revision(cli) -> None:
    write("old/db.yaml", STATEFUL_SET)
    write("old/claims.yaml", CLAIM)
    write("new/db.yaml", STATEFUL_SET.replace("10Gi", "20Gi"))
    sarif = json.loads(cli("old", "new", "--format", "sarif").out)["runs"][0]["results"]
    places = [
        place["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif
        for place in (*result["locations"], *result.get("relatedLocations", ()))
    ]
    assert len(sarif) == 2
    assert set(places) == {"new/db.yaml"}
    assert any("old/claims.yaml:4: claim orders" in result["message"]["text"] for result in sarif)
    annotations = cli("old", "new", "--format", "github").out
    assert "file=old" not in annotations
    issues = json.loads(cli("old", "new", "--format", "gitlab").out)
    assert {issue["location"]["path"] for issue in issues} == {"new/db.yaml"}
    assert 'file="old' not in cli("old", "new", "--format", "junit").out


def test_every_format(cli) -> None:
    write("old/db.yaml", STATEFUL_SET)
    write("new/db.yaml", STATEFUL_SET.replace("10Gi", "20Gi"))
    for name in ("text", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown", "html"):
        result = cli("old", "new", "--format", name)
        assert result.code == 1, result.err
        assert "claim-template-changed" in result.out


def test_selection_leaves_the_table_as_it_is(cli) -> None:
    write("old/claims.yaml", CLAIM)
    write("new/claims.yaml", SHRUNK)
    result = cli("old", "new", "--ignore", "claim-shrunk")
    assert result.code == 0
    assert "refused  claim shop/orders" in result.out


def test_passwords_are_not_shown(cli) -> None:
    password = """\
          env:
            - {name: POSTGRES_PASSWORD, value: hunter-one}
            - name: PGDATA
              value: /var/lib/postgresql/data/pgdata
"""
    database = STATEFUL_SET.replace("registry.example.com/db:1\n", f"postgres:16\n{password}")
    database = database.replace("mountPath: /data", "mountPath: /var/lib/postgresql/data")
    write("old/db.yaml", database)
    write("new/db.yaml", database.replace("hunter-one", "hunter-two"))
    for name in ("text", "json", "sarif", "github", "gitlab", "junit", "markdown", "html"):
        result = cli("old", "new", "--format", name)
        assert "init-password-changed" in result.out
        assert "hunter" not in result.out


def test_check_does_not_compare(cli, monkeypatch, capsys) -> None:
    write("claims.yaml", CLAIM)
    with pytest.raises(SystemExit) as stop:
        main(["check", "--select", "change", "claims.yaml"])
    assert stop.value.code == 2
    assert "compares two revisions" in capsys.readouterr().err


# The table ------------------------------------------------------------------------------------------------------------

CLASS = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: ssd}\nprovisioner: ebs.csi.aws.com\n"
KEPT = CLAIM.replace("  namespace", "  annotations: {helm.sh/resource-policy: keep}\n  namespace")
LABELLED = CLAIM.replace("  namespace", "  labels: {tier: db}\n  namespace")
GROWING = CLASS + "allowVolumeExpansion: true\n"
POLICY = "  persistentVolumeClaimRetentionPolicy:\n    whenDeleted: Delete\n    whenScaled: Delete\n  serviceName"


@pytest.mark.parametrize(
    ("old", "new", "fates"),
    [
        ({"a": CLAIM}, {"a": SHRUNK}, [("refused", "orders", "20Gi", "10Gi")]),
        ({"a": CLAIM, "c": GROWING}, {"a": GROWN, "c": GROWING}, [("expanded", "orders", "20Gi", "30Gi")]),
        ({"a": CLAIM, "c": CLASS}, {"a": GROWN, "c": CLASS}, [("refused", "orders", "20Gi", "30Gi")]),
        ({"a": CLAIM, "c": CLASS}, {"c": CLASS}, [("deleted", "orders", None, "20Gi")]),
        (
            {"a": CLAIM, "c": CLASS + "reclaimPolicy: Retain\n"},
            {"c": CLASS + "reclaimPolicy: Retain\n"},
            [("released", "orders", None, "20Gi")],
        ),
        ({"a": CLAIM, "b": SERVICE}, {"b": SERVICE}, [("unknown", "orders", None, "20Gi")]),
        ({"b": SERVICE}, {"a": CLAIM, "b": SERVICE}, [("new", "orders", None, "20Gi")]),
        (
            {
                "a": KEPT,
                "b": SERVICE,
            },
            {"b": SERVICE},
            [("kept", "orders", None, "20Gi")],
        ),
        (
            {"a": CLAIM},
            {"a": LABELLED},
            [("kept", "orders", None, "20Gi")],
        ),
        ({"a": STATEFUL_SET}, {"a": STATEFUL_SET.replace("10Gi", "20Gi")}, [("refused", "db/data", "10Gi", "20Gi")]),
        ({"a": STATEFUL_SET}, {"a": STATEFUL_SET.replace("10Gi", "10240Mi")}, []),
        (
            {"a": STATEFUL_SET},
            {"a": STATEFUL_SET.replace("name: data", "name: files")},
            [("empty", "db/files", None, "10Gi"), ("orphaned", "db/data", None, "10Gi")],
        ),
        (
            {"a": STATEFUL_SET},
            {"a": STATEFUL_SET.replace("name: db\n  names", "name: orders\n  names")},
            [("empty", "orders/data", None, "10Gi"), ("orphaned", "db/data", None, "10Gi")],
        ),
        ({"a": STATEFUL_SET, "b": SERVICE}, {"b": SERVICE}, [("orphaned", "db/data", None, "10Gi")]),
        (
            {"a": STATEFUL_SET.replace("  serviceName", POLICY), "b": SERVICE},
            {"b": SERVICE},
            [("deleted", "db/data", None, "10Gi")],
        ),
        (
            {"a": STATEFUL_SET},
            {"a": STATEFUL_SET.replace("replicas: 3", "replicas: 2")},
            [("orphaned", "db/data", None, "10Gi")],
        ),
        (
            {"a": STATEFUL_SET.replace("  serviceName", POLICY)},
            {"a": STATEFUL_SET.replace("  serviceName", POLICY).replace("replicas: 3", "replicas: 2")},
            [("deleted", "db/data", None, "10Gi")],
        ),
    ],
)
def test_what_happens_to_the_data(old, new, fates) -> None:
    report = compared({f"{k}.yaml": v for k, v in old.items()}, {f"{k}.yaml": v for k, v in new.items()})
    assert report.comparison is not None
    assert [(row.fate, row.name, row.size_before, row.size) for row in report.comparison.data] == fates


def test_text_fits_the_terminal(cli, monkeypatch, snapshot) -> None:
    write("old/db.yaml", STATEFUL_SET)
    write("old/claims.yaml", CLAIM)
    write("old/class.yaml", CLASS)
    write("new/db.yaml", STATEFUL_SET.replace("name: data", "name: files"))
    write("new/claims.yaml", GROWN.replace("orders", "invoices"))
    write("new/class.yaml", CLASS)
    for width in ("80", "200"):
        monkeypatch.setenv("COLUMNS", width)
        result = cli("old", "new")
        assert result.out == snapshot(name=f"width {width}")
        message = result.out.split("   = ")[0]
        assert max(map(len, message.splitlines())) <= int(width)


# Overlays and charts --------------------------------------------------------------------------------------------------

needs_kustomize = pytest.mark.skipif(
    shutil.which("kustomize") is None and shutil.which("kubectl") is None, reason="kustomize is not installed"
)


@needs_git
@needs_kustomize
@pytest.mark.parametrize("how", ["git", "staged", "directories"])
def test_overlays_of_both_revisions_are_built(cli, how: str) -> None:
    git("init", "-q", "-b", "main")
    write("base/db.yaml", STATEFUL_SET.replace("  namespace: shop\n", ""))
    write("base/claims.yaml", CLAIM.replace("  namespace: shop\n", ""))
    write("base/kustomization.yaml", "resources: [db.yaml, claims.yaml]\n")
    write("overlays/production/kustomization.yaml", "namespace: shop\nresources: [../../base]\n")
    git("add", ".")
    git("commit", "-qm", "first")
    if how == "directories":
        shutil.copytree("base", "before/base")
        shutil.copytree("overlays", "before/overlays")
    label = "\nlabels: [{pairs: {version: v2}, includeSelectors: true, includeTemplates: true}]\n"
    write("overlays/production/kustomization.yaml", f"namespace: shop\nresources: [../../base]\n{label}")
    write("base/kustomization.yaml", "resources: [db.yaml]\n")
    if how == "directories":
        shutil.copytree("base", "after/base")
        shutil.copytree("overlays", "after/overlays")
    git("add", "base", "overlays")
    arguments = {"git": ["--from", "HEAD"], "staged": ["--staged"], "directories": ["before", "after"]}[how]
    assert json.loads(cli(*arguments, "--format", "json").out)["findings"] == [], "the files alone do not show it"
    result = cli(*arguments, "--kustomize", "--format", "json")
    assert result.code == 1, result.err
    findings = {finding["rule"]: finding for finding in json.loads(result.out)["findings"]}
    assert set(findings) == {"stateful-set-immutable-field-changed", "claim-template-changed", "claim-removed"}
    at = "after/" if how == "directories" else ""
    changed = findings["stateful-set-immutable-field-changed"]
    assert changed["file"].startswith(at)
    assert "(version: v2 is new)" in changed["message"]
    before = "before/" if how == "directories" else "HEAD:"
    assert findings["claim-removed"]["file"] == f"{before}base/claims.yaml"
    assert findings["claim-removed"]["line"] == 4
    text = cli(*arguments, "--kustomize").out
    assert f"--> {before}base/claims.yaml:4:9" in text
    assert "  name: orders" in text
