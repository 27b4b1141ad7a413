"""What a step's process can reach, and what answers when it does not say who it is."""

from conformance.requirement import equal, requirement

REMOTE = ("kubernetes", "argo")
GRANTED = range(200, 300)


@requirement("SEC-100", scenario="linear", on=REMOTE)
def test_service_answers_inside(run):
    """Inside a step, the metadata service answers /ping to the headers that the step was given.

    Why: an address or a key that only holds outside of the cluster shows late, as steps that wait and then fail.
    """
    told = run.task("start")["reach"]["service"]

    where = f"{run.pathspec}/start: METAFLOW_SERVICE_URL/ping, asked from inside the pod"
    assert "error" not in told, f"{where}: no answer: {told['error']}; may the pod's network reach the service?"
    equal(told["status"], 200, f"{where}: status; does the internal URL lead to the service, with its headers?")


@requirement("SEC-101", level="SHOULD", scenario="linear", on=REMOTE, kills="api-server-out-of-reach")
def test_api_server_is_reached(run):
    """Inside a step, the API server answers.

    Why: Argo's executor reports through it from the same pod, and steps that deploy or start flows ask it. Where a
    network policy closes it on purpose, put this on the list of expected failures.
    """
    told = run.task("start")["reach"]["api"]

    version = told["version"]
    where = f"{run.pathspec}/start: the API server at {told['address']}"
    assert "error" not in version, f"{where} does not answer: {version['error']}; does a network policy forbid it?"


@requirement("SEC-102", scenario="linear", on=REMOTE, kills="anybody-reads-secrets")
def test_api_server_tells_nobody(run):
    """Whoever does not say who they are reads no secrets from the API server.

    Why: any process in any pod can ask; a binding for system:anonymous gives it the keys to store and database.
    """
    told = run.task("start")["reach"]["api"]

    where = f"{run.pathspec}/start: {told['address']} lists the secrets of the namespace without a token"
    hint = "which ClusterRoleBinding or RoleBinding names system:anonymous or system:unauthenticated?"
    assert told["anonymous"] not in GRANTED, f"{where} (status {told['anonymous']}): {hint}"


@requirement("SEC-103", scenario="linear", on=REMOTE)
def test_store_refuses_strangers(run):
    """The store neither lists, reads nor writes for requests that nobody signed.

    Why: what every step wrote would be open to whoever reaches the store, and artifacts are pickles, which run as
    code where they are read.
    """
    told = dict(run.task("start")["reach"]["store"])
    where = f"{run.pathspec}/start: {told.pop('address')}"

    assert any(isinstance(answer, int) for answer in told.values()), f"{where}: no answer to unsigned requests: {told}"
    granted = sorted(what for what, answer in told.items() if answer in GRANTED)
    hint = "take anonymous access out of the bucket's policy and ACL"
    equal(granted, [], f"{where}: granted to requests without a signature; {hint}")
