"""The hooks of ``.pre-commit-hooks.yaml``, run by pre-commit itself in a repository that uses this one by its path."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# One group: the hook's environment is built once, not once in every worker.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("precommit"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]

CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: files
spec:
  storageClassName: ssd
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: 10Gi
"""

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: files
spec:
  replicas: {replicas}
  strategy:
    type: Recreate
  selector:
    matchLabels: {{app: files}}
  template:
    metadata:
      labels: {{app: files}}
    spec:
      containers:
        - name: files
          image: registry.example.com/files:1.0.0
          volumeMounts:
            - name: files
              mountPath: /files
              readOnly: true
      volumes:
        - name: files
          persistentVolumeClaim:
            claimName: files
"""

UNRELATED = """\
apiVersion: v1
kind: Service
metadata:
  name: other
spec:
  selector: {tier: other}
  ports:
    - port: 80
"""

CONFIG = """\
default_language_version:
  python: '{python}'
repos:
  - repo: '{source}'
    rev: '{revision}'
    hooks:
      - id: k8s-stateful-lint
      - id: k8s-stateful-lint-changed
      - id: k8s-stateful-lint-compare
"""

# What pip says when there is no network; with CI set, that is a failure like any other.
OFFLINE = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout|Temporary failure in name resolution")


@dataclass(frozen=True)
class Repository:
    """A git repository with its own pre-commit home."""

    path: Path
    env: dict[str, str]

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            command,
            cwd=self.path,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        if check and result.returncode:
            raise AssertionError(f"{command} gave {result.returncode}:\n{result.stdout}")
        return result

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments).stdout.strip()

    def commit_all(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "state")
        return self.git("rev-parse", "HEAD")

    def stage(self, name: str, text: str) -> None:
        self.path.joinpath(name).write_text(text, encoding="utf-8")
        self.git("add", name)

    def hook(self, name: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "pre_commit", "run", "--color", "never", name, check=False)


def new_repository(path: Path, env: dict[str, str]) -> Repository:
    path.mkdir(parents=True, exist_ok=True)
    repository = Repository(path, env)
    repository.git("init", "--quiet", "--initial-branch", "main")
    return repository


def copy_of_this_repository(target: Path) -> None:
    """What a commit of the working tree would hold."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    # An unpacked sdist is no repository, and may lie inside another one.
    if listed.returncode == 0 and "pyproject.toml" in listed.stdout.split("\0"):
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, target / name)
    else:
        left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "build", "dist")
        shutil.copytree(ROOT, target, ignore=left_out, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository in which pre-commit has installed every hook."""
    pytest.importorskip("pre_commit")
    place = tmp_path_factory.mktemp("precommit")
    # A run from inside a git hook or a continuous integration has variables that must not leak in here.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    env.pop("PYTHONPATH", None)
    env |= {
        "PRE_COMMIT_HOME": str(place / "home"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@example.com",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@example.com",
        "NO_COLOR": "1",
    }

    source = new_repository(place / "source", env)
    copy_of_this_repository(source.path)
    revision = source.commit_all()

    user = new_repository(place / "user", env)
    config = CONFIG.format(python=sys.executable, source=source.path.as_posix(), revision=revision)
    user.path.joinpath(".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    user.commit_all()
    outcome = user.run(sys.executable, "-m", "pre_commit", "install-hooks", check=False)
    if outcome.returncode and OFFLINE.search(outcome.stdout) and not os.environ.get("CI"):
        pytest.skip("the hook's dependencies cannot be installed without a network")
    assert outcome.returncode == 0, outcome.stdout
    return user


@pytest.fixture
def repository(installed: Repository) -> Repository:
    """The same, with a sound claim and workload committed."""
    installed.git("rm", "-r", "--quiet", "--force", "--ignore-unmatch", "*.yaml", ":!.pre-commit-config.yaml")
    installed.stage("claim.yaml", CLAIM)
    installed.stage("workload.yaml", WORKLOAD.format(replicas=1))
    installed.git("commit", "--quiet", "--allow-empty", "--message", "sound")
    return installed


HOOKS = ["k8s-stateful-lint", "k8s-stateful-lint-changed"]


@pytest.mark.parametrize("hook", HOOKS)
def test_sound_manifests_pass(repository: Repository, hook: str) -> None:
    repository.stage("workload.yaml", WORKLOAD.format(replicas=1) + "# touched\n")
    outcome = repository.hook(hook)
    assert outcome.returncode == 0, outcome.stdout
    assert "Passed" in outcome.stdout


@pytest.mark.parametrize("hook", HOOKS)
def test_claim_in_an_unchanged_file_is_seen(repository: Repository, hook: str) -> None:
    repository.stage("workload.yaml", WORKLOAD.format(replicas=2))
    outcome = repository.hook(hook)
    assert outcome.returncode == 1, outcome.stdout
    assert "rwo-claim-multi-node" in outcome.stdout
    assert "workload.yaml" in outcome.stdout
    assert "claim.yaml" in outcome.stdout


@pytest.mark.parametrize("hook", HOOKS)
def test_changed_claim_shows_the_finding_in_the_unchanged_workload(repository: Repository, hook: str) -> None:
    repository.stage("claim.yaml", CLAIM.replace("ReadWriteOnce", "ReadWriteMany"))
    repository.stage("workload.yaml", WORKLOAD.format(replicas=2))
    repository.git("commit", "--quiet", "--message", "shared")
    repository.stage("claim.yaml", CLAIM)
    outcome = repository.hook(hook)
    assert outcome.returncode == 1, outcome.stdout
    assert "rwo-claim-multi-node" in outcome.stdout


def test_only_the_hook_for_changed_files_is_silent_about_the_rest(repository: Repository) -> None:
    repository.stage("workload.yaml", WORKLOAD.format(replicas=2))
    repository.git("commit", "--quiet", "--message", "bad")
    repository.stage("other.yaml", UNRELATED)
    everything, changed = (repository.hook(hook) for hook in HOOKS)
    assert everything.returncode == 1, everything.stdout
    assert "rwo-claim-multi-node" in everything.stdout
    assert changed.returncode == 0, changed.stdout


@pytest.mark.parametrize("hook", HOOKS)
def test_commit_without_manifests_runs_nothing(repository: Repository, hook: str) -> None:
    repository.stage("notes.txt", "nothing to lint\n")
    outcome = repository.hook(hook)
    assert outcome.returncode == 0, outcome.stdout
    assert "Skipped" in outcome.stdout
    repository.git("rm", "--quiet", "--force", "notes.txt")


def test_compare_hook_tells_what_the_staged_changes_do(repository: Repository) -> None:
    repository.stage("claim.yaml", CLAIM.replace("10Gi", "5Gi"))
    outcome = repository.hook("k8s-stateful-lint-compare")
    assert outcome.returncode == 1, outcome.stdout
    assert "claim-shrunk" in outcome.stdout
    assert "HEAD:claim.yaml" in outcome.stdout
    repository.stage("claim.yaml", CLAIM)
    repository.git("rm", "--quiet", "claim.yaml")
    outcome = repository.hook("k8s-stateful-lint-compare")
    assert outcome.returncode == 1, outcome.stdout
    assert "claim-removed" in outcome.stdout


def test_compare_hook_passes_without_changes_to_data(repository: Repository) -> None:
    repository.stage("other.yaml", UNRELATED)
    outcome = repository.hook("k8s-stateful-lint-compare")
    assert outcome.returncode == 0, outcome.stdout
