"""The metadata service over HTTP."""
