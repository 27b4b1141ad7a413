"""What lies between client and service: connections, bodies, proxies."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, assert_count, record, same, succeeded

REQUESTS = 20
CLIENTS = 32
BIG = 2 << 20


@requirement("META-240", level="SHOULD", needs={"metadata"}, kills="connection-closed")
def test_connections_are_kept(metadata):
    """Requests one after the other go over one connection.

    Why: a new connection for each, with TLS, makes every client several times slower.
    """
    place = metadata.new_place("KeptConnections")
    client = metadata.fresh()

    for _ in range(REQUESTS):
        client.read(place.in_run)
        client.new_task(place.flow, place.run, "start")

    equal(client.connections, 1, f"{client.url}: connections for {2 * REQUESTS} requests one after the other")


@requirement("META-241", level="SHOULD", needs={"metadata"}, kills="proxy-limits-bodies-1m")
def test_a_body_of_two_megabytes(metadata):
    """A body of two megabytes is taken, and what is in it kept.

    Why: proxies bound bodies, often at a megabyte, and answer 413; the client does not expect that.
    """
    task = metadata.new_task_path("TwoMegabytes")

    answer = metadata.post(f"{task}/metadata", [record(f"f{number}", "x" * (BIG // 8)) for number in range(8)])

    succeeded(answer)
    assert_count(answer.json, 8, f"{answer.request}")
    lengths = [len(item["value"]) for item in metadata.rows(f"{task}/metadata")]
    equal(lengths, [BIG // 8] * 8, f"{task}/metadata: lengths of the values")


@requirement("META-242", needs={"metadata"}, kills="crowd-refused")
def test_many_clients_at_once(metadata):
    """Of requests that thirty-two clients make at the same time, each is answered.

    Why: the pods of a foreach start together; the client ends its task at any answer but 200 and 503.
    """
    place = metadata.new_place("ManyClients")

    def work(number):
        client = metadata.fresh()
        task = client.new_task(place.flow, place.run, "start", task_id=f"t-{number}")["task_id"]
        path = f"{place.in_step}/tasks/{task}"
        client.write(f"{path}/metadata", [record("attempt", "0")])
        client.write(f"{path}/artifact", [artifact("name")])
        assert client.rows(f"{path}/artifacts").only["name"] == "name", f"{path}/artifacts: another artifact"
        return task

    done = metadata.together(work, range(CLIENTS), at_once=CLIENTS)

    equal(sorted(done), sorted(f"t-{number}" for number in range(CLIENTS)), f"{place.in_step}: tasks of all clients")


@requirement("META-243", level="SHOULD", needs={"metadata"}, kills="unknown-parameter-is-400")
def test_odd_query_is_ignored(metadata):
    """Parameters that the service does not know change nothing of an answer.

    Why: proxies and browsers add some.
    """
    place = metadata.new_place("OddQuery")

    for path in (place.in_flow, place.in_run, place.in_step, place.in_task):
        same(metadata.read(f"{path}?utm=1&x=%27"), metadata.read(path), f"{path} with parameters that mean nothing")


@requirement("META-244", level="SHOULD", needs={"metadata"}, kills="answers-cacheable")
def test_answers_may_not_be_cached(metadata):
    """No answer allows a cache to keep it.

    Why: runs change with every heartbeat; a proxy that follows such a header shows old ones.
    """
    place = metadata.new_place("NoCaching")

    for path in ("/ping", "/flows", place.in_run, f"{place.in_step}/tasks"):
        answer = metadata.get(path)
        words = answer.headers.get("Cache-Control", "")
        kept = "max-age" in words and "max-age=0" not in words
        assert not kept, f"{answer.request}: Cache-Control is {words!r}: a proxy may keep the answer"
        assert "Age" not in answer.headers, f"{answer.request}: Age is {answer.headers['Age']}: a cache has answered"
