"""Production deployments on Argo Workflows."""
