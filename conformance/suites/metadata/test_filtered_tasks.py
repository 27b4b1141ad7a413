"""Tasks found by their metadata: how the client finds parents, children and siblings of a task."""

import re
from urllib.parse import urlencode

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import record, succeeded

INDEXES = ("0", "1", "2", "10", "11")


def found(metadata, step, **query):
    """The task identifiers of the pathspecs that are answered."""
    path = f"{step}/filtered_tasks?{urlencode(query)}"
    answer = metadata.get(path)
    succeeded(answer)
    pathspecs = answer.json
    assert isinstance(pathspecs, list), f"GET {path}: {pathspecs!r} is no list"
    assert len(pathspecs) == len(set(pathspecs)), f"GET {path}: a task is listed twice: {pathspecs}"
    return sorted(pathspec.split("/")[-1] for pathspec in pathspecs)


def foreach(metadata, what):
    """A step of five named tasks with the records that a foreach leaves; the path of the step."""
    flow = metadata.new_flow(what)
    metadata.new_run(flow, run_number="argo-filter")
    metadata.new_step(flow, "argo-filter", "work")
    for index in INDEXES:
        metadata.new_task(flow, "argo-filter", "work", task_id=f"t-{index}")
        path = f"start:0,work:{index}"
        body = [record("foreach-execution-path", path), record("foreach-index", index), record("attempt", "0")]
        metadata.write(f"{metadata.at(flow, 'argo-filter', 'work', f't-{index}')}/metadata", body)
    return metadata.at(flow, "argo-filter", "work")


@requirement("META-170", needs={"metadata"}, kills="proxy-strips-query")
def test_field_and_pattern(metadata):
    """With a field and a pattern, the tasks with a matching value of this field are answered, and no others.

    Why: `Task.parent_tasks` and `Task.child_tasks` ask this way, with a pattern that is anchored at both ends.
    """
    step = foreach(metadata, "FieldAndPattern")

    for index in INDEXES:
        pattern = f"^(?:start:0,work:{index})$"
        got = found(metadata, step, metadata_field_name="foreach-execution-path", pattern=pattern)
        equal(got, [f"t-{index}"], f"{step}/filtered_tasks: tasks of {pattern}")
    got = found(metadata, step, metadata_field_name="attempt", pattern="^(?:start:0,work:1)$")
    equal(got, [], f"{step}/filtered_tasks: tasks whose other field has the value")


@requirement("META-171", needs={"metadata"}, kills="filtered-tasks-field-ignored")
def test_field_alone(metadata):
    """With a field alone, the tasks that have a record of it are answered.

    Why: a field is the first half of what the client asks for; a pattern is left out where any will do.
    """
    step = foreach(metadata, "FieldAlone")
    metadata.write(f"{step}/tasks/t-2/metadata", [record("special", "x")])

    equal(found(metadata, step, metadata_field_name="special"), ["t-2"], f"{step}/filtered_tasks: tasks with the field")
    equal(found(metadata, step, metadata_field_name="specia"), [], f"{step}/filtered_tasks: of a field that none has")
    got = found(metadata, step, metadata_field_name="attempt")
    equal(got, sorted(f"t-{index}" for index in INDEXES), f"{step}/filtered_tasks: of a field that all have")


@requirement("META-172", needs={"metadata"}, kills="filtered-tasks-needs-both")
def test_pattern_alone(metadata):
    """With a pattern alone, the tasks with a matching value in any field are answered.

    Why: the client leaves the field out where it has none (metaflow: service.py, filter_tasks_by_metadata).
    """
    step = foreach(metadata, "PatternAlone")

    equal(found(metadata, step, pattern="^(?:11)$"), ["t-11"], f"{step}/filtered_tasks: tasks of 11")
    got = found(metadata, step, pattern="^(?:start:0,work:(1|2))$")
    equal(got, ["t-1", "t-2"], f"{step}/filtered_tasks: tasks of either of two values")


@requirement("META-173", needs={"metadata"}, kills="filtered-tasks-missing")
def test_no_filter(metadata):
    """Without a filter, every task of the step that has metadata is answered.

    Why: the client asks so for the pattern `.*`.
    """
    step = foreach(metadata, "NoFilter")

    equal(found(metadata, step), sorted(f"t-{index}" for index in INDEXES), f"{step}/filtered_tasks: tasks")


@requirement("META-174", needs={"metadata"}, kills=("filtered-tasks-none-is-404", "filtered-tasks-pattern-ignored"))
def test_no_match(metadata):
    """Where nothing matches, the answer is an empty list.

    Why: the first step has no parents; 404 makes the client say that the service is too old.
    """
    step = foreach(metadata, "NoMatch")

    for query in ({"metadata_field_name": "nothing"}, {"pattern": "^(?:nothing)$"}):
        equal(found(metadata, step, **query), [], f"{step}/filtered_tasks: tasks of {query}")
    flow = step.split("/")[2]
    metadata.new_step(flow, "argo-filter", "bare")
    equal(found(metadata, metadata.at(flow, "argo-filter", "bare")), [], "filtered_tasks of a step without tasks")


@requirement(
    "META-175",
    needs={"metadata"},
    kills=("filtered-tasks-by-like", "filtered-tasks-anchored", "filtered-tasks-case-insensitive"),
)
def test_patterns_are_regular_expressions(metadata):
    """Patterns are regular expressions: alternatives, classes, counts, escapes; they match anywhere, with case.

    Why: the client builds them from the path of a foreach: `(split:0|split:1),.*`, with names escaped.
    """
    place = metadata.new_place("Patterns")
    texts = ["a.b", "axb", "a+b", "100%", "a_b", "work:12,end:0", "ünï", 'say "hi"']
    for number, text in enumerate(texts):
        metadata.new_task(place.flow, place.run, "start", task_id=f"t-{number}")
        metadata.write(f"{place.in_step}/tasks/t-{number}/metadata", [record("text", text)])

    for pattern in (*map(re.escape, texts), r"a[.+]b", r"work:[0-9]{2},.*", r"(a_b|axb)", r"a\Sb", ".*", "ün.", "%"):
        want = sorted(f"t-{n}" for n, text in enumerate(texts) if re.fullmatch(pattern, text))
        got = found(metadata, place.in_step, metadata_field_name="text", pattern=f"^(?:{pattern})$")
        equal(got, want, f"{place.in_step}/filtered_tasks: tasks of the pattern {pattern!r}")
    for part in ("x", "X", "12,"):
        want = sorted(f"t-{n}" for n, text in enumerate(texts) if part in text)
        got = found(metadata, place.in_step, metadata_field_name="text", pattern=part)
        equal(got, want, f"{place.in_step}/filtered_tasks: tasks of the pattern {part!r}")


@requirement("META-176", needs={"metadata"}, kills="filtered-tasks-of-all-steps")
def test_filter_keeps_to_its_step(metadata):
    """Tasks of other steps, runs and flows with the same metadata are not answered.

    Why: the values repeat in each run: `start:0` is everywhere.
    """
    steps: list[str] = []
    for flow in (metadata.new_flow("FilterHere"), metadata.new_flow("FilterElsewhere")):
        for run in ("argo-1", "argo-11"):
            metadata.new_run(flow, run_number=run)
            for step in ("work", "work2"):
                metadata.new_step(flow, run, step)
                metadata.new_task(flow, run, step, task_id=f"t-{len(steps)}")
                path = metadata.at(flow, run, step)
                metadata.write(f"{path}/tasks/t-{len(steps)}/metadata", [record("foreach-index", "0")])
                steps.append(path)

    for number, path in enumerate(steps):
        for query in ({}, {"metadata_field_name": "foreach-index"}, {"pattern": "^(?:0)$"}):
            equal(found(metadata, path, **query), [f"t-{number}"], f"{path}/filtered_tasks: tasks of {query}")


@requirement("META-177", needs={"metadata"}, kills="filtered-tasks-by-number")
def test_pathspecs(metadata):
    """The answer is pathspecs FLOW/RUN/STEP/TASK, of names where there are names, of numbers where not.

    Why: the client makes tasks from them as they are.
    """
    named = metadata.new_place("PathspecNames", run="argo-pathspec", task="t-pathspec")
    numbered = metadata.new_place("PathspecNumbers")

    for place in (named, numbered):
        metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])
        query = urlencode({"metadata_field_name": "attempt", "pattern": "^(?:0)$"})
        got = metadata.get(f"{place.in_step}/filtered_tasks?{query}").json
        want = [f"{place.flow}/{place.run}/{place.step}/{place.task}"]
        equal(got, want, f"{place.in_step}/filtered_tasks: pathspecs")


@requirement("META-178", needs={"metadata"}, kills="filtered-tasks-once-per-match")
def test_matching_twice_is_listed_once(metadata):
    """A task with several matching records, of one attempt or of several, is answered once.

    Why: a retried task has each record as often as it was tried.
    """
    place = metadata.new_place("MatchTwice")
    for number in range(3):
        metadata.write(f"{place.in_task}/metadata", [record("foreach-index", "0", number), record("other", "0")])

    for query in ({}, {"metadata_field_name": "foreach-index"}, {"pattern": "^(?:0)$"}):
        equal(found(metadata, place.in_step, **query), [str(place.task)], f"{place.in_step}: tasks of {query}")


@requirement("META-179", level="SHOULD", needs={"metadata"}, kills="filtered-tasks-bad-pattern-is-500")
def test_malformed_pattern(metadata):
    """A pattern that is no regular expression is refused with 4xx.

    Why: it is the asker's fault. The real service answers 500 with a stack trace (observed at v2.5.1).
    """
    place = metadata.new_place("MalformedPattern")
    metadata.write(f"{place.in_task}/metadata", [record("attempt", "0")])

    for pattern in ("(", "[a", "*"):
        answer = metadata.get(f"{place.in_step}/filtered_tasks?{urlencode({'pattern': pattern})}")
        assert 400 <= answer.status < 500, f"{answer}: want 4xx for the pattern {pattern!r}"


@requirement("META-024", needs={"metadata"}, kills="filtered-tasks-capped")
def test_all_matching_tasks(metadata):
    """Of two hundred and sixty tasks that match, all are answered.

    Why: a join of a wide foreach asks for all its parents.
    """
    place = metadata.new_place("AllMatching")

    def register(number):
        metadata.new_task(place.flow, place.run, "start", task_id=f"t-{number}")
        metadata.write(f"{place.in_step}/tasks/t-{number}/metadata", [record("foreach-index", str(number))])

    metadata.together(register, range(260))

    got = found(metadata, place.in_step, metadata_field_name="foreach-index", pattern="^(?:.+)$")
    equal(got, sorted(f"t-{number}" for number in range(260)), f"{place.in_step}/filtered_tasks: tasks")
