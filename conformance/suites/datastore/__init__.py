"""The S3 store, from the host and from inside a step."""
