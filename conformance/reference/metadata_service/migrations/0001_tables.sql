CREATE TABLE flows (
    flow_id text PRIMARY KEY,
    user_name text,
    ts_epoch bigint NOT NULL,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]'
);

CREATE TABLE runs (
    flow_id text NOT NULL REFERENCES flows,
    run_number bigserial,
    run_id text,
    user_name text,
    ts_epoch bigint NOT NULL,
    last_heartbeat_ts bigint,
    tags jsonb NOT NULL DEFAULT '[]',
    system_tags jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (flow_id, run_number),
    UNIQUE (flow_id, run_id)
);

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
    UNIQUE (flow_id, run_number, step_name, task_name),
    FOREIGN KEY (flow_id, run_number, step_name) REFERENCES steps
);

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
