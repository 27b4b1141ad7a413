"""The conformance harness for Metaflow deployments on Kubernetes."""
