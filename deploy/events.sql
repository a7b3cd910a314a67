-- Athena: status changes of access keys from AWS's table of CloudTrail logs, for `events-from`.
-- Not tested: the table's name and place are yours.
SELECT eventname, eventtime, eventsource, errorcode, eventid,
       coalesce(requestparameters, 'null') AS requestparameters
FROM cloudtrail_logs
WHERE eventname = 'UpdateAccessKey'
