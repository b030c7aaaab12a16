SELECT * FROM (SELECT set_config('levered.organization_id', 'org_b', true) OFFSET 0) AS s, managed_dw.rewards
SELECT * FROM managed_dw.rewards WHERE set_config('levered.organization_id', 'org_b', true) IS NOT NULL
WITH s AS MATERIALIZED (SELECT set_config('levered.organization_id', 'org_b', true) AS x) SELECT s.x, r.* FROM s LEFT JOIN managed_dw.rewards AS r ON s.x IS NOT NULL
SELECT set_config('role', 'none', true), query_to_xml('SELECT organization_id FROM public.managed_rewards', true, true, '')
SELECT query_to_xml($q$SELECT set_config('role', 'none', true)$q$, true, true, ''), query_to_xml('SELECT organization_id FROM public.managed_rewards', true, true, '')
SELECT query_to_xml($q$SELECT set_config('levered.organization_id', 'org_b', true)$q$, true, true, ''), query_to_xml('SELECT * FROM managed_dw.rewards', true, true, '')
SELECT set_config('role', 'none', true), ts_stat('SELECT to_tsvector(anonymous_id) FROM public.managed_rewards')
SELECT ts_stat($q$SELECT to_tsvector(set_config('levered.organization_id', 'org_b', true))$q$), query_to_xml('SELECT * FROM managed_dw.rewards', true, true, '')
SELECT query_to_xml('SET ROLE NONE', true, true, ''), query_to_xml('SELECT organization_id FROM public.managed_rewards', true, true, '')
WITH s AS (UPDATE pg_settings SET setting = 'org_b' WHERE name = 'levered.organization_id' RETURNING 1) SELECT * FROM managed_dw.rewards
UPDATE pg_settings SET setting = 'org_b' WHERE name = 'levered.organization_id'
SELECT set_config('session_authorization', 'default', true), query_to_xml('SELECT organization_id FROM public.managed_rewards', true, true, '')
SELECT set_config('transaction_read_only', 'off', true)
SELECT set_config('statement_timeout', '0', true)
SET ROLE NONE; SELECT * FROM public.managed_rewards
RESET ROLE; SELECT * FROM public.managed_rewards
SET levered.organization_id = 'org_b'; SELECT * FROM managed_dw.rewards
DO $$ BEGIN PERFORM set_config('role', 'none', true); END $$
CREATE FUNCTION pg_temp.f() RETURNS text LANGUAGE sql SET role = 'none' AS 'SELECT 1'
