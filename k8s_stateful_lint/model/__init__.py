"""Documents become typed objects: this package knows the Kubernetes API, not the rules.

Everything here is frozen. API fields keep their Kubernetes names in snake case (``claimName`` is ``claim_name``);
routes into a manifest keep the spelling of the manifest.
"""
