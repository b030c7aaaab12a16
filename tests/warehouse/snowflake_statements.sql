-- Statements in Snowflake's dialect. The checked text must return the rows of the written one.
-- Tables: events (id, user_id, name, amount, score, ts, day, is_paid, payload, tags, path) and
-- users (user_id, country, created, plan), see test_snowflake_statements.py.

-- Shape of a query
SELECT id, ts FROM events WHERE ts >= @start_date; -- the last month
/* paid */ SELECT COUNT(*) AS n FROM events WHERE is_paid ;;
SELECT TOP 3 id FROM events ORDER BY id;
SELECT id, name, FROM events;
SELECT ALL name FROM events;
SELECT DISTINCT name FROM events;
SELECT id FROM events ORDER BY amount DESC NULLS LAST, id LIMIT 3 OFFSET 1;
SELECT id FROM events ORDER BY id FETCH FIRST 2 ROWS ONLY;
SELECT e.id, u.country FROM events e JOIN users u ON e.user_id = u.user_id;
SELECT e.id, u.country FROM events e LEFT JOIN users u USING (user_id);
SELECT u.user_id, COUNT(e.id) AS n FROM users u LEFT JOIN events e ON e.user_id = u.user_id GROUP BY 1 HAVING COUNT(e.id) > 0;
SELECT e.id, u.plan FROM events AS e, users AS u WHERE e.user_id = u.user_id AND u.plan ILIKE 'PRO%';
SELECT COUNT(*) FROM events FULL OUTER JOIN users USING (user_id);
SELECT e.id FROM events e CROSS JOIN users u WHERE u.country = 'de' ORDER BY e.id;
SELECT user_id FROM users WHERE EXISTS (SELECT 1 FROM events e WHERE e.user_id = users.user_id AND e.is_paid);
SELECT user_id FROM users WHERE user_id NOT IN (SELECT user_id FROM events WHERE user_id IS NOT NULL);
SELECT id FROM events WHERE (user_id, name) IN (SELECT user_id, 'buy' FROM users);
SELECT id FROM events WHERE amount > ALL (SELECT 1) AND amount = ANY (SELECT amount FROM events WHERE name = 'buy');
SELECT id, (SELECT MAX(created) FROM users u WHERE u.user_id = e.user_id) AS created FROM events e;
SELECT user_id FROM events UNION SELECT user_id FROM users;
SELECT user_id FROM events UNION ALL SELECT user_id FROM users;
SELECT user_id FROM users INTERSECT SELECT user_id FROM events;
SELECT user_id FROM users MINUS SELECT user_id FROM events;
SELECT user_id FROM users EXCEPT SELECT user_id FROM events;
SELECT user_id, plan FROM users UNION ALL BY NAME SELECT 'x' AS plan, 'y' AS user_id;
WITH paid AS (SELECT * FROM events WHERE is_paid), per_user AS (SELECT user_id, SUM(amount) AS total FROM paid GROUP BY user_id) SELECT * FROM per_user ORDER BY total DESC;
WITH a (who, total) AS (SELECT user_id, SUM(amount) FROM events GROUP BY 1) SELECT who FROM a WHERE total > 5;
WITH events AS (SELECT * FROM app.events WHERE is_paid) SELECT COUNT(*) FROM events;
SELECT name, COUNT(*) AS n FROM events GROUP BY ALL;
SELECT name, is_paid, COUNT(*) FROM events GROUP BY ROLLUP (name, is_paid);
SELECT name, is_paid, GROUPING(name) AS g, COUNT(*) FROM events GROUP BY CUBE (name, is_paid);
SELECT name, is_paid, SUM(amount) FROM events GROUP BY GROUPING SETS ((name), (is_paid), ());
SELECT * EXCLUDE (payload, tags, ts) FROM events;
SELECT u.* EXCLUDE plan FROM users AS u;
SELECT * RENAME (plan AS tariff) FROM users;
SELECT * REPLACE (UPPER(plan) AS plan) FROM users;
SELECT v.n, v.t FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, t);
SELECT * FROM VALUES (1, 'a'), (2, 'b') AS v(n, t);
SELECT x.twice FROM events AS e, LATERAL (SELECT e.id * 2 AS twice) AS x;
SELECT amount AS a, a * 2 AS doubled FROM events WHERE a > 2;
SELECT "ID" AS "the id", id "Id" FROM events AS "E x" WHERE "E x".id > 1;
SELECT id AS date, amount AS value, name AS "name", path AS rows FROM events;

-- Windows and QUALIFY
SELECT id FROM events QUALIFY ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY ts DESC) = 1;
SELECT id, RANK() OVER (ORDER BY amount DESC) AS r FROM events QUALIFY r <= 2;
SELECT user_id, SUM(amount) AS total FROM events GROUP BY user_id QUALIFY DENSE_RANK() OVER (ORDER BY total DESC) = 1;
SELECT id, LAG(name) OVER (PARTITION BY user_id ORDER BY ts) AS previous FROM events;
SELECT id, LAG(amount, 1, 0) OVER (ORDER BY id) AS previous, LEAD(id) OVER (ORDER BY id) AS following FROM events;
SELECT id, LAG(amount) IGNORE NULLS OVER (ORDER BY id) AS previous FROM events;
SELECT id, LAST_VALUE(amount IGNORE NULLS) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest FROM events;
SELECT id, FIRST_VALUE(name) IGNORE NULLS OVER (PARTITION BY user_id ORDER BY ts) AS first_name FROM events;
SELECT id, NTH_VALUE(id, 2) OVER (PARTITION BY name ORDER BY id) AS second FROM events;
SELECT id, SUM(amount) OVER (PARTITION BY user_id ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS running FROM events;
SELECT id, COUNT(*) OVER () AS n, AVG(amount) OVER (PARTITION BY name) AS mean FROM events;
SELECT id, NTILE(3) OVER (ORDER BY id) AS bucket, PERCENT_RANK() OVER (ORDER BY id) AS p, CUME_DIST() OVER (ORDER BY id) AS c FROM events;
SELECT id, COUNT(DISTINCT name) OVER (PARTITION BY user_id) AS names FROM events;
SELECT id, DATEDIFF('minute', LAG(ts) OVER (PARTITION BY user_id ORDER BY ts), ts) > 30 AS is_new_session FROM events;
SELECT user_id, SUM(starts) OVER (PARTITION BY user_id ORDER BY ts) AS session FROM (SELECT user_id, ts, IFF(DATEDIFF(minute, LAG(ts) OVER (PARTITION BY user_id ORDER BY ts), ts) < 30, 0, 1) AS starts FROM events);

-- Aggregates
SELECT COUNT(DISTINCT user_id, name) AS pairs FROM events;
SELECT COUNT_IF(is_paid) AS paid, COUNT_IF(amount > 5) AS large FROM events;
SELECT SUM(IFF(is_paid, amount, 0)) / NULLIF(COUNT(*), 0) AS per_event FROM events;
SELECT AVG(amount), MIN(ts), MAX(ts), ANY_VALUE(1), COUNT(DISTINCT amount) FROM events;
SELECT MEDIAN(amount), STDDEV(amount), STDDEV_POP(amount), STDDEV_SAMP(amount), VARIANCE(amount) FROM events;
SELECT VAR_POP(amount), VAR_SAMP(amount), VARIANCE_POP(score), VARIANCE_SAMP(score) FROM events;
SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY amount), PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY amount DESC) FROM events;
SELECT name, PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY score) AS p90 FROM events GROUP BY name;
SELECT APPROX_PERCENTILE(score, 0.5) IS NULL, APPROX_COUNT_DISTINCT(user_id) FROM events;
SELECT MAX_BY(name, ts) AS latest, MIN_BY(name, ts) AS earliest FROM events;
SELECT LISTAGG(name, ',') WITHIN GROUP (ORDER BY id) AS names FROM events;
SELECT LISTAGG(DISTINCT name, '|') WITHIN GROUP (ORDER BY name) AS names FROM events;
SELECT LISTAGG(name) WITHIN GROUP (ORDER BY id DESC) AS names FROM events;
SELECT ARRAY_AGG(name) WITHIN GROUP (ORDER BY id) AS names FROM events;
SELECT ARRAY_AGG(id) WITHIN GROUP (ORDER BY id)[0]::INT AS first_id FROM events;
SELECT ARRAY_SIZE(ARRAY_AGG(DISTINCT name)) AS n FROM events;
SELECT user_id, ARRAY_AGG(OBJECT_CONSTRUCT('id', id, 'name', name)) WITHIN GROUP (ORDER BY id) AS history FROM events GROUP BY user_id;
SELECT OBJECT_AGG(name, TO_VARIANT(id)) AS ids FROM events WHERE id < 3;
SELECT CORR(amount, score), COVAR_POP(amount, score), COVAR_SAMP(amount, score) FROM events;
SELECT REGR_SLOPE(amount, score), REGR_INTERCEPT(amount, score), REGR_COUNT(amount, score) FROM events;
SELECT KURTOSIS(score), SKEW(score) FROM events;
SELECT MODE(name) FROM events WHERE name = 'view';
SELECT BOOLAND_AGG(is_paid), BOOLOR_AGG(is_paid) FROM events WHERE is_paid IS NOT NULL;
SELECT BITAND_AGG(id), BITOR_AGG(id), BITXOR_AGG(id) FROM events;
SELECT DIV0(SUM(amount), 0), DIV0(SUM(amount), COUNT(*)), DIV0NULL(1, NULL) FROM events;
SELECT COUNT(*) - COUNT(amount) AS missing, COUNT(t.amount) AS present FROM events AS t;

-- Times
SELECT DATE_TRUNC('week', ts), DATE_TRUNC(month, ts), DATE_TRUNC('QUARTER', day) FROM events;
SELECT DATE_TRUNC('hours', ts)::DATE AS d, TRUNC(day, 'month') AS m FROM events;
SELECT DATEADD(day, 1, ts), DATEADD('month', -1, day), DATEADD(hours, 2, ts), DATEADD(d, 7, day) FROM events;
SELECT TIMESTAMPADD(minute, 5, ts), TIMEADD(second, 30, ts), DATEADD('year', 1, day) FROM events;
SELECT DATEDIFF(day, day, ts), DATEDIFF('week', '2025-12-01'::DATE, day), DATEDIFF(ms, ts, ts) FROM events;
SELECT TIMESTAMPDIFF(hour, ts, '2026-03-01'::TIMESTAMP), TIMEDIFF(minute, ts, '2026-03-01'::TIMESTAMP_NTZ) FROM events;
SELECT YEAR(ts), QUARTER(ts), MONTH(ts), WEEK(ts), DAY(ts), HOUR(ts), MINUTE(ts), SECOND(ts) FROM events;
SELECT DAYOFWEEK(ts), DAYOFWEEKISO(ts), DAYOFMONTH(ts), DAYOFYEAR(ts), WEEKISO(ts), YEAROFWEEKISO(ts), WEEKOFYEAR(ts) FROM events;
SELECT DAYNAME(ts), MONTHNAME(ts) FROM events;
SELECT DATE_PART('epoch_second', ts), DATE_PART(year, ts), DATE_PART('dow', ts), DATE_PART(weekiso, ts) FROM events;
SELECT EXTRACT(year FROM ts), EXTRACT(hour FROM ts), EXTRACT(dayofweek FROM day) FROM events;
SELECT LAST_DAY(day), LAST_DAY(day, 'month'), ADD_MONTHS(day, 2) FROM events;
SELECT LAST_DAY(ts, week), MONTHS_BETWEEN('2026-03-05'::DATE, day) FROM events;
SELECT NEXT_DAY(day, 'fr'), PREVIOUS_DAY(day, 'mo') FROM events;
SELECT TIME_SLICE(ts, 15, 'MINUTE'), TIME_SLICE(ts, 1, 'DAY', 'START') FROM events;
SELECT DATE_FROM_PARTS(2026, 2, 1), DATEFROMPARTS(2026, 2, 1), TIME_FROM_PARTS(1, 2, 3), TIMESTAMP_FROM_PARTS(2026, 1, 2, 3, 4, 5);
SELECT TIMESTAMP_NTZ_FROM_PARTS(2026, 1, 2, 3, 4, 5) AS a;
SELECT TO_DATE('2026-01-05'), TO_DATE(ts), DATE(ts), TO_DATE('05/01/2026', 'DD/MM/YYYY'), TRY_TO_DATE('x'), TRY_TO_DATE('2026-01-01') FROM events;
SELECT TO_TIMESTAMP('2026-01-05 10:00:00'), TO_TIMESTAMP_NTZ('2026-01-05 10:00:00'), TO_TIMESTAMP(1700000000), TO_TIMESTAMP_NTZ(1700000000) FROM events;
SELECT TO_TIMESTAMP('2026-01-05 10:20', 'YYYY-MM-DD HH24:MI'), TRY_TO_TIMESTAMP_NTZ('2026-01-05 10:00:00') FROM events;
SELECT TO_TIMESTAMP_NTZ(payload:at::STRING) AS at FROM events WHERE payload:at IS NOT NULL;
SELECT TO_TIMESTAMP(payload:ms::NUMBER / 1000) AS at FROM events WHERE payload:ms IS NOT NULL;
SELECT TO_CHAR(ts, 'YYYY-MM-DD'), TO_VARCHAR(ts, 'YYYY-MM'), TO_CHAR(day, 'DD.MM.YYYY'), TO_VARCHAR(id) FROM events;
SELECT ts::DATE, ts::TIME, ts::TIMESTAMP_NTZ, day::TIMESTAMP, day::STRING FROM events;
SELECT CONVERT_TIMEZONE('UTC', 'Europe/Berlin', ts), CONVERT_TIMEZONE('America/New_York', ts::TIMESTAMP_TZ) FROM events;
SELECT day + 1, day - 7, ts + INTERVAL '1 day', ts - INTERVAL '2 hours', day - INTERVAL '1 month' FROM events;
SELECT DATE '2026-01-01' AS d, TIMESTAMP '2026-01-01 10:00:00' AS t, '2026-01-01'::DATE - day AS days FROM events;
SELECT CURRENT_DATE = CURRENT_DATE(), CURRENT_TIMESTAMP() >= CURRENT_DATE, SYSDATE() > '2020-01-01', GETDATE() > '2020-01-01', ts < CURRENT_TIMESTAMP FROM events;
SELECT id FROM events WHERE ts BETWEEN DATEADD('day', -30, '2026-02-01'::DATE) AND '2026-02-01' AND day >= @start_date::DATE;
SELECT id FROM events WHERE ts::DATE BETWEEN '2026-01-05' AND '2026-01-06';

-- Text
SELECT UPPER(name), LOWER(plan), INITCAP('a b'), LENGTH(name), LEN(name), REVERSE(name) FROM events JOIN users USING (user_id);
SELECT CONCAT(name, '-', id), name || ':' || id, CONCAT_WS('/', name, user_id) FROM events;
SELECT SUBSTR(path, 1, 3), SUBSTRING(path, 2), LEFT(path, 2), RIGHT(path, 2) FROM events;
SELECT SPLIT_PART(path, '/', 2), SPLIT_PART(path, '/', -1), SPLIT(path, '/')[1]::STRING, STRTOK(path, '/', 1) FROM events;
SELECT REPLACE(path, '/', '.'), REPLACE(path, '/'), TRANSLATE(name, 'aeiou', '12345'), TRIM(' a '), LTRIM('00a', '0'), RTRIM('a00', '0') FROM events;
SELECT POSITION('/' IN path), POSITION('/', path, 2), CHARINDEX('/', path), CONTAINS(path, 'a'), STARTSWITH(path, '/'), ENDSWITH(path, 'b') FROM events;
SELECT LPAD(id::STRING, 5, '0'), RPAD(name, 6, '.'), REPEAT('ab', 3), SPACE(2) || 'x', REPEAT('*', LEAST(id, 10)) FROM events;
SELECT REGEXP_REPLACE(path, '[0-9]+', '#'), REGEXP_REPLACE(path, '/'), REGEXP_SUBSTR(path, '[a-z]+'), REGEXP_COUNT(path, '/') FROM events;
SELECT REGEXP_SUBSTR(path, '/([a-z]+)', 1, 1, 'e', 1), REGEXP_INSTR(path, '[0-9]') FROM events;
SELECT REGEXP_LIKE(path, '/.*'), path RLIKE '/.*', path REGEXP '/[a-z]+', RLIKE(name, 'v.*'), path NOT RLIKE 'x' FROM events;
SELECT id FROM events WHERE name LIKE 'v%' AND name NOT LIKE '%z' AND path LIKE '/a^_%' ESCAPE '^' OR name ILIKE 'VIEW';
SELECT id FROM events WHERE name LIKE ANY ('v%', 'b%') AND name ILIKE ANY ('VIEW', '%UY');
SELECT ASCII(name), CHR(65), CHAR(66), UNICODE('ä'), MD5(name), MD5_HEX(name), SHA1(name), SHA2(name), SHA2(name, 256) FROM events;
SELECT HEX_ENCODE(name), HEX_DECODE_STRING(HEX_ENCODE(name)) FROM events;
SELECT EDITDISTANCE(name, 'vie'), JAROWINKLER_SIMILARITY(name, 'view') FROM events;
SELECT INSERT('abc', 2, 1, 'xx'), BIT_LENGTH('a'), CHAR_LENGTH('ab');
SELECT 'it''s', 'a\nb', 'c:\\d', $$it's "raw"$$, 'tab\there', '';
SELECT STRTOK_TO_ARRAY('a.b', '.'), SPLIT('a,b', ',');

-- Numbers and conditions
SELECT ABS(-id), CEIL(score), FLOOR(score), ROUND(score, 1), TRUNC(score, 1), TRUNCATE(score, 0), SIGN(score), MOD(id, 2), id % 2 FROM events;
SELECT POWER(id, 2), POW(id, 2), SQRT(id), SQUARE(id), EXP(0), LN(1), LOG(10, 100), CBRT(8), FACTORIAL(3) FROM events;
SELECT PI(), SIN(0), COS(0), TAN(0), ASIN(0), ACOS(1), ATAN(0), ATAN2(0, 1), DEGREES(PI()), RADIANS(180), SINH(0), COSH(0), TANH(0);
SELECT BITAND(id, 1), BITOR(id, 1), BITXOR(id, 1), BITNOT(id), BITSHIFTLEFT(id, 1), BITSHIFTRIGHT(id, 1) FROM events;
SELECT GREATEST(id, 2), LEAST(id, 2), GREATEST_IGNORE_NULLS(amount, 1), LEAST_IGNORE_NULLS(amount, 1) FROM events;
SELECT COALESCE(amount, 0), NVL(amount, 0), IFNULL(amount, 0), NVL2(amount, 1, 2), ZEROIFNULL(amount), NULLIFZERO(id - 1), NULLIF(name, 'view') FROM events;
SELECT IFF(amount > 5, 'a', 'b'), DECODE(name, 'view', 1, 'buy', 2, 0), CASE name WHEN 'buy' THEN 1 ELSE 0 END, CASE WHEN is_paid THEN 1 END FROM events;
SELECT is_paid IS TRUE, is_paid IS NOT TRUE, is_paid IS FALSE, is_paid IS NOT FALSE, is_paid IS NULL, is_paid IS NOT NULL FROM events;
SELECT id FROM events WHERE is_paid IS NOT TRUE;
SELECT amount IS DISTINCT FROM score, amount IS NOT DISTINCT FROM score, EQUAL_NULL(amount, score) FROM events;
SELECT BOOLAND(id, 0), BOOLOR(id, 0), BOOLNOT(id), BOOLXOR(id, 0) FROM events;
SELECT NOT is_paid, is_paid AND id > 1, is_paid OR id > 1, NOT (id = 1 OR id = 2), id <> 1, id != 2, -id, +id FROM events;
SELECT id::FLOAT / 3, id / 2, amount::NUMBER(10, 1), amount::INT, amount::STRING, '1.5'::DECIMAL(5, 2), 1e3, .5 FROM events;
SELECT CAST(id AS VARCHAR(10)), id::REAL, id::FLOAT8, id::BIGINT, id::SMALLINT, id::TINYINT, id::BYTEINT, id::DOUBLE, id::NUMERIC FROM events;
SELECT TRY_CAST('x' AS INT), TRY_CAST('7' AS INT), TRY_CAST('2026-01-01' AS DATE), TRY_TO_NUMBER('x'), TRY_TO_DOUBLE('1.5'), TRY_TO_BOOLEAN('yes');
SELECT TO_NUMBER('12'), TO_DECIMAL('12.345', 10, 2), TO_NUMERIC('1'), TO_DOUBLE('1.5'), TO_BOOLEAN('true'), TRY_TO_DECIMAL('1.25', 10, 2), TRY_TO_NUMERIC('x', 10, 2);
SELECT id FROM events WHERE id IN (1, 2) AND id NOT IN (3) AND amount BETWEEN 1 AND 100;

-- JSON, objects and arrays
SELECT payload:plan, payload:plan::STRING, payload:cart.total::FLOAT, payload:cart.items[0].sku::STRING FROM events;
SELECT payload['plan']::STRING, payload['cart']['total'], payload:"Odd Key"::STRING, payload:Mixed::STRING FROM events;
SELECT e.payload:cart:total::INT AS total, GET_PATH(e.payload, 'cart.total')::INT AS same FROM events e;
SELECT GET(payload, 'plan')::STRING, GET(tags, 0)::STRING, tags[0]::STRING, tags[1] FROM events;
SELECT payload:cart.items[0].Size::STRING AS size FROM events WHERE payload:plan::STRING = 'pro';
SELECT PARSE_JSON('{"a": {"B": [1, 2]}}'):a.B[1]::INT AS b, TRY_PARSE_JSON('{x') AS broken;
SELECT OBJECT_CONSTRUCT('headline', name, 'n', id) AS variant FROM events;
SELECT OBJECT_CONSTRUCT('Ab', name, 'gone', NULL) AS o, OBJECT_CONSTRUCT_KEEP_NULL('kept', NULL) AS k FROM events;
SELECT OBJECT_KEYS(payload), TYPEOF(payload:plan), IS_ARRAY(tags), IS_NULL_VALUE(payload:nothing) FROM events WHERE payload IS NOT NULL;
SELECT ARRAY_CONSTRUCT(1, 2, 3)[1], [1, 2][0], ARRAY_SIZE([1, 2]), ARRAY_SLICE(ARRAY_CONSTRUCT(1, 2, 3), 0, 2);
SELECT ARRAY_CONTAINS(2, ARRAY_CONSTRUCT(1, 2)), ARRAY_POSITION(2, [1, 2]) FROM events;
SELECT ARRAY_CAT([1], [2]), ARRAY_APPEND([1], 2), ARRAY_PREPEND([1], 0), ARRAY_DISTINCT([1, 1]), ARRAY_COMPACT([1, NULL]);
SELECT ARRAY_INTERSECTION([1, 2], [2, 3]), ARRAY_EXCEPT([1, 2], [2]), ARRAYS_OVERLAP([1], [1, 2]), ARRAY_REVERSE([1, 2]);
SELECT ARRAY_SORT([3, 1, 2]), ARRAY_MAX([1, 3]), ARRAY_MIN([1, 3]), ARRAY_REMOVE([1, 2], 1), ARRAY_INSERT([1, 3], 1, 2), ARRAY_FLATTEN([[1], [2]]);
SELECT TRANSFORM([1, 2, 3], x -> x * 2), FILTER([1, 2, 3], x -> x > 1), REDUCE([1, 2, 3], 0, (total, x) -> total + x);
SELECT ARRAY_GENERATE_RANGE(0, 3), ARRAY_GENERATE_RANGE(1, 9, 3);
SELECT TO_JSON(payload) IS NULL, TO_VARIANT(1), TO_ARRAY(1), payload::OBJECT, tags::ARRAY FROM events;

-- Rows out of values
SELECT e.id, f.value::STRING AS tag FROM events e, LATERAL FLATTEN(INPUT => e.tags) f;
SELECT e.id, f.index, f.value FROM events e, LATERAL FLATTEN(e.tags) AS f;
SELECT e.id, f.value::STRING AS tag FROM events e, LATERAL FLATTEN(INPUT => e.tags, OUTER => TRUE) f;
SELECT id, value FROM events, LATERAL FLATTEN(INPUT => payload:cart.items);
SELECT e.id, f.value:sku::STRING AS sku FROM events e, TABLE(FLATTEN(e.payload:cart.items)) f;
SELECT e.id, f.value:sku::STRING AS sku FROM events AS e, TABLE(FLATTEN(INPUT => e.payload, PATH => 'cart.items')) AS f;
SELECT e.id, f.key, f.value FROM events e, LATERAL FLATTEN(INPUT => e.payload:cart) f;
SELECT e.id, f.value FROM events e CROSS JOIN LATERAL FLATTEN(INPUT => e.tags) f WHERE f.index = 0;
SELECT e.id, f.value FROM events e LEFT JOIN LATERAL FLATTEN(INPUT => e.tags, OUTER => TRUE) AS f;
SELECT e.id, i.value:sku::STRING AS sku, s.value AS size FROM events e, LATERAL FLATTEN(INPUT => e.payload:cart.items) i, LATERAL FLATTEN(INPUT => i.value:sizes) s;
SELECT f.value::INT AS n FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[1, 2, 3]'))) AS f;
SELECT value FROM TABLE(FLATTEN(INPUT => ARRAY_CONSTRUCT('a', 'b')));
SELECT ROW_NUMBER() OVER (ORDER BY SEQ4()) AS n FROM TABLE(GENERATOR(ROWCOUNT => 5));
SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 3)) AS g;
SELECT DATEADD(day, SEQ4(), '2026-01-01'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 10));
SELECT COUNT(*) FROM TABLE(GENERATOR(ROWCOUNT => 100));
WITH days AS (SELECT DATEADD(day, ROW_NUMBER() OVER (ORDER BY NULL) - 1, '2026-01-05'::DATE) AS d FROM TABLE(GENERATOR(ROWCOUNT => 3))) SELECT d, COUNT(e.id) AS n FROM days LEFT JOIN events e ON e.day = d GROUP BY d;
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n;
WITH RECURSIVE days (d) AS (SELECT '2026-01-01'::DATE UNION ALL SELECT DATEADD(day, 1, d) FROM days WHERE d < '2026-01-05') SELECT d FROM days;
WITH RECURSIVE n (i, total) AS (SELECT 1, 1 UNION ALL SELECT i + 1, total + i FROM n WHERE i + 1 <= 4) SELECT * FROM n;
WITH RECURSIVE chain AS (SELECT id, 1 AS level FROM events WHERE id = 1 UNION ALL SELECT e.id, c.level + 1 FROM chain c JOIN events e ON e.id = c.id + 1 WHERE c.level < 10) SELECT * FROM chain;
SELECT * FROM (SELECT user_id, name, amount FROM events) PIVOT (SUM(amount) FOR name IN ('buy', 'view')) AS p;
SELECT p.* FROM (SELECT user_id, name, id FROM events) AS e PIVOT (COUNT(id) FOR name IN ('buy', 'view')) AS p (who, buys, views);
SELECT * FROM (SELECT id, amount, score FROM events) UNPIVOT (v FOR kind IN (amount, score));

-- Metrics and assignment sources
SELECT user_id AS anonymous_id, ts AS timestamp, amount AS value FROM events WHERE name = 'buy' AND ts >= @start_date;
SELECT user_id, MIN(ts) AS first_paid FROM events WHERE is_paid GROUP BY user_id HAVING MIN(ts) >= @start_date;
SELECT user_id, ts, OBJECT_CONSTRUCT('headline', payload:plan::STRING)::STRING AS variant, 'opt' AS optimization_id FROM events WHERE ts > @start_date QUALIFY ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY ts) = 1;
WITH cohort AS (SELECT user_id, DATE_TRUNC('week', MIN(ts)) AS week FROM events GROUP BY user_id) SELECT week, COUNT(DISTINCT e.user_id) AS users, DATEDIFF('week', week, e.ts) AS age FROM cohort c JOIN events e USING (user_id) GROUP BY ALL;
WITH steps AS (SELECT user_id, MAX(IFF(name = 'view', 1, 0)) AS viewed, MAX(IFF(name = 'buy', 1, 0)) AS bought FROM events GROUP BY 1) SELECT SUM(viewed) AS views, SUM(viewed * bought) AS buys, ROUND(100.0 * DIV0(SUM(bought), SUM(viewed)), 1) AS rate FROM steps;

-- More of the above
SELECT name, SUM(amount) AS total, RANK() OVER (ORDER BY SUM(amount) DESC NULLS LAST) AS r FROM events GROUP BY name;
SELECT user_id, MAX(CASE WHEN name = 'buy' THEN ts END) AS bought_at, COUNT(CASE WHEN name = 'view' THEN 1 END) AS views FROM events GROUP BY user_id;
SELECT COALESCE(u.country, 'none') AS country, AVG(amount) FILTER (WHERE name = 'buy') AS mean FROM events e LEFT JOIN users u USING (user_id) GROUP BY 1;
SELECT a.id, b.id FROM events a JOIN events b ON a.user_id = b.user_id AND a.ts < b.ts AND DATEDIFF('hour', a.ts, b.ts) < 24;
SELECT payload:cart.items[0]:sku::STRING AS sku, payload:cart['items'][0]['Size']::STRING AS size FROM events;
SELECT "PAYLOAD":plan::STRING AS "Plan", "Plan" || '!' AS loud FROM events;
SELECT id FROM events WHERE NOT (name = 'view' AND is_paid IS FALSE) OR amount IS NULL;
SELECT id, CASE WHEN score >= 5 THEN 'high' WHEN score IS NULL THEN 'none' ELSE 'low' END AS band FROM events ORDER BY band, id;
SELECT day, SUM(COUNT(*)) OVER (ORDER BY day ROWS UNBOUNDED PRECEDING) AS so_far FROM events GROUP BY day;
SELECT PARSE_JSON('{"k": [{"v": 1}]}'):k[0].v::INT + 1 AS n, PARSE_JSON('[1,2]')[1]::INT AS two;
SELECT {'headLine': name, 'n': 1, 'gone': NULL} AS variant FROM events;
SELECT id, FIRST_VALUE(amount) OVER (ORDER BY amount NULLS FIRST) AS a, ROW_NUMBER() OVER (ORDER BY amount DESC NULLS FIRST, id) AS r FROM events;
SELECT name FROM events ORDER BY amount NULLS FIRST, id LIMIT 1;
SELECT a.id, b.plan, c.id AS next FROM events a JOIN users b LEFT JOIN events c ON a.id + 1 = c.id;
SELECT a.id, b.id AS other FROM (events a JOIN users u ON a.user_id = u.user_id) JOIN events b ON b.id = a.id;
SELECT COUNT(*) FROM events a, users b LEFT JOIN events c ON b.user_id = c.user_id;
