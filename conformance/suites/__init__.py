"""The checks: one folder an area, one behaviour a file. How to add one: CONTRIBUTING.md."""
