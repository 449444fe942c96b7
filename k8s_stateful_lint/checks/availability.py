"""Family availability: shutdown, recovery, evictions and the majority of a quorum."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from k8s_stateful_lint._patterns import regex
from k8s_stateful_lint.checks._probes import probe_level
from k8s_stateful_lint.checks._shared import may_meet, may_select_anywhere, unit_may_make_pods
from k8s_stateful_lint.checks.finding import Finding, Related
from k8s_stateful_lint.checks.near_miss import is_near_miss
from k8s_stateful_lint.graph import Database, DisruptionBudget, Graph, StatefulSet, Workload
from k8s_stateful_lint.graph.containers import Container
from k8s_stateful_lint.graph.once import once
from k8s_stateful_lint.graph.pods import written_replicas
from k8s_stateful_lint.graph.workloads import CONTROLLER_LABELS
from k8s_stateful_lint.knowledge import image_process
from k8s_stateful_lint.model.pods import PodAffinityTerm, Probe, TopologySpreadConstraint
from k8s_stateful_lint.model.quantities import percentage, quantity_or_none, scaled
from k8s_stateful_lint.model.resource import Place

DEFAULT_GRACE = 30
# How many workloads of a budget are named, and among how many one is looked for that a selector was meant for.
_MOST_WORKLOADS = 10
_MOST_COMPARED = 500
_EVICTION_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_GRACE = "terminationGracePeriodSeconds"
_Term: TypeAlias = PodAffinityTerm | TopologySpreadConstraint
# Topology keys whose domains hold many nodes each without separating any two of them.
_NO_PLACE = frozenset(
    {
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "node.kubernetes.io/instance-type",
    }
)


# Shutdown -----------------------------------------------------------------------------------------------------------


def zero_grace_period(subject: StatefulSet) -> Iterator[Finding]:
    """A grace period of 0 removes the pod object at once, while its processes may still run on the node."""
    if subject.pod_spec.termination_grace_period_seconds != 0:
        return
    persistent = subject.has_persistent_mount
    danger = "write to one volume" if persistent else "answer to one name"
    yield Finding(
        place=subject.template_at("spec", _GRACE),
        message=f"a pod of {subject.label} vanishes from the API without waiting for its node, so two pods with the "
        f"same identity can {danger}",
        severity=None if persistent else "warning",
    )


def short_grace_period(subject: Database) -> Iterator[Finding]:
    """A database that is killed before it has shut down recovers at the next start, or loses data."""
    workload, entry = subject.workload, subject.entry
    written = workload.pod_spec.termination_grace_period_seconds
    if not _keeps_data(subject) or _grace(workload) is None:
        return
    if written == 0 and isinstance(workload, StatefulSet):  # zero-grace-period
        return
    if written is not None and written == entry.grace_written_by_chart:
        return
    grace = DEFAULT_GRACE if written is None else written
    limit = DEFAULT_GRACE if entry.grace is None else min(DEFAULT_GRACE, entry.grace)
    severity: Literal["warning", "info"] | None = None
    if written is None or written >= limit:
        if entry.grace is None or grace >= entry.grace:
            return
        severity = "warning" if workload.is_production and entry.grace >= 120 else "info"
    wanted = limit if entry.grace is None else entry.grace
    yield Finding(
        place=workload.template_at("spec", _GRACE),
        message=f"{subject.product} gets {_in_words(workload, grace)} to shut down and is then killed; {wanted} s "
        "are advised, so that it can write everything to disk",
        related=(Related(subject.container.at("image"), "the database"),),
        severity=severity,
        help=f"Set terminationGracePeriodSeconds to {wanted} or more; a pod that is done earlier does not wait.",
        weak=int(not subject.match.exact),
        unverified=subject.is_unverified,
    )


def pre_stop_exceeds_grace(subject: Container) -> Iterator[Finding]:
    """The preStop hook and the program share one grace period."""
    workload = subject.workload
    hook = subject.spec.lifecycle.pre_stop if subject.spec.lifecycle else None
    grace = _grace(workload)
    if hook is None or grace is None or not workload.has_persistent_mount:
        return
    seconds = hook.sleep.seconds if hook.sleep else _sleeps(hook.exec.command if hook.exec else ())
    if seconds and seconds >= grace:
        yield Finding(
            place=subject.at("lifecycle", "preStop", part="key"),
            message=f"the preStop hook of container {subject.name} sleeps {seconds} s of a grace period of "
            f"{_in_words(workload, grace)}, so the program is killed before it can shut down",
            related=(Related(workload.template_at("spec", _GRACE), "the grace period"),),
        )


def shell_hides_termination_signal(subject: Database) -> Iterator[Finding]:
    """A shell that stays process 1 keeps SIGTERM to itself."""
    found = _hidden_server(subject)
    if found is None:
        return
    field, shell, program, is_last = found
    yield Finding(
        place=subject.container.at(field, part="key"),
        message=f"{shell} is process 1 of container {subject.container.name} and does not pass SIGTERM on to "
        f"{program}, which is killed at the end of the grace period without shutting down",
        help=f"Call it as `exec {program}`, so that it takes the place of the shell.",
        confidence="low" if is_last and _may_replace_itself(shell, subject) else None,
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def _may_replace_itself(shell: str, database: Database) -> bool:
    """Whether the shell may run the last command in its own place: bash since 5.1 and BusyBox do, dash does not."""
    return shell == "bash" or (shell != "dash" and database.match.variant == "alpine")


def _grace(workload: Workload) -> int | None:
    """The grace period in effect; None for a placeholder."""
    if workload.resource.is_unknown(*workload.template_route, "spec", _GRACE):
        return None
    written = workload.pod_spec.termination_grace_period_seconds
    return DEFAULT_GRACE if written is None else written


def _in_words(workload: Workload, grace: int) -> str:
    written = workload.pod_spec.termination_grace_period_seconds is not None
    return f"{grace} s" if written else f"{grace} s (the default)"


def _keeps_data(database: Database) -> bool:
    if database.data is not None:
        return database.has_persistent_data
    return any(mount.is_persistent and mount.is_writable for mount in database.container.mounts)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _sleeps(command: tuple[str, ...]) -> int:
    found = re.findall(r"(?:^|[\s;&|(/])sleep\s+([0-9]{1,18})([smh]?)(?![\w.])", " ".join(command))
    return sum(int(number) * _UNITS[unit] for number, unit in found)


_SHELLS = frozenset({"sh", "bash", "ash", "dash"})


def _hidden_server(database: Database) -> tuple[str, str, str, bool] | None:
    """The field with the script, the shell, the server's program, and whether it is the last command."""
    spec = database.container.spec
    words = database.container.words
    shell = words[0].rpartition("/")[2] if words else ""
    flag = next((index for index, word in enumerate(words) if index and re.fullmatch(r"-\w*c", word)), None)
    if shell not in _SHELLS or flag is None or flag + 1 >= len(words) or any("/" in w for w in words[1:flag]):
        return None
    script = words[flag + 1]
    if re.search(r"(?:^|[\s;&|{(])trap\s", script):
        return None
    commands = _commands(script)
    calls = [index for index, command in enumerate(commands) if _program(command, database) is not None]
    if len(commands) < 2 or not calls:
        return None
    program = _program(commands[calls[-1]], database)
    if program is None or commands[calls[-1]][0] == "exec":
        return None
    if shell == "bash" and calls[-1] == len(commands) - 1 and _ends_in_simple_command(script):
        return None
    field = "command" if flag + 1 < len(spec.command or ()) else "args"
    return field, shell, program, calls[-1] == len(commands) - 1


def _ends_in_simple_command(script: str) -> bool:
    """Whether the last line is one simple command, which ``bash -c`` of every version replaces itself with.

    Source: bash builtins/evalstring.c, parse_and_execute (ONESHOT): it does not fork for a simple command without
    redirection after which the text is at its end. Commands after ``;`` or ``&&`` count since 5.1 only.
    """
    text = _without_strings(script).rstrip()
    last = text.rpartition("\n")[2].strip()
    return "\n" in text and "<<" not in text and re.search(r"[;&|<>(){}!]|^(?:fi|done|esac)\b", last) is None


def _commands(script: str) -> list[list[str]]:
    """The simple commands of a script, roughly; comments and shell keywords are left out."""
    parts = re.split(r"[\n;|&(){}]+", re.sub(r"[<>]&\S*|&>", " ", _without_strings(script)))
    commands = [re.sub(r"^\s*(?:(?:then|else|do|if|while|until|!|\w+=\S*)\s+)*", "", part).split() for part in parts]
    return [command for command in commands if command and command[0] not in {"fi", "done", "esac"}]


def _without_strings(script: str) -> str:
    """The script on whole lines, without comments, and with a `_` for everything quoted or substituted."""
    text = re.sub(r"\\\r?\n", " ", script)
    text = re.sub(r"(^|\s)#[^\n]*", r"\1", text)
    return re.sub(r"\$\([^()]*\)|\$\{[^{}]*\}|`[^`]*`|'[^']*'|\"(?:\\.|[^\"\\])*\"", "_", text)


def _program(command: list[str], database: Database) -> str | None:
    """The server's program in a command, with what is in front of it taken away; None where it is something else."""
    words = command[1:] if command[0] == "exec" else command
    if not words:
        return None
    program = words[0].rpartition("/")[2]
    for server in (*database.entry.servers, *database.entry.entrypoints):
        name, *subcommand = server.split()
        if program == name and words[1 : 1 + len(subcommand)] == subcommand:
            return program
    return None


# Probes -------------------------------------------------------------------------------------------------------------


# Probes that succeed while the program still recovers: a liveness probe of this kind kills nothing.
# Sources: prometheus web/web.go (/-/healthy answers before the write-ahead log is replayed); PostgreSQL postmaster.c
# (it listens before the startup process has finished).
_HEALTHY_WHILE_RECOVERING = {"prometheus": regex(r"/-/healthy$")}
_POSTGRES = frozenset(
    {"postgres", "postgis", "pgvector", "timescaledb", "timescaledb-ha", "bitnami-postgresql", "sclorg-postgresql"}
)
_REDIS = frozenset({"redis", "valkey", "bitnami-redis", "bitnami-valkey", "bitnami-redis-cluster"})
# Servers that open their port before they recover, so that a TCP probe succeeds all the while. Redis answers LOADING
# then; Elasticsearch recovers its shards after the transport port is bound.
_LISTENS_WHILE_RECOVERING = (
    _POSTGRES | _REDIS | {"elasticsearch", "pires-elasticsearch", "bitnami-elasticsearch", "opensearch"}
)
# redis-cli exits with 0 on an error reply such as LOADING too, unless it is told otherwise by -e.
_PLAIN_PING = regex(
    r"(?:\S*sh -\w*c )?(?:exec )?\S*(?:redis|valkey)-cli(?:(?! -e\b)[^|;&\n])* ping\s*(?:\|\| exit 1\s*)?"
)
# Commands that look at files and processes, not at the server.
_ASKS_NO_SERVER = regex(r"(?:\S*sh -\w*c )?(?:\S*/)?(?:ls|cat|test|stat|true|echo|pgrep|pidof|\[) ?[^|;&]*$")
# Programs around an embedded database: there is no long log to replay after a crash.
_EMBEDDED = frozenset(
    {
        *("grafana", "nexus", "jenkins", "sonarqube", "gitea", "ghost", "vaultwarden", "uptime-kuma", "servarr"),
        *("home-assistant", "n8n", "jellyfin", "portainer", "paperless"),
    }
)


def liveness_kills_recovery(subject: Database, options: Mapping[str, Any]) -> Iterator[Finding]:
    """A liveness probe that gives up before recovery is done restarts the database, which then recovers again."""
    container = subject.container
    liveness, startup = container.spec.liveness_probe, container.spec.startup_probe
    if liveness is None or subject.workload.is_development or _survives(liveness, subject):
        return
    # A startup probe holds the other back, and is as fatal itself.
    name, probe = ("startup", startup) if startup is not None else ("liveness", liveness)
    if any(_is_unreadable(container, field) for field in ("livenessProbe", "startupProbe")) or _survives(
        probe, subject
    ):
        return
    period, failures = probe.period_seconds or 10, probe.failure_threshold or 3
    budget = (probe.initial_delay_seconds or 0) + period * failures
    needed = int(options["recovery-seconds"])
    if budget >= needed:
        return
    readiness = container.spec.readiness_probe
    notes = []
    if probe.exec is not None and (probe.timeout_seconds or 1) <= 1:
        notes.append("its command must answer within 1 s")
    if probe_level(probe, subject) == "cluster":
        notes.append("it also depends on other members")
    if readiness is not None and _same_check(probe, readiness):
        notes.append("it is the same check as the readiness probe")
    yield Finding(
        place=container.at("livenessProbe", part="key"),
        message=f"the {name} probe restarts {subject.product} {budget} s after its start, while crash "
        f"recovery can take {needed} s and more, and every restart begins it anew"
        + "".join(f"; {note}" for note in notes),
        related=(Related(container.at("startupProbe", part="key"), "this one gives up first"),) if startup else (),
        weak=int(not subject.match.exact),
        unverified=subject.is_unverified,
    )


def rollout_without_readiness_probe(subject: Database) -> Iterator[Finding]:
    """Without a readiness probe a pod is Ready at once, and the rolling update goes on to the next member."""
    workload, container = subject.workload, subject.container
    if (
        not isinstance(workload, StatefulSet)
        or container.spec.readiness_probe is not None
        or (workload.max_pods or 0) < 2
    ):
        return
    strategy = workload.spec.update_strategy
    if (
        container.is_unknown("readinessProbe")
        or (strategy is not None and strategy.type == "OnDelete")
        or (workload.spec.min_ready_seconds or 0) >= 30
        or workload.resource.is_unknown("spec", "minReadySeconds")
        or _operator_of(workload)
    ):
        return
    yield Finding(
        place=container.at("readinessProbe"),
        message=f"container {container.name} is Ready as soon as it runs, so a rolling update of "
        f"{workload.label} stops the next member before this one has recovered",
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def _is_unreadable(container: Container, probe: str) -> bool:
    fields = ("initialDelaySeconds", "periodSeconds", "failureThreshold", "timeoutSeconds")
    return container.is_unknown(probe) or any(container.is_unknown(probe, field) for field in fields)


def _survives(probe: Probe, database: Database) -> bool:
    """Whether the probe succeeds while the database recovers, or there is nothing to recover."""
    key = database.entry.key
    if key in _EMBEDDED:
        return True
    if probe.exec is not None:
        command = " ".join(probe.exec.command)
        if key in _REDIS and (_PLAIN_PING.fullmatch(command) or "LOADING" in _with_scripts(command, database)):
            return True
        return _ASKS_NO_SERVER.match(command) is not None
    if probe.http_get is not None:
        healthy = _HEALTHY_WHILE_RECOVERING.get(key)
        return healthy is not None and healthy.search(probe.http_get.path) is not None
    return probe.tcp_socket is not None and key in _LISTENS_WHILE_RECOVERING


def _with_scripts(command: str, database: Database) -> str:
    """The command and the scripts of the input that it calls, directly or through one another."""
    scripts = {path.rpartition("/")[2]: text for path, text in database.container.config_texts.items()}
    texts = [command]
    for text in texts:  # grows while it is read
        texts += [scripts.pop(name) for name in list(scripts) if name in text]
    return "\n".join(texts)


def _same_check(left: Probe, right: Probe) -> bool:
    if left.exec is not None:
        return left.exec == right.exec
    if left.http_get is not None:
        return left.http_get == right.http_get
    return left.tcp_socket is not None and left.tcp_socket == right.tcp_socket


# Disruption budgets -------------------------------------------------------------------------------------------------


def budget_never_allows_eviction(subject: DisruptionBudget) -> Iterator[Finding]:
    """A budget that leaves no pod to evict stops every drain and node upgrade."""
    spec = subject.body.spec
    least, most = spec.min_available, spec.max_unavailable
    if least is not None and most is not None:  # the API server refuses both together
        return
    pods = _selected_pods(subject)
    if pods == 0:
        return
    field, reason = "", ""
    if most in (0, "0%"):
        field, reason = "maxUnavailable", f"maxUnavailable {most} allows no pod to go"
    elif percentage(least) == 100:
        field, reason = "minAvailable", "minAvailable 100% demands that every pod stays"
    elif least is None and most is None:
        unknown = any(subject.resource.is_unknown("spec", key) for key in ("minAvailable", "maxUnavailable"))
        if not unknown and not subject.is_partial and isinstance(subject.resource.get("spec"), dict):
            reason = "neither minAvailable nor maxUnavailable is set, and then no pod may go"
    elif pods is not None and not _may_be_created(subject):
        kept = scaled(least, pods, round_up=True)
        if kept is not None and kept >= pods:
            field = "minAvailable"
            count = "the only pod" if pods == 1 else f"all {pods} pods"
            reason = f"minAvailable {least} demands {count} of " + _listed(subject.workloads)
    if reason:
        yield Finding(
            place=subject.at("spec", field) if field else subject.at("spec", part="key"),
            message=f'{reason}: every eviction is refused ("{_EVICTION_REFUSED}") and node drains never end',
            related=tuple(
                Related(_count_place(w), f"the pods of {w.label}") for w in subject.workloads[:_MOST_WORKLOADS]
            ),
        )


def _listed(workloads: tuple[Workload, ...]) -> str:
    more = len(workloads) - _MOST_WORKLOADS
    names = ", ".join(workload.label for workload in workloads[:_MOST_WORKLOADS])
    return f"{names} and {more} more" if more > 0 else names


def budget_selects_nothing(subject: DisruptionBudget) -> Iterator[Finding]:
    """A budget whose selector matches no pod protects nothing."""
    place = subject.at("spec", "selector", part="key")
    if subject.selector is None:
        if subject.resource.is_unknown("spec", "selector") or not isinstance(subject.resource.get("spec"), dict):
            return
        empty = subject.body.spec.selector is not None
        reason = (
            "an empty selector selects nothing in policy/v1beta1" if empty else "without a selector it selects nothing"
        )
        yield Finding(place=place, message=f"{subject.label} protects no pod: {reason}")
        return
    if subject.graph.selections.workloads(subject, subject.selector):
        return
    patched, mates = _patched_workloads(subject.graph), subject.graph.unit_mates(subject, Workload)
    if max(len(patched), len(mates)) > _MOST_COMPARED:
        return
    near = [workload for workload in patched if workload.sees(subject)]
    if any(workload.is_selected_by(subject.selector) for workload in near) or unit_may_make_pods(subject):
        return
    mates = [w for w in mates if w.kind not in {"Job", "CronJob"}]
    evidence = _evidence_of_mismatch(subject, mates) if subject.graph.is_fully_read(subject) else None
    if evidence is not None:
        workload, reason = evidence
        where = workload.template_at("metadata", "labels", part="key")
        yield Finding(
            place=place,
            message=f"{subject.label} protects no pod: {reason}",
            related=(Related(where, f"the labels of the pods of {workload.label}"),),
        )
    elif all(map(subject.graph.is_closed, _POD_KINDS)) and not may_select_anywhere(subject, subject.selector):
        yield Finding(place=place, message=f"{subject.label} protects no pod: no pod template has these labels")


_POD_KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "Pod")


@once
def _patched_workloads(graph: Graph) -> list[Workload]:
    return [workload for workload in graph.workloads if workload.is_partial]


def disruption_exceeds_quorum(subject: DisruptionBudget | StatefulSet) -> Iterator[Finding]:
    """More members may be away at once than the quorum can spare."""
    workloads = subject.workloads if isinstance(subject, DisruptionBudget) else (subject,)
    if len(workloads) != 1:
        return
    (workload,) = workloads
    members, count = _voters(workload), workload.min_pods
    if members is None or count is None or count < 3 or workload.autoscaler is not None or _has_other_voters(members):
        return
    tolerated = (count - 1) // 2
    if isinstance(subject, DisruptionBudget):
        spec = subject.body.spec
        if (spec.min_available is None) == (spec.max_unavailable is None):
            return
        field = "minAvailable" if spec.max_unavailable is None else "maxUnavailable"
        route: tuple[str, ...] = ("spec", field)
        away = scaled(spec.max_unavailable if field == "maxUnavailable" else spec.min_available, count, round_up=True)
        if away is not None and field == "minAvailable":
            away = count - away
    else:
        route = ("spec", "updateStrategy", "rollingUpdate", "maxUnavailable")
        away = _rolling_unavailable(subject, count)
    if away is not None and away > tolerated:
        yield Finding(
            place=subject.at(*route),
            message=f"{away} of the {count} members of {workload.label} may be away at the same time, and with "
            f"more than {tolerated} gone it has no majority and stops serving",
            related=() if workload is subject else (Related(_count_place(workload), "the members"),),
            # The members may be in production although nothing at their budget says so.
            severity="error" if workload.is_production else None,
            weak=members.weak,
            unverified=members.is_unverified,
        )


def quorum_without_disruption_budget(subject: StatefulSet) -> Iterator[Finding]:
    """Without a budget a drain of several nodes takes several members at once."""
    graph = subject.graph
    if not graph.is_closed("PodDisruptionBudget") or graph.config.cluster.nodes == "one" or subject.is_development:
        return
    count = subject.min_pods
    if count is None or _operator_of(subject):
        return
    for database in subject.databases:
        is_ring = database.class_ == "ring" and count >= 2
        if is_ring or (database.class_ == "quorum" and count >= 3 and database.votes is not False):
            if _may_have_budget(subject):
                return
            yield Finding(
                place=subject.name_place,
                message=f"no PodDisruptionBudget selects the {count} pods of {subject.label}, so drains may "
                f"take several members of {database.product} at once",
                weak=database.weak,
                unverified=database.is_unverified,
            )
            return


def _may_have_budget(workload: Workload) -> bool:
    """Whether some budget selects the pods, wherever it is defined, and no namespace is in the way."""
    index = _budgets_by_label(workload.graph)
    found = (budget for label in (*workload.template_labels.items(), None) for budget in index.get(label, ()))
    return any(
        budget.selector is not None and may_meet(budget, workload) and workload.is_selected_by(budget.selector)
        for budget in found
    )


@once
def _budgets_by_label(graph: Graph) -> dict[tuple[str, str] | None, list[DisruptionBudget]]:
    """Budgets by one of the labels that they ask for; None where they ask for none that a pod template writes."""
    index: dict[tuple[str, str] | None, list[DisruptionBudget]] = defaultdict(list)
    for budget in graph.disruption_budgets:
        labels = budget.selector.match_labels.items() if budget.selector is not None else ()
        index[next((label for label in labels if label[0] not in CONTROLLER_LABELS), None)].append(budget)
    return index


def overlapping_disruption_budgets(subject: DisruptionBudget) -> Iterator[Finding]:
    """The eviction API refuses pods with more than one budget."""
    found = _overlaps(subject.graph).get(subject)
    if found is not None:
        other, workload = found
        yield Finding(
            place=subject.at("spec", "selector", part="key"),
            message=f"{subject.name} and {other.name} both select the pods of {workload.label}, so "
            'every eviction fails with error 500 ("This pod has more than one PodDisruptionBudget, which the '
            'eviction subresource does not support.")',
            related=(
                Related(other.at("spec", "selector", part="key"), "the other budget"),
                Related(workload.name_place, "the workload"),
            ),
        )


@once
def _overlaps(graph: Graph) -> dict[DisruptionBudget, tuple[DisruptionBudget, Workload]]:
    """For a budget an earlier one of its unit and namespace, and the first workload that both select."""
    found: dict[DisruptionBudget, tuple[DisruptionBudget, Workload]] = {}
    first: dict[tuple[DisruptionBudget, ...], Workload] = {}
    for workload in graph.workloads:
        first.setdefault(workload.budgets, workload)
    for budgets, workload in first.items():
        earlier: dict[str | None, dict[str, DisruptionBudget]] = defaultdict(dict)
        for budget in budgets:
            near = earlier[budget.namespace]
            others = (other for name, other in near.items() if name != budget.name and other.shares_unit(budget))
            other = next(others, None)
            if other is not None and budget not in found:
                found[budget] = other, workload
            if not budget.is_partial:
                near.setdefault(budget.name, budget)
    return found


def _selected_pods(budget: DisruptionBudget) -> int | None:
    """How many pods of the input a budget selects, in normal operation; None = unknown, or no workload."""
    return _pods_of(budget.graph, budget.workloads)


@once
def _pods_of(graph: Graph, workloads: tuple[Workload, ...]) -> int | None:
    counts = [workload.min_pods for workload in workloads]
    names = {(workload.kind, workload.name) for workload in workloads}
    if not counts or len(names) != len(counts) or any(w.kind == "DaemonSet" for w in workloads):
        return None
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _count_place(workload: Workload) -> Place:
    return workload.pods.place if workload.pods is not None else workload.name_place


def _may_be_created(budget: DisruptionBudget) -> bool:
    """Whether a custom resource of the unit may make further pods for the budget."""
    selector = budget.selector
    names = {budget.name, *(selector.match_labels.values() if selector is not None else ())}
    return any(budget.graph.possible_creator(name, budget) is not None for name in names)


def _evidence_of_mismatch(budget: DisruptionBudget, mates: list[Workload]) -> tuple[Workload, str] | None:
    """The workload of the unit that the selector was probably meant for, and what differs."""
    selector = budget.selector
    if selector is None or selector.is_empty:
        return None
    for workload in mates:
        if budget.namespace and workload.namespace and workload.namespace != budget.namespace:
            if workload.is_selected_by(selector):
                return workload, f"{workload.label} is in namespace {workload.namespace}, not in {budget.namespace}"
            continue
        if selector.matches(dict(workload.labels)):
            return workload, f"{workload.label} has these labels only on itself, not on its pods"
    near = [w for w in mates if not (budget.namespace and w.namespace and w.namespace != budget.namespace)]
    for workload in near:
        for key, wanted in selector.match_labels.items():
            found = workload.template_labels.get(key)
            if found is not None and found != wanted and is_near_miss(wanted, found):
                return workload, f"it selects {key}: {wanted}, but the pods of {workload.label} have {key}: {found}"
    if len(near) == 1:
        (workload,) = near
        for key, wanted in selector.match_labels.items():
            if key in workload.template_labels:
                missing = [k for k, v in selector.match_labels.items() if workload.template_labels.get(k) != v]
                named = ", ".join(f"{k}: {selector.match_labels[k]}" for k in missing) or f"{key}: {wanted}"
                return workload, f"the pods of {workload.label} do not have {named}"
    return None


def _rolling_unavailable(workload: StatefulSet, count: int) -> int | None:
    strategy = workload.spec.update_strategy
    written = strategy.rolling_update.max_unavailable if strategy and strategy.rolling_update else None
    field = workload.graph.knowledge.field("StatefulSet.spec.updateStrategy.rollingUpdate.maxUnavailable")
    if written is None or field is None or not field.on_at(workload.graph.target):
        return None
    away = scaled(written, count, round_up=False)
    return None if away is None else max(1, away)


# Quorum -------------------------------------------------------------------------------------------------------------


def quorum_members_share_node(subject: Database) -> Iterator[Finding]:
    """Members on one node are lost together."""
    workload = subject.workload
    if subject.class_ not in {"quorum", "ring"} or workload.kind == "DaemonSet" or (workload.max_pods or 0) < 2:
        return
    if workload.is_pinned or workload.is_development or _has_host_port(workload):
        return
    if image_process.standalone(subject.match, subject.settings) is not None:
        return
    spec = workload.pod_spec
    anti = spec.affinity.pod_anti_affinity
    hard: list[_Term] = [*anti.required]
    soft: list[_Term] = [term.pod_affinity_term for term in anti.preferred]
    for constraint in spec.topology_spread_constraints:
        (hard if constraint.when_unsatisfiable == "DoNotSchedule" else soft).append(constraint)
    if any(_separates(term, workload) for term in hard):
        return
    place, message, severity = _sharing(
        workload,
        has_anti=bool(anti.required or anti.preferred),
        is_soft=any(_separates(term, workload) for term in soft),
    )
    yield Finding(
        place=place,
        message=f"{message} the {workload.max_pods} members of {workload.label} may run on one node and be lost "
        "with it",
        severity=severity,
        weak=int(not subject.match.exact),
        unverified=subject.is_unverified,
    )


def even_quorum_members(subject: Database) -> Iterator[Finding]:
    """An even number of members tolerates no more failures than one member less."""
    workload = subject.workload
    count = written_replicas(workload)
    if (
        not isinstance(workload, StatefulSet)
        or count is None
        or count < 2
        or count % 2
        or workload.autoscaler is not None
    ):
        return
    if subject.votes is not True or (subject.entry.key == "cockroachdb" and count > 2) or _has_other_voters(subject):
        return
    if count == 2:
        message = "with 2 members the loss of either stops the cluster: it is less available than a single one"
    else:
        spare = (count - 1) // 2
        message = f"{count} members survive the loss of {spare}, and so do {count - 1}: the last one adds only risk"
    yield Finding(
        place=_replicas_place(workload),
        message=f"{message} ({subject.product})",
        related=(Related(subject.container.at("image"), "the member's image"),),
        severity="error" if count == 2 else None,
        weak=subject.weak,
        unverified=subject.is_unverified,
    )


def _voters(workload: Workload) -> Database | None:
    return next((database for database in workload.databases if database.votes is True), None)


def _has_other_voters(members: Database) -> bool:
    """Whether another workload of the unit may hold members of the same quorum (a Mongo arbiter, a second zone)."""
    workload = members.workload
    voters, own = _voters_of(workload.graph, workload.units, members.entry.key), _replica_set(members)
    same_set = voters.items() if own is None else ((name, voters.get(name, set())) for name in (own, None))
    return any(owners - {(workload.kind, workload.name)} for _, owners in same_set)


@once
def _voters_of(graph: Graph, units: frozenset[str], key: str) -> dict[str | None, set[tuple[str, str]]]:
    """Kind and name of the workloads with possible voters of a database, by the name of the replica set."""
    found: dict[str | None, set[tuple[str, str]]] = defaultdict(set)
    for workload in graph.in_units(units, Workload):
        for database in workload.databases:
            if database.entry.key == key and database.votes is not False:
                found[_replica_set(database)].add((workload.kind, workload.name))
    return found


def _replica_set(database: Database) -> str | None:
    """The name of a Mongo replica set; None for other databases and where it is not literal."""
    found = re.search(r"--replSet[=\s]+[\"']?([\w.-]+)", " ".join(database.container.words))
    name = found.group(1) if found else database.container.environment.get("MONGODB_REPLICA_SET_NAME")
    return name or None


def _separates(term: _Term, workload: Workload) -> bool:
    """Whether a term keeps the workload's own pods apart."""
    if term.label_selector is None or term.topology_key in _NO_PLACE or not term.topology_key:
        return False
    namespaces = term.namespaces if isinstance(term, PodAffinityTerm) else ()
    if namespaces and workload.namespace is not None and workload.namespace not in namespaces:
        return False
    return workload.is_selected_by(term.label_selector)


def _sharing(workload: Workload, *, has_anti: bool, is_soft: bool) -> tuple[Place, str, Literal["info"] | None]:
    """Where the rule against sharing a node should be, why it does not hold, and the severity."""
    has_spread = bool(workload.pod_spec.topology_spread_constraints)
    if has_anti:
        place = workload.template_at("spec", "affinity", part="key")
    elif has_spread:
        place = workload.template_at("spec", "topologySpreadConstraints", part="key")
    else:
        return workload.template_at("spec", part="key"), "nothing keeps its pods apart:", None
    if is_soft:
        return place, "the rules that keep its pods apart are only preferences:", "info"
    return place, "no rule that keeps pods apart selects its own labels:", None


def _has_host_port(workload: Workload) -> bool:
    """Whether its pods use a port of the node, so that two of them never share one."""
    resource = workload.resource
    on_host_network = resource.get(*workload.template_route, "spec", "hostNetwork") is True
    for container in workload.containers:
        ports = resource.get(*container.route, "ports")
        for port in ports if isinstance(ports, list) else ():
            if isinstance(port, dict) and (port.get("hostPort") or (on_host_network and port.get("containerPort"))):
                return True
    return False


def _replicas_place(workload: Workload) -> Place:
    """Where the number of replicas is set: the workload, or the kustomization that overrides it."""
    for build in workload.graph.units.builds_of(workload.resource.path):
        for index, entry in enumerate(build.body.replicas):
            if entry.name == workload.name and entry.count is not None:
                return Place(build.resource, ("replicas", index, "count"))
    return workload.at("spec", "replicas")


# Memory -------------------------------------------------------------------------------------------------------------


def database_without_resource_requests(subject: Database) -> Iterator[Finding]:
    """A pod without a memory request is the first to go when the node runs out of memory."""
    container, workload = subject.container, subject.workload
    resources = container.spec.resources
    if "memory" in resources.requests or "memory" in resources.limits or container.is_unknown("resources"):
        return
    own = workload.resource.get(*workload.template_route, "spec", "resources")
    if isinstance(own, dict) or _has_default_request(workload):
        return
    yield Finding(
        place=container.at("resources", "requests", part="key"),
        message=f"{subject.product} requests no memory, so the kubelet evicts it before others when its node "
        "runs short",
        weak=int(not subject.match.exact),
        unverified=subject.is_unverified,
    )


def heap_exceeds_memory_limit(subject: Database, options: Mapping[str, Any]) -> Iterator[Finding]:
    """A heap or cache near the memory limit leaves no room for the rest of the process, which is then killed."""
    container = subject.container
    limit = quantity_or_none(container.spec.resources.limits.get("memory"))
    if not limit:
        return
    ratio = Decimal(str(options["heap-ratio"]))
    for place, name, written, size in _heaps(subject):
        if size <= limit * ratio:
            continue
        share = int(size * 100 / limit)
        yield Finding(
            place=place,
            message=f"{name} takes {written}, {share} % of the memory limit "
            f"{container.spec.resources.limits['memory']}: {subject.product} is killed (OOMKilled) when it fills up",
            related=(Related(container.at("resources", "limits", "memory"), "the memory limit"),),
            severity="error" if size >= limit else None,
            weak=int(not subject.match.exact),
            unverified=subject.is_unverified,
        )


def _has_default_request(workload: Workload) -> bool:
    for node in workload.graph.objects("LimitRange"):
        limits = node.resource.get("spec", "limits")
        if not workload.sees(node):
            continue
        for entry in limits if isinstance(limits, list) else ():
            if not isinstance(entry, dict) or entry.get("type") != "Container":
                continue
            if any(
                isinstance(entry.get(key), dict) and "memory" in entry[key] for key in ("defaultRequest", "default")
            ):
                return True
    return False


_JAVA_VARIABLE = regex(r"(?:JAVA_OPTS|HEAP_OPTS|JVM_OPTS|JAVA_TOOL_OPTIONS)$")
_JAVA_HEAP = r"-Xmx(\S+)"
_SIZE = regex(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])i?)?b?", re.IGNORECASE)
_POWERS = {"k": 1, "m": 2, "g": 3, "t": 4}
_PAGE = 8192


def _heaps(database: Database) -> Iterator[tuple[Place, str, str, Decimal]]:
    """Every literal size of a heap or cache: its place, the setting, the size as written, and the size in bytes."""
    container = database.container
    for index, variable in enumerate(container.spec.env):
        patterns = [(row.pattern, row.unit) for row in database.entry.heap if variable.name in row.env]
        if not patterns and _JAVA_VARIABLE.search(variable.name):
            patterns = [(_JAVA_HEAP, "bytes")]
        for pattern, unit in patterns:
            found = re.findall(pattern, variable.value or "")
            size = _bytes(found[-1], unit, database) if found else None
            if size is not None:
                yield container.at("env", index, "value"), variable.name, found[-1], size
    for field, words in (("command", container.spec.command or ()), ("args", container.spec.args or ())):
        for row in database.entry.heap:
            for option in row.args:
                for index, written in _values(words, option):
                    size = _bytes(written, row.unit, database)
                    if size is not None:
                        yield container.at(field, index), option.rpartition(" ")[2], written, size


def _values(words: tuple[str, ...], option: str) -> Iterator[tuple[int, str]]:
    """Where an option has which value: ``--a=x``, ``--a x``, ``-c key=x``."""
    flag, _, key = option.partition(" ")
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if key:
            if word == flag and following.startswith(f"{key}="):
                yield index + 1, following.partition("=")[2]
            elif word.startswith(f"{flag}{key}="):
                yield index, word.partition("=")[2]
        elif word == flag and following:
            yield index + 1, following
        elif word.startswith(f"{flag}="):
            yield index, word.partition("=")[2]


def _bytes(written: str, unit: str, database: Database) -> Decimal | None:
    """A size in bytes; None for percentages, fractions of the memory and everything else."""
    found = _size_of(written)
    if found is None:
        return None
    number, factor = found
    if factor == 1 and unit == "GB":
        factor = 1024**3
    elif factor == 1 and database.entry.key in _POSTGRES:
        factor = _PAGE
    return number * factor if factor > 1 or number == int(number) else None


def _size_of(written: str) -> tuple[Decimal, int] | None:
    """Number and factor of a size as databases write it: ``512m``, ``4G``, ``2GB``; letters are powers of 1024."""
    found = _SIZE.fullmatch(written.strip().strip("\"'"))
    if found is None:
        return None
    letter = found.group(2)
    return Decimal(found.group(1)), 1024 ** _POWERS[letter.lower()] if letter else 1


def _operator_of(workload: Workload) -> str | None:
    """The operator that manages a workload, by the label that says so."""
    manager = workload.labels.get("app.kubernetes.io/managed-by", "")
    return manager if manager.lower().endswith("operator") else None
