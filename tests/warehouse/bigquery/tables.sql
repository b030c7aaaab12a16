-- The rows of the tables that statements.sql reads, one query a table: `-- table name` before it.

-- table t
SELECT 1 AS id, 'Ada' AS b, 3 AS n, 1.5 AS m, TRUE AS ok, NUMERIC '10.25' AS price,
  DATE '2026-01-05' AS d, DATETIME '2026-01-05 10:20:30.5' AS dt,
  TIMESTAMP '2026-01-05 23:20:30.123456+00' AS ts, TIME '10:20:30' AS clock,
  JSON '{"a": {"b": [1, 2, {"c": "x"}]}, "n": 7, "s": "text", "t": true, "Order": {"Total": 5.5}}' AS j,
  '{"cart": {"total": "5", "items": [{"sku": "k"}, {"sku": "l"}]}, "n": 4}' AS jt,
  ['x', 'y', 'x'] AS tags,
  [STRUCT('k' AS sku, 2 AS qty, 9.5 AS cost), STRUCT('l', 1, 0.5)] AS items,
  STRUCT('u-1' AS userId, STRUCT(12.5 AS Total, ['c1', 'c2'] AS codes) AS `Order`) AS props,
  b'\x00ab' AS raw, 'https://shop.example.com/p/q?utm_source=Google&x=1#top' AS url
UNION ALL
SELECT 2, 'Bob', 7, -2.5, FALSE, NUMERIC '-3.5',
  DATE '2026-02-28', DATETIME '2026-02-28 23:59:59',
  TIMESTAMP '2026-02-28 23:59:59+00', TIME '23:59:59',
  JSON '{"a": {"b": []}, "n": null, "s": "5", "t": false}',
  '{"cart": {"total": "1.5", "items": []}}',
  ['z'], [STRUCT('k' AS sku, 5 AS qty, 9.0 AS cost)],
  STRUCT('u-2', STRUCT(0.0, ['c3'])), b'xyz', 'http://example.com/'
UNION ALL
SELECT 3, 'ada', 7, 4.5, NULL, NUMERIC '0',
  DATE '2026-03-01', DATETIME '2026-03-01 00:00:00',
  TIMESTAMP '2026-03-29 01:30:00+00', TIME '00:00:00',
  JSON '[1, 2]', 'no json', [], [], STRUCT('u-1', STRUCT(3.25, ARRAY<STRING>[])), b'', '/about'
UNION ALL
SELECT 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL
UNION ALL
SELECT 5, 'O\'Brien "x" \\ ünï', 0, 0.0, TRUE, NUMERIC '99999.999',
  DATE '2024-12-30', DATETIME '2024-12-30 12:00:00',
  TIMESTAMP '2024-12-30 12:00:00+00', TIME '12:00:00',
  JSON '{"a": 1}', '{"n": "4"}', ['ü', ''], [STRUCT('m' AS sku, 0 AS qty, 1.0 AS cost)],
  STRUCT('U-5', STRUCT(1.0, ['c1'])), b'\xff', 'https://www.google.com/search?q=levered';

-- table Orders
SELECT 'o-1' AS OrderId, 'u-1' AS userId, 12.5 AS total, TIMESTAMP '2026-01-05 11:00:00+00' AS placedAt,
  'paid' AS status
UNION ALL SELECT 'o-2', 'u-1', 7.5, TIMESTAMP '2026-01-06 12:30:00+00', 'paid'
UNION ALL SELECT 'o-3', 'u-2', 100.0, TIMESTAMP '2026-02-01 00:00:00+00', 'open'
UNION ALL SELECT 'o-4', 'u-9', 0.0, TIMESTAMP '2026-02-01 00:00:00+00', NULL;

-- table events_*
SELECT '20260105' AS event_date, 1767608400000000 AS event_timestamp, 'session_start' AS event_name,
  [STRUCT('ga_session_id' AS key, STRUCT(CAST(NULL AS STRING) AS string_value, 11 AS int_value,
    CAST(NULL AS FLOAT64) AS double_value) AS value),
   STRUCT('page_location', STRUCT('https://shop.example.com/a?x=1', NULL, NULL))] AS event_params,
  'p1' AS user_pseudo_id, STRUCT('DE' AS country, 'Berlin' AS city) AS geo,
  STRUCT('mobile' AS category) AS device, STRUCT('google' AS source, 'cpc' AS medium) AS traffic_source,
  [STRUCT('k' AS item_name, 2 AS quantity, 9.5 AS price)] AS items,
  STRUCT(CAST(NULL AS STRING) AS transaction_id, CAST(NULL AS FLOAT64) AS purchase_revenue) AS ecommerce,
  '20260105' AS _TABLE_SUFFIX
UNION ALL
SELECT '20260105', 1767608460000000, 'page_view',
  [STRUCT('ga_session_id' AS key, STRUCT(CAST(NULL AS STRING) AS string_value, 11 AS int_value,
    CAST(NULL AS FLOAT64) AS double_value) AS value),
   STRUCT('page_location', STRUCT('https://shop.example.com/b', NULL, NULL)),
   STRUCT('engagement_time_msec', STRUCT(NULL, 1500, NULL)),
   STRUCT('session_engaged', STRUCT('1', NULL, NULL))],
  'p1', STRUCT('DE', 'Berlin'), STRUCT('mobile'), STRUCT('google', 'cpc'), [],
  STRUCT(NULL, NULL), '20260105'
UNION ALL
SELECT '20260106', 1767694860000000, 'purchase',
  [STRUCT('ga_session_id' AS key, STRUCT(CAST(NULL AS STRING) AS string_value, 12 AS int_value,
    CAST(NULL AS FLOAT64) AS double_value) AS value),
   STRUCT('value', STRUCT(NULL, NULL, 28.5))],
  'p1', STRUCT('DE', 'Berlin'), STRUCT('desktop'), STRUCT('(direct)', '(none)'),
  [STRUCT('k' AS item_name, 2 AS quantity, 9.5 AS price), STRUCT('l', 1, 9.5)],
  STRUCT('t-1', 28.5), '20260106'
UNION ALL
SELECT '20260106', 1767694900000000, 'page_view',
  [STRUCT('ga_session_id' AS key, STRUCT(CAST(NULL AS STRING) AS string_value, 21 AS int_value,
    CAST(NULL AS FLOAT64) AS double_value) AS value),
   STRUCT('page_location', STRUCT('https://shop.example.com/a?x=2', NULL, NULL))],
  'p2', STRUCT('FR', NULL), STRUCT('tablet'), STRUCT('newsletter', 'email'), [],
  STRUCT(NULL, NULL), '20260106';
