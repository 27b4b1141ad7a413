"""Two steps in a row; the first leaves artifacts of every awkward kind and tells what surrounds it."""

import os
import socket
import sys
from pathlib import Path

from metaflow import S3, FlowSpec, current, step


def surroundings():
    """Where this process runs, without the value of anything secret."""
    return {
        "host": socket.gethostname(),
        "variables": sorted(os.environ),
        "metaflow": {k: v for k, v in os.environ.items() if k.startswith(("METAFLOW_SERVICE_U", "METAFLOW_DATASTORE"))},
        "node_address": os.environ.get("METAFLOW_KUBERNETES_NODE_IP"),
        "service_account": os.environ.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT_NAME"),
        "token": Path("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
    }


class MfconfLinear(FlowSpec):
    @step
    def start(self):
        self.number = 7
        self.nothing = None
        self.words = "héllo, wörld 🌍"
        self.nested = {"list": [1, 2.5, None, {"k": "v"}], "tuple": (1, "a"), "set": {1, 2, 3}}
        self.megabyte = bytes(range(256)) * 4096
        self.where = surroundings()
        with S3(run=self) as store:
            store.put("from-inside", "written where the step runs")
            self.read_back = store.get("from-inside").text
            self.absent = store.get("nothing-here", return_missing=True).exists
        print("a line for the log: grüße")
        print("a line on stderr", file=sys.stderr)
        self.next(self.end)

    @step
    def end(self):
        self.seen = {"number": self.number, "words": self.words, "length": len(self.megabyte)}
        self.attempt = current.retry_count


if __name__ == "__main__":
    MfconfLinear()
