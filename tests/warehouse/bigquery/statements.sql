-- Statements in BigQuery's dialect, written for the tests. Each must be accepted, and its rows must
-- be those of the text that the check regenerates from it (test_bigquery_rows.py).
-- A statement ends with a semicolon at the end of a line.

-- Names: nothing is folded, WITH queries are found in any case
SELECT e.props.userId, e.props.Order.Total FROM ds.t AS e;
SELECT props.Order.codes[SAFE_OFFSET(0)] AS code, T.B FROM ds.t AS T;
WITH Daily AS (SELECT userId, total FROM ds.Orders) SELECT daily.UserId, SUM(Total) AS s FROM DAILY GROUP BY 1 ORDER BY 1;
SELECT `t`.`id` FROM `ds`.`t` AS `t` ORDER BY id DESC;
SELECT t.id, t.`b` FROM `ds.t` AS t ORDER BY t.id;
SELECT id AS `Weird name`, b AS `select` FROM ds.t ORDER BY `Weird name`;
SELECT t FROM ds.t AS t WHERE id = 2;
SELECT o.* FROM ds.Orders AS o ORDER BY OrderId;
SELECT t.props.* FROM ds.t AS t WHERE props IS NOT NULL;
SELECT * EXCEPT (j, items) FROM ds.t ORDER BY id;
SELECT * EXCEPT (j) REPLACE (UPPER(b) AS b, n + 1 AS n) FROM ds.t ORDER BY id;
SELECT x.id FROM (SELECT id, b FROM ds.t) AS x WHERE x.b = 'Ada';
SELECT id, -- a note; with a semicolon
  /* and another */ b # the last
FROM ds.t ORDER BY 1, 2;

-- Texts and numbers
SELECT 'it\'s', "a \"b\"", '''a 'b' c''', """x""", r'\d+\n', 'tab\tnew\nline', 'ü\u00fc', 'back\\slash', '\x41\101', '''two
lines''' AS joined;
SELECT b'\x00ab' AS x, B"abc" AS y, CAST('abc' AS BYTES) AS w, SAFE_CAST(b'\xff' AS STRING) AS v;
SELECT 0xff AS h, -0x10 AS g, 1e3 AS e, .5 AS f, 1. AS o, 123456789012345678 AS big, NUMERIC '1.10' AS p, BIGNUMERIC '1e-20' AS q;
SELECT -n AS a, - -n AS b, +n AS c, n + 1 * 2 - 3 / 4 AS d, (n + 1) * 2 AS e, n & 5 AS f, n | 8 AS g, n ^ 1 AS h, ~n AS i, n << 2 AS k, n >> 1 AS l FROM ds.t ORDER BY id;
SELECT MOD(n + 7, 3) AS a, DIV(n + 7, 3) AS b, MOD((n), (2)) AS c, IEEE_DIVIDE(n, 0) AS e, SAFE_DIVIDE(n, 0) AS f FROM ds.t ORDER BY id;
SELECT ROUND(m) AS a, ROUND(m, 1) AS b, TRUNC(m) AS c, CEIL(m) AS d, CEILING(m) AS e, FLOOR(m) AS f, SIGN(m) AS g, ABS(m) AS h, POW(n, 2) AS i, POWER(n, 3) AS k, SQRT(n) AS l, EXP(n) AS o FROM ds.t ORDER BY id;
SELECT LN(n + 1) AS a, LOG(n + 1) AS b, LOG(n + 1, 2) AS c, LOG10(n + 1) AS d, GREATEST(n, 3, id) AS e, LEAST(n, 3, id) AS f FROM ds.t ORDER BY id;
SELECT SAFE_ADD(n, 9223372036854775807) AS a, SAFE_SUBTRACT(n, 1) AS b, SAFE_MULTIPLY(n, 2) AS c, SAFE_NEGATE(n) AS d FROM ds.t ORDER BY id;
SELECT IS_NAN(IEEE_DIVIDE(0, 0)) AS a, IS_INF(IEEE_DIVIDE(1, 0)) AS b, RANGE_BUCKET(n, [0, 5, 10]) AS c FROM ds.t ORDER BY id;
SELECT SIN(m), COS(m), TAN(m), ASIN(0.5), ACOS(0.5), ATAN(m), ATAN2(m, 2), SINH(1), COSH(1), TANH(m), CBRT(8) FROM ds.t ORDER BY id;
SELECT BIT_COUNT(n) AS a, BIT_AND(n) OVER () AS b, BIT_OR(n) OVER () AS c, BIT_XOR(n) OVER () AS e FROM ds.t ORDER BY id;

-- Text functions
SELECT LENGTH(b) AS a, CHAR_LENGTH(b) AS c, CHARACTER_LENGTH(b) AS d, BYTE_LENGTH(b) AS e, OCTET_LENGTH(b) AS f, LENGTH(raw) AS g FROM ds.t ORDER BY id;
SELECT LOWER(b), UPPER(b), INITCAP(b), REVERSE(b), TRIM(b), LTRIM(b, 'A'), RTRIM(b, 'a'), TRIM(b, 'Aa') FROM ds.t ORDER BY id;
SELECT SUBSTR(b, 2), SUBSTR(b, 2, 1), SUBSTRING(b, -2), LEFT(b, 2), RIGHT(b, 2), STRPOS(b, 'a'), INSTR(b, 'a'), INSTR(b, 'a', 2) FROM ds.t ORDER BY id;
SELECT CONCAT(b, '-', CAST(n AS STRING)) AS a, b || '-' || n AS c, REPEAT(b, 3) AS d, LPAD(b, 6, '*') AS e, RPAD(b, 6, '*') AS f, LPAD(b, 5) AS g FROM ds.t ORDER BY id;
SELECT REPLACE(b, 'a', 'o') AS a, TRANSLATE(b, 'Aa', 'Oo') AS c, STARTS_WITH(b, 'A') AS d, ENDS_WITH(b, 'a') AS e FROM ds.t ORDER BY id;
SELECT SPLIT(url, '/') AS a, SPLIT(b) AS c, SPLIT(url, '?')[OFFSET(0)] AS d, SPLIT(url, '?')[SAFE_ORDINAL(2)] AS e FROM ds.t ORDER BY id;
SELECT REGEXP_CONTAINS(url, r'utm_source=(\w+)') AS a, REGEXP_EXTRACT(url, r'utm_source=(\w+)') AS c, REGEXP_EXTRACT(url, r'^https?://[^/]+') AS d, REGEXP_EXTRACT_ALL(url, r'[a-z]+=([^&#]*)') AS e FROM ds.t ORDER BY id;
SELECT REGEXP_REPLACE(url, r'\?.*', '') AS a, REGEXP_REPLACE(url, r'(\w+)=(\w+)', r'\2=\1') AS c, REGEXP_INSTR(url, 'e') AS d, REGEXP_SUBSTR(url, r'[a-z]+', 2, 2) AS e FROM ds.t ORDER BY id;
SELECT REGEXP_EXTRACT(url, '(?i)UTM_SOURCE=([^&]*)') AS a, LOWER(REGEXP_EXTRACT(url, 'https?://(?:www\\.)?([^/]*)')) AS c FROM ds.t ORDER BY id;
SELECT b LIKE 'A%' AS a, b NOT LIKE '%a' AS c, b LIKE '%\\_%' AS d, b LIKE ANY ('A%', 'B%') AS e, b LIKE ALL ('A%', '%a') AS f FROM ds.t ORDER BY id;
SELECT TO_HEX(raw) AS a, TO_HEX(MD5(b)) AS c, TO_HEX(SHA256(b)) AS d, TO_BASE64(SHA1(b)) AS e, TO_BASE64(SHA512(b)) AS f, FARM_FINGERPRINT(b) AS g FROM ds.t ORDER BY id;
SELECT FROM_HEX('00ff') AS a, FROM_BASE64('YWJj') AS c, MD5(b) AS d, TO_HEX(MD5(CONCAT(b, '-', CAST(n AS STRING)))) AS e FROM ds.t ORDER BY id;
SELECT ASCII(b) AS a, CHR(65) AS c, UNICODE(b) AS d, TO_CODE_POINTS(b) AS e, CODE_POINTS_TO_STRING([65, 252]) AS f, NORMALIZE(b) AS g, NORMALIZE_AND_CASEFOLD(b) AS h, SOUNDEX(b) AS i FROM ds.t ORDER BY id;
SELECT FORMAT('%d-%s', n, b) AS a, FORMAT('%05d|%.2f|%t|%T', n, m, d, b) AS c, FORMAT("%'d", 1234567) AS e FROM ds.t ORDER BY id;
SELECT STRING_AGG(b, '|' ORDER BY id) AS a, STRING_AGG(DISTINCT b ORDER BY b) AS c, STRING_AGG(b ORDER BY id LIMIT 2) AS e FROM ds.t;
SELECT SAFE.SUBSTR(b, 1, -1) AS a, SAFE.PARSE_DATE('%Y%m%d', 'x') AS c, SAFE.LN(-1) AS d, SAFE_CONVERT_BYTES_TO_STRING(raw) AS e FROM ds.t ORDER BY id;
SELECT EDIT_DISTANCE(b, 'Adda') AS a, EDIT_DISTANCE('abcdef', 'x', max_distance => 2) AS c FROM ds.t ORDER BY id;
SELECT INITCAP(b, 'd') AS a, INITCAP('one-two three', ' ') AS c, INITCAP('one-two') AS e FROM ds.t ORDER BY id;
SELECT CAST('75-03-01' AS DATE FORMAT 'YY-MM-DD') AS a, CAST('03/01/2026' AS DATE FORMAT 'MM/DD/YYYY') AS c, SAFE_CAST('x' AS DATE FORMAT 'YYYY') AS e;
SELECT CAST('2026-03-01 10' AS TIMESTAMP FORMAT 'YYYY-MM-DD HH24' AT TIME ZONE 'Europe/Berlin') AS a, CAST('2026-03-01 10' AS DATETIME FORMAT 'YYYY-MM-DD HH24') AS c, CAST('10:30' AS TIME FORMAT 'HH24:MI') AS e, CAST(d AS STRING FORMAT 'YYYY/MM') AS f FROM ds.t ORDER BY id;

-- Comparisons and conditions
SELECT id FROM ds.t WHERE n BETWEEN 1 AND 7 AND b IS NOT NULL OR NOT ok ORDER BY id;
SELECT id, ok IS TRUE AS a, ok IS NOT FALSE AS c, n IS NULL AS e, b IS DISTINCT FROM 'Ada' AS f, b IS NOT DISTINCT FROM NULL AS g FROM ds.t ORDER BY id;
SELECT id FROM ds.t WHERE b IN ('Ada', 'Bob') AND n NOT IN (1, 2) ORDER BY id;
SELECT id FROM ds.t WHERE 'x' IN UNNEST(tags) OR n IN UNNEST([0, 1]) ORDER BY id;
SELECT id FROM ds.t WHERE n NOT IN UNNEST([7]) ORDER BY id;
SELECT id FROM ds.t WHERE props.userId IN (SELECT userId FROM ds.Orders WHERE status = 'paid') ORDER BY id;
SELECT id FROM ds.t WHERE EXISTS (SELECT 1 FROM UNNEST(items) AS i WHERE i.qty > 1) ORDER BY id;
SELECT id FROM ds.t WHERE NOT EXISTS (SELECT * FROM ds.Orders AS o WHERE o.userId = props.userId) ORDER BY id;
SELECT IF(n > 3, 'big', 'small') AS a, IFNULL(b, '?') AS c, COALESCE(b, url, '?') AS d, NULLIF(n, 7) AS e FROM ds.t ORDER BY id;
SELECT CASE WHEN n > 3 THEN 'big' WHEN n = 3 THEN 'three' ELSE 'none' END AS a, CASE b WHEN 'Ada' THEN 1 WHEN 'Bob' THEN 2 END AS c FROM ds.t ORDER BY id;
SELECT (n, b) = (3, 'Ada') AS a, (n, b) IN ((3, 'Ada'), (7, 'Bob')) AS c, STRUCT(1, 2) = (1, 2) AS e FROM ds.t ORDER BY id;
SELECT n <> 7 AS a, n != 7 AS c, n >= 3 AND n <= 7 AS e, NOT (n = 7) AS f, NOT n = 7 AS g FROM ds.t ORDER BY id;
SELECT a.id, b.id AS other FROM ds.t AS a JOIN ds.t AS b ON a.n = b.n AND a.id < b.id ORDER BY 1, 2;

-- Types
SELECT CAST(n AS STRING) AS a, CAST(m AS INT64) AS c, CAST('7' AS FLOAT64) AS d, SAFE_CAST(b AS INT64) AS e, CAST(ok AS STRING) AS f, CAST(n AS BOOL) AS g, CAST(price AS FLOAT64) AS h, CAST(n AS BIGNUMERIC) AS i FROM ds.t ORDER BY id;
SELECT CAST(d AS STRING) AS a, CAST(ts AS STRING) AS c, CAST(ts AS DATE) AS e, CAST(d AS TIMESTAMP) AS f, CAST(dt AS DATE) AS g, CAST(dt AS TIME) AS h, CAST('2026-01-02' AS DATE) AS i, CAST(d AS DATETIME) AS k FROM ds.t ORDER BY id;
SELECT CAST(d AS STRING FORMAT 'YYYY-MM') AS a, CAST('05/01/2026' AS DATE FORMAT 'DD/MM/YYYY') AS c, CAST(ts AS STRING FORMAT 'YYYY-MM-DD HH24:MI' AT TIME ZONE 'Europe/Berlin') AS e FROM ds.t ORDER BY id;
SELECT CAST(raw AS STRING FORMAT 'HEX') AS a, CAST('00ff' AS BYTES FORMAT 'HEX') AS c FROM ds.t ORDER BY id;
SELECT CAST(1.005 AS NUMERIC) AS a, CAST('1.5' AS DECIMAL) AS c, CAST(3 AS BIGDECIMAL) AS e, CAST('a' AS STRING(5)) AS f, CAST(1.25 AS NUMERIC(5, 1)) AS g;
SELECT CAST(NULL AS ARRAY<INT64>) AS a, CAST([1, 2] AS ARRAY<FLOAT64>) AS c, CAST((1, 'x') AS STRUCT<a INT64, b STRING>) AS e, CAST(NULL AS STRUCT<x INT64>) AS f;
SELECT DATE '2026-01-02' AS a, TIMESTAMP '2026-01-02 03:04:05 Europe/Berlin' AS c, DATETIME '2026-01-02 03:04:05' AS e, TIME '03:04:05' AS f, TIMESTAMP "2026-01-02" AS g, JSON '{"a": 1}' AS h, INTERVAL 3 DAY AS i, INTERVAL '1-2' YEAR TO MONTH AS k;

-- Dates and times
SELECT DATE(ts) AS a, DATE(ts, 'Europe/Berlin') AS c, DATE(dt) AS e, DATE(2026, 2, 3) AS f, DATETIME(ts) AS g, DATETIME(ts, 'America/New_York') AS h, DATETIME(d) AS i, DATETIME(2026, 1, 2, 3, 4, 5) AS k, DATETIME(d, clock) AS l FROM ds.t ORDER BY id;
SELECT TIMESTAMP(d) AS a, TIMESTAMP(dt) AS c, TIMESTAMP(dt, 'Europe/Berlin') AS e, TIMESTAMP('2026-01-02 03:04:05') AS f, TIMESTAMP('2026-01-02', 'Asia/Tokyo') AS g, TIME(dt) AS h, TIME(ts) AS i, TIME(1, 2, 3) AS k, TIME(ts, 'Europe/Berlin') AS l FROM ds.t ORDER BY id;
SELECT DATE_ADD(d, INTERVAL 1 MONTH) AS a, DATE_SUB(d, INTERVAL 3 DAY) AS c, DATE_ADD(d, INTERVAL n WEEK) AS e, DATE_SUB(d, INTERVAL (n + 1) QUARTER) AS f, d + 1 AS g, d - 1 AS h, d - DATE '2026-01-01' AS i FROM ds.t ORDER BY id;
SELECT TIMESTAMP_ADD(ts, INTERVAL 90 MINUTE) AS a, TIMESTAMP_SUB(ts, INTERVAL 1 HOUR) AS c, DATETIME_ADD(dt, INTERVAL 1 YEAR) AS e, DATETIME_SUB(dt, INTERVAL 1 SECOND) AS f, TIME_ADD(clock, INTERVAL 5 MINUTE) AS g, TIME_SUB(clock, INTERVAL 1 HOUR) AS h FROM ds.t ORDER BY id;
SELECT ts + INTERVAL 1 DAY AS a, dt - INTERVAL 2 HOUR AS c, d + INTERVAL 1 MONTH AS e, ts - INTERVAL '1:30' HOUR TO MINUTE AS f, ts - TIMESTAMP '2026-01-01' AS g, MAKE_INTERVAL(1, 2, day => 3) AS h FROM ds.t ORDER BY id;
SELECT DATE_DIFF(d, DATE '2026-01-01', DAY) AS a, DATE_DIFF(d, DATE '2025-12-28', WEEK) AS c, DATE_DIFF(d, DATE '2025-12-28', WEEK(MONDAY)) AS e, DATE_DIFF(d, DATE '2025-12-28', ISOWEEK) AS f, DATE_DIFF(d, DATE '2025-12-28', MONTH) AS g, DATE_DIFF(d, DATE '2024-01-01', ISOYEAR) AS h FROM ds.t ORDER BY id;
SELECT TIMESTAMP_DIFF(ts, TIMESTAMP '2026-01-01', SECOND) AS a, TIMESTAMP_DIFF(ts, TIMESTAMP '2026-01-01', HOUR) AS c, DATETIME_DIFF(dt, DATETIME '2026-01-01', WEEK(THURSDAY)) AS e, DATETIME_DIFF(dt, DATETIME '2025-01-01', YEAR) AS f, TIME_DIFF(clock, TIME '01:00:00', MINUTE) AS g FROM ds.t ORDER BY id;
SELECT DATE_TRUNC(d, MONTH) AS a, DATE_TRUNC(d, WEEK) AS c, DATE_TRUNC(d, WEEK(MONDAY)) AS e, DATE_TRUNC(d, ISOWEEK) AS f, DATE_TRUNC(d, QUARTER) AS g, DATE_TRUNC(d, YEAR) AS h, DATE_TRUNC(d, ISOYEAR) AS i FROM ds.t ORDER BY id;
SELECT TIMESTAMP_TRUNC(ts, HOUR) AS a, TIMESTAMP_TRUNC(ts, DAY, 'Europe/Berlin') AS c, TIMESTAMP_TRUNC(ts, WEEK(SUNDAY)) AS e, DATETIME_TRUNC(dt, MINUTE) AS f, DATETIME_TRUNC(dt, WEEK) AS g, TIME_TRUNC(clock, HOUR) AS h FROM ds.t ORDER BY id;
SELECT EXTRACT(YEAR FROM d) AS a, EXTRACT(DAYOFWEEK FROM d) AS c, EXTRACT(WEEK FROM d) AS e, EXTRACT(ISOWEEK FROM d) AS f, EXTRACT(WEEK(MONDAY) FROM d) AS g, EXTRACT(QUARTER FROM d) AS h, EXTRACT(DAYOFYEAR FROM d) AS i, EXTRACT(ISOYEAR FROM d) AS k FROM ds.t ORDER BY id;
SELECT EXTRACT(HOUR FROM ts) AS a, EXTRACT(HOUR FROM ts AT TIME ZONE 'Europe/Berlin') AS c, EXTRACT(DATE FROM ts) AS e, EXTRACT(TIME FROM dt) AS f, EXTRACT(MILLISECOND FROM ts) AS g, EXTRACT(MICROSECOND FROM ts) AS h, EXTRACT(MINUTE FROM clock) AS i, EXTRACT(DATE FROM ts AT TIME ZONE 'Asia/Tokyo') AS k FROM ds.t ORDER BY id;
SELECT FORMAT_DATE('%Y-%m-%d', d) AS a, FORMAT_DATE('%A, %e %B %y, %j %U %V %G %Q', d) AS c, FORMAT_DATE('%x %D %F %b %a %u %w', d) AS e, FORMAT_DATE('%Y%m', d) AS f FROM ds.t ORDER BY id;
SELECT FORMAT_TIMESTAMP('%Y-%m-%d %H:%M:%S', ts) AS a, FORMAT_TIMESTAMP('%F %T %Z', ts, 'Europe/Berlin') AS c, FORMAT_TIMESTAMP('%c', ts) AS e, FORMAT_TIMESTAMP('%E3S %E*S %s %p %I %l %k %R', ts) AS f, FORMAT_TIMESTAMP('%FT%H:%M:%E6SZ', ts) AS g FROM ds.t ORDER BY id;
SELECT FORMAT_DATETIME('%Y/%m/%d %H', dt) AS a, FORMAT_TIME('%R:%S', clock) AS c, FORMAT_DATETIME('%B %d, %Y %X', dt) AS e FROM ds.t ORDER BY id;
SELECT PARSE_DATE('%Y%m%d', '20260102') AS a, PARSE_DATE('%b %e %Y', 'Jan 2 2026') AS c, PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2026-01-02 03:04:05') AS e, PARSE_TIMESTAMP('%Y-%m-%d %H:%M:%S', '2026-01-02 03:04:05', 'Europe/Berlin') AS f, PARSE_DATETIME('%Y-%m-%dT%H:%M:%E3S', '2026-01-02T03:04:05.123') AS g, PARSE_TIME('%H:%M', '03:04') AS h, PARSE_DATE('%m/%d/%y', '01/02/26') AS i, PARSE_TIMESTAMP('%s', '1767608400') AS k;
SELECT UNIX_SECONDS(ts) AS a, UNIX_MILLIS(ts) AS c, UNIX_MICROS(ts) AS e, UNIX_DATE(d) AS f, TIMESTAMP_SECONDS(1767608400) AS g, TIMESTAMP_MILLIS(1767608400000) AS h, TIMESTAMP_MICROS(1767608400000000) AS i, DATE_FROM_UNIX_DATE(20000) AS k FROM ds.t ORDER BY id;
SELECT LAST_DAY(d) AS a, LAST_DAY(d, WEEK) AS c, LAST_DAY(d, QUARTER) AS e, LAST_DAY(d, WEEK(MONDAY)) AS f, LAST_DAY(d, YEAR) AS g FROM ds.t ORDER BY id;
SELECT CURRENT_DATE() > d AS a, CURRENT_DATE('Europe/Berlin') > d AS c, CURRENT_TIMESTAMP() > ts AS e, CURRENT_TIMESTAMP > ts AS f, CURRENT_DATETIME() > dt AS g, CURRENT_DATETIME('UTC') > dt AS h, CURRENT_DATE > d AS i, CURRENT_TIME() IS NULL AS k FROM ds.t ORDER BY id;
SELECT id FROM ds.t WHERE ts >= @start_date AND d >= DATE(@start_date) AND dt > DATETIME(@start_date) ORDER BY id;
SELECT id FROM ds.t WHERE ts BETWEEN TIMESTAMP_SUB(@start_date, INTERVAL 400 DAY) AND TIMESTAMP_ADD(@start_date, INTERVAL 40 DAY) ORDER BY id;
SELECT JUSTIFY_HOURS(INTERVAL 30 HOUR) AS a, JUSTIFY_DAYS(INTERVAL 45 DAY) AS c, EXTRACT(HOUR FROM ts - TIMESTAMP '2026-01-01') AS e FROM ds.t ORDER BY id;
SELECT STRING(ts, 'Europe/Berlin') AS a, STRING(d) AS c, STRING(ts) AS e, DATE_BUCKET(d, INTERVAL 2 DAY) AS f, TIMESTAMP_BUCKET(ts, INTERVAL 6 HOUR) AS g FROM ds.t ORDER BY id;

-- Arrays
SELECT items[OFFSET(0)].sku AS a, items[SAFE_OFFSET(1)].qty AS c, items[SAFE_ORDINAL(1)].cost AS e, tags[ORDINAL(1)] AS f FROM ds.t WHERE ARRAY_LENGTH(items) > 0 ORDER BY id;
SELECT ARRAY_LENGTH(tags) AS a, ARRAY_TO_STRING(tags, ',') AS c, ARRAY_TO_STRING(tags, ',', '?') AS e, ARRAY_REVERSE(tags) AS f, ARRAY_CONCAT(tags, ['q'], tags) AS g FROM ds.t ORDER BY id;
SELECT ARRAY_FIRST(tags) AS a, ARRAY_LAST(tags) AS c, ARRAY_SLICE(tags, 0, 1) AS e, ARRAY_SLICE(tags, -2, -1) AS f FROM ds.t WHERE ARRAY_LENGTH(tags) > 0 ORDER BY id;
SELECT [1, 2, 3] AS a, ARRAY[1, 2] AS c, ARRAY<INT64>[1, NULL] AS e, ARRAY<STRING>[] AS f, [STRUCT(1 AS x, 'a' AS y), (2, 'b')] AS g, ARRAY<STRUCT<x INT64, y STRING>>[(1, 'a'), (2, 'b')] AS h;
SELECT ARRAY(SELECT x FROM UNNEST(tags) AS x ORDER BY x DESC) AS a, ARRAY(SELECT AS STRUCT i.sku, i.qty * 2 AS twice FROM UNNEST(items) AS i ORDER BY i.sku) AS c FROM ds.t ORDER BY id;
SELECT ARRAY(SELECT DISTINCT x FROM UNNEST(tags) AS x ORDER BY x) AS a, ARRAY(SELECT AS VALUE STRUCT(i.sku AS sku) FROM UNNEST(items) AS i) AS c FROM ds.t ORDER BY id;
SELECT id, tag FROM ds.t, UNNEST(tags) AS tag ORDER BY id, tag;
SELECT id, tag, pos FROM ds.t, UNNEST(tags) AS tag WITH OFFSET AS pos ORDER BY id, pos;
SELECT id, tag, offset FROM ds.t CROSS JOIN UNNEST(tags) AS tag WITH OFFSET ORDER BY id, offset;
SELECT t.id, i.sku, i.qty FROM ds.t AS t LEFT JOIN UNNEST(t.items) AS i ORDER BY t.id, i.sku;
SELECT t.id, i.sku FROM ds.t AS t INNER JOIN UNNEST(t.items) AS i ON i.qty > 1 ORDER BY t.id, i.sku;
SELECT t.id, i.sku FROM ds.t AS t, t.items AS i ORDER BY t.id, i.sku;
SELECT t.id, code FROM ds.t AS t, t.props.Order.codes AS code ORDER BY t.id, code;
SELECT id, (SELECT SUM(i.qty * i.cost) FROM UNNEST(items) AS i) AS worth, (SELECT COUNT(*) FROM UNNEST(tags)) AS c FROM ds.t ORDER BY id;
SELECT id, (SELECT i.sku FROM UNNEST(items) AS i ORDER BY i.qty DESC LIMIT 1) AS top, (SELECT STRING_AGG(x, '+' ORDER BY x) FROM UNNEST(tags) AS x) AS s FROM ds.t ORDER BY id;
SELECT x, y FROM UNNEST([STRUCT(1 AS x, 'a' AS y), STRUCT(2, 'b')]) ORDER BY x;
SELECT s.x, s.y FROM UNNEST(ARRAY<STRUCT<x INT64, y STRING>>[(1, 'a'), (2, 'b')]) AS s ORDER BY 1;
SELECT n FROM UNNEST(GENERATE_ARRAY(1, 10, 3)) AS n ORDER BY n;
SELECT day FROM UNNEST(GENERATE_DATE_ARRAY('2026-01-01', '2026-02-01', INTERVAL 1 WEEK)) AS day ORDER BY day;
SELECT day, COUNT(o.OrderId) AS orders FROM UNNEST(GENERATE_DATE_ARRAY('2026-01-04', '2026-01-08')) AS day LEFT JOIN ds.Orders AS o ON DATE(o.placedAt) = day GROUP BY day ORDER BY day;
SELECT h FROM UNNEST(GENERATE_TIMESTAMP_ARRAY('2026-01-01', '2026-01-02', INTERVAL 6 HOUR)) AS h ORDER BY h;
SELECT ARRAY_AGG(b IGNORE NULLS ORDER BY ts DESC LIMIT 1)[SAFE_OFFSET(0)] AS a, ARRAY_AGG(DISTINCT n IGNORE NULLS ORDER BY n) AS c, ARRAY_AGG(STRUCT(id, b) ORDER BY id)[OFFSET(0)].b AS e FROM ds.t;
SELECT n, ARRAY_AGG(id ORDER BY id DESC) AS ids, ARRAY_AGG(b IGNORE NULLS ORDER BY id) AS names FROM ds.t GROUP BY n ORDER BY n;
SELECT ARRAY_CONCAT_AGG(tags ORDER BY id) AS a, ARRAY_LENGTH(ARRAY_AGG(id)) AS c FROM ds.t WHERE ARRAY_LENGTH(tags) > 0;
SELECT id FROM ds.t WHERE (SELECT LOGICAL_OR(x = 'x') FROM UNNEST(tags) AS x) ORDER BY id;
SELECT id, ARRAY(SELECT x FROM UNNEST(tags) AS x WITH OFFSET AS o WHERE o < 2 ORDER BY o) AS firsts FROM ds.t ORDER BY id;

-- Structs
SELECT STRUCT(b AS headLine, n) AS a, STRUCT(1, 'x') AS c, STRUCT<x INT64, y STRING>(1, 'a') AS e, STRUCT<INT64, FLOAT64>(n, m) AS f, (1, 2) AS g FROM ds.t ORDER BY id;
SELECT STRUCT<a STRUCT<b INT64>, c ARRAY<STRING>>(STRUCT(1), ['x']).a.b AS x, STRUCT(n AS `Order`).`Order` AS y FROM ds.t ORDER BY id;
SELECT s.x + 1 AS y FROM (SELECT STRUCT(n AS x, b AS y) AS s FROM ds.t) ORDER BY 1;
SELECT (SELECT AS STRUCT MAX(n) AS top, MIN(n) AS low FROM ds.t).top AS x;
SELECT TO_JSON_STRING(STRUCT(b AS headLine, n)) AS variant FROM ds.t ORDER BY id;
SELECT r.* FROM (SELECT AS STRUCT id, b FROM ds.t) AS r ORDER BY 1;
SELECT n, ARRAY_AGG(STRUCT(id, b) ORDER BY id DESC LIMIT 1)[OFFSET(0)].* FROM ds.t GROUP BY n ORDER BY n;
SELECT first.id, first.b FROM (SELECT ARRAY_AGG(t ORDER BY t.id LIMIT 1)[OFFSET(0)] AS first FROM ds.t AS t);

-- JSON
SELECT JSON_VALUE(j, '$.a.b[0]') AS a, JSON_QUERY(j, '$.a') AS c, JSON_VALUE(jt, '$.cart.total') AS e, JSON_QUERY(jt, '$.cart.items') AS f, JSON_VALUE(j, '$.s') AS g, JSON_EXTRACT_SCALAR(jt, "$['cart']['total']") AS h FROM ds.t WHERE id < 3 ORDER BY id;
SELECT JSON_EXTRACT(jt, '$.cart') AS a, JSON_EXTRACT_SCALAR(jt, '$.cart.total') AS c, JSON_EXTRACT_ARRAY(jt, '$.cart.items') AS e, JSON_QUERY_ARRAY(j, '$.a.b') AS f, JSON_VALUE_ARRAY('["x", "y"]') AS g, JSON_EXTRACT_STRING_ARRAY('["x", "y"]', '$') AS h FROM ds.t WHERE id < 3 ORDER BY id;
SELECT JSON_EXTRACT_STRING_ARRAY('{"a.b": ["x"]}', "$['a.b']") AS a, JSON_VALUE_ARRAY('{"a.b": ["x"]}', '$."a.b"') AS c, JSON_QUERY('{"a.b": ["x"]}', '$."a.b"') AS e FROM ds.t WHERE id < 3 ORDER BY id;
SELECT NOT id IN (1) AS a, (NOT id IN (1)) = (n IN (2)) AS c, ARRAY(SELECT b FROM ds.t WHERE id = 1) AS e, [b] AS f FROM ds.t WHERE id < 3 ORDER BY id;
SELECT j.a.b[0] AS a, j.Order.Total AS c, j['s'] AS e, j.a['b'] AS f, STRING(j.s) AS g FROM ds.t WHERE id < 3 ORDER BY id;
SELECT INT64(j.n) AS a, FLOAT64(j.Order.Total) AS c, BOOL(j.t) AS e FROM ds.t WHERE id = 1;
SELECT LAX_INT64(j.s) AS a, LAX_STRING(j.n) AS c, LAX_BOOL(j.t) AS e, LAX_FLOAT64(j.Order.Total) AS f, JSON_TYPE(j.a) AS g, JSON_TYPE(j) AS h FROM ds.t ORDER BY id;
SELECT TO_JSON_STRING(j) AS a, TO_JSON(STRUCT(n AS n, b)) AS c, PARSE_JSON('{"a": 1.5}') AS e, SAFE.PARSE_JSON(jt) AS f, TO_JSON_STRING(STRUCT(n, tags), TRUE) AS g FROM ds.t ORDER BY id;
SELECT JSON_OBJECT('h', b, 'n', n) AS a, JSON_ARRAY(1, 'x', b) AS c, JSON_OBJECT(['a', 'b'], [1, 2]) AS e, JSON_SET(JSON '{"a": 1}', '$.a', 2) AS f, JSON_STRIP_NULLS(JSON '{"a": null, "b": 1}') AS g, JSON_REMOVE(JSON '{"a": 1, "b": 2}', '$.a') AS h FROM ds.t ORDER BY id;
SELECT JSON_KEYS(JSON '{"a": {"b": 1}}') AS a, JSON_KEYS(JSON '{"a": {"b": 1}}', 1) AS c, TO_JSON_STRING(JSON_QUERY(j, '$.a.b')) AS e FROM ds.t ORDER BY id;
SELECT JSON_VALUE(item, '$.sku') AS sku FROM ds.t, UNNEST(JSON_EXTRACT_ARRAY(jt, '$.cart.items')) AS item WHERE id = 1 ORDER BY 1;
SELECT CAST(JSON_VALUE(jt, '$.n') AS INT64) AS a, SAFE_CAST(JSON_VALUE(jt, '$.cart.total') AS NUMERIC) AS c FROM ds.t WHERE id IN (1, 2) ORDER BY id;
SELECT id FROM ds.t WHERE JSON_VALUE(jt, '$.cart.total') = '5' AND JSON_QUERY(j, '$.a') IS NOT NULL;

SELECT JSON_VALUE(jt, '$."cart"."total"') AS a, JSON_QUERY(j, '$.a.b[2].c') AS c, JSON_EXTRACT(jt, "$['cart'].items[0]") AS e, JSON_VALUE(j, '$.Order.Total') AS f, JSON_VALUE('{"a b": {"c.d": "x"}}', '$."a b"."c.d"') AS h FROM ds.t WHERE id < 3 ORDER BY id;

-- Aggregates
SELECT COUNT(*) AS a, COUNT(n) AS c, COUNT(DISTINCT n) AS e, COUNTIF(n > 3) AS f, SUM(n) AS g, AVG(m) AS h, MIN(b) AS i, MAX(ts) AS k, SUM(DISTINCT n) AS l FROM ds.t;
SELECT ANY_VALUE(b HAVING MAX n) IS NULL AS a, ANY_VALUE(n HAVING MIN id) AS c, LOGICAL_AND(n > 0) AS g, LOGICAL_OR(n > 0) AS h FROM ds.t;
SELECT STDDEV(m) AS a, STDDEV_POP(m) AS c, STDDEV_SAMP(m) AS e, VARIANCE(m) AS f, VAR_POP(m) AS g, VAR_SAMP(m) AS h, CORR(n, m) AS i, COVAR_POP(n, m) AS k, COVAR_SAMP(n, m) AS l FROM ds.t;
SELECT n, COUNT(*) AS c FROM ds.t GROUP BY n HAVING COUNT(*) > 1 ORDER BY c DESC, n;
SELECT n, ok, COUNT(*) AS c FROM ds.t GROUP BY ROLLUP (n, ok) ORDER BY n, ok, c;
SELECT n, ok, COUNT(*) AS c, GROUPING(n) AS g FROM ds.t GROUP BY GROUPING SETS ((n), (ok), ()) ORDER BY g, n, ok, c;
SELECT n, ok, SUM(m) AS c FROM ds.t GROUP BY CUBE (n, ok) ORDER BY n, ok, c;
SELECT UPPER(b) AS name, COUNT(*) AS c FROM ds.t GROUP BY UPPER(b) ORDER BY name;
SELECT UPPER(b) AS b, COUNT(*) AS c FROM ds.t GROUP BY b ORDER BY b, c;
SELECT DATE_TRUNC(d, MONTH) AS d, COUNT(*) AS c FROM ds.t GROUP BY 1 ORDER BY d;
SELECT status, SUM(total) AS s FROM ds.Orders GROUP BY ALL ORDER BY status;
SELECT DISTINCT n FROM ds.t ORDER BY n DESC;
SELECT SUM(IF(status = 'paid', total, 0)) AS paid, SUM(CASE WHEN status = 'open' THEN total END) AS open FROM ds.Orders;
SELECT SUM(total) / COUNT(DISTINCT userId) AS a, SAFE_DIVIDE(SUM(total), COUNTIF(status = 'none')) AS c, ROUND(100 * COUNTIF(status = 'paid') / COUNT(*), 2) AS e FROM ds.Orders;
SELECT MAX(n) + 1 AS a, MIN(STRUCT(n AS x).x) AS c FROM ds.t HAVING COUNT(*) > 1;

SELECT UPPER(b) AS b, COUNT(*) AS c FROM ds.t GROUP BY UPPER(b) ORDER BY b;
SELECT STRPOS(b, '') AS a, STRPOS('', b) AS c, INSTR(b, 'a', -1) AS e, INSTR(b, 'a', 1, 2) AS f FROM ds.t ORDER BY id;
SELECT NET.HOST(url) AS a, NET.IP_TO_STRING(NET.SAFE_IP_FROM_STRING('10.0.0.1')) AS f FROM ds.t ORDER BY id;
SELECT DATETIME_SUB(dt, INTERVAL '1' HOUR) AS a, DATE_ADD(d, INTERVAL '2' DAY) AS c, INTERVAL '2' DAY AS e FROM ds.t ORDER BY id;
SELECT n FROM UNNEST(GENERATE_ARRAY(0, LEAST(4, 1000), 2)) AS n UNION ALL SELECT i FROM ds.t, UNNEST(GENERATE_ARRAY(1, ARRAY_LENGTH(tags))) AS i ORDER BY 1;
SELECT a.id, ARRAY_AGG(STRUCT(b.OrderId AS o, b.total) ORDER BY b.OrderId LIMIT 2) AS orders FROM ds.t AS a JOIN ds.Orders AS b ON b.userId = a.props.userId GROUP BY a.id ORDER BY a.id;

SELECT id, ARRAY_LENGTH(GENERATE_ARRAY(0, DATE_DIFF(d, DATE '2024-01-01', MONTH))) AS months, GENERATE_ARRAY(1, TIMESTAMP_DIFF(ts, TIMESTAMP_SUB(ts, INTERVAL 3 DAY), DAY) + 1) AS days FROM ds.t ORDER BY id;

-- Windows
SELECT id, ROW_NUMBER() OVER (PARTITION BY n ORDER BY id) AS a, RANK() OVER (ORDER BY n) AS c, DENSE_RANK() OVER (ORDER BY n DESC) AS e, NTILE(2) OVER (ORDER BY id) AS f, PERCENT_RANK() OVER (ORDER BY n) AS g, CUME_DIST() OVER (ORDER BY n) AS h FROM ds.t ORDER BY id;
SELECT id, LAG(n) OVER (ORDER BY id) AS a, LEAD(n, 2, -1) OVER (ORDER BY id) AS c, FIRST_VALUE(b) OVER (ORDER BY id) AS e, LAST_VALUE(b) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS f, NTH_VALUE(b, 2) OVER (ORDER BY id) AS g FROM ds.t ORDER BY id;
SELECT id, LAST_VALUE(b IGNORE NULLS) OVER (ORDER BY id) AS a, FIRST_VALUE(n IGNORE NULLS) OVER (ORDER BY id DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS c, LAST_VALUE(b RESPECT NULLS) OVER (ORDER BY id) AS e, NTH_VALUE(b, 2 IGNORE NULLS) OVER (ORDER BY id) AS f FROM ds.t ORDER BY id;
SELECT id, SUM(n) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS a, AVG(m) OVER (PARTITION BY ok) AS c, COUNT(*) OVER () AS e, MAX(n) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS f, SUM(n) OVER (ORDER BY n RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) AS g FROM ds.t ORDER BY id;
SELECT id, SUM(n) OVER w AS a, COUNT(*) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS c FROM ds.t WINDOW w AS (PARTITION BY ok ORDER BY id) ORDER BY id;
SELECT id, RANK() OVER (PARTITION BY ok ORDER BY n DESC NULLS LAST) AS a, ROW_NUMBER() OVER (ORDER BY b NULLS FIRST, id) AS c FROM ds.t ORDER BY id;
SELECT id, PERCENTILE_CONT(n, 0.5) OVER () AS a, PERCENTILE_DISC(n, 0.5) OVER (PARTITION BY ok) AS c, PERCENTILE_CONT(m, 0.9 RESPECT NULLS) OVER () AS e FROM ds.t ORDER BY id;
SELECT id, n FROM ds.t QUALIFY ROW_NUMBER() OVER (PARTITION BY n ORDER BY id DESC) = 1 ORDER BY id;
SELECT id, ROW_NUMBER() OVER (PARTITION BY n ORDER BY id) AS rn FROM ds.t WHERE TRUE QUALIFY rn = 1 ORDER BY id;
SELECT n, SUM(COUNT(*)) OVER (ORDER BY n) AS running FROM ds.t GROUP BY n ORDER BY n;
SELECT id, COUNT(DISTINCT n) OVER (PARTITION BY ok) AS a, STRING_AGG(b, ',') OVER (ORDER BY id) AS c, ARRAY_AGG(id) OVER (ORDER BY id ROWS 1 PRECEDING) AS e, COUNTIF(n > 3) OVER (ORDER BY id) AS f FROM ds.t ORDER BY id;
SELECT userId, TIMESTAMP_DIFF(placedAt, LAG(placedAt) OVER (PARTITION BY userId ORDER BY placedAt), MINUTE) AS gap FROM ds.Orders ORDER BY 1, 2;

-- Joins, sets, subqueries
SELECT t.id, o.OrderId FROM ds.t AS t JOIN ds.Orders AS o ON o.userId = t.props.userId ORDER BY 1, 2;
SELECT a.userId, b.total FROM ds.Orders AS a LEFT JOIN ds.Orders AS b USING (OrderId) ORDER BY 1, 2;
SELECT t.id, o.OrderId FROM ds.t AS t LEFT OUTER JOIN ds.Orders AS o ON o.userId = t.props.userId AND o.status = 'paid' ORDER BY 1, 2;
SELECT t.id, o.OrderId FROM ds.t AS t RIGHT JOIN ds.Orders AS o ON o.userId = t.props.userId ORDER BY 2, 1;
SELECT t.id, o.OrderId FROM ds.t AS t FULL OUTER JOIN ds.Orders AS o ON o.userId = t.props.userId ORDER BY 1, 2;
SELECT a.id, b.OrderId FROM ds.t AS a CROSS JOIN ds.Orders AS b WHERE a.id = 1 ORDER BY 2;
SELECT a.id, x.OrderId FROM ds.t AS a, (SELECT * FROM ds.Orders WHERE total > 5) AS x WHERE x.userId = a.props.userId ORDER BY 1, 2;
SELECT a.id FROM (ds.t AS a JOIN ds.Orders AS o ON o.userId = a.props.userId) JOIN ds.Orders AS p ON p.OrderId = o.OrderId ORDER BY 1;
SELECT id, (SELECT MAX(total) FROM ds.Orders AS o WHERE o.userId = t.props.userId) AS top FROM ds.t AS t ORDER BY id;
SELECT id FROM ds.t WHERE n = (SELECT MAX(n) FROM ds.t) ORDER BY id;
SELECT id FROM ds.t UNION ALL SELECT id FROM ds.t WHERE id = 1 ORDER BY id LIMIT 4;
SELECT userId FROM ds.Orders UNION DISTINCT SELECT props.userId FROM ds.t ORDER BY 1;
SELECT userId FROM ds.Orders INTERSECT DISTINCT SELECT props.userId FROM ds.t ORDER BY 1;
SELECT userId FROM ds.Orders EXCEPT DISTINCT SELECT props.userId FROM ds.t ORDER BY 1;
(SELECT id FROM ds.t ORDER BY id DESC LIMIT 1) UNION ALL (SELECT id FROM ds.t ORDER BY id LIMIT 1) ORDER BY 1;
SELECT id FROM ds.t ORDER BY n DESC NULLS FIRST, id ASC LIMIT 2 OFFSET 1;
SELECT id FROM ds.t ORDER BY n ASC NULLS LAST, b DESC NULLS FIRST, id;
SELECT id FROM ds.t ORDER BY LOWER(b), id;
WITH a AS (SELECT id, n FROM ds.t), b AS (SELECT * FROM a WHERE n > 3) SELECT a.id, b.n FROM a LEFT JOIN b USING (id) ORDER BY 1;
WITH a AS (SELECT 1 AS x), b AS (WITH a AS (SELECT 2 AS x) SELECT x FROM a) SELECT a.x AS p, b.x AS q FROM a, b;
SELECT * FROM (SELECT b, n FROM ds.t WHERE b IS NOT NULL) PIVOT (SUM(n) AS s FOR b IN ('Ada' AS x1, 'Bob' AS y1));
WITH sums AS (SELECT status, total FROM ds.Orders) SELECT paid + 1 AS more, * FROM Sums PIVOT (SUM(total) FOR status IN ('paid', 'open')) ORDER BY paid DESC;
SELECT * FROM (SELECT status, total FROM ds.Orders) PIVOT (SUM(total) AS s, COUNT(*) AS c FOR status IN ('paid', 'open'));
SELECT id, name, v FROM (SELECT id, n, CAST(m AS INT64) AS m FROM ds.t) UNPIVOT (v FOR name IN (n, m)) ORDER BY 1, 2;
SELECT id, name, v FROM (SELECT id, n, CAST(m AS INT64) AS m FROM ds.t) UNPIVOT INCLUDE NULLS (v FOR name IN (n AS 'count', m AS 'measure')) ORDER BY 1, 2;

-- GA4's export
SELECT event_name, COUNT(*) AS events, COUNT(DISTINCT user_pseudo_id) AS users FROM `ds.events_*` WHERE _TABLE_SUFFIX BETWEEN '20260101' AND '20260131' GROUP BY event_name ORDER BY events DESC, event_name;
SELECT user_pseudo_id, (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS session_id, (SELECT ep.value.string_value FROM UNNEST(event_params) AS ep WHERE ep.key = 'page_location') AS page FROM `ds.events_*` ORDER BY event_timestamp;
SELECT PARSE_DATE('%Y%m%d', event_date) AS day, COUNT(DISTINCT CONCAT(user_pseudo_id, (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id'))) AS sessions FROM `ds.events_*` GROUP BY 1 ORDER BY 1;
SELECT TIMESTAMP_MICROS(event_timestamp) AS moment, geo.country, device.category, traffic_source.source || ' / ' || traffic_source.medium AS channel FROM `ds.events_*` WHERE _table_suffix >= FORMAT_DATE('%Y%m%d', DATE_SUB(DATE '2026-01-06', INTERVAL 1 DAY)) ORDER BY moment;
SELECT item.item_name, SUM(item.quantity * item.price) AS revenue FROM `ds.events_*`, UNNEST(items) AS item WHERE event_name = 'purchase' GROUP BY item.item_name ORDER BY revenue DESC, 1;
SELECT ep.key, COUNT(*) AS c, COALESCE(MAX(ep.value.string_value), CAST(MAX(ep.value.int_value) AS STRING), CAST(MAX(ep.value.double_value) AS STRING)) AS v FROM `ds.events_*` AS e CROSS JOIN UNNEST(e.event_params) AS ep GROUP BY 1 ORDER BY 1;
WITH sessions AS (SELECT user_pseudo_id, (SELECT value.int_value FROM UNNEST(event_params) WHERE key = 'ga_session_id') AS sid, MAX((SELECT COALESCE(value.int_value, 0) FROM UNNEST(event_params) WHERE key = 'engagement_time_msec')) AS engaged, MIN(event_timestamp) AS started FROM `ds.events_*` GROUP BY 1, 2) SELECT sid, COALESCE(engaged, 0) / 1000 AS seconds, DATETIME(TIMESTAMP_MICROS(started), 'Europe/Berlin') AS local_start FROM sessions ORDER BY sid;
SELECT user_pseudo_id AS anonymous_id, TIMESTAMP_MICROS(event_timestamp) AS timestamp, ecommerce.purchase_revenue AS value FROM `ds.events_*` WHERE event_name = 'purchase' AND TIMESTAMP_MICROS(event_timestamp) >= @start_date;
SELECT COUNTIF(event_name = 'purchase') / COUNT(DISTINCT user_pseudo_id) AS rate, SUM(ecommerce.purchase_revenue) AS revenue FROM `ds.events_*`;
SELECT CASE WHEN traffic_source.source = '(direct)' AND traffic_source.medium IN ('(not set)', '(none)') THEN 'Direct' WHEN REGEXP_CONTAINS(traffic_source.medium, r'^(.*cp.*|ppc|paid.*)$') THEN 'Paid' ELSE 'Other' END AS channel, COUNT(*) AS c FROM `ds.events_*` GROUP BY channel ORDER BY channel;
SELECT REGEXP_REPLACE((SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location'), r'^https?://[^/]+|\?.*$', '') AS path, LEAD(event_name) OVER (PARTITION BY user_pseudo_id ORDER BY event_timestamp) AS next_event FROM `ds.events_*` ORDER BY event_timestamp;
SELECT event_date, SPLIT(SPLIT((SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'page_location'), '/')[SAFE_ORDINAL(4)], '?')[SAFE_ORDINAL(1)] AS page FROM `ds.events_*` ORDER BY event_timestamp;
