"""Load on a metadata service: who does what (users), how much (profiles), and what has to hold (thresholds).

Runs as a process of its own, in an environment of its own (``python -m load``): Locust patches the process
that imports it. Everything but ``users`` and ``__main__`` is plain Python.
"""
