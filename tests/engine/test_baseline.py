"""Findings that wait: what a baseline survives, what it reports, and what it refuses."""

from __future__ import annotations

import io
import random
import re
from datetime import date
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from k8s_stateful_lint.config import Config, ConfigError
from k8s_stateful_lint.engine.baseline import Baseline, apply, created, read_baseline, update
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.report import Report
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile, read
from tests.manifests import RECYCLE

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
RAN = Policy(Config()).chosen
TODAY = date(2030, 6, 1)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def shop() -> dict[str, str]:
    return {f"shop/{path.name}": path.read_text(encoding="utf-8") for path in sorted(SHOP.glob("*.yaml"))}


def lint(files: dict[str, str]) -> Report:
    return run([SourceFile(path, text.encode()) for path, text in files.items()], Config())


def saved(report: Report, **more: object) -> Baseline:
    baseline = created(report, Path("baseline.yaml"), **more)
    baseline.path.write_text(baseline.text())
    return read_baseline(baseline.path)


def reformatted(text: str, seed: int) -> str:
    """The same documents: keys in another order, another indentation, other quotes."""
    chance = random.Random(seed)

    def shuffled(value: object) -> object:
        if isinstance(value, dict):
            items = [(key, shuffled(item)) for key, item in value.items()]
            chance.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            return [shuffled(item) for item in value]
        if isinstance(value, str) and "\n" not in value:
            return chance.choice([DoubleQuotedScalarString, SingleQuotedScalarString])(value)
        return value

    yaml = YAML()
    yaml.indent(mapping=4, sequence=6, offset=3)
    yaml.width = 100_000
    yaml.representer.ignore_aliases = lambda _: True
    stream = io.StringIO()
    documents = read(SourceFile("x.yaml", text.encode())).documents
    yaml.dump_all([shuffled(document.value) for document in documents], stream)
    return "# moved down\n\n" + stream.getvalue()


@pytest.mark.parametrize("seed", range(4))
def test_no_formatting_brings_a_finding_back(seed: int) -> None:
    baseline = saved(lint(shop()))
    again = lint({path: reformatted(text, seed) for path, text in shop().items()})
    assert len(again.findings) == len(baseline.entries) > 20
    report = apply(again, baseline, RAN, TODAY)
    assert report.findings == ()
    assert report.summary.baselined == len(baseline.entries)
    assert not [notice for notice in report.notices if "baseline" in notice.kind]


def test_no_reordering_of_named_items_brings_a_finding_back() -> None:
    files = shop()
    baseline = saved(lint(files))
    for path, text in files.items():
        documents = list(YAML(typ="safe").load_all(text))
        for document in documents:
            spec = document.get("spec", {}).get("template", {}).get("spec", {})
            for items in (spec.get("volumes"), spec.get("containers"), document["metadata"].get("finalizers")):
                if items:
                    items.reverse()
            for container in spec.get("containers", ()):
                for key in ("env", "volumeMounts", "ports"):
                    container.get(key, []).reverse()
        stream = io.StringIO()
        YAML().dump_all(documents, stream)
        files[path] = stream.getvalue()
    assert apply(lint(files), baseline, RAN, TODAY).findings == ()


def test_no_renaming_brings_a_finding_back() -> None:
    baseline = saved(lint(shop()))
    moved = {path.replace("shop/", "deploy/shop-").replace("kafka", "broker"): text for path, text in shop().items()}
    assert apply(lint(moved), baseline, RAN, TODAY).findings == ()


def test_a_copy_in_another_file_is_new() -> None:
    baseline = saved(lint({"b/pv.yaml": RECYCLE}))
    report = apply(lint({"a/pv.yaml": RECYCLE, "b/pv.yaml": RECYCLE}), baseline, RAN, TODAY)
    assert [finding.location.file for finding in report.findings] == ["a/pv.yaml"]
    assert (report.summary.errors, report.summary.baselined) == (1, 1)


def test_another_value_is_new() -> None:
    files = shop()
    baseline = saved(lint(files))
    files["shop/budgets.yaml"] = files["shop/budgets.yaml"].replace("minAvailable: 3", "minAvailable: 100%")
    assert [f.rule for f in apply(lint(files), baseline, RAN, TODAY).findings] == ["budget-never-allows-eviction"]


def test_a_stale_entry_is_told_with_its_line() -> None:
    baseline = saved(lint({"pv.yaml": RECYCLE}))
    report = apply(lint({"pv.yaml": RECYCLE.replace("Recycle", "Retain")}), baseline, RAN, TODAY)
    (notice,) = [notice for notice in report.notices if notice.kind == "stale-baseline"]
    assert (notice.file, notice.line) == ("baseline.yaml", 6)
    assert notice.message == (
        "recycle-reclaim-policy (PersistentVolume archive) is not found any more: "
        "`k8s-stateful-lint baseline update` takes it out"
    )


def test_what_was_not_looked_for_is_not_stale() -> None:
    baseline = saved(lint({"pv.yaml": RECYCLE}))
    Path("pv.yaml").write_text(RECYCLE)
    other = lint({"other.yaml": RECYCLE.replace("archive", "other").replace("Recycle", "Retain")})
    assert not [n for n in apply(other, baseline, RAN, TODAY).notices if n.kind == "stale-baseline"]
    mended = lint({"pv.yaml": RECYCLE.replace("Recycle", "Retain")})
    assert not [n for n in apply(mended, baseline, frozenset(), TODAY).notices if n.kind == "stale-baseline"]
    Path("pv.yaml").unlink()
    assert [n for n in apply(other, baseline, RAN, TODAY).notices if n.kind == "stale-baseline"]


def test_an_expired_entry_hides_nothing() -> None:
    baseline = saved(lint({"pv.yaml": RECYCLE}), reason="until the move", expires=TODAY)
    assert apply(lint({"pv.yaml": RECYCLE}), baseline, RAN, TODAY).findings == ()
    report = apply(lint({"pv.yaml": RECYCLE}), baseline, RAN, date(2030, 6, 2))
    assert [finding.rule for finding in report.findings] == ["recycle-reclaim-policy"]
    (notice,) = [notice for notice in report.notices if notice.kind == "expired-baseline"]
    assert "expired on 2030-06-01" in notice.message


def test_update_keeps_what_people_wrote() -> None:
    files = {"a.yaml": RECYCLE, "b.yaml": RECYCLE.replace("archive", "b"), "c.yaml": RECYCLE.replace("archive", "c")}
    baseline = saved(lint(files))
    text = baseline.path.read_text()
    lines = text.splitlines()
    second = next(index for index, line in enumerate(lines) if "PersistentVolume b" in line) - 1
    lines[second:second] = ["", "  # b is read only", "  # and small"]
    fields = next(index for index, line in enumerate(lines) if "file: b.yaml" in line)
    lines[fields] += "   # the second"
    lines[fields + 1 : fields + 1] = ["    expires: 2031-01-01", "    reason: 'we move it'  # soon"]
    lines.insert(0, "# ours")
    baseline.path.write_text("\n".join(lines) + "\n")
    del files["c.yaml"]
    files["0.yaml"] = RECYCLE.replace("archive", "zero")
    files["sub/b.yaml"] = files.pop("b.yaml")
    baseline = read_baseline(baseline.path)
    assert tuple(update(baseline, lint(files), RAN)) == (1, 1, 2)
    baseline.path.write_text(baseline.text())
    again = baseline.path.read_text()
    assert again.startswith("# ours\n# Findings that wait")
    assert [entry.file for entry in read_baseline(baseline.path).entries] == ["0.yaml", "a.yaml", "sub/b.yaml"]
    assert "\n\n  # b is read only\n  # and small\n  - rule: recycle-reclaim-policy\n" in again
    assert "    file: sub/b.yaml\n    expires: 2031-01-01\n    reason: 'we move it'  # soon\n" in again
    assert again.endswith("# end of the baseline\n")
    # Nothing to do the second time.
    assert tuple(update(baseline, lint(files), RAN)) == (0, 0, 3)
    assert baseline.text() == again


def test_update_can_let_nothing_new_in() -> None:
    baseline = saved(lint({"a.yaml": RECYCLE}))
    new = RECYCLE.replace("archive", "new")
    assert tuple(update(baseline, lint({"a.yaml": new}), RAN, only_remove=True)) == (0, 1, 0)
    assert baseline.text().endswith("findings: []\n# end of the baseline\n")


def test_an_empty_baseline_can_be_read_and_grow() -> None:
    baseline = saved(lint({"a.yaml": RECYCLE.replace("Recycle", "Retain")}))
    assert baseline.entries == []
    update(baseline, lint({"a.yaml": RECYCLE}), RAN)
    baseline.path.write_text(baseline.text())
    assert len(read_baseline(baseline.path).entries) == 1


def test_entries_on_one_line_are_read_and_written_anew() -> None:
    baseline = saved(lint({"a.yaml": RECYCLE}))
    (entry,) = baseline.entries
    flow = f'{{rule: {entry.rule}, fingerprint: "{entry.fingerprint}", file: a.yaml}}'
    baseline.path.write_text(f"version: 1\nfindings: [{flow}]\n# end of the baseline\n")
    baseline = read_baseline(baseline.path)
    assert apply(lint({"a.yaml": RECYCLE}), baseline, RAN, TODAY).findings == ()
    update(baseline, lint({"a.yaml": RECYCLE}), RAN)
    baseline.path.write_text(baseline.text())
    assert len(read_baseline(baseline.path).entries) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 2\nfindings: []\n", r"b.yaml:1:10: a newer version of k8s-stateful-lint wrote this baseline"),
        ("version: one\n", r"b.yaml:1:10: the version of the baseline must be 1"),
        ("", r"b.yaml: this is no baseline"),
        ("apiVersion: v1\nkind: Pod\n", r"b.yaml: this is no baseline"),
        ("version: 1\nfindings: [", r"b.yaml:\d+:\d+: the baseline is no valid YAML"),
        ("version: 1\n", r"b.yaml:2: the baseline is cut short"),
        ("version: 1\nfindings:\n- {rule: a, fingerprint: b}\n", r"b.yaml:4: the baseline is cut short"),
        ("version: 1\nfindings:\n- rule: a\n# end of the baseline\n", r"b.yaml:3:\d+: this entry lacks `fingerprint`"),
        ("version: 1\nfindings: [x]\n# end of the baseline\n", r"b.yaml:2:12: an entry must be a mapping"),
        (
            "version: 1\nfindings:\n- {rule: a, fingerprint: b, expire: c}\n# end of the baseline\n",
            r"b.yaml:3:37: an entry has no key expire; it has rule, fingerprint, .*expires",
        ),
        (
            "version: 1\nfindings:\n- {rule: a, fingerprint: b, expires: soon}\n# end of the baseline\n",
            r"b.yaml:3:38: `expires` must be a date such as 2030-12-31",
        ),
        (
            "version: 1\nfindings:\n- {rule: a, fingerprint: 1}\n# end of the baseline\n",
            r"b.yaml:3:26: `fingerprint` must be a string: put it in quotes",
        ),
    ],
)
def test_what_is_no_baseline_is_refused(text: str, expected: str) -> None:
    Path("b.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_baseline(Path("b.yaml"))
    assert re.match(expected, str(caught.value)), str(caught.value)


def test_a_baseline_cut_anywhere_is_refused() -> None:
    baseline = saved(lint(shop()))
    text = baseline.path.read_text()
    for stop in range(0, len(text) - 1, 97):
        baseline.path.write_text(text[:stop])
        with pytest.raises(ConfigError):
            read_baseline(baseline.path)


def test_a_baseline_that_is_missing_is_told() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the baseline nowhere.yaml: no such file or directory"):
        read_baseline(Path("nowhere.yaml"))
