-- Tables over what the stack of deploy/organisation.yml leaves in its bucket, and five questions.
-- Replace BUCKET, and 2026-01-01 by the day of the first run. Run one statement at a time.

CREATE EXTERNAL TABLE inactive_keys (
  generated string, account_id string, account_name string, user_name string, path string,
  access_key_id string, created string, last_used string, not_before string, not_after string,
  at_least_days double, at_most_days double, proven boolean, outcome string, reason string,
  outcome_time string, first_seen string, last_seen string, `group` string, next_run string,
  deletable_from string, owner string, plan_sha256 string, stage string,
  evidence array<string>
)
PARTITIONED BY (`date` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/keys/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2026-01-01,NOW'
);

CREATE EXTERNAL TABLE journal (
  `time` string, run_id string, run_time string, policy string, account_id string, region string,
  user_name string, access_key_id string, created string, outcome string, reason string,
  error struct<code:string, message:string>, not_before string, not_after string,
  at_least_days double, at_most_days double, managed_by string,
  plan struct<url:string, sha256:string>
)
PARTITIONED BY (`date` string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://BUCKET/journals/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2026-01-01,NOW'
);

-- Who deleted this key, when, and by which plan?
SELECT "time", account_id, user_name, outcome, reason, error.message, plan.sha256
FROM journal
WHERE access_key_id = 'AKIAIOSFODNN7EXAMPLE'
ORDER BY "time";

-- Of which keys does nothing tell what became of them, since c7n-org was killed?
SELECT began.account_id, began.user_name, began.access_key_id, began."time"
FROM journal AS began
LEFT JOIN journal AS ended
  ON ended.run_id = began.run_id AND ended.access_key_id = began.access_key_id
  AND ended.outcome <> 'deleting'
WHERE began.outcome = 'deleting' AND ended.run_id IS NULL;

-- How many inactive keys are left, day by day?
SELECT "date", count(*) AS keys, count_if(proven) AS proven, count(DISTINCT account_id) AS accounts
FROM inactive_keys
WHERE stage = 'inactive' AND "group" <> 'gone'
GROUP BY "date"
ORDER BY "date";

-- Which accounts have the most keys that the next run would delete?
SELECT account_id, account_name, count(*) AS keys
FROM inactive_keys
WHERE "date" = (SELECT max("date") FROM inactive_keys) AND "group" = 'would be deleted'
GROUP BY account_id, account_name
ORDER BY keys DESC
LIMIT 20;

-- Which deletions failed in the last month, and why?
SELECT error.code, count(*) AS keys, array_agg(DISTINCT account_id) AS accounts
FROM journal
WHERE outcome = 'failed' AND "date" >= date_format(current_date - interval '30' day, '%Y-%m-%d')
GROUP BY error.code
ORDER BY keys DESC;
