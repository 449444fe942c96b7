"""Configuration files: what they say together, and every mistake with its place and the nearest right key."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8s_stateful_lint.config import Config, ConfigError, Override, RuleSettings
from k8s_stateful_lint.config.files import load
from k8s_stateful_lint.engine.policy import validate


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".git").mkdir()


def write(text: str, name: str = ".k8s-stateful-lint.yaml") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def complaint(text: str, **given: object) -> str:
    """What is said about a configuration that cannot be used."""
    write(text)
    try:
        loaded = load(["."], None, given)
    except ConfigError as error:
        return str(error)
    with pytest.raises(ConfigError) as caught:
        validate(loaded.config)
    return str(loaded.placed(caught.value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enviroments: []", ":1:1: there is no key enviroments: did you mean environments?"),
        ("fail_on: error", ":1:1: there is no key fail_on: did you mean fail-on?"),
        ("cluster:\n  default-clas: gp3", ":2:3: there is no key default-clas in cluster: did you mean default-class?"),
        ("target: 1.34", ":1:9: target must be a string, not the number 1.34: put it in quotes"),
        ("target: latest", ":1:9: target: 'latest' is no Kubernetes version"),
        ("strict: maybe", ":1:9: strict must be true or false, not maybe"),
        ("exclude: vendor", ":1:10: exclude must be a list, not vendor"),
        ("exclude: [1]", ":1:11: exclude[0] must be a string, not the number 1: put it in quotes"),
        ("fail-on: warn", ":1:10: fail-on must be error, info, never or warning, not warn: did you mean warning?"),
        ("rules: [a]", ":1:8: rules must be a mapping, not a list"),
        (
            "rules: {x: of}",
            ":1:12: rules.x must be error, info, off or warning or a mapping, not of: did you mean off?",
        ),
        (
            "rules:\n  zero-grace: off",
            ":2:3: there is no rule or family named zero-grace; did you mean zero-grace-period?",
        ),
        (
            "rules:\n  zero-grace-period: {severty: info}",
            ":2:23: there is no key severty in rules.zero-grace-period: did you mean severity?",
        ),
        (
            "rules:\n  liveness-kills-recovery:\n    options: {recovery: 3}",
            ":3:15: rule liveness-kills-recovery has no option recovery: did you mean recovery-seconds?",
        ),
        (
            "rules:\n  zero-grace-period:\n    options: {seconds: 3}",
            ":3:15: rule zero-grace-period has no option seconds, nor any other",
        ),
        (
            "rules:\n  liveness-kills-recovery:\n    options: {recovery-seconds: soon}",
            ":3:33: option recovery-seconds of liveness-kills-recovery must be a whole number",
        ),
        ("rules:\n  databases: {options: {a: 1}}", ":2:15: databases is a family, and options belong to a rule"),
        ("select: [access, acces]", ":1:18: there is no rule or family named acces; did you mean access?"),
        ("environments:\n  - {paths: [a]}", ":2:5: environments[0] lacks the key name"),
        ("overrides:\n  - {paths: [a]}", ":2:5: overrides[0] lacks the key rules"),
        (
            "overrides:\n  - environments: [prodction]\n    rules: {}",
            ":2:20: there is no environment prodction: did you mean production?",
        ),
        (
            "environment: production",
            ":1:1: there is no key environment: --environment NAME on the command line says it",
        ),
        ("root: /", ":1:1: there is no key root"),
        ("- a", ":1:1: the configuration must be a mapping of keys to values"),
        ("a: [", ":1:"),
        ("strict: true\n---\nstrict: false", ":3: a configuration is one document, not several"),
        ("strict: true\nstrict: false", ":2:1: "),
        ("knowledge: {nonsense: []}", ":1:12: knowledge: "),
        ("extends: nowhere.yaml", ":1:10: extends nowhere.yaml, which does not exist"),
        ("extends: {a: b}", ":1:10: extends must be a string or a list, not a mapping"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: str) -> None:
    assert complaint(text).startswith(f".k8s-stateful-lint.yaml{expected}")


def test_every_mistake_is_told_at_once() -> None:
    lines = complaint("strict: 1\ntarget: 1\nnonsense: 1\n").splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "3"]


def test_mistakes_on_the_command_line_name_the_option() -> None:
    assert complaint("", select=["nope"]).startswith("--select: there is no rule or family named")
    assert complaint("", **{"fail-on": "x"}).startswith("--fail-on must be error, info, never or warning")


def test_mistakes_in_an_extended_file_name_that_file() -> None:
    write("rules:\n  nope: off", "base/common.yaml")
    assert complaint("extends: base/common.yaml").startswith(
        "base/common.yaml:2:3: there is no rule or family named nope"
    )


def test_a_cycle_names_the_chain() -> None:
    write("extends: [b.yaml]", "a.yaml")
    write("extends: ./a.yaml", "b.yaml")
    assert complaint("extends: a.yaml") == (
        "b.yaml:1:10: a cycle: .k8s-stateful-lint.yaml extends a.yaml extends b.yaml extends a.yaml"
    )


def test_bare_off_is_the_word() -> None:
    write("schema: off\nrules: {zero-grace-period: off, access: {severity: off}}\noverrides: [{rules: {access: off}}]")
    config = load(["."], None, {}).config
    assert config.schema == "off"
    assert config.rules == {"zero-grace-period": "off", "access": RuleSettings(severity="off")}
    assert config.overrides == (Override(rules={"access": "off"}),)


def test_what_extends_says_is_merged() -> None:
    write(
        """\
        target: "1.30"
        cluster: {platform: eks, drivers: [a], storage-classes: {gp2: x}}
        external: {claims: [a]}
        environments: [{name: production, paths: [live]}]
        rules: {zero-grace-period: info, liveness-kills-recovery: {options: {recovery-seconds: 5}}}
        select: [access]
        ignore: [reclaim]
        overrides: [{rules: {access: info}}]
        """,
        "org/base.yaml",
    )
    write(
        """\
        extends: org/base.yaml
        cluster: {nodes: one, drivers: [b], storage-classes: {gp3: zed}}
        external: {claims: [b]}
        environments: [{name: development, paths: [dev]}]
        rules: {zero-grace-period: {exclude: [old]}, liveness-kills-recovery: off}
        select: [reclaim]
        ignore: [access]
        overrides: [{rules: {reclaim: info}}]
        """
    )
    loaded = load(["."], None, {"ignore": ["network"], "fail-on": None})
    config = loaded.config
    assert (config.target, config.cluster.platform, config.cluster.nodes) == ("1.30", "eks", "one")
    assert (config.cluster.drivers, config.cluster.storage_classes) == (("b",), {"gp3": "zed"})
    assert config.external.claims == ("a", "b")
    assert [entry.name for entry in config.environments] == ["development", "production"]
    assert config.rules == {
        "zero-grace-period": RuleSettings(severity="info", exclude=("old",)),
        "liveness-kills-recovery": RuleSettings(severity="off", options={"recovery-seconds": 5}),
    }
    assert (config.select, config.ignore) == (("reclaim",), ("reclaim", "access", "network"))
    assert [next(iter(entry.rules)) for entry in config.overrides] == ["access", "reclaim"]
    assert loaded.find(("target",))[0].place == "org/base.yaml:1:17"
    assert loaded.find(("ignore", 2))[0].place == "--ignore"
    assert loaded.find(("rules", "liveness-kills-recovery", "severity"))[0].place == ".k8s-stateful-lint.yaml:5:79"


def test_globs_count_from_the_folder_of_the_file(monkeypatch) -> None:
    write("exclude: [deploy/old]")
    Path("deploy/live").mkdir(parents=True)
    assert load(["deploy"], None, {}).config.relative("deploy/live/db.yaml") == "deploy/live/db.yaml"
    monkeypatch.chdir("deploy")
    config = load(["live"], None, {}).config
    assert config.root == ".."
    assert config.relative("live/db.yaml") == "deploy/live/db.yaml"
    assert config.relative("<stdin>") == "<stdin>"
    # A file that was named may lie anywhere: its globs count from here.
    assert load(["live"], Path("../.k8s-stateful-lint.yaml"), {}).config.root == ""


def test_files_that_a_key_names_count_from_the_file_that_says_it() -> None:
    write("baseline: waiting.yaml", "org/base.yaml")
    write("extends: org/base.yaml\ncluster-facts: facts.yaml")
    loaded = load(["."], None, {})
    assert loaded.path_at("baseline") == Path("org/waiting.yaml")
    assert loaded.path_at("cluster-facts") == Path("facts.yaml")
    assert loaded.path_at("target") is None


def test_an_empty_file_says_nothing() -> None:
    write("# nothing yet\n")
    assert load(["."], None, {}).config == Config(root=".")
