"""The model-based test: random histories of the metadata service, judged against a model of it."""
