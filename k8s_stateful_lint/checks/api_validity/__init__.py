"""Family api-validity: what the API server, the controllers or kubelet refuse or silently change."""
