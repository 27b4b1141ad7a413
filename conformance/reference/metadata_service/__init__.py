"""The reference metadata service: what Metaflow's client keeps of a run's history, on Postgres.

The routes, status codes and bodies are those of Netflix/metaflow-service wherever the client or the UI can
tell a difference. It departs from it, on purpose, in these points:

- a body that is not JSON, or not of the right shape, is answered with 400 (there: 500);
- a step or task under a missing run is answered with 404 (there: 500);
- metadata or artifacts under a missing task are answered with 404 (there: 400);
- bulk rows are kept whatever their length, and null values are kept (there: dropped without a word);
- a heartbeat that comes early is accepted (there: 404, which makes the client back off);
- a database that is away is answered with 503, which the client retries (there: 500, which ends the run);
- concurrent tag mutations wait for each other (there: 409);
- every answer bears METADATA_SERVICE_VERSION and is ``application/json``.
"""

VERSION = "2.5.1"
"""The version of the contract; the client enables features by it."""
