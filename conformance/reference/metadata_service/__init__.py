"""The reference metadata service: what Metaflow's client keeps of a run's history, on Postgres.

Run it by ``python -m conformance.reference.metadata_service``; ``config.py`` has its settings.

The routes, status codes and bodies are those of Netflix/metaflow-service (2.5.1, and for pages and filters commit
91e44f0) wherever the client or the UI can tell a difference. It departs from it, on purpose, in the points below.
In brackets, where: files of ``services/metadata_service/api`` (A) and ``services/data`` (D), or pull requests (#).

Bad input
- A body that is not JSON or not of the right shape, a name of digits alone, a number or attempt that is none, a regular
  expression that is none and a character that Postgres can not keep are answered with 400; there with 500, mostly with
  a traceback [A/utils.py ``handle_exceptions``]. A number too large for any row is 404; there 500.
- Tags are lists of strings; there any JSON is kept, and an absent list is shown as null [D/models.py]. Of a run that is
  registered with a tag twice, a later mutation keeps both; there one.
- A step or task under a missing run, and metadata or artifacts under a missing task, are answered with 404; there with
  500 and 400 [A/step.py, A/task.py ``create_*``; A/metadata.py, A/artifact.py].
- A name may be longer than 255 characters, as long as Postgres can index it (else 400); there 500, and a bulk row with
  one is dropped [``VARCHAR(255)``].

What is kept
- All rows of a bulk registration are kept, or none: there every row is a transaction, and one with a null or nested
  value or a long name is dropped, told by the count alone [A/artifact.py, A/metadata.py ``create_*``]. The count told
  is the count kept here too; only an artifact that this attempt of the task has already is not kept again. Absent texts
  are null, and there a blank; attempts go up to 2**31 - 1, and there to 32767.
- The unpaged metadata of a task come in the order they were registered, so that in the client the latest of a name
  wins; at that commit newest first, so that of one millisecond the oldest wins [``get_metadata``].
- One artifact without an attempt is of the latest attempt of its task, like the list; there of the latest attempt that
  has an artifact ``name``, else of attempt 0 [D/postgres_async_db.py ``get_artifact``].
- ``filtered_tasks`` without a filter lists all tasks; there those that have metadata [``get_filtered_task_pathspecs``].

Heartbeats and tags
- A heartbeat that comes early is accepted; there 404, which makes the client back off [``update_heartbeat``].
- A heartbeat for a missing task does not keep its run alive; there it does [A/task.py ``tasks_heartbeat``].
- Concurrent tag mutations wait for each other; there 409 for all but one [A/run.py ``mutate_user_tags``].

Pages and filters (#481, #482, #487, #488)
- Bad limits and cursors are 400; there ``_limit=abc`` and a scalar cursor are 500, -1 and 0 are taken [A/flow.py].
- Paged artifacts are those of the unpaged list, as of the first page; there the newest row of each name, whatever its
  attempt [``get_artifacts_in_runs_paginated``].
- A field that can not be filtered by is 400; there it is ignored, and all rows come [A/run.py, A/task.py].
- ``ne`` with several values means none of them, ``ne=null`` that there is a value; there any row, and no value.
  ``co``, ``sw``, ``ew`` and ``_tags:like*`` take ``%``, ``_`` and quotes as they are, and the latter look at one tag at
  a time; ``co`` works on tags; a value of a wrong type is 400, there 500 [D/filter_grammar.py].
- A value of ``attempt_ok`` that is no boolean counts as false; there it makes any filter by status fail.

Operation
- Every answer bears METADATA_SERVICE_VERSION, errors too, and but for /ping and /version is ``application/json``; there
  neither holds for all [A/utils.py ``format_response``]. The body of an error is an object with a message; there it is
  JSON in a JSON string, or has a traceback.
- /healthcheck asks the database over a connection of its own, answers 503 within 3 s while it is away or takes no
  writes, and has an object for its body; there it waits for the pool, 500, and a JSON string [A/admin.py].
- A database that is away, and a pool without a free connection, are answered with 503 and Retry-After, which the client
  retries; there with 500, which ends the run, or for metadata and artifacts 400, and by waiting without an end.
- /auth/token is 403: there are no credentials to hand out; there 500 unless a role is configured [A/admin.py].
- The tables are made and migrated at the start; there by a service of its own. SIGTERM lets requests finish.

Like there: nothing asks for authentication, there is no CORS (the UI reads through a back end of its own), the lists of
what is missing are empty, and ``null`` system tags count as those of a client that sends heartbeats.
"""

VERSION = "2.5.1"
"""The version of the contract; the client enables features by it."""
