"""What the API server's validation says about single values: names, listed values, numbers, entries that clash.

Rules of the family api-validity pass it on. Everything here looks at one object, field by field, as it is written.

Source: kubernetes v1.36 pkg/apis/{core,apps,batch,policy,autoscaling,storage,discovery}/validation,
staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go, pkg/api/{pod,service,persistentvolume}/warnings.go.
"""

from k8s_stateful_lint.checks.api_validity._server.duplicates import duplicates
from k8s_stateful_lint.checks.api_validity._server.names import names
from k8s_stateful_lint.checks.api_validity._server.remark import Remark
from k8s_stateful_lint.checks.api_validity._server.values import values
from k8s_stateful_lint.checks.api_validity._server.warnings import warnings

__all__ = ["Remark", "duplicates", "names", "values", "warnings"]
