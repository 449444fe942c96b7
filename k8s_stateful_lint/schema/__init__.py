"""The schema check: every field of an object against the API's own description of it.

The schemas are those of kubernetes-validate (Kubernetes 1.25 and newer), the engine is jsonschema-rs. A schema is read
when the first object of its kind is there, and neither package is imported in a run without such an object.
"""

from k8s_stateful_lint.schema.check import NOTHING, Outcome, check_schemas
from k8s_stateful_lint.schema.targets import targets_of

__all__ = ["NOTHING", "Outcome", "check_schemas", "targets_of"]
