-- Statements on the managed store's views, one a paragraph; see postgres_statements.sql.

SELECT anonymous_id, name, value, timestamp_utc FROM managed_dw.rewards

SELECT * FROM managed_dw.exposures AS e JOIN managed_dw.rewards AS r USING (anonymous_id)

SELECT rewards.name, managed_dw.rewards.value FROM managed_dw.rewards WHERE rewards.value > 1

SELECT anonymous_id, timestamp_utc AS timestamp, value FROM managed_dw.rewards WHERE name = 'buy' AND timestamp_utc >= @start_date

SELECT properties ->> 'plan', (properties -> 'cart' ->> 'total')::numeric, properties ? 'cart', properties ? name FROM managed_dw.rewards

SELECT (string_to_array(anonymous_id, '-'))[2:], (ARRAY[name, anonymous_id])[:1] FROM managed_dw.rewards

SELECT (r).name, (r).value, (e).variant FROM managed_dw.rewards r JOIN managed_dw.exposures e ON e.anonymous_id = r.anonymous_id

SELECT r.anonymous_id, k.label, k.n FROM managed_dw.rewards r CROSS JOIN LATERAL (VALUES ('value', r.value), ('twice', r.value * 2)) AS k (label, n)

SELECT e.anonymous_id, x.* FROM managed_dw.exposures e LEFT JOIN LATERAL (SELECT count(*) AS n, max(r.value) AS top FROM managed_dw.rewards r WHERE r.anonymous_id = e.anonymous_id AND r.timestamp_utc >= e.timestamp_utc) x ON true

SELECT r.anonymous_id, i ->> 'sku' AS sku, n FROM managed_dw.rewards r, jsonb_array_elements(r.properties -> 'items') WITH ORDINALITY AS t (i, n)

WITH RECURSIVE days AS (SELECT date '2026-03-01' AS day UNION ALL SELECT day + 1 FROM days WHERE day < '2026-03-05') SELECT day, count(r.name) FROM days LEFT JOIN managed_dw.rewards r ON r.timestamp_utc::date = day GROUP BY day
ORDER BY day

WITH RECURSIVE ordered AS (SELECT anonymous_id, name, row_number() OVER (ORDER BY timestamp_utc, name) AS n FROM managed_dw.rewards), way AS (SELECT n, name AS path FROM ordered WHERE n = 1 UNION ALL SELECT o.n, w.path || '>' || o.name FROM way w JOIN ordered o ON o.n = w.n + 1) SELECT * FROM way

SELECT d::date, count(r.value) FROM generate_series((SELECT min(timestamp_utc) FROM managed_dw.rewards), (SELECT max(timestamp_utc) FROM managed_dw.rewards), '1 day') AS d LEFT JOIN managed_dw.rewards r ON r.timestamp_utc::date = d::date GROUP BY d

WITH first_seen AS (SELECT anonymous_id, min(timestamp_utc) AS at FROM managed_dw.exposures GROUP BY 1) SELECT f.anonymous_id, r.timestamp_utc - f.at AS after, r.name FROM first_seen f JOIN managed_dw.rewards r USING (anonymous_id)

SELECT variant::jsonb ->> 'headline' AS headline, count(DISTINCT anonymous_id) FROM managed_dw.exposures GROUP BY 1

SELECT anonymous_id FROM managed_dw.exposures EXCEPT SELECT anonymous_id FROM managed_dw.rewards

SELECT name, sum(value) FROM managed_dw.rewards GROUP BY GROUPING SETS ((name), ())

SELECT anonymous_id, (SELECT sum(value) FROM managed_dw.rewards AS o WHERE o.anonymous_id = r.anonymous_id) FROM managed_dw.rewards AS r WHERE EXISTS (SELECT 1 FROM managed_dw.exposures AS e WHERE e.anonymous_id = r.anonymous_id)

SELECT DISTINCT ON (anonymous_id) anonymous_id, name FROM managed_dw.rewards
ORDER BY anonymous_id, timestamp_utc DESC, name

SELECT name, row_number() OVER (PARTITION BY anonymous_id ORDER BY timestamp_utc, name), repeat('x', 2) || name FROM managed_dw.rewards

SELECT r.name, q.n FROM (managed_dw.rewards r JOIN managed_dw.exposures e ON e.anonymous_id = r.anonymous_id) CROSS JOIN (SELECT count(*) AS n FROM managed_dw.rewards) q

SELECT to_jsonb(r) ->> 'name', row_to_json(r)::text FROM managed_dw.rewards r

SELECT JSON_OBJECT('name': name, 'values': JSON_ARRAY(value, (SELECT max(value) FROM managed_dw.rewards))), regr_count(DISTINCT value, 1) FROM managed_dw.rewards GROUP BY name, value
