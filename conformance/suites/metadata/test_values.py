"""Values that hurt come back as they were, or are refused in so many words; they are never changed."""

import json

from conformance.requirement import equal, requirement
from conformance.suites.metadata.bodies import artifact, assert_count, count, record

TEXTS = {
    "accents": "Grüße, ça va, Ångström, e\u0301 (combining)",
    "emoji": "🌍👩‍👩‍👧‍👦🏳️‍🌈",
    "right to left": "שלום \u202e\u05e2\u05d5\u05dc\u05dd\u202c مرحبا",
    "scripts": "日本語 한국어 Ελληνικά кириллица",
    "quotes": 'it\'s "quoted" `so` $(x) ${y} {{z}}',
    "backslashes": "\\ \\\\ \\n \\u0041 C:\\temp",
    "newlines": "one\ntwo\r\nthree\ttabbed\n",
    "blanks": "  leading and trailing  ",
    "empty": "",
    "percent": "100% %s %(name)s %41 %%",
    "sql": "'); DROP TABLE runs_v3; --",
    "braces": "{a,b} {NULL} {} [1,2]",
    "markup": "<script>alert(1)</script> &amp; <b>",
    "words": "null None true NaN 0 007 1e5",
    "separators": "line\u2028paragraph\u2029nbsp\u00a0zero\u200bwidth\ufeff",
    "control": "bell\x07escape\x1b[31m",
}
NUL = "before\x00after"
ROW = 255
LONG = 900_000
"""Bytes, and less than a megabyte with all that is sent beside them: more than that is META-241's."""


@requirement(
    "META-200",
    needs={"metadata"},
    kills=(
        "content-type-latin-1",
        "proxy-fears-injection",
        "unicode-three-bytes",
        "value-backslash-lost",
        "value-empty-is-null",
        "value-quotes-doubled",
    ),
)
def test_texts_come_back(metadata):
    """Metadata values with other scripts, quotes, backslashes, newlines, blanks, SQL or markup come back unchanged.

    Why: error messages, paths and code packages are kept in them.
    """
    task = metadata.new_task_path("Texts")

    told = metadata.write(f"{task}/metadata", [record(field, text) for field, text in TEXTS.items()])

    assert_count(told, len(TEXTS), f"POST {task}/metadata")
    found = {item["field_name"]: item["value"] for item in metadata.rows(f"{task}/metadata")}
    for field, text in TEXTS.items():
        equal(found.get(field), text, f"{task}/metadata: the value with {field}")


@requirement("META-201", needs={"metadata"}, kills="value-reparsed")
def test_json_as_value_comes_back(metadata):
    """JSON in a string is a string: it comes back letter by letter.

    Why: the client decodes the code package, the git information and cards from such values.
    """
    task = metadata.new_task_path("JsonValues")
    package = json.dumps({"ds_type": "s3", "sha": "0" * 40, "location": "s3://b/ü", "metadata": None})
    texts = [
        package,
        '{"b": 1,  "a": [1, 2.50, null]}',
        '"a string"',
        "[]",
        "{}",
        "1.0",
        "true",
        "null",
        '{"a":"\\u00fc"}',
    ]

    metadata.write(f"{task}/metadata", [record(f"f{number}", text) for number, text in enumerate(texts)])

    found = {item["field_name"]: item["value"] for item in metadata.rows(f"{task}/metadata")}
    equal(found, {f"f{number}": text for number, text in enumerate(texts)}, f"{task}/metadata: values")


@requirement("META-202", needs={"metadata"}, kills=("sha-upper-case", "unicode-names-lost"))
def test_255_characters(metadata):
    """Fields, types, users, names, places and hashes of 255 characters are kept whole, also of two bytes each.

    Why: the real service has room for 255; S3 paths of projects with branches come near it.
    """
    place = metadata.new_place("Long255")
    for letter in ("x", "ü"):
        long = letter * ROW
        sent = artifact(long, location=f"s3://{long[5:]}", sha=long, content_type=long, type=long, user_name=long)
        body = record(long, "v", type=long, user_name=long)

        assert_count(metadata.write(f"{place.in_task}/artifact", [sent]), 1, "artifacts told")
        assert_count(metadata.write(f"{place.in_task}/metadata", [body]), 1, "metadata told")

        found = [item for item in metadata.rows(f"{place.in_task}/artifacts") if item["name"] == long]
        keys = ("name", "location", "sha", "content_type", "type", "user_name")
        equal(
            [[item[key] for key in keys] for item in found], [[sent[key] for key in keys]], f"{place.in_task}: artifact"
        )
        found = [item for item in metadata.rows(f"{place.in_task}/metadata") if item["field_name"] == long]
        equal([(item["type"], item["user_name"]) for item in found], [(long, long)], f"{place.in_task}: record")


@requirement("META-203", needs={"metadata"}, kills="artifact-location-lost")
def test_256_characters_are_not_cut(metadata):
    """Fields, names and places of 256 and 5,000 characters are kept whole, or refused and told; they are never cut.

    Why: a path that is cut leads nowhere, or to somebody else's data.
    """
    for size in (256, 5000):
        task = metadata.new_task_path(f"Long{size}")
        long = "x" * size

        answer = metadata.post(f"{task}/artifact", [artifact("name", location=long), artifact(long)])
        found = metadata.rows(f"{task}/artifacts")
        kept = count(answer.json, len(found)) if answer.ok else 0
        equal(len(found), kept, f"{task}/artifacts: artifacts, of which {kept} were told")
        equal({len(i["location"]) for i in found if i["name"] == "name"} - {size}, set(), f"{task}: length of location")
        equal({len(i["name"]) for i in found} - {size, 4}, set(), f"{task}/artifacts: lengths of names")

        answer = metadata.post(f"{task}/metadata", [record(long, "v")])
        lengths = [len(item["field_name"]) for item in metadata.rows(f"{task}/metadata")]
        kept = count(answer.json, len(lengths)) if answer.ok else 0
        equal(lengths, [size] * kept, f"{task}/metadata: lengths of fields, of which {kept} were told")


@requirement(
    "META-204", needs={"metadata"}, kills=("proxy-cuts-long-answers", "value-cut-at-1024", "value-cut-at-65535")
)
def test_a_long_value_comes_back(metadata):
    """A metadata value of 900 KB comes back whole.

    Why: nothing bounds a value; what a proxy or a column cuts off is found missing much later.
    """
    task = metadata.new_task_path("LongValue")
    value = ("0123456789abcdef" * (LONG // 16))[:-1] + "ü"

    told = metadata.write(f"{task}/metadata", [record("long", value)])

    assert_count(told, 1, f"POST {task}/metadata")
    found = metadata.rows(f"{task}/metadata").only
    equal(len(found["value"]), len(value), f"{task}/metadata: length of the value")
    assert found["value"] == value, f"{task}/metadata: a value of {LONG} bytes came back changed"


@requirement("META-205", needs={"metadata"}, kills=("artifact-name-as-pattern", "artifact-name-insensitive"))
def test_names_of_artifacts(metadata):
    """Artifacts with names of other scripts, of a letter, or that are routes of the service, are kept and found.

    Why: any identifier of Python can be the name of an artifact: `attempt`, `artifacts` and `größe` too.
    """
    task = metadata.new_task_path("ArtifactNames")
    names = ["x", "_", "größe", "数", "attempt", "artifacts", "metadata", "None", "__class__", "a1", "A1", "name"]

    metadata.write(f"{task}/artifact", [artifact(name, sha=f"of {name}") for name in names])

    equal(
        sorted(item["name"] for item in metadata.rows(f"{task}/artifacts")), sorted(names), f"{task}/artifacts: names"
    )
    for name in names:
        for path in (f"{task}/artifacts/{name}", f"{task}/artifacts/{name}/attempt/0"):
            equal(metadata.read(path)["sha"], f"of {name}", f"{path}: sha")


@requirement("META-206", needs={"metadata"}, kills=("json-escaped-twice", "user-name-without-domain"))
def test_users_in_other_letters(metadata):
    """User names with accents, blanks, quotes and at signs come back unchanged, in runs, tasks and lists.

    Why: they come from the system the run was started on, or from single sign-on.
    """
    flow = metadata.new_flow("Users")
    users = ["jörg", "o'brien", "first last", "a@b.example", "DOMAIN\\user", "ユーザー"]

    runs = {user: metadata.new_run(flow, user_name=user)["run_number"] for user in users}

    for user, run in runs.items():
        equal(metadata.read(metadata.at(flow, run))["user_name"], user, f"{metadata.at(flow, run)}: user_name")
    listed = sorted(str(run["user_name"]) for run in metadata.rows(f"/flows/{flow}/runs"))
    equal(listed, sorted(users), f"/flows/{flow}/runs: user names")


@requirement("META-207", level="SHOULD", needs={"metadata"}, kills="value-with-nul-is-500")
def test_nul_is_refused_or_kept(metadata):
    """A value with a NUL byte is refused with 4xx, told as not kept, or kept whole; it is no fault and never cut.

    Why: C cuts text there. PostgreSQL can't keep it.
    """
    task = metadata.new_task_path("Nul")

    answer = metadata.post(f"{task}/metadata", [record("nul", NUL)])

    assert answer.status < 500, f"{answer}: want 200 or 4xx for a value with a NUL byte"
    got = [item["value"] for item in metadata.rows(f"{task}/metadata")]
    kept = count(answer.json, len(got)) if answer.ok else 0
    equal(got, [NUL] * kept, f"{task}/metadata: values, of which {kept} were told")


@requirement("META-208", needs={"metadata"}, kills=("flow-name-cut-at-200", "proxy-limits-paths"))
def test_odd_flow_names_are_not_mixed(metadata):
    """A flow whose name is 255 characters long is kept whole, and told from one that differs in the last.

    Why: names made by a program are long and alike; one that is cut is another one's.
    """
    start = metadata.new_flow("Long")
    names = [f"{start}_{'x' * (ROW - len(start) - 2)}{last}" for last in "ab"]

    for name in names:
        metadata.write(metadata.at(name), {"user_name": name[-1], "tags": [], "system_tags": []})

    for name in names:
        found = metadata.read(metadata.at(name))
        equal((found["flow_id"], found["user_name"]), (name, name[-1]), f"{metadata.at(name)}: name and user")
