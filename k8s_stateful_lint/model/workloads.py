"""Everything that makes pods (apps/v1, batch/v1, core/v1 and the API groups they once lived in)."""

from typing import Any

import msgspec

from k8s_stateful_lint._nothing import NOTHING
from k8s_stateful_lint.model.base import ApiStruct, LabelSelector, Metadata
from k8s_stateful_lint.model.pods import IntOrString, PodSpec, PodTemplate
from k8s_stateful_lint.model.storage import ClaimBody


class RollingUpdate(ApiStruct, frozen=True):
    """``rollingUpdate`` of any workload; a field that the kind does not have stays None."""

    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    partition: int | None = None


class Strategy(ApiStruct, frozen=True):
    """``strategy`` or ``updateStrategy``."""

    type: str | None = None
    rolling_update: RollingUpdate | None = None


class ClaimRetentionPolicy(ApiStruct, frozen=True):
    """``persistentVolumeClaimRetentionPolicy``."""

    when_deleted: str | None = None
    when_scaled: str | None = None


class Ordinals(ApiStruct, frozen=True):
    """``ordinals``."""

    start: int = 0


class WorkloadSpec(ApiStruct, frozen=True):
    """``spec`` of Deployment, ReplicaSet, StatefulSet and DaemonSet; a field the kind does not have stays unset."""

    replicas: int | None = None
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    min_ready_seconds: int | None = None
    revision_history_limit: int | None = None
    # Deployment
    strategy: Strategy | None = None
    # StatefulSet and DaemonSet
    update_strategy: Strategy | None = None
    # StatefulSet
    service_name: str | None = None
    volume_claim_templates: tuple[ClaimBody, ...] = ()
    pod_management_policy: str | None = None
    persistent_volume_claim_retention_policy: ClaimRetentionPolicy | None = None
    ordinals: Ordinals = Ordinals()


class ControllerSpec(ApiStruct, frozen=True):
    """``spec`` of a ReplicationController, whose selector is a plain map."""

    replicas: int | None = None
    selector: dict[str, str] = NOTHING
    template: PodTemplate = PodTemplate()
    min_ready_seconds: int | None = None


class JobSpec(ApiStruct, frozen=True):
    """``spec`` of a Job."""

    parallelism: int | None = None
    completions: int | None = None
    completion_mode: str | None = None
    active_deadline_seconds: int | None = None
    suspend: bool | None = None
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()


class JobTemplate(ApiStruct, frozen=True):
    """``jobTemplate`` of a CronJob."""

    metadata: Metadata = Metadata()
    spec: JobSpec = JobSpec()


class CronJobSpec(ApiStruct, frozen=True):
    """``spec`` of a CronJob."""

    schedule: str = ""
    concurrency_policy: str | None = None
    suspend: bool | None = None
    job_template: JobTemplate = JobTemplate()


class WorkloadBody(ApiStruct, frozen=True):
    """A Deployment, ReplicaSet, StatefulSet (or PetSet) or DaemonSet."""

    metadata: Metadata = Metadata()
    spec: WorkloadSpec = WorkloadSpec()


class ControllerBody(ApiStruct, frozen=True):
    """A ReplicationController."""

    metadata: Metadata = Metadata()
    spec: ControllerSpec = ControllerSpec()


class JobBody(ApiStruct, frozen=True):
    """A Job."""

    metadata: Metadata = Metadata()
    spec: JobSpec = JobSpec()


class CronJobBody(ApiStruct, frozen=True):
    """A CronJob."""

    metadata: Metadata = Metadata()
    spec: CronJobSpec = CronJobSpec()


class PodBody(ApiStruct, frozen=True):
    """A Pod."""

    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()


class ScaleTarget(ApiStruct, frozen=True):
    """``scaleTargetRef``; a KEDA ScaledObject may leave out the kind, which then is Deployment."""

    api_version: str = ""
    kind: str = ""
    name: str = ""


class HorizontalPodAutoscalerSpec(ApiStruct, frozen=True):
    """``spec`` of a HorizontalPodAutoscaler."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int | None = None


class HorizontalPodAutoscalerBody(ApiStruct, frozen=True):
    """A HorizontalPodAutoscaler."""

    metadata: Metadata = Metadata()
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()


class ScaledObjectSpec(ApiStruct, frozen=True):
    """``spec`` of KEDA's ScaledObject (keda.sh/v1alpha1, apis/keda/v1alpha1/scaledobject_types.go)."""

    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replica_count: int | None = None
    max_replica_count: int | None = None


class ScaledObjectBody(ApiStruct, frozen=True):
    """A KEDA ScaledObject."""

    metadata: Metadata = Metadata()
    spec: ScaledObjectSpec = ScaledObjectSpec()


class DisruptionBudgetSpec(ApiStruct, frozen=True):
    """``spec`` of a PodDisruptionBudget."""

    selector: LabelSelector | None = None
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str | None = None


class DisruptionBudgetBody(ApiStruct, frozen=True):
    """A PodDisruptionBudget."""

    metadata: Metadata = Metadata()
    spec: DisruptionBudgetSpec = DisruptionBudgetSpec()


class ServiceSpec(ApiStruct, frozen=True):
    """``spec`` of a Service."""

    cluster_ip: str | None = msgspec.field(name="clusterIP", default=None)
    type: str | None = None
    selector: dict[str, str] = NOTHING
    publish_not_ready_addresses: bool | None = None
    ports: tuple[dict[str, Any], ...] = ()


class ServiceBody(ApiStruct, frozen=True):
    """A Service."""

    metadata: Metadata = Metadata()
    spec: ServiceSpec = ServiceSpec()


class ConfigMapBody(ApiStruct, frozen=True):
    """A ConfigMap: configuration files of databases are read from it."""

    metadata: Metadata = Metadata()
    data: dict[str, str] = NOTHING
    immutable: bool | None = None


class PlainBody(ApiStruct, frozen=True):
    """Any object of which only metadata matters."""

    metadata: Metadata = Metadata()
