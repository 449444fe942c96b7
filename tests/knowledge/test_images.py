from collections import Counter
from importlib import resources

import pytest

from k8s_stateful_lint.knowledge import _tables
from k8s_stateful_lint.knowledge.image_process import (
    ProcessSettings,
    data_directories,
    effective_class,
    in_development_mode,
    removed_options,
    replication_marker,
    runs_server,
    server_arguments,
    standalone,
    votes,
)
from k8s_stateful_lint.knowledge.image_reference import parse_image
from k8s_stateful_lint.knowledge.images import (
    ImageEntry,
    Match,
    builtin_images,
    declared_volumes,
    entries_of,
    find_image,
    image_entries,
    lost_found,
    other_users,
    service_links,
    user_of,
)
from tools.tables import compiled

DIGEST = "@sha256:" + "0" * 64
ENTRIES = list(image_entries().values())


def match(text: str) -> Match:
    reference = parse_image(text)
    assert reference is not None
    found = find_image(reference)
    assert found is not None, text
    return found


def settings(*args: str, command: list[str] | None = None, **env: str | None) -> ProcessSettings:
    return ProcessSettings(command=tuple(command) if command else None, args=args or None, env=env)


def script(text: str, **env: str | None) -> ProcessSettings:
    return ProcessSettings(command=("sh", "-c", text), env=env)


def paths(text: str, given: ProcessSettings | None = None) -> list[str] | None:
    directories = data_directories(match(text), given or ProcessSettings())
    return None if directories is None else [d.path for d in directories if d.required]


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
class TestEveryRow:
    def test_says_where_it_comes_from(self, entry: ImageEntry) -> None:
        assert entry.source
        assert entry.status in ("verified", "partial", "unverified")
        assert entry.status != "unverified" or "general knowledge" in entry.source

    def test_has_repositories_that_find_it(self, entry: ImageEntry) -> None:
        for repository in entry.repositories:
            reference = parse_image(repository.replace("*", "x"))
            assert reference is not None
            assert reference.name == repository.replace("*", "x")
            found = find_image(reference)
            assert found is not None
            assert found.exact
            assert repository.endswith("*") or found.entry is entry

    def test_makes_sense(self, entry: ImageEntry) -> None:
        names = {path.name for path in entry.data}
        assert all(mover.moves in names or mover.moves == "wal" for mover in entry.moved_by)
        assert all(file.moves in names for file in entry.config_files if file.pattern)
        assert {v for user in entry.users for v in user.variants} <= {"default", *entry.variants.values()}
        assert entry.class_ in ("none", "cache") or entry.data or entry.status != "verified"

    def test_answers_every_question(self, entry: ImageEntry) -> None:
        for tag in ("", ":1", ":99", ":alpine", DIGEST):
            found = match(entry.repositories[0].replace("*", "x") + tag)
            for given in (ProcessSettings(), settings("--x=1"), script("exec something $X")):
                data_directories(found, given)
                votes(found, given)
                effective_class(found, given, True)
                in_development_mode(found, given)
                standalone(found, given)
                replication_marker(found, given)
                declared_volumes(found)
                user_of(found)


def test_repositories_are_unique() -> None:
    counted = Counter(repository for entry in ENTRIES for repository in entry.repositories)
    assert [repository for repository, times in counted.items() if times > 1] == []


def test_what_runs_read_is_what_people_wrote() -> None:
    yamlrocks = pytest.importorskip("yamlrocks")
    written = yamlrocks.loads(resources.files("k8s_stateful_lint.knowledge").joinpath("images.yaml").read_bytes())
    assert builtin_images().entries == entries_of(written["images"])
    assert builtin_images().mirrors == written["mirrors"]
    assert _tables.compiled("images") == compiled("images")


def test_users_can_add_and_override_rows() -> None:
    table = builtin_images().extended(
        [
            {"key": "ourdb", "repositories": ["r.example.com/our/db"], "class": "single", "data": [{"path": "/ourdb"}]},
            {"key": "prometheus", "grace": 600},
        ]
    )
    reference = parse_image("r.example.com/our/db:1")
    assert reference is not None
    found = table.find(reference)
    assert found is not None
    assert found.entry.key == "ourdb"
    assert table.entries["prometheus"].grace == 600
    assert table.entries["prometheus"].data == image_entries()["prometheus"].data


# --- look-up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "exact"),
    [
        ("postgres", "postgres", True),
        ("public.ecr.aws/docker/library/postgres:16", "postgres", True),
        ("mirror.gcr.io/library/redis", "redis", True),
        ("registry.example.com/dockerhub/library/postgres:16", "postgres", False),
        ("registry.example.com:5000/bitnami/postgresql:16", "bitnami-postgresql", False),
        ("bitnamilegacy/mysql:8", "bitnami-mysql", True),
        ("registry.example.com/bitnamilegacy/mysql:8", "bitnami-mysql", False),
        ("bitnami/mysql", "bitnami-mysql", True),
        ("mysql", "mysql", True),
        ("registry.k8s.io/etcd:3.5.9-0", "etcd", True),
        ("registry.redhat.io/rhel9/postgresql-15:latest", "sclorg-postgresql", True),
        ("registry.redhat.io/rhel9/mysql-84", "sclorg-mysql", True),
        ("registry.example.com/x/sclorg/mariadb-1011-c9s", "sclorg-mariadb", False),
        ("docker.elastic.co/elasticsearch/elasticsearch-oss:7.10.2", "elasticsearch", True),
        ("registry.example.com/elasticsearch/elasticsearch:8.1.0", "elasticsearch", False),
        ("lscr.io/linuxserver/sonarr:latest", "servarr", True),
        ("mcr.microsoft.com/mssql/server:2022-latest", "mssql", True),
    ],
)
def test_finds(text: str, key: str, exact: bool) -> None:
    found = match(text)
    assert (found.entry.key, found.exact) == (key, exact)


@pytest.mark.parametrize(
    "text",
    [
        "myuser/postgres",
        "registry.example.com/postgres",
        "registry.example.com/team/postgres",
        "registry.k8s.io/redis:e2e",
        "registry.redhat.io/rhel9/httpd-24",
        "registry.example.com/database/anything",
        "postgres-exporter",
        "ghcr.io/cloudnative-pg/postgresql:16",
    ],
)
def test_never_finds_by_the_last_segment(text: str) -> None:
    reference = parse_image(text)
    assert reference is not None
    assert find_image(reference) is None


def test_mirrors_of_the_configuration() -> None:
    reference = parse_image("r.example.com/hub/postgres:16")
    assert reference is not None
    assert find_image(reference) is None
    found = find_image(reference, {"r.example.com/hub": "docker.io"})
    assert found is not None
    assert (found.entry.key, found.exact) == ("postgres", True)


@pytest.mark.parametrize(
    ("text", "version", "variant", "floating"),
    [
        ("postgres:16.3-alpine3.20", (16, 3), "alpine", False),
        ("postgres:alpine", None, "alpine", True),
        ("postgres", None, "default", True),
        ("postgres" + DIGEST, None, None, False),
        ("postgres:17" + DIGEST, (17,), "default", False),
        ("pgvector/pgvector:pg17", (17,), "default", False),
        ("pgvector/pgvector:0.8.0-pg16-bookworm", (16,), "default", False),
        ("timescale/timescaledb:latest-pg16", (16,), "default", False),
        ("timescale/timescaledb:2.14.2", None, "default", False),
        ("postgis/postgis:16-3.4", (16,), "default", False),
        ("quay.io/sclorg/postgresql-96-centos7:latest", (9, 6), "default", False),
        ("registry.redhat.io/rhel9/mysql-84:latest", (8, 4), "default", False),
        ("quay.io/sclorg/mariadb-1011-c9s", (10, 11), "default", False),
        ("mariadb:11.8-ubi", (11, 8), "ubi", False),
        ("minio/minio:RELEASE.2024-01-01T00-00-00Z", None, "default", False),
    ],
)
def test_version_and_variant(text: str, version: tuple[int, ...] | None, variant: str | None, floating: bool) -> None:
    found = match(text)
    assert (found.version, found.variant, found.floating) == (version, variant, floating)


# --- facts by version and variant ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("postgres:16", (999, 999)),
        ("postgres:16-alpine", (70, 70)),
        ("timescale/timescaledb:latest-pg16", (70, 70)),
        ("redis:7", (999, 999)),
        ("redis:7-alpine", (999, 1000)),
        ("rabbitmq:4-management-alpine", (100, 101)),
        ("percona/percona-server:8.4", (1001, 1001)),
        ("bitnami/postgresql:16", (1001, None)),
        ("influxdb:1.12", (1500, None)),
        ("influxdb:2.7", (1000, 1000)),
    ],
)
def test_users(text: str, ids: tuple[int, int | None]) -> None:
    user = user_of(match(text))
    assert user is not None
    assert (user.uid, user.gid) == ids


def test_user_of_a_digest_is_unknown() -> None:
    assert user_of(match("postgres" + DIGEST)) is None
    assert [user.uid for user in other_users(match("postgres:16"))] == [70]


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("postgres:17", "fatal"),
        ("postgres:18", "fatal"),
        ("postgres", "fatal"),
        ("postgres" + DIGEST, "fatal"),
        ("mysql:5.6", "tolerated"),
        ("mysql:5.7.44", "fatal"),
        ("mysql:8.0.11", None),
        ("mysql:8.0.40", "tolerated"),
        ("mysql:9.1", "tolerated"),
        ("mysql", "tolerated"),
        ("mongo", None),
        ("bitnami/postgresql", "tolerated"),
    ],
)
def test_lost_found(text: str, effect: str | None) -> None:
    assert lost_found(match(text)) == effect


@pytest.mark.parametrize(
    ("text", "volumes"),
    [
        ("postgres:17", ("/var/lib/postgresql/data",)),
        ("postgres:18", ("/var/lib/postgresql",)),
        ("postgres:latest", ("/var/lib/postgresql",)),
        ("postgres" + DIGEST, ()),
        ("zookeeper:3.9", ("/data", "/datalog", "/logs")),
        ("elasticsearch:8.1.0", ()),
        ("influxdb:2", ("/var/lib/influxdb2", "/etc/influxdb2")),
    ],
)
def test_declared_volumes(text: str, volumes: tuple[str, ...]) -> None:
    assert declared_volumes(match(text)) == volumes


def test_service_links_by_version() -> None:
    assert [link.fatal for link in service_links(match("neo4j:5"))] == [True]
    assert [link.fatal for link in service_links(match("neo4j:4.4"))] == [False]
    assert service_links(match("confluentinc/cp-kafka:7.6.0"))[0].fatal


@pytest.mark.parametrize(
    ("text", "removed"),
    [("mysql:8", True), ("mysql:8.0", True), ("mysql", True), ("mysql:5.7", False), ("mysql" + DIGEST, False)],
)
def test_removed_options(text: str, removed: bool) -> None:
    assert bool(removed_options(match(text), settings("--ignore-db-dir=lost+found"))) is removed


# --- is it the server? -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("postgres:16", settings()),
        ("postgres:16", settings("-c", "max_connections=200")),
        ("postgres:16", settings("postgres", "-c", "x=y")),
        ("postgres:16", settings(command=["docker-entrypoint.sh", "postgres"])),
        ("mysql:8", settings(command=["docker-entrypoint.sh", "mysqld", "--datadir=/x"])),
        ("mysql:8", settings("mysqld", "--x", command=["/usr/local/bin/docker-entrypoint.sh"])),
        ("mongo", settings(command=["/usr/bin/mongod", "--bind_ip_all"])),
        ("mongo", script("exec mongod --dbpath /data")),
        ("mongo", settings("-c", "mongod", command=["bash"])),
        ("mongo", settings(command=["tini", "--", "gosu", "mongodb", "mongod"])),
        ("redis", settings("/etc/redis/redis.conf")),
        ("redis", script("redis-cli ping || true\nif [ -f /x ]; then\n  exec redis-server /x.conf\nfi")),
        ("minio/minio", settings("server", "/data")),
        ("minio/minio", settings("server", "/data", command=["minio"])),
        ("cockroachdb/cockroach", settings(command=["/bin/bash", "-ecx", "exec /cockroach/cockroach start --join a"])),
        ("hashicorp/vault", settings("server")),
        ("consul:1.15", settings(command=["consul", "agent", "-server"])),
        ("confluentinc/cp-kafka", settings(command=["/etc/confluent/docker/run"])),
        ("quay.io/sclorg/postgresql-15-c9s", settings("run-postgresql")),
        ("prom/prometheus", settings("--config.file=/etc/prometheus/prometheus.yml")),
        ("bitnami/postgresql", settings()),
    ],
)
def test_servers(text: str, given: ProcessSettings) -> None:
    assert runs_server(match(text), given)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("postgres:16", settings(command=["sleep", "infinity"])),
        ("postgres:16", settings(command=["pg_dump", "-h", "db"])),
        ("postgres:16", settings("psql", "-h", "db")),
        ("postgres:16", script("pg_dump -h db app | gzip > /backup/app.gz")),
        ("postgres:16", script("sudo -u postgres pg_dump app")),
        ("postgres:16", script("until pg_isready -h postgres; do sleep 1; done; # postgres")),
        ("postgres:16", script("echo postgres")),
        ("postgres:16", settings(command=["sh", "/scripts/unknown.sh"])),
        ("postgres:16", settings(command=["/scripts/unknown.sh"])),
        ("mongo", settings(command=["mongos", "--configdb", "c"])),
        ("mongo", script("mongosh --host mongod --eval 'db.x()'")),
        ("mysql", settings("mysqldump", "--all-databases")),
        ("redis", settings(command=["redis-sentinel", "/etc/sentinel.conf"])),
        ("redis", settings("/etc/sentinel.conf", "--sentinel")),
        ("hashicorp/vault", settings("agent", "-config=/x")),
        ("hashicorp/vault", settings(command=["vault", "agent"])),
        ("hashicorp/consul", settings(command=["consul", "connect", "envoy"])),
        ("cockroachdb/cockroach", settings(command=["/cockroach/cockroach", "init"])),
        ("quay.io/coreos/etcd", settings(command=["etcdctl", "member", "list"])),
        ("postgres:16", settings(command=["sh", "-c"])),
        ("postgres:16", script("echo 'open quote")),
    ],
)
def test_no_servers(text: str, given: ProcessSettings) -> None:
    assert not runs_server(match(text), given)


def test_hidden_arguments_cannot_be_told() -> None:
    given = script('ARGS=("start" "--join" "x")\n# it isn\'t quoted\nexec /cockroach/cockroach ${ARGS[*]}')
    found = match("cockroachdb/cockroach:v1.1.0")
    assert runs_server(found, given)
    assert data_directories(found, given) is None
    assert votes(found, given) is None
    bitnami = script('ARGS+=("--include" "/x")\n/run.sh "${ARGS[@]}"')
    assert runs_server(match("bitnami/redis"), bitnami)
    assert effective_class(match("bitnami/redis"), bitnami, False) == "cache"


def test_a_mounted_script_is_read() -> None:
    given = ProcessSettings(
        command=("/scripts/run.sh",),
        config_texts={"/scripts/run.sh": "#!/bin/bash\nset -e\nexec mongod --replSet rs0\n"},
    )
    assert runs_server(match("mongo"), given)
    assert effective_class(match("mongo"), given, True) == "quorum"
    itself = ProcessSettings(command=("/run.sh",), config_texts={"/run.sh": "exec /run.sh"})
    assert not runs_server(match("mongo"), itself)


def test_arguments_survive_substitutions() -> None:
    given = script(
        "exec /cockroach/cockroach start --advertise-host $(hostname -f) --cache $(expr 1 / 4)MiB --store /d"
    )
    args = server_arguments(match("cockroachdb/cockroach"), given)
    assert args is not None
    assert args[-2:] == ("--store", "/d")


# --- where is the data? ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("postgres:17", settings(), ["/var/lib/postgresql/data"]),
        ("postgres:18", settings(), ["/var/lib/postgresql/18/docker"]),
        ("postgres:19.1-alpine", settings(), ["/var/lib/postgresql/19/docker"]),
        ("postgres", settings(), ["/var/lib/postgresql/18/docker"]),
        ("postgres" + DIGEST, settings(), None),
        ("postgres:16", settings(PGDATA="/var/lib/postgresql/data/pgdata"), ["/var/lib/postgresql/data/pgdata"]),
        ("postgres:16", settings(PGDATA="/data/$(SUB)/", SUB="db"), ["/data/db"]),
        ("postgres:16", settings(PGDATA="/data/$(SUB)"), None),
        ("postgres:16", settings(PGDATA=None), None),
        ("postgres:16", settings(PGDATA=""), ["/var/lib/postgresql/data"]),
        ("postgres:16", settings(PG_DATA="/x"), ["/var/lib/postgresql/data"]),
        ("postgres:16", settings("-c", "data_directory=/x"), ["/x"]),
        ("postgres:16", script("export PGDATA=/x; exec postgres"), None),
        ("timescale/timescaledb:latest-pg16", settings(), ["/var/lib/postgresql/data"]),
        ("timescale/timescaledb:latest-pg18", settings(), ["/var/lib/postgresql/18/docker"]),
        ("timescale/timescaledb-ha:pg16", settings(), ["/home/postgres/pgdata/data"]),
        ("bitnami/postgresql:16", settings(), ["/bitnami/postgresql"]),
        ("bitnami/mysql:8", settings(), ["/bitnami/mysql"]),
        ("mysql:8", settings("--datadir=/x/y"), ["/x/y"]),
        ("mysql:8", settings("--datadir", "/x/y"), ["/x/y"]),
        ("mysql:8", settings(command=["docker-entrypoint.sh", "mysqld", "--datadir=/x/y"]), ["/x/y"]),
        ("mysql:8", settings("--defaults-file=/unknown.cnf"), None),
        ("percona/percona-server:8.4", settings(), ["/var/lib/mysql"]),
        ("mongo", script("exec mongod --dbpath /data"), ["/data"]),
        ("mongo", script("exec mongod --dbpath $DATA"), None),
        ("mongo", script("exec mongod $OPTIONS"), None),
        ("mongo", script('exec mongod "$@"'), ["/data/db"]),
        ("mongo", settings("--config", "/etc/mongo/mongod.conf"), None),
        ("confluentinc/cp-kafka:7", settings(), ["/var/lib/kafka/data"]),
        ("confluentinc/cp-kafka:7", settings(KAFKA_LOG_DIRS="/a/kafka, /b/kafka"), ["/a/kafka", "/b/kafka"]),
        ("apache/kafka:3.9.0", settings(), ["/tmp/kraft-combined-logs"]),
        ("apache/kafka:3.9.0", settings(KAFKA_LOG_DIRS="/var/lib/kafka/data"), ["/var/lib/kafka/data"]),
        ("wurstmeister/kafka", settings(), None),
        ("wurstmeister/kafka", settings(KAFKA_LOG_DIRS="/k"), ["/k"]),
        ("influxdb:1.8", settings(), ["/var/lib/influxdb"]),
        ("influxdb:2.7-alpine", settings(), ["/var/lib/influxdb2"]),
        ("influxdb:2.7", settings(INFLUXD_BOLT_PATH="/d/influxd.bolt"), ["/d"]),
        ("influxdb:3-core", settings(), None),
        ("influxdb:3-core", settings("influxdb3", "serve", "--data-dir", "/d"), ["/d"]),
        ("influxdb", settings(), None),
        ("quay.io/coreos/etcd:v3.5.9", settings(), ["/var/lib/etcd/default.etcd"]),
        ("quay.io/coreos/etcd:v3.5.9", settings(command=["etcd", "--name", "e0"]), ["/var/lib/etcd/e0.etcd"]),
        ("quay.io/coreos/etcd:v3.5.9", settings(command=["etcd", "--name", "e0", "--data-dir=/d"]), ["/d"]),
        ("quay.io/coreos/etcd:v3.5.9", settings(ETCD_NAME=None), None),
        ("cockroachdb/cockroach", settings("start"), ["/cockroach/cockroach-data"]),
        ("cockroachdb/cockroach", settings("start", "--store=path=/d,attrs=ssd"), ["/d"]),
        ("cockroachdb/cockroach", settings("start", "--store=type=mem,size=1GB"), []),
        ("victoriametrics/victoria-metrics", settings("-storageDataPath=/storage"), ["/storage"]),
        ("victoriametrics/victoria-metrics", settings(), ["/victoria-metrics-data"]),
        ("minio/minio", settings("server", "/data1", "/data2", "--console-address", ":9001"), ["/data1", "/data2"]),
        ("minio/minio", settings("server", "--address", ":9000", "http://m-{0...3}.m/d{1...2}"), ["/d1", "/d2"]),
        ("zookeeper:3.9", settings(), ["/data", "/datalog"]),
        ("zookeeper:3.9", settings(ZOO_DATA_LOG_DIR="/data/log"), ["/data", "/data/log"]),
        ("hashicorp/vault:1.15", settings("server"), None),
        ("gitea/gitea:1.22-rootless", settings(), ["/var/lib/gitea"]),
        ("gitea/gitea:1.22", settings(), ["/data"]),
        ("elasticsearch:8.1.0", settings(**{"path.data": "/d"}), ["/d"]),
        ("elasticsearch:8.1.0", settings("-Epath.data=/d", command=["bin/elasticsearch"]), ["/d"]),
    ],
)
def test_data_directories(text: str, given: ProcessSettings, expected: list[str] | None) -> None:
    assert paths(text, given) == expected


def test_data_directory_says_what_moved_it() -> None:
    moved = data_directories(match("postgres:16"), settings(PGDATA="/x"))
    default = data_directories(match("rabbitmq:4"), settings())
    assert moved is not None
    assert default is not None
    assert (moved[0].default, moved[0].moved_by) == (False, "PGDATA")
    assert (default[0].default, default[0].moved_by, default[0].parts) == (True, None, ("/var/lib/rabbitmq/mnesia",))


def test_config_files() -> None:
    conf = "/etc/mongo/mongod.conf"

    def with_file(text: str) -> ProcessSettings:
        return ProcessSettings(args=("--config", conf), config_texts={conf: text})

    assert paths("mongo", with_file("storage:\n  dbPath: /d\n")) == ["/d"]
    assert paths("mongo", with_file("net:\n  port: 1\n")) == ["/data/db"]
    hidden = ProcessSettings(unknown_config_paths=("/etc/mysql/conf.d",))
    assert paths("mysql:8", hidden) is None
    assert paths("mysql:8", ProcessSettings(unknown_config_paths=("/docker-entrypoint-initdb.d",))) == [
        "/var/lib/mysql"
    ]
    cnf = ProcessSettings(config_texts={"/etc/mysql/conf.d/x.cnf": "[mysqld]\ndatadir = /d\n"})
    assert paths("mysql:8", cnf) == ["/d"]
    # Loki's default path stands in the file that is replaced.
    assert paths("grafana/loki:3.0.0", settings()) == ["/loki"]
    loki = ProcessSettings(config_texts={"/etc/loki/local-config.yaml": "auth_enabled: false\n"})
    assert paths("grafana/loki:3.0.0", loki) is None


# --- class, votes, signs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "mount", "expected"),
    [
        ("redis", settings(), False, "cache"),
        ("redis", settings(), True, "single"),
        ("redis", settings("--appendonly", "yes"), False, "single"),
        ("redis", settings("--appendonly", "no"), False, "cache"),
        ("redis", settings("--save", ""), False, "cache"),
        ("redis", settings("redis-server", "--replicaof", "r-0", "6379"), False, "single"),
        ("redis", settings("/unknown/redis.conf"), False, "cache"),
        ("bitnami/redis", settings(REDIS_AOF_ENABLED="no"), False, "cache"),
        ("mongo", settings(), True, "single"),
        ("mongo", settings("--replSet", "rs0"), True, "quorum"),
        ("mariadb:11", settings(), True, "single"),
        ("mariadb:11", settings("--wsrep-cluster-address=gcomm://"), True, "quorum"),
        ("grafana/grafana", settings(), True, "single"),
        ("grafana/grafana", settings(GF_DATABASE_TYPE="postgres"), True, "shared"),
        ("grafana/grafana", settings(GF_DATABASE_TYPE="sqlite3"), True, "single"),
        ("grafana/grafana", settings(GF_DATABASE_TYPE=None), True, "shared"),
        ("nats", settings(), True, "none"),
        ("nats", settings("-js"), True, "single"),
        ("nats", settings("--jetstream", "--cluster", "nats://0.0.0.0:6222"), True, "quorum"),
        ("elasticsearch:8.1.0", settings(), True, "quorum"),
        ("elasticsearch:8.1.0", settings(**{"node.roles": "data,ingest"}), True, "ring"),
        ("elasticsearch:8.1.0", settings(**{"node.roles": "master,data"}), True, "quorum"),
        ("apache/kafka", settings(KAFKA_PROCESS_ROLES="broker"), True, "ring"),
        ("apache/kafka", settings(KAFKA_PROCESS_ROLES="broker,controller"), True, "quorum"),
        ("minio/minio", settings("server", "/data"), True, "single"),
        ("minio/minio", settings("server", "http://m-{0...3}.m/data"), True, "ring"),
        ("memcached", settings(), True, "cache"),
        ("qdrant/qdrant", settings(), True, "single"),
        ("qdrant/qdrant", settings(QDRANT__CLUSTER__ENABLED="true"), True, "quorum"),
        ("hashicorp/consul", settings("agent", "-retry-join=x"), True, "none"),
        ("hashicorp/consul", settings("agent", "-server"), True, "quorum"),
    ],
)
def test_effective_class(text: str, given: ProcessSettings, mount: bool, expected: str) -> None:
    assert effective_class(match(text), given, mount) == expected


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("rabbitmq:4", settings(), True),
        ("zookeeper", settings(), True),
        ("quay.io/coreos/etcd", settings(), True),
        ("quay.io/coreos/etcd", settings(command=["sleep", "1"]), False),
        ("mongo", settings(), False),
        ("mongo", settings("--replSet=rs0"), True),
        ("mongo", settings("--config=/unknown"), None),
        ("elasticsearch:8.1.0", settings(), True),
        ("elasticsearch:8.1.0", settings(**{"discovery.type": "single-node"}), False),
        ("elasticsearch:8.1.0", settings(**{"node.roles": "data"}), False),
        ("elasticsearch:8.1.0", settings(**{"node.roles": None}), None),
        ("apache/kafka", settings(), False),
        ("apache/kafka", settings(KAFKA_PROCESS_ROLES="broker"), False),
        ("apache/kafka", settings(KAFKA_PROCESS_ROLES="controller"), True),
        ("apache/kafka", settings(KAFKA_PROCESS_ROLES=None), None),
        ("cockroachdb/cockroach", settings("start-single-node"), False),
        ("cassandra", settings(), False),
        ("postgres:16", settings(), False),
    ],
)
def test_votes(text: str, given: ProcessSettings, expected: bool | None) -> None:
    assert votes(match(text), given) is expected


def test_roles_in_an_unknown_config_file_cannot_be_told() -> None:
    hidden = ProcessSettings(unknown_config_paths=("/usr/share/elasticsearch/config/elasticsearch.yml",))
    assert votes(match("elasticsearch:8.1.0"), hidden) is None


@pytest.mark.parametrize(
    ("text", "given", "word"),
    [
        ("hashicorp/vault", settings(), "default command"),
        ("vault:1.13.3", settings("server", "-dev"), "`-dev`"),
        ("hashicorp/vault", settings("server", "-config=/x"), None),
        ("hashicorp/vault", settings("agent"), None),
        ("hashicorp/vault", script("vault server -config=/x"), None),
        ("hashicorp/consul", settings(), "default command"),
        ("consul:1.15", settings("agent", "-dev"), "`-dev`"),
        ("hashicorp/consul", settings("agent", "-server"), None),
        ("quay.io/keycloak/keycloak", settings("start-dev"), "start-dev"),
        ("quay.io/keycloak/keycloak", settings("start"), None),
        ("cockroachdb/cockroach", settings("start", "--store=type=mem,size=1GB"), "type=mem"),
        ("postgres", settings(), None),
    ],
)
def test_development_mode(text: str, given: ProcessSettings, word: str | None) -> None:
    reason = in_development_mode(match(text), given)
    assert (reason is None) if word is None else (reason is not None and word in reason)


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("elasticsearch:8.1.0", settings(**{"discovery.type": "single-node"}), True),
        ("opensearchproject/opensearch:2", settings(**{"discovery.type": "single-node"}), True),
        ("elasticsearch:8.1.0", settings(), False),
        ("minio/minio", settings("server", "/data", "--console-address", ":9001"), True),
        ("minio/minio", settings("server", "/data{1...4}"), False),
        ("minio/minio", settings("server", "http://m-{0...3}.m/data"), False),
        ("cockroachdb/cockroach", settings("start-single-node"), True),
    ],
)
def test_standalone(text: str, given: ProcessSettings, expected: bool) -> None:
    assert (standalone(match(text), given) is not None) is expected


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("postgres:16", settings(POSTGRES_PASSWORD="x"), None),
        ("postgres:16", settings(PATRONI_SCOPE="x"), "the variable `PATRONI_SCOPE`"),
        (
            "bitnami/postgresql",
            settings(POSTGRESQL_REPLICATION_MODE="slave"),
            "the variable `POSTGRESQL_REPLICATION_MODE`",
        ),
        ("mysql:8", settings("--server-id=1"), "the argument `--server-id`"),
        ("redis", settings("--replicaof", "a", "1"), "the argument `--replicaof`"),
        ("mongo", settings(), None),
    ],
)
def test_replication_marker(text: str, given: ProcessSettings, expected: str | None) -> None:
    assert replication_marker(match(text), given) == expected
