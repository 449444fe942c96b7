"""The command line: exit codes, streams, colour, bad input."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from k8s_stateful_lint import __version__
from tests.manifests import CLEAN, RECYCLE

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}, namespace: shop}}
spec: {{storageClassName: fast, accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"""


def test_version(cli) -> None:
    assert cli("--version").out == f"k8s-stateful-lint {__version__}\n"


def test_findings_exit_1_on_stdout(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check")
    assert result.code == 1
    assert "error[recycle-reclaim-policy]" in result.out
    assert "pv.yaml:7:34" in result.out
    assert result.err == ""


def test_clean_exits_0(cli) -> None:
    Path("pv.yaml").write_text(CLEAN)
    result = cli("check", "pv.yaml")
    assert (result.code, result.out) == (0, "1 file, 1 object: nothing to report\n")


@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("warning", 1), ("info", 1), ("never", 0)])
def test_fail_on(cli, fail_on: str, code: int) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    assert cli("check", "--fail-on", fail_on).code == code


def test_stdin(cli) -> None:
    result = cli("check", "-", stdin=RECYCLE.encode())
    assert result.code == 1
    assert "<stdin>:7:34" in result.out


@pytest.mark.parametrize("data", [b"", b"\n\n# nothing\n", b"---\n---\n", b"image:\n  tag: 1\n"])
def test_nothing_to_lint_is_never_success(cli, data: bytes) -> None:
    result = cli("check", "-", stdin=data)
    assert result.code == 4
    assert result.out == "1 file, 0 objects: nothing was linted\n"
    assert "nothing to lint" in result.err
    assert len(result.err.splitlines()) == 1


def test_empty_directory(cli, tmp_path) -> None:
    assert cli("check", str(tmp_path)).code == 4


def test_missing_path_is_told_and_the_others_are_linted(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "nowhere.yaml", "pv.yaml")
    assert result.code == 2
    assert "nowhere.yaml" in result.err
    assert "recycle-reclaim-policy" in result.out
    assert "Traceback" not in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_file(cli) -> None:
    path = Path("secret.yaml")
    path.write_text(RECYCLE)
    path.chmod(0)
    result = cli("check")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert result.code == 2
    assert "secret.yaml" in result.err


def test_broken_file_is_a_finding_and_the_others_are_linted(cli) -> None:
    Path("a.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: [}\n")
    Path("b.yaml").write_text(RECYCLE)
    result = cli("check", "--format", "json")
    assert result.code == 1
    assert [f["rule"] for f in json.loads(result.out)["findings"]] == ["unreadable-manifest", "recycle-reclaim-policy"]


def test_helm_template_is_one_notice(cli) -> None:
    Path("t.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Values.name }}\n{{- if x }}\n")
    result = cli("check")
    assert result.code == 4
    assert "looks like a Helm template" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "--select", "recycle-reclaim-polcy"), "did you mean recycle-reclaim-policy?"),
        (("check", "--ignore", "zzz"), "there is no rule or family named zzz"),
        (("check", "--format", "xml"), "there is no format xml"),
        (("check", "--fail-on", "sometimes"), "k8s-stateful-lint: --fail-on must be error"),
        (("check", "--color", "pink", "--format", "json", "--format", "text"), "--color is auto, always or never"),
        (("check", "--target", "new"), "target"),
        (("check", "--output", "a", "--output", "b"), "more --output than --format"),
        (("check", "--no-such-option"), "No such option"),
        (("frobnicate",), "No such command"),
        (("pv.yaml",), "to lint: k8s-stateful-lint check pv.yaml"),
        (("lint", "--strict"), "to lint: k8s-stateful-lint check --strict"),
        (("explain", "recycle"), "did you mean recycle-reclaim-policy?"),
        (("explain", "image"), "say which image"),
        (("explain", "driver", "ebs.csi.aws.co"), "did you mean ebs.csi.aws.com?"),
        (("explain", "driver", "ebs"), "did you mean ebs.csi.aws.com?"),
        (("explain", "image", "postgrs"), "did you mean postgres?"),
        (("rules", "--format", "csv"), "there is no format csv"),
        (("graph", "--format", "svg"), "there is no format svg"),
        (("graph", "--focus", "nonsense"), "--focus takes KIND/NAME"),
        (("graph", "--focus", "Service/none"), "there is no Service named none"),
        (("check", "--config", "none.yaml"), "cannot read the configuration"),
    ],
)
def test_wrong_use_exits_2_with_one_line(cli, arguments: tuple[str, ...], message: str) -> None:
    Path("pv.yaml").write_text(CLEAN)
    result = cli(*arguments)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert result.out == ""


def test_configuration_file_is_found_and_its_mistakes_named(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    Path(".k8s-stateful-lint.yaml").write_text("ignore: [recycle-reclaim-policy]\n")
    assert cli("check", "--select", "reclaim").code == 0
    assert cli("check", "--no-config", "--select", "reclaim").code == 1
    Path(".k8s-stateful-lint.yaml").write_text("ignroe: [recycle-reclaim-policy]\n")
    result = cli("check")
    assert result.code == 2
    assert "ignroe" in result.err


def test_selection_takes_rules_and_families(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    assert cli("check", "--select", "reclaim").code == 1
    assert cli("check", "--select", "engine").code == 0
    assert cli("check", "--ignore", "reclaim").code == 0
    assert cli("check", "--select", "reclaim,engine", "--ignore", "recycle-reclaim-policy").code == 0


def test_json_is_the_contract(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    document = json.loads(cli("check", "--format", "json").out)
    assert list(document) == ["version", "tool", "findings", "notices", "summary"]
    assert document["version"] == 1
    assert document["tool"] == {"name": "k8s-stateful-lint", "version": __version__}
    (finding,) = document["findings"]
    assert {key: finding[key] for key in ("file", "line", "column", "end_line", "end_column")} == {
        "file": "pv.yaml",
        "line": 7,
        "column": 34,
        "end_line": 7,
        "end_column": 41,
    }
    assert finding["object"] == {"apiVersion": "v1", "kind": "PersistentVolume", "namespace": None, "name": "archive"}
    assert finding["path"] == "spec.persistentVolumeReclaimPolicy"
    assert finding["environment"] == "unspecified"
    assert document["summary"] == {
        "files": 1,
        "documents": 1,
        "objects": 1,
        "findings": {"error": 1, "warning": 0, "info": 0},
        "suppressed": 0,
        "baselined": 0,
    }


def test_output_files_are_paired_with_formats(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "--format", "json", "--output", "r.json", "--format", "concise")
    assert result.code == 1
    assert json.loads(Path("r.json").read_text())["summary"]["findings"]["error"] == 1
    assert result.out.startswith("pv.yaml:7:34: error[recycle-reclaim-policy] ")


def test_output_that_cannot_be_written(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "--output", "no/such/folder/r.txt")
    assert result.code == 2
    assert "cannot write" in result.err


def test_an_output_that_cannot_be_written_leaves_nothing_behind(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    Path("folder").mkdir()
    assert "folder: it is a directory" in cli("check", "--output", "folder").err
    result = cli("check", "--output", "nowhere/report.txt")
    assert (result.code, result.err) == (
        2,
        "k8s-stateful-lint: cannot write nowhere/report.txt: its folder does not exist\n",
    )
    assert sorted(path.name for path in Path().rglob("*")) == ["folder", "pv.yaml"]


def test_a_report_that_cannot_be_written_keeps_no_other_from_it(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "--format", "sarif", "--output", "nowhere/a.sarif", "--format", "json", "--output", "b.json")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert json.loads(Path("b.json").read_text())["findings"]


def test_a_failed_report_keeps_the_one_before(cli, monkeypatch) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    Path("report.txt").write_text("before")
    Path("report.txt").chmod(0o640)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        result = cli("check", "--output", "report.txt")
    assert (result.code, result.err) == (2, "k8s-stateful-lint: cannot write report.txt: no space left on device\n")
    assert Path("report.txt").read_text() == "before"
    assert sorted(path.name for path in Path().iterdir()) == ["pv.yaml", "report.txt"]
    assert cli("check", "--output", "report.txt").code == 1
    assert "recycle-reclaim-policy" in Path("report.txt").read_text()
    assert stat.S_IMODE(Path("report.txt").stat().st_mode) == 0o640


def test_colour_follows_flag_then_environment(cli, monkeypatch) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    assert "\x1b[" not in cli("check").out
    assert "\x1b[" in cli("check", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cli("check").out
    assert "\x1b[" not in cli("check", "--color", "never").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in cli("check").out


def test_quiet_and_statistics(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE)
    result = cli("check", "--quiet", "--statistics")
    assert "1 file" not in result.out
    assert "recycle-reclaim-policy" in result.err


def test_control_characters_do_not_reach_the_terminal(cli) -> None:
    Path("pv.yaml").write_text(RECYCLE.replace("Recycle", "Recycle # \x9b31m \x7f"))
    result = cli("check", "--select", "recycle-reclaim-policy")
    assert not set(result.out) & {"\x9b", "\x7f", "\x1b"}


def test_explain_shows_the_card(cli) -> None:
    text = cli("explain", "recycle-reclaim-policy").out
    for heading in ("# recycle-reclaim-policy", "## Why", "## What to do", "## Examples", "## Suppress it"):
        assert heading in text


def test_explain_lists_a_family(cli) -> None:
    text = cli("explain", "reclaim").out
    assert text.startswith("# reclaim\n\n- `")
    assert "\n- `recycle-reclaim-policy`, error: " in text
    assert "rwo-claim-multi-node" not in text


@pytest.mark.parametrize("arguments", [(), ("baseline",)])
def test_a_command_alone_shows_its_help(cli, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: k8s-stateful-lint ")


@pytest.mark.parametrize("command", ["check", "graph", "explain", "init", "facts", "config", "compare"])
def test_help_is_in_words_for_people(cli, command: str) -> None:
    text = cli(command, "--help").out
    assert "<" not in text
    assert "[[" not in text


def test_help_cuts_no_sentence_of_a_command(cli) -> None:
    assert "..." not in cli("--help").out.partition("Commands:")[2]


def test_explain_facts(cli) -> None:
    assert "/var/lib/postgresql/data" in cli("explain", "image", "postgres:17").out
    assert "| runs as | 1001 |" in cli("explain", "image", "bitnami/kafka:3").out
    assert "ebs.csi.aws.com" in cli("explain", "driver", "kubernetes.io/aws-ebs").out


def test_rules_in_every_format(cli) -> None:
    assert "recycle-reclaim-policy" in cli("rules").out
    assert cli("rules", "--format", "markdown").out.startswith("| Family | Rule |")
    names = {rule["name"] for rule in json.loads(cli("rules", "--format", "json").out)}
    assert "recycle-reclaim-policy" in names


def test_check_changed_reports_only_what_concerns_the_files(cli) -> None:
    Path("a.yaml").write_text(RECYCLE)
    Path("b.yaml").write_text(RECYCLE.replace("archive", "other"))
    result = cli("check-changed", "b.yaml")
    assert result.code == 1
    assert "b.yaml:7" in result.out
    assert "a.yaml:8" not in result.out
    assert cli("check-changed", "README.md").code == 0


def start(*arguments: str, **options):  # type: ignore[no-untyped-def]
    return subprocess.Popen([sys.executable, "-m", "k8s_stateful_lint", *arguments], **options)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder with so many findings that a report is written in several pieces, and fills any pipe."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.yaml").write_text(RECYCLE.replace("archive", f"pv-{number}"))
    return folder


@pytest.mark.parametrize("name", ["text", "json", "sarif", "html"])
def test_broken_pipe_is_quiet(many: Path, name: str) -> None:
    process = start("check", str(many), "--format", name, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert errors == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
@pytest.mark.parametrize(
    "arguments",
    [("check", "{many}"), ("check", "{many}/0.yaml"), ("--version",)],
    ids=["in the middle", "at the end", "version"],
)
def test_a_full_disk_behind_standard_output_is_an_error(many: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(*(part.format(many=many) for part in arguments), stdout=full, stderr=subprocess.PIPE)
        _, errors = process.communicate()
    assert process.returncode == 2
    assert errors == b"k8s-stateful-lint: cannot write everything: no space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit here")
def test_a_disk_that_is_full_in_the_middle_of_a_report_keeps_the_one_before(many: Path, tmp_path: Path) -> None:
    import resource

    place = tmp_path / "reports"
    place.mkdir()
    (place / "report.json").write_text("before")
    arguments = ("--no-cache", "--schema", "off", "--format", "json", "--output", str(place / "report.json"))
    process = start(
        *("check", str(many), *arguments),
        stderr=subprocess.PIPE,
        # More than one piece, less than the report.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    _, errors = process.communicate()
    assert process.returncode == 2
    assert errors.decode() == f"k8s-stateful-lint: cannot write {place / 'report.json'}: file too large\n"
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [("report.json", "before")]


def test_interrupt_is_one_line(tmp_path) -> None:
    process = start("check", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    # More than a pipe holds: the write returns when the program is reading.
    process.stdin.write(b"#" * 1_000_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == b"k8s-stateful-lint: interrupted\n"


def test_module_runs_like_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "k8s_stateful_lint", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"k8s-stateful-lint {__version__}\n"


def test_graph_finds_an_object_by_its_name_alone_or_with_its_namespace(cli) -> None:
    Path("claims.yaml").write_text("\n---\n".join(CLAIM.format(name=name) for name in ("a", "b")))
    for focus in ("PersistentVolumeClaim/a", "persistentvolumeclaim/shop/a"):
        result = cli("graph", "--focus", focus)
        assert "shop/a" in result.out
        assert "shop/b" not in result.out
    assert cli("graph", "--focus", "PersistentVolumeClaim/test/a").code == 2
