"""Thousands of real manifests, when they are at hand: no crash, the same bytes every time, silence where due."""

from __future__ import annotations

import csv
import subprocess
import sys
import tarfile
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from k8s_stateful_lint import Config, Report, lint
from k8s_stateful_lint.engine.baseline import apply, created
from k8s_stateful_lint.engine.policy import Policy
from k8s_stateful_lint.engine.run import run
from k8s_stateful_lint.reading import SourceFile, read
from k8s_stateful_lint.reports import Style, render
from k8s_stateful_lint.sources import find_sources
from tests.engine.test_baseline import reformatted

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
ARCHIVE = CORPUS / "corpus.tgz"

# What people saw in a file of labels.tsv, as the rules that must say so there. With a trailing slash: anywhere in its
# folder, since the finding may stand at the claim or the Service in the next file.
SEEN: dict[str, tuple[str, ...]] = {
    "AbdoulAFall+wordpress_mysql_with_kubernetes/mysql-deployment.yaml": ("host-path-in-production",),
    "aliasmee+zabbix-docker/kubernetes/mysql.yaml": (
        "removed-api-version",
        "host-path-in-production",
        "removed-database-option",
        "unpinned-database-image",
    ),
    "AlphaCarIO+eth-ipfs-iov/k8s/mongodb.yaml": (
        "exported-object-fields",
        "removed-api-version",
        "host-path-in-production",
        "single-writer-rollout-overlap",
    ),
    "Arya-Chakraborty+Postgres-Over-K8s-Cluster/postgres-deployment.yaml": ("database-without-persistent-storage",),
    "AlfredoFausto+k8s_postgres/postgres-deployment.yaml": (
        "database-without-persistent-storage",
        "unpinned-database-image",
    ),
    "AzarguNazari+petclinic-kubernetes/mysql-deployment.yaml": ("database-without-persistent-storage",),
    "DanielWsk+mongoEKS/k8s/mongodb.yaml": ("database-without-persistent-storage", "unpinned-database-image"),
    "Couskito+tp-containers/kubernetes/mysql.yaml": ("database-without-persistent-storage",),
    "1618G+powerindustry/k8s/postgres.yaml": ("rwo-claim-rolling-update",),
    "CoderIvan+database-container/k8s/mongodb.yaml": ("rwo-claim-rolling-update", "unpinned-database-image"),
    "AJMauger+sunstealer.k8s-1.32.9/k8s/mongodb.yaml": (
        "access-mode-unsupported-by-driver",
        "local-volume-not-pinned",
        "single-writer-rollout-overlap",
        "namespace-on-cluster-object",
    ),
    # Its mount at the root of PGDATA does no harm: hostPath has no lost+found.
    "ARedaUni+fastapi-microservices/k8s/postgres.yaml": ("governing-service-not-found", "host-path-in-production"),
    "DavidGjorgiev314+Sakam-Chisto/k8s/postgres-statefulset.yaml": (
        "lost-found-in-data-directory",
        "claim-without-storage-class",
    ),
    "Bogomil-Stoyanov+DevopsJokesApi/k8s/postgres-statefulset.yaml": (
        "user-id-wrong-for-image",
        "lost-found-in-data-directory",
    ),
    "0GiS0+k8s-mongodb-statefulset/statefulset.yaml": ("short-grace-period", "liveness-kills-recovery"),
    "Asaf01+CICD_4Danimals_Wordpress/kubernetes/mysql.yaml": ("shared-claim-across-replicas",),
    "7wesley+Food/k8s/postgres.yaml": ("postgres-18-old-mount-path", "unpinned-database-image"),
    "BhaskarRao-D+K8S-Volumes/deployment.yaml": ("claim-not-found",),
    "DevOpsWorld-9959+php_mysql_phpmyadmin_wordpress_kubernetes/mysql-pv.yaml": ("host-path-in-production",),
    "DevOpsWorld-9959+php_mysql_phpmyadmin_wordpress_kubernetes/": ("static-claim-without-class",),
    "DevOpsWorld-9959+php_mysql_phpmyadmin_wordpress_kubernetes/mysql_deployement.yaml": (
        "unpinned-database-image",
        "rwo-claim-rolling-update",
    ),
    "galalelatfawy+k8wordpressmysqlcluster/mysql-master.yaml": ("claim-not-found", "data-directory-not-mounted"),
    "galalelatfawy+k8wordpressmysqlcluster/mysql-slave.yaml": ("mount-of-undefined-volume",),
    "galalelatfawy+k8wordpressmysqlcluster@history/local-volumes.yaml": ("host-path-in-production",),
    "Invisiblelad+kubernetes-manifests/persistentvolume.yaml": ("recycle-reclaim-policy", "placeholder-in-manifest"),
    "Invisiblelad+kubernetes-manifests/statefulset.yaml": ("placeholder-in-manifest",),
    "Invisiblelad+kubernetes-manifests/": ("non-string-map-value", "removed-api-version"),
    "KeepCodingCloudDevops11+Practica-Kubernetes-Ramon-Meza/Templates/wordpress-deployment.yaml": (
        "shared-claim-across-replicas",
        "exported-object-fields",
    ),
    "Azure-Samples+aks-store-demo/aks-store-all-in-one.yaml": (
        "database-without-persistent-storage",
        "governing-service-not-headless",
    ),
    "kubernetes+examples/_archived/cockroachdb/cockroachdb-statefulset.yaml": (
        "claim-template-shadows-volume",
        "removed-api-version",
        "claim-without-storage-class",
    ),
    "kubernetes+examples/databases/cassandra/cassandra-statefulset.yaml": (
        "obsolete-annotation-or-label",
        "parameters-for-other-driver",
    ),
    "kubernetes+examples/AI/model-serving-tensorflow/pvc.yaml": ("static-claim-without-class",),
    "kubernetes+examples/_archived/elasticsearch/production_cluster/es-data-rc.yaml": (
        "database-without-persistent-storage",
    ),
    "kubernetes+examples/_archived/persistent-volume-provisioning/gce-pd.yaml": ("deprecated-volume-plugin",),
    "pires+kubernetes-elasticsearch-cluster/es-data.yaml": (
        "removed-api-version",
        "database-without-persistent-storage",
    ),
    "pires+kubernetes-elasticsearch-cluster/": ("removed-api-version",),
    "wardviaene+kubernetes-course/wordpress-volumes/wordpress-db.yml": ("removed-database-option",),
    "wardviaene+kubernetes-course/wordpress-volumes/": ("obsolete-annotation-or-label",),
    "wardviaene+kubernetes-course/volumes/helloworld-with-volume.yml": ("invalid-volume-source",),
    "longhorn+longhorn/examples/statefulset.yaml": ("governing-service-not-headless",),
    "longhorn+longhorn@history/examples/provisioner_with_baseimage.yaml": (
        "removed-api-version",
        "governing-service-not-found",
        "retired-external-provisioner",
    ),
    "longhorn+longhorn/dev/scale-test/statefulset.yaml": ("unreadable-manifest",),
    "kubeflow+manifests/applications/model-registry/upstream/options/catalog/base/postgres-statefulset.yaml": (
        "user-id-wrong-for-image",
        "stateful-set-without-service-name",
    ),
    "kubeflow+manifests/applications/model-registry/upstream/options/catalog/base/": ("claim-without-storage-class",),
    "kubeflow+manifests@history/jupyter/jupyter/base/stateful-set.yaml": (
        "selector-template-mismatch",
        "removed-api-version",
        "stateful-set-without-service-name",
    ),
    "kubeflow+manifests@history/jupyter/jupyter/overlays/minikube/persistent-volume.yaml": (
        "delete-policy-without-deleter",
    ),
    "kubeflow+manifests@history/katib-v1alpha1/vizier-db/base/vizier-db-deployment.yaml": ("rwo-claim-rolling-update",),
}
# Seen by people, not said by us, and why.
MISSED: dict[tuple[str, str], str] = {
    ("AlphaCarIO+eth-ipfs-iov/k8s/mongodb.yaml", "single-writer-rollout-overlap"): "an image of their own",
    ("Couskito+tp-containers/kubernetes/mysql.yaml", "database-without-persistent-storage"): "an image of their own",
    (
        "KeepCodingCloudDevops11+Practica-Kubernetes-Ramon-Meza/Templates/wordpress-deployment.yaml",
        "shared-claim-across-replicas",
    ): "WordPress files may be shared, and the claim's modes are not in the input",
}

pytestmark = [
    pytest.mark.skipif(not ARCHIVE.exists(), reason="the corpus is not here"),
    # The slow reader takes minutes for it, and the differential tests hold both readers to the same values.
    pytest.mark.skipif(find_spec("yamlrocks") is None, reason="too slow without yamlrocks"),
    pytest.mark.xdist_group("corpus"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    where = tmp_path_factory.mktemp("corpus")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(where, filter="data")
    return where


@pytest.fixture(scope="module")
def report(corpus: Path) -> Report:
    return lint(corpus / "corpus", config=Config(strict=True))


def test_no_rule_crashes(report: Report) -> None:
    assert report.crashes == ()


def test_every_file_is_read(report: Report) -> None:
    assert report.summary.files == 3178


def test_what_is_not_kubernetes_gives_no_finding(corpus: Path) -> None:
    assert lint(corpus / "corpus-other").findings == ()


def test_templates_give_no_false_alarm_of_yaml(corpus: Path) -> None:
    found = lint(corpus / "corpus-helm", config=Config(select=("unreadable-manifest",)))
    assert found.findings == ()


def test_places_lie_in_their_files(report: Report) -> None:
    for finding in report.findings:
        for place in (finding.location, *(related.location for related in finding.related)):
            lines = report.sources[place.file].lines
            assert 1 <= place.line <= len(lines)
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_every_finding_can_be_shown(report: Report) -> None:
    for width in (40, 200):
        assert render("text", report, Style(width=width))


def test_no_formatting_brings_a_finding_of_a_baseline_back(corpus: Path, monkeypatch) -> None:
    monkeypatch.chdir(corpus / "corpus")
    files = list(find_sources(["kubernetes+examples"]).files)
    config = Config()
    baseline = created(run(files, config), Path("baseline.yaml"))
    assert len(baseline.entries) > 50
    again, changed = [], 0
    for seed, file in enumerate(files):
        before = read(file)
        text = reformatted(file.text, seed) if before.documents and not before.faults else file.text
        new = SourceFile(file.path, text.encode())
        same = [d.value for d in read(new).documents] == [d.value for d in before.documents]
        changed += same and new.data != file.data
        again.append(new if same else file)
    assert changed > 0.95 * len(files)
    report = apply(run(again, config), baseline, Policy(config).chosen, date(2030, 1, 1))
    assert report.findings == ()
    assert report.summary.baselined == len(baseline.entries)


def test_same_bytes_for_every_hash_seed(corpus: Path) -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "k8s_stateful_lint", "check", "corpus", "--format", "json"],
            cwd=corpus,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=False,
        ).stdout
        for seed in ("0", "7")
    }
    assert len(outputs) == 1


def test_negative_controls_stay_silent(corpus: Path, report: Report) -> None:
    with (CORPUS / "labels.tsv").open(encoding="utf-8") as labels:
        controls = [row["path"] for row in csv.DictReader(labels, delimiter="\t") if row["negative_control"] == "1"]
    assert controls
    for control in controls:
        assert [f.rule for f in report.findings if f.location.file.endswith(control) and f.severity != "info"] == []


def found_in(report: Report, place: str) -> set[str]:
    """The rules that speak in a file, or in a folder."""
    return {
        f.rule
        for f in report.findings
        if f.location.file.endswith(f"corpus/{place}") or (place.endswith("/") and f"corpus/{place}" in f.location.file)
    }


def test_what_people_saw_is_found(report: Report) -> None:
    wanted = [(place, rule) for place, seen in SEEN.items() for rule in seen]
    missed = {(place, rule) for place, rule in wanted if rule not in found_in(report, place)}
    assert missed == MISSED.keys()
    assert len(missed) <= 0.05 * len(wanted)


def test_right_paths_are_not_flagged(report: Report) -> None:
    for place in (
        "AJMauger+sunstealer.k8s-1.32.9/k8s/mongodb.yaml",
        "kubeflow+manifests@history/katib-v1alpha1/vizier-db/base/vizier-db-deployment.yaml",
    ):
        assert "data-directory-not-mounted" not in found_in(report, place)
