"""What can't be understood is the asker's fault: answered with 4xx, in words, and without consequences."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, assert_count, record, succeeded

BIG = 2**63
TOO_BIG = (BIG, 10**30)
OFTEN = 40
INSIDE = (
    "Traceback (most recent call last)",
    'File "/',
    "site-packages",
    "psycopg2",
    "asyncpg",
    "sqlalchemy",
    "INSERT INTO",
    "host=",
)


def refused(answer):
    """Any 4xx."""
    assert 400 <= answer.status < 500, f"{answer}: want 4xx"


@requirement("META-210", level="SHOULD", needs={"metadata"}, kills="bad-body-accepted")
def test_body_that_is_no_json(metadata):
    """A body that is no JSON, or none at all, is refused with 4xx.

    Why: 5xx wakes somebody up. The real service answers 500 with a stack trace (observed at v2.5.1).
    """
    place = metadata.new_place("NoJson")

    for path in (f"{place.in_flow}/run", f"{place.in_run}/steps/x/step", f"{place.in_task}/metadata"):
        for body in (b"{", b"not json", b"\xff\xfe", b""):
            refused(metadata.call("POST", path, data=body, headers={"Content-Type": "application/json"}))
    refused(metadata.call("PATCH", f"{place.in_run}/tag/mutate", data=b"{"))


@requirement("META-211", level="SHOULD", needs={"metadata"}, kills="bad-body-is-500")
def test_body_of_the_wrong_shape(metadata):
    """A list where an object belongs, and the other way round, is refused with 4xx.

    Why: as above; the real service answers 500 with a stack trace (observed at v2.5.1).
    """
    place = metadata.new_place("WrongShape")

    refused(metadata.post(f"{place.in_flow}/run", []))
    refused(metadata.post(f"{place.in_step}/task", "text"))
    refused(metadata.post(f"{place.in_task}/artifact", artifact("name")))
    refused(metadata.post(f"{place.in_task}/metadata", ["text"]))
    refused(metadata.retag(place.in_run, ["tag"]))


@requirement(
    "META-212", level="SHOULD", needs={"metadata"}, kills=("error-with-traceback", "error-tells-the-statement")
)
def test_no_stack_trace(metadata):
    """No refusal shows the inside of the service: no stack trace, no path of its files.

    Why: the answer goes into logs and to strangers. The real service sends its stack trace (observed at
    v2.5.1: api/utils.py, http_500).
    """
    place = metadata.new_place("NoTrace")

    for answer in (
        metadata.call("POST", f"{place.in_flow}/run", data=b"{"),
        metadata.post(f"{place.in_flow}/run", []),
        metadata.post(f"{metadata.at(place.flow, 999999999, 'start')}/step", {}),
        metadata.get(f"{place.in_task}/attempt/x/artifacts"),
        metadata.get(metadata.at(place.flow, BIG)),
        metadata.post(f"{place.in_flow}/run", {"run_number": "1"}),
    ):
        shown = [text for text in INSIDE if text in answer.text]
        equal(shown, [], f"{answer.request}: what the body shows of the inside")


@requirement("META-213", level="SHOULD", needs={"metadata"}, kills="attempt-in-words-is-500")
def test_attempt_that_is_no_number(metadata):
    """An attempt in the path that is no whole number is refused with 4xx.

    Why: it is a typing error. The real service answers 500 (observed at v2.5.1).
    """
    task = metadata.new_task_path("OddAttempt")
    metadata.write(f"{task}/artifact", [artifact("name")])

    for attempt in ("x", "-1", "1.5", "99999999999999999999"):
        answer = metadata.get(f"{task}/artifacts/name/attempt/{attempt}")
        refused(answer)
    refused(metadata.get(f"{task}/attempt/x/artifacts"))


@requirement("META-214", level="SHOULD", needs={"metadata"}, kills=("ids-of-32-bits", "ids-of-64-bits"))
def test_number_beyond_all(metadata):
    """A run or a task with a number that is too large to exist is answered with 404.

    Why: `Run('Flow/9223372036854775808')` does not exist, and that is what its user should read. The real
    service answers 500 (observed at v2.5.1).
    """
    place = metadata.new_place("TooBig")

    for number in TOO_BIG:
        for path in (metadata.at(place.flow, number), f"{place.in_step}/tasks/{number}"):
            equal(metadata.get(path).status, 404, f"GET {path}: status")


@requirement("META-215", needs={"metadata"}, kills=("connections-leak", "connections-leak-on-errors"))
def test_bad_requests_leave_nothing_behind(metadata):
    """After many requests that can't be answered, those that can are answered as before.

    Why: a connection or a transaction that a fault leaves open is missing later, until none is left.
    """
    place = metadata.new_place("AfterFaults")

    def provoke(number):
        metadata.post(f"{place.in_flow}/run", {"run_number": "1", "user_name": None})
        metadata.get(metadata.at(place.flow, BIG + number))
        metadata.post(f"{place.in_task}/metadata", [record("nul", "a\x00b"), record("x" * 5000, "v")])
        metadata.patch(f"{place.in_run}/tag/mutate", {"tags_to_remove": "x"})
        metadata.get(f"{place.in_step}/filtered_tasks?pattern=%28")

    metadata.together(provoke, range(OFTEN))

    for _ in range(OFTEN):
        made = metadata.new_task(place.flow, place.run, "start")["task_id"]
        equal(metadata.read(f"{place.in_step}/tasks/{made}")["task_id"], made, f"{place.in_step}/tasks/{made}: task_id")
    succeeded(metadata.retag(place.in_run, {"tags_to_add": ["new"]}))


@requirement("META-216", needs={"metadata"}, kills="fields-unknown-refused")
def test_more_fields_than_known(metadata):
    """Fields that the service does not know are taken without complaint.

    Why: newer clients send more; the present one sends ts_epoch, flow_id and more, which nobody keeps.
    """
    flow = f"Mfconf_{metadata.run_id}_MoreFields"
    more = {"user_name": "mfconf", "tags": [], "system_tags": [], "ts_epoch": 1, "new": {"a": [1]}, "flow_id": flow}

    metadata.write(metadata.at(flow), more)
    run = metadata.write(f"{metadata.at(flow)}/run", more)["run_number"]
    metadata.write(f"{metadata.at(flow, run, 'start')}/step", {**more, "run_number": run, "step_name": "start"})
    body = {**more, "run_number": run, "step_name": "start"}
    task = metadata.write(f"{metadata.at(flow, run, 'start')}/task", body)["task_id"]

    path = metadata.at(flow, run, "start", task)
    told = metadata.write(f"{path}/artifact", [artifact("name", new=1, task_id=task, run_number=run, ts_epoch=1)])
    assert_count(told, 1, f"POST {path}/artifact")
    told = metadata.write(f"{path}/metadata", [record("attempt", "0", new=1, task_id=task, ts_epoch=1)])
    assert_count(told, 1, f"POST {path}/metadata")


@requirement("META-217", needs={"metadata"}, kills="body-beats-path")
def test_path_decides_where_it_belongs(metadata):
    """Where body and path name different flows, runs or steps, the path decides.

    Why: the path is what is read back.
    """
    place, other = metadata.new_place("PathDecides"), metadata.new_place("PathDecidesNot")
    lie = {"flow_id": other.flow, "run_number": other.run, "step_name": "other", "task_id": other.task}

    metadata.write(f"{place.in_task}/artifact", [artifact("name", **lie)])
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0", **lie)])

    for below in ("artifacts", "metadata"):
        equal(len(metadata.rows(f"{place.in_task}/{below}")), 1, f"{place.in_task}/{below}: entries")
        equal(metadata.rows(f"{other.in_task}/{below}"), [], f"{other.in_task}/{below}: entries, by the body's word")
