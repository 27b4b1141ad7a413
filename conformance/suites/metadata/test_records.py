"""Metadata records of a task."""

from conformance.requirement import equal, requirement


@requirement("META-040", needs={"metadata"})
def test_records_are_kept(metadata):
    """Every metadata record of a task is listed with field, value, type and tags as they were sent.

    Why: the client finds attempts, logs, code packages and the success of a task in these records.
    """
    task = metadata.new_task_path("Records")
    sent = [
        {"field_name": "attempt", "value": "0", "type": "attempt", "tags": ["attempt_id:0"]},
        {"field_name": "attempt", "value": "1", "type": "attempt", "tags": ["attempt_id:1"]},
        {"field_name": "words", "value": 'grüße "quoted" 🌍 \\ \n', "type": "text", "tags": []},
        {"field_name": "long", "value": "x" * 5000, "type": "text", "tags": []},
    ]

    body = [{**record, "user_name": "mfconf", "system_tags": []} for record in sent]
    answer = metadata.post(f"{task}/metadata", body)

    equal(answer.json, {"metadata_created": len(sent)}, f"{answer.request}: body")
    listed = metadata.get(f"{task}/metadata")
    got = [{key: record[key] for key in sent[0]} for record in sorted(listed.json, key=lambda record: record["id"])]
    equal(sorted(got, key=str), sorted(sent, key=str), f"{listed.request}: records")
