"""Filters of lists, where the service has them: right at the boundaries."""

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import epoch, pages, query, record

ALL = 500
USERS = ("anna", "Anna", "bert", "annabel", "joanna", "b")


def numbers(metadata, flow, **filters):
    """The numbers of the runs that a filter leaves."""
    return sorted(run["run_number"] for run in metadata.rows(query(f"/flows/{flow}/runs", _limit=ALL, **filters)))


def by_user(metadata, what):
    """A flow with a run of each user; user -> number of the run."""
    flow = metadata.new_flow(what)
    return flow, {user: metadata.new_run(flow, user_name=user)["run_number"] for user in USERS}


@requirement(
    "META-190",
    level="SHOULD",
    needs={"metadata", "metadata-paging"},
    kills=("filter-first-value-only", "filter-ne-is-eq"),
)
def test_equal_and_not_equal(metadata):
    """`eq` leaves the rows with one of the values, letter by letter; `ne` those without it.

    Why: a filter that leaves too much or too little is believed.
    """
    flow, runs = by_user(metadata, "FilterEqual")

    for filters, users in (
        ({"user_name__eq": "anna"}, {"anna"}),
        ({"user_name": "anna"}, {"anna"}),
        ({"user_name__eq": "anna,bert"}, {"anna", "bert"}),
        ({"user_name__eq": "nobody"}, set()),
        ({"user_name__ne": "anna"}, set(USERS) - {"anna"}),
    ):
        got = numbers(metadata, flow, **filters)
        equal(got, sorted(runs[user] for user in users), f"/flows/{flow}/runs with {filters}: run_number")


@requirement(
    "META-191", level="SHOULD", needs={"metadata", "metadata-paging"}, kills=("filter-ge-is-gt", "filter-lt-is-gt")
)
def test_less_and_greater(metadata):
    """`lt`, `le`, `gt` and `ge` leave what is less or greater, without or with the boundary itself.

    Why: the boundary is what a swapped operator gets wrong.
    """
    flow = metadata.new_flow("FilterOrder")
    epochs = {(made := metadata.new_run(flow))["run_number"]: epoch(made) for _ in range(7)}
    edge = sorted(epochs.values())[3]

    for operator, holds in (
        ("lt", lambda one: one < edge),
        ("le", lambda one: one <= edge),
        ("gt", lambda one: one > edge),
        ("ge", lambda one: one >= edge),
        ("eq", lambda one: one == edge),
    ):
        got = numbers(metadata, flow, **{f"ts_epoch__{operator}": edge})
        want = sorted(run for run, one in epochs.items() if holds(one))
        equal(got, want, f"/flows/{flow}/runs with ts_epoch:{operator}={edge}: run_number")
    got = numbers(metadata, flow, ts_epoch__ge=edge, ts_epoch__le=edge)
    want = sorted(run for run, one in epochs.items() if one == edge)
    equal(got, want, f"/flows/{flow}/runs between {edge} and {edge}: run_number")


@requirement("META-192", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-starts-is-contains")
def test_parts_of_text(metadata):
    """`co`, `sw` and `ew` leave what contains, starts or ends with a text, `li` what a pattern fits; case is ignored.

    Why: the search field of a UI is made of these.
    """
    flow, runs = by_user(metadata, "FilterText")

    for operator, value, users in (
        ("co", "ann", {"anna", "Anna", "annabel", "joanna"}),
        ("sw", "ann", {"anna", "Anna", "annabel"}),
        ("ew", "anna", {"anna", "Anna", "joanna"}),
        ("li", "an%a%", {"anna", "Anna", "annabel"}),
        ("li", "anna", {"anna", "Anna"}),
    ):
        got = numbers(metadata, flow, **{f"user_name__{operator}": value})
        want = sorted(runs[user] for user in users)
        equal(got, want, f"/flows/{flow}/runs with user_name:{operator}={value}: run_number")


@requirement("META-193", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-ignored")
def test_null(metadata):
    """`is=null` leaves the rows without a value.

    Why: runs without a heartbeat are found by it.
    """
    flow = metadata.new_flow("FilterNull")
    silent = metadata.new_run(flow)["run_number"]
    metadata.new_run(flow, system_tags=["metaflow_version:2.19.39"])

    got = numbers(metadata, flow, last_heartbeat_ts__is="null")
    equal(got, [silent], f"/flows/{flow}/runs with last_heartbeat_ts:is=null: run_number")


@requirement("META-194", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-any-is-all")
def test_tags_any_and_all(metadata):
    """`_tags:any` leaves runs with one of the tags, `_tags:all` those with all, of both kinds, each tag whole.

    Why: namespaces and projects are tags.
    """
    flow = metadata.new_flow("FilterTags")
    kinds = {
        "both": (["a", "b"], []),
        "one": (["a"], []),
        "system": (["a"], ["b"]),
        "part": (["ab"], []),
        "none": ([], []),
    }
    runs = {
        name: metadata.new_run(flow, tags=tags, system_tags=system)["run_number"]
        for name, (tags, system) in kinds.items()
    }

    for filters, names in (
        ({"_tags__any": "a,b"}, {"both", "one", "system"}),
        ({"_tags__all": "a,b"}, {"both", "system"}),
        ({"_tags__any": "b"}, {"both", "system"}),
        ({"_tags__all": "ab"}, {"part"}),
        ({"_tags__all": "a,c"}, set()),
    ):
        got = numbers(metadata, flow, **filters)
        equal(got, sorted(runs[name] for name in names), f"/flows/{flow}/runs with {filters}: run_number")


@requirement("META-195", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-ignored")
def test_status(metadata):
    """`status` leaves the runs that are running, completed or failed, by their end step and their heartbeat.

    Why: 'what failed' is the first thing that anyone asks.
    """
    flow = metadata.new_flow("FilterStatus")
    alive = {"system_tags": ["metaflow_version:2.19.39"]}
    runs = {"running": metadata.new_run(flow, **alive)["run_number"], "silent": metadata.new_run(flow)["run_number"]}
    for name, ok in (("completed", "True"), ("failed", "False")):
        runs[name] = metadata.new_run(flow, **alive)["run_number"]
        metadata.new_step(flow, runs[name], "end")
        task = metadata.at(flow, runs[name], "end", metadata.new_task(flow, runs[name], "end")["task_id"])
        metadata.write(f"{task}/metadata", [record("attempt", "0")])
        metadata.write(f"{task}/metadata", [record("attempt_ok", ok)])

    for status, names in (
        ("running", {"running"}),
        ("completed", {"completed"}),
        ("failed", {"failed", "silent"}),
        ("running,completed", {"running", "completed"}),
    ):
        got = numbers(metadata, flow, status=status)
        equal(got, sorted(runs[name] for name in names), f"/flows/{flow}/runs with status={status}: run_number")


@requirement("META-196", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-ignored")
def test_malformed_filters(metadata):
    """An unknown operator or status, and a time that is no number, are refused with 400.

    Why: a filter that is ignored shows everything, and is believed.
    """
    place = metadata.new_place("MalformedFilters")

    for path, filters in (
        (f"{place.in_flow}/runs", {"user_name__xx": "a"}),
        (f"{place.in_flow}/runs", {"status": "sleeping"}),
        (f"{place.in_flow}/runs", {"ts_epoch__ge": "yesterday"}),
        (f"{place.in_flow}/runs", {"last_heartbeat_ts__lt": "1.5"}),
        (f"{place.in_step}/tasks", {"user_name__xx": "a"}),
        (f"{place.in_step}/tasks", {"ts_epoch__ge": "yesterday"}),
    ):
        answer = metadata.get(query(path, **filters))
        equal(answer.status, 400, f"{answer.request}: status")


@requirement("META-197", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-loses-filter")
def test_filtered_pages(metadata):
    """A filtered list in pages is the filtered list: the filter holds on every page, and the pages are full.

    Why: a filter that is applied to pages instead of the list leaves holes in them.
    """
    flow = metadata.new_flow("FilteredPages")
    made = [metadata.new_run(flow, user_name="anna" if n % 3 else "bert")["run_number"] for n in range(30)]

    found = pages(metadata, f"/flows/{flow}/runs", 7, user_name__eq="anna")

    want = sorted(number for n, number in enumerate(made) if n % 3)
    got = sorted(run["run_number"] for page in found for run in page)
    equal(got, want, f"/flows/{flow}/runs with user_name:eq=anna in pages of 7: run_number")
    equal([len(page) for page in found], [7, 7, 6], f"/flows/{flow}/runs with user_name:eq=anna: rows of each page")


@requirement("META-198", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="filter-second-ignored")
def test_filters_of_tasks(metadata):
    """A step's tasks are filtered by user, name and time, and only they.

    Why: of a foreach of thousands one looks for the few.
    """
    place = metadata.new_place("FilterTasks", run="argo-filter", task="t-0")
    metadata.new_step(place.flow, place.run, "beside")
    metadata.new_task(place.flow, place.run, "beside", task_id="t-2", user_name="anna")
    made = {f"t-{n}": metadata.new_task(place.flow, place.run, "start", task_id=f"t-{n}", user_name=user)
            for n, user in ((1, "bert"), (2, "anna"), (21, "anna"))}  # fmt: skip
    edge = epoch(made["t-2"])

    for filters, names in (
        ({"user_name__eq": "anna"}, {"t-2", "t-21"}),
        ({"task_name__eq": "t-2"}, {"t-2"}),
        ({"task_name__sw": "t-2"}, {"t-2", "t-21"}),
        ({"user_name": "anna", "task_name__ne": "t-2"}, {"t-21"}),
        ({"user_name__ne": "mfconf", "ts_epoch__lt": edge}, {n for n, t in made.items() if t["ts_epoch"] < edge}),
    ):
        got = {task["task_id"] for task in metadata.rows(query(f"{place.in_step}/tasks", _limit=ALL, **filters))}
        equal(got, names, f"{place.in_step}/tasks with {filters}: task_id")


@requirement("META-199", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="runs-of-all-flows")
def test_filters_keep_to_their_flow(metadata):
    """A filter leaves runs of its own flow only, also where another flow has fitting ones.

    Why: a condition joined with the wrong word opens the list of everybody.
    """
    flow, other = metadata.new_flow("FilterMine"), metadata.new_flow("FilterNotMine")
    mine = [metadata.new_run(flow, run_number=f"argo-{n}", tags=["t"])["run_number"] for n in range(2)]
    metadata.new_run(other, run_number="argo-0", tags=["t"], system_tags=["metaflow_version:2.19.39"])

    for filters, want in (
        ({"user_name__eq": "mfconf,nobody"}, mine),
        ({"run_id__eq": "argo-0,argo-1"}, mine),
        ({"run_id__sw": "argo-0"}, mine[:1]),
        ({"_tags__any": "t,u"}, mine),
        ({"status": "running,failed"}, mine),
        ({"flow_id__eq": other}, []),
    ):
        equal(numbers(metadata, flow, **filters), want, f"/flows/{flow}/runs with {filters}: run_number")
