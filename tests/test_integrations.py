"""The files for CI systems, run as far as a machine without those systems can."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools.documents import document

ROOT = Path(__file__).resolve().parent.parent
BROKEN = ROOT / "examples" / "shop"
CLEAN = ROOT / "examples" / "shop-mended"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def load(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with manifests, as a CI system has one."""
    place = tmp_path / "my checkout"
    shutil.copytree(BROKEN, place / "broken")
    shutil.copytree(CLEAN, place / "clean")
    return place


def run_script(script: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub and GitLab do: with bash that stops at the first failure."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# The action -----------------------------------------------------------------------------------------------------------


class Action:
    """The composite action with the environment that a runner gives to its steps."""

    def __init__(self, workspace: Path, **inputs: str) -> None:
        self.action = load("action.yml")
        self.inputs = {name: facts["default"] for name, facts in self.action["inputs"].items()} | inputs
        assert self.inputs.keys() == self.action["inputs"].keys()
        self.workspace = workspace
        self.temp = workspace.parent / "runner temp"
        self.temp.mkdir(exist_ok=True)
        self.env = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(self.temp),
            **{f"GITHUB_{name}": str(self.temp / name) for name in ("OUTPUT", "PATH", "STEP_SUMMARY")},
        }
        self.env["PATH"] = os.environ["PATH"]
        self.env["GITHUB_PATH"] = str(self.temp / "path")

    def step(self, name: str) -> dict[str, Any]:
        (step,) = [step for step in self.action["runs"]["steps"] if step["name"] == name]
        return step

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        step = self.step(name)
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression in a script can be more than a value"
        env = {
            key: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: self.inputs[found[1]], value)
            for key, value in step.get("env", {}).items()
        }
        assert not any("${{" in value for value in env.values())
        return run_script(step["run"], self.workspace, self.env | env)

    def with_this_program(self) -> Action:
        """As if it were installed: the program of the virtual environment that runs the tests."""
        place = self.temp / "k8s-stateful-lint" / "bin"
        place.mkdir(parents=True)
        program = place / "k8s-stateful-lint"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m k8s_stateful_lint \"$@\"\n", encoding="utf-8")
        program.chmod(0o755)
        return self

    @property
    def outputs(self) -> dict[str, str]:
        lines = (self.temp / "OUTPUT").read_text(encoding="utf-8").splitlines()
        return dict(line.partition("=")[::2] for line in lines)


def test_the_action_fails_on_findings_and_annotates_them(workspace: Path) -> None:
    action = Action(workspace, paths="broken").with_this_program()
    done = action.run("Lint")
    assert done.returncode == 1, done.stderr
    assert "::error file=broken/orders-db.yaml,line=41," in done.stdout
    assert "rwo-claim-multi-node" in (action.temp / "STEP_SUMMARY").read_text(encoding="utf-8")
    assert action.outputs == {"exit-code": "1"}


def test_the_action_is_green_where_nothing_is_found(workspace: Path) -> None:
    action = Action(workspace, paths="clean").with_this_program()
    done = action.run("Lint")
    assert done.returncode == 0, done.stdout + done.stderr
    assert action.outputs == {"exit-code": "0"}


def test_the_inputs_of_the_action_arrive(workspace: Path) -> None:
    (workspace / "with blank").mkdir()
    shutil.copy(BROKEN / "claims.yaml", workspace / "with blank")
    sarif = workspace / "out.sarif"
    paths = "broken/orders-db.yaml\n\nwith blank\n"
    action = Action(
        workspace,
        **{
            "paths": paths,
            "args": "--strict\n--environment production\n",
            "fail-on": "never",
            "sarif-file": str(sarif),
        },
    ).with_this_program()
    done = action.run("Lint")
    assert done.returncode == 0, done.stderr
    report = json.loads(sarif.read_text(encoding="utf-8"))
    assert "rwo-claim-multi-node" in {result["ruleId"] for result in report["runs"][0]["results"]}
    assert {result["properties"]["environment"] for result in report["runs"][0]["results"]} == {"production"}
    assert action.outputs == {"exit-code": "0", "sarif-file": str(sarif)}


def test_an_upload_needs_no_name_of_a_file(workspace: Path) -> None:
    action = Action(workspace, **{"paths": "broken", "upload-sarif": "true"}).with_this_program()
    assert action.run("Lint").returncode == 1
    assert Path(action.outputs["sarif-file"]).is_file()
    condition = action.step("Send the report to code scanning")["if"]
    assert condition.startswith("always()"), "the report of a failed run is the one that matters"


def test_inputs_are_values_and_no_commands(workspace: Path) -> None:
    evil = 'broken"; touch pwned; echo "$(touch pwned)'
    action = Action(workspace, paths=evil, args="$(touch pwned) `touch pwned`").with_this_program()
    assert action.run("Lint").returncode == 2
    assert not (workspace / "pwned").exists()


@pytest.mark.slow
def test_the_action_installs_what_belongs_to_its_ref(workspace: Path) -> None:
    action = Action(workspace, paths="broken")
    done = action.run("Install k8s-stateful-lint")
    assert done.returncode == 0, done.stderr
    (place,) = Path(action.env["GITHUB_PATH"]).read_text(encoding="utf-8").splitlines()
    assert (Path(place) / "k8s-stateful-lint").is_file()
    assert action.run("Lint").returncode == 1


def test_the_action_installs_a_version_that_is_asked_for(workspace: Path) -> None:
    action = Action(workspace, version="0.1.0")
    fake = workspace.parent / "bin"
    fake.mkdir()
    # A venv whose python says what pip is asked for.
    say = """printf '#!/bin/sh\\necho "$@"\\n' > "$3/bin/python"; chmod +x "$3/bin/python\""""
    (fake / "python3").write_text(f'#!/bin/sh\nmkdir -p "$3/bin"\n{say}\n')
    (fake / "python3").chmod(0o755)
    action.env["PATH"] = f"{fake}{os.pathsep}{os.environ['PATH']}"
    done = action.run("Install k8s-stateful-lint")
    assert done.stdout.split()[-1] == "k8s-stateful-lint==0.1.0", done.stderr


def test_the_workflow_gives_only_inputs_that_there_are() -> None:
    workflow = load("integrations/github-workflow.yml")
    (step,) = [step for step in workflow["jobs"]["lint"]["steps"] if "k8s-stateful-lint" in step["uses"]]
    assert step["with"].keys() <= load("action.yml")["inputs"].keys()
    assert workflow["permissions"] == {"contents": "read", "security-events": "write"}


# GitLab, and the problem matcher --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paths", "status"), [("broken", 1), ("clean", 0), ("nowhere", 2)])
def test_the_gitlab_job_writes_its_reports(workspace: Path, tmp_path: Path, paths: str, status: int) -> None:
    job = load("integrations/gitlab.yml")["k8s-stateful-lint"]
    install, *script = job["script"]
    assert install.startswith("python -m pip install ")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "k8s-stateful-lint"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m k8s_stateful_lint \"$@\"\n", encoding="utf-8")
    program.chmod(0o755)
    env = {
        **job["variables"],
        "K8S_STATEFUL_LINT_PATHS": paths,
        "CI_PROJECT_DIR": str(workspace),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    done = run_script("\n".join(script), workspace, env)
    assert done.returncode == status, done.stdout + done.stderr
    reports = job["artifacts"]["reports"]
    issues = json.loads((workspace / reports["codequality"]).read_text(encoding="utf-8"))
    assert bool(issues) == (paths == "broken")
    assert (workspace / reports["junit"]).read_text(encoding="utf-8").startswith("<?xml")
    assert job["artifacts"]["when"] == "always"


def test_the_problem_matcher_reads_every_line_of_the_concise_format() -> None:
    from k8s_stateful_lint import lint
    from k8s_stateful_lint.reports import Style, render

    report = lint([str(ROOT / "examples")])
    matchers = load_json("integrations/problem-matcher.json")["problemMatcher"]
    assert len({matcher["owner"] for matcher in matchers}) == len(matchers)
    found = []
    for line in render("concise", report, Style(quiet=True)).splitlines():
        hits = [
            (pattern, match, matcher)
            for matcher in matchers
            for pattern in matcher["pattern"]
            if (match := re.search(pattern["regexp"], line))
        ]
        ((pattern, match, matcher),) = hits
        severity = match[pattern["severity"]] if "severity" in pattern else matcher["severity"]
        place = match[pattern["file"]], int(match[pattern["line"]]), int(match[pattern["column"]])
        found.append((*place, severity.replace("notice", "info"), match[pattern["code"]], match[pattern["message"]]))
    assert found == [
        (f.location.file, f.location.line, f.location.column, f.severity, f.rule, f.message) for f in report.findings
    ]


def load_json(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


# The container --------------------------------------------------------------------------------------------------------


def test_the_container_is_built_of_files_that_there_are_and_that_the_context_has() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        copied.update(part.removeprefix("./") for part in line.split()[:-1])
    assert copied == kept
    assert all((ROOT / part).exists() for part in copied)


def test_the_container_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = text.rsplit("\nFROM ", 1)[1]
    (user,) = re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert all(int(part) > 0 for part in user), "a number, so that runAsNonRoot can tell"
    assert 'ENTRYPOINT ["k8s-stateful-lint"]' in last
    assert ":latest" not in text


@pytest.mark.slow
def test_the_dockerfile_passes_hadolint() -> None:
    program = shutil.which("hadolint") or str(Path(sys.executable).parent / "hadolint")
    if not Path(program).exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# What the documents show ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["docs/ci.md", "docs/start.md"])
def test_documents_show_the_files_as_they_are_and_the_output_as_it_is(name: str) -> None:
    assert document(name) == (ROOT / name).read_bytes()


def test_the_first_steps_lead_to_a_green_gate() -> None:
    text = (ROOT / "docs/start.md").read_text(encoding="utf-8")
    consoles = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert "error[rwo-claim-multi-node]" in consoles[0]
    assert "nothing to report" in consoles[-1]
