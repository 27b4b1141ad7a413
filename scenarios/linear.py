"""Two steps in a row; the first leaves artifacts of every awkward kind and tells what surrounds it."""

import json
import os
import socket
import ssl
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from metaflow import S3, FlowSpec, current, step
from metaflow.metaflow_config import SERVICE_HEADERS, SERVICE_URL
from metaflow.plugins.datatools.s3.s3util import get_s3_client
from metaflow.plugins.metadata_providers.service import ServiceMetadataProvider

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WAIT_S = 10


def surroundings():
    """Where this process runs, without the value of anything secret."""
    return {
        "host": socket.gethostname(),
        "variables": sorted(os.environ),
        "metaflow": {k: v for k, v in os.environ.items() if k.startswith(("METAFLOW_SERVICE_U", "METAFLOW_DATASTORE"))},
        "node_address": os.environ.get("METAFLOW_KUBERNETES_NODE_IP"),
        "service_account": os.environ.get("METAFLOW_KUBERNETES_SERVICE_ACCOUNT_NAME"),
        "token": (ACCOUNT / "token").exists(),
    }


def asked(url, body=None, token=None, method=None):
    """The answer to a request: its ``status`` and ``text``, or the ``error`` that came instead."""
    trust = ssl.create_default_context(cafile=ACCOUNT / "ca.crt" if token else None)
    if not token:  # nothing secret is sent, and whoever answers nobody counts
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    inside = [ProxyHandler({})] if url.startswith(api()) else []
    request = Request(url, json.dumps(body).encode() if body else None, method=method)  # noqa: S310 - http or https
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with build_opener(HTTPSHandler(context=trust), *inside).open(request, timeout=WAIT_S) as answer:
            return {"status": answer.status, "text": answer.read(100_000).decode(errors="replace")}
    except HTTPError as error:
        return {"status": error.code, "text": error.read(500).decode(errors="replace")}
    except (OSError, HTTPException) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def api():
    """The address of the API server, as every pod is told; that of no host outside of pods."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    return f"https://{f'[{host}]' if ':' in host else host}:{os.environ.get('KUBERNETES_SERVICE_PORT', '443')}"


def service():
    """The metadata service's answer to a ping with the headers that this process was given."""
    client = ServiceMetadataProvider._session  # noqa: SLF001 - with the settings of Metaflow's own requests
    try:
        pong = client.get(f"{SERVICE_URL.rstrip('/')}/ping", headers=SERVICE_HEADERS, timeout=WAIT_S)
    except OSError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"status": pong.status_code, "version": pong.headers.get("METADATA_SERVICE_VERSION")}


def strangers(url):
    """What the store answers to requests for an object and its bucket that nobody signed."""
    place = urlsplit(url)
    client, _ = get_s3_client()
    bucket = {"Bucket": place.netloc}
    signed = client.generate_presigned_url("get_object", Params={**bucket, "Key": place.path.lstrip("/")})
    listing = client.generate_presigned_url("list_objects_v2", Params=bucket).partition("?")[0]
    plain = signed.partition("?")[0]
    answers = {
        "read": asked(plain),
        "list": asked(f"{listing}?list-type=2&max-keys=1"),
        "write": asked(f"{plain}-unsigned", {"written": "by nobody"}, method="PUT"),
    }
    return {"address": plain, **{what: told.get("status", told.get("error")) for what, told in answers.items()}}


def authority():
    """What the API server says of this process: to nobody, and to the service account whose token is mounted."""
    namespace = os.environ.get("METAFLOW_KUBERNETES_POD_NAMESPACE")
    if not namespace:
        return None
    found = {
        "address": api(),
        "version": asked(f"{api()}/version"),
        "anonymous": asked(f"{api()}/api/v1/namespaces/{namespace}/secrets?limit=1").get("status"),
    }
    if (ACCOUNT / "token").exists():
        token = (ACCOUNT / "token").read_text()
        for kind, group in (("SelfSubjectReview", "authentication"), ("SelfSubjectRulesReview", "authorization")):
            version = f"{group}.k8s.io/v1"
            body = {"kind": kind, "apiVersion": version, "spec": {"namespace": namespace}}
            found[kind] = asked(f"{api()}/apis/{version}/{kind.lower()}s", body, token)
    return found


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
            found = store.get("from-inside")
            self.read_back = found.text
            self.absent = store.get("nothing-here", return_missing=True).exists
        self.reach = {"service": service(), "store": strangers(found.url), "api": authority()}
        print("a line for the log: grüße")
        print("a line on stderr", file=sys.stderr)
        self.next(self.end)

    @step
    def end(self):
        self.seen = {"number": self.number, "words": self.words, "length": len(self.megabyte)}
        self.attempt = current.retry_count


if __name__ == "__main__":
    MfconfLinear()
