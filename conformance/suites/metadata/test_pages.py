"""Pages of long lists, where the service has them: all of them together are the list."""

from urllib.parse import quote

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, epoch, pages, query, record

ROWS = 24
LIMITS = (1, 7, 8, 23, 24, 25)
LONG = 520


def assert_pages(metadata, path, key):
    """For each limit: the pages are full, the last one may be shorter, and together they are the list."""
    whole = sorted(str(item[key]) for item in metadata.rows(path))
    for limit in LIMITS:
        found = pages(metadata, path, limit)
        rows = [str(item[key]) for page in found for item in page]
        equal(sorted(rows), whole, f"{path} in pages of {limit}: {key} of all pages together")
        sizes = [len(page) for page in found]
        want = [limit] * (ROWS // limit) + ([ROWS % limit] if ROWS % limit else [])
        equal(sizes, want, f"{path} in pages of {limit}: rows of each page")


@requirement("META-180", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-without-cursor")
def test_pages_of_runs(metadata):
    """The pages of a flow's runs are together the whole list: none is missing, none comes twice.

    Why: at the seam of two pages is where rows are lost.
    """
    flow, other = metadata.new_flow("RunPages"), metadata.new_flow("RunPagesOther")
    for _ in range(ROWS):
        metadata.new_run(flow)
        metadata.new_run(other)

    assert_pages(metadata, f"/flows/{flow}/runs", "run_number")


@requirement("META-181", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-cursor-inclusive")
def test_pages_of_tasks(metadata):
    """The pages of a step's tasks are together the whole list, also of tasks of the same millisecond.

    Why: a foreach registers many at once; a seam that goes by time alone loses those of the same time.
    """
    place = metadata.new_place("TaskPages")
    metadata.together(lambda _: metadata.new_task(place.flow, place.run, "start"), range(ROWS - 1))
    metadata.new_step(place.flow, place.run, "beside")
    metadata.new_task(place.flow, place.run, "beside")

    assert_pages(metadata, f"{place.in_step}/tasks", "task_id")


@requirement("META-182", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-cursor-inclusive")
def test_pages_of_metadata(metadata):
    """The pages of a task's and of a run's metadata are together the whole list, also of one request.

    Why: records that come in one request have one time.
    """
    place = metadata.new_place("RecordPages")
    metadata.write(f"{place.in_task}/metadata", [record("same", "v") for _ in range(ROWS)])

    for path in (place.in_task, place.in_run):
        assert_pages(metadata, f"{path}/metadata", "id")


@requirement("META-183", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-skips-a-row")
def test_pages_of_artifacts(metadata):
    """The pages of a task's, a step's and a run's artifacts are together the whole list.

    Why: as above. All are of one attempt here: of several, the real service mixes them in pages (observed
    at its newest commit: postgres_async_db.py, DISTINCT ON task and name).
    """
    place = metadata.new_place("ArtifactPages")
    metadata.write(f"{place.in_task}/artifact", [artifact(f"a{number}") for number in range(ROWS)])

    for path in (place.in_task, place.in_step, place.in_run):
        assert_pages(metadata, f"{path}/artifacts", "name")


@requirement("META-184", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="flows-capped-at-10")
def test_pages_of_flows(metadata):
    """The pages of flows hold each flow that was registered before, once.

    Why: this is the longest list of all.
    """
    flows = {metadata.new_flow(f"Page{number}") for number in range(ROWS)}

    left = set(flows)

    def passed(page):
        mine = {flow.get("flow_id") for flow in page} & flows
        left.difference_update(mine)
        return not left and not mine

    listed = [flow for page in pages(metadata, "/flows", 100, passed) for flow in page]

    rows = [flow["flow_id"] for flow in listed if flow.get("flow_id") in flows]
    equal(flows - set(rows), set(), "/flows in pages of 100: flows that are missing")
    equal(len(rows), len(set(rows)), "/flows in pages of 100: flows, each once")


@requirement(
    "META-185", level="SHOULD", needs={"metadata", "metadata-paging"}, kills=("page-limit-ignored", "page-too-long")
)
def test_limit_is_kept_and_told(metadata):
    """A page has as many rows as X-Limit tells, which is what was asked for, or less where that is too many.

    Why: a page that is shorter than it says looks like the last.
    """
    task = metadata.new_task_path("LimitTold")
    metadata.write(f"{task}/metadata", [record("f", "v") for _ in range(LONG)])

    for limit in (1, 50, 499, 500):
        answer = metadata.get(query(f"{task}/metadata", _limit=limit))
        equal(
            (answer.headers.get("X-Limit"), len(answer.json)), (str(limit), limit), f"{answer.request}: X-Limit, rows"
        )
    answer = metadata.get(query(f"{task}/metadata", _limit=LONG - 1))
    told = int(answer.headers.get("X-Limit", 0))
    equal(len(answer.json), told, f"{answer.request}: rows, where X-Limit is {told} of {LONG}")
    assert told <= LONG - 1, f"{answer.request}: X-Limit is {told}, more than asked for"


@requirement(
    "META-186",
    level="SHOULD",
    needs={"metadata", "metadata-paging"},
    kills=("listing-shuffled", "page-oldest-first", "runs-oldest-first"),
)
def test_newest_first(metadata):
    """Pages go from the newest to the oldest.

    Why: the first page is the one that people look at.
    """
    flow = metadata.new_flow("NewestFirst")
    made = [metadata.new_run(flow)["run_number"] for _ in range(ROWS)]

    rows = [run for page in pages(metadata, f"/flows/{flow}/runs", 7) for run in page]

    epochs = [epoch(run) for run in rows]
    equal(epochs, sorted(epochs, reverse=True), f"/flows/{flow}/runs in pages: ts_epoch")
    equal([run["run_number"] for run in rows], made[::-1], f"/flows/{flow}/runs in pages: run_number")


@requirement("META-187", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-by-offset")
def test_rows_that_come_between(metadata):
    """Runs that are registered while somebody turns the pages push none of the others out, and show none twice.

    Why: pages that count from the start of a list that grows at the start shift.
    """
    flow = metadata.new_flow("ComeBetween")
    made = {metadata.new_run(flow)["run_number"] for _ in range(ROWS)}
    rows, cursor, turns = [], "", 0

    while turns == 0 or cursor:
        turns += 1
        assert turns <= ROWS, f"/flows/{flow}/runs in pages of 5: {turns} pages, and still a cursor for one more"
        more = f"&_cursor={quote(cursor, safe='')}" if cursor else ""
        answer = metadata.get(f"/flows/{flow}/runs?_limit=5{more}")
        rows += [run["run_number"] for run in answer.json]
        cursor = answer.headers.get("X-Next-Cursor", "")
        metadata.together(lambda _: metadata.new_run(flow), range(4))

    equal(made - set(rows), set(), f"/flows/{flow}/runs in pages of 5: runs that are missing")
    equal(len(rows), len(set(rows)), f"/flows/{flow}/runs in pages of 5: runs, each once")


@requirement(
    "META-188",
    level="SHOULD",
    needs={"metadata", "metadata-paging"},
    kills=("page-bad-cursor-starts-over", "page-bad-limit-is-500"),
)
def test_malformed_cursor(metadata):
    """A cursor that the service never gave is refused with 400.

    Why: it is the asker's fault, and an empty page would look like the end.
    """
    flow = metadata.new_flow("MalformedCursor")
    metadata.new_run(flow)

    for cursor in ("x", "e30=", "bm90IGpzb24=", "%%%"):
        answer = metadata.get(query(f"/flows/{flow}/runs", _limit=1, _cursor=cursor))
        equal(answer.status, 400, f"{answer.request}: status")


@requirement("META-189", level="SHOULD", needs={"metadata", "metadata-paging"}, kills="page-never-ends")
def test_pages_of_nothing(metadata):
    """A list without rows is one empty page without a cursor.

    Why: whoever turns pages until there is no cursor has to end.
    """
    flow = metadata.new_flow("PagesOfNothing")
    run = metadata.new_run(flow)["run_number"]

    for path in (f"/flows/{flow}_none/runs", *(f"{metadata.at(flow, run)}/{b}" for b in ("artifacts", "metadata"))):
        equal(pages(metadata, path, 5), [[]], f"{path} in pages of 5")
