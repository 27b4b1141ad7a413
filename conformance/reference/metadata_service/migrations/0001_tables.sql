CREATE TABLE flows (
    flow_id text PRIMARY KEY,
    user_name text,
    ts_epoch bigint NOT NULL,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]'
);

CREATE INDEX flows_by_age ON flows (ts_epoch, flow_id);

-- a heartbeat changes no indexed column: with room in its page a row is updated in place
CREATE TABLE runs (
    flow_id text NOT NULL REFERENCES flows,
    run_number bigserial,
    run_id text,
    user_name text,
    ts_epoch bigint NOT NULL,
    last_heartbeat_ts bigint,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (flow_id, run_number)
) WITH (fillfactor = 80);

CREATE UNIQUE INDEX runs_by_name ON runs (flow_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX runs_by_age ON runs (flow_id, ts_epoch, run_number);

CREATE TABLE steps (
    flow_id text NOT NULL,
    run_number bigint NOT NULL,
    step_name text NOT NULL,
    user_name text,
    ts_epoch bigint NOT NULL,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (flow_id, run_number, step_name),
    FOREIGN KEY (flow_id, run_number) REFERENCES runs
);

CREATE TABLE tasks (
    flow_id text NOT NULL,
    run_number bigint NOT NULL,
    step_name text NOT NULL,
    task_id bigserial,
    task_name text,
    user_name text,
    ts_epoch bigint NOT NULL,
    last_heartbeat_ts bigint,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (flow_id, run_number, step_name, task_id),
    FOREIGN KEY (flow_id, run_number, step_name) REFERENCES steps
) WITH (fillfactor = 90);

CREATE UNIQUE INDEX tasks_by_name ON tasks (flow_id, run_number, step_name, task_name) WHERE task_name IS NOT NULL;

CREATE TABLE metadata (
    id bigserial PRIMARY KEY,
    flow_id text NOT NULL,
    run_number bigint NOT NULL,
    step_name text NOT NULL,
    task_id bigint NOT NULL,
    field_name text NOT NULL,
    value text,
    type text,
    user_name text,
    ts_epoch bigint NOT NULL,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    FOREIGN KEY (flow_id, run_number, step_name, task_id) REFERENCES tasks
);

CREATE INDEX metadata_by_task ON metadata (flow_id, run_number, step_name, task_id);

CREATE TABLE artifacts (
    flow_id text NOT NULL,
    run_number bigint NOT NULL,
    step_name text NOT NULL,
    task_id bigint NOT NULL,
    attempt_id integer NOT NULL,
    name text NOT NULL,
    location text,
    ds_type text,
    sha text,
    type text,
    content_type text,
    user_name text,
    ts_epoch bigint NOT NULL,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (flow_id, run_number, step_name, task_id, attempt_id, name),
    FOREIGN KEY (flow_id, run_number, step_name, task_id) REFERENCES tasks
);
