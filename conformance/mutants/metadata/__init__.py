"""The mutants of the metadata service, one module for each family of defects."""
