-- Statements in Postgres' dialect, one a paragraph. The text that runs must return the rows,
-- names and types of the text written here. A line that begins with ORDER BY fixes the order.

-- Shapes of a query

SELECT * FROM app.users

SELECT u.*, 1 AS one FROM app.users AS u WHERE u.id < 3

SELECT DISTINCT name FROM app.events

SELECT DISTINCT ON (user_id) user_id, at, name FROM app.events
ORDER BY user_id, at DESC NULLS LAST, id

SELECT ALL id FROM app.users WHERE true

SELECT id AS "Id", email "E-mail", plan p FROM app.users

SELECT id, count(*) OVER () AS "Count" FROM app.users
ORDER BY id DESC LIMIT 2 OFFSET 1

SELECT id FROM app.users
ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY

SELECT total FROM app.orders
ORDER BY total DESC NULLS LAST FETCH FIRST 2 ROWS WITH TIES

SELECT id FROM app.users LIMIT ALL

SELECT name FROM app.events UNION SELECT status FROM app.orders

SELECT id FROM app.users EXCEPT SELECT user_id FROM app.orders

SELECT id FROM app.users INTERSECT ALL SELECT user_id FROM app.orders

(SELECT id FROM app.users) UNION ALL (SELECT user_id FROM app.orders ORDER BY id LIMIT 1)
ORDER BY 1

SELECT 1 AS n UNION ALL SELECT 2 EXCEPT SELECT 2 UNION SELECT 3

SELECT 1 AS n UNION (SELECT 2 INTERSECT SELECT 3) UNION ALL SELECT 4

WITH a AS (SELECT id FROM app.users), b AS MATERIALIZED (SELECT id + 1 AS id FROM a)
SELECT a.id, b.id AS next FROM a JOIN b USING (id)

WITH a (x, y) AS (SELECT id, plan FROM app.users), b AS NOT MATERIALIZED (SELECT x FROM a)
SELECT count(*), max(x) FROM b

SELECT (WITH inner_users AS (SELECT * FROM app.users) SELECT max(id) FROM inner_users) AS top

SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v (n, t)

WITH v (n, t) AS (VALUES (1, 'a'), (2, 'b')) SELECT t, id FROM v JOIN app.users ON id = n

SELECT id, plan FROM app.users WHERE (id, plan) IN (VALUES (1, 'pro'::app.plan), (2, 'pro'))

SELECT placed, sum(total) FROM app.orders GROUP BY placed HAVING sum(total) > 10

SELECT status, user_id, sum(total), grouping(status, user_id) FROM app.orders
GROUP BY GROUPING SETS ((status), (user_id), ())

SELECT status, date_trunc('month', placed)::date AS month, count(*) FROM app.orders
GROUP BY ROLLUP (1, 2)

SELECT status, user_id, count(*) FROM app.orders GROUP BY CUBE (status, user_id)

SELECT user_id, status, count(*) FROM app.orders GROUP BY user_id, ROLLUP (status)

SELECT count(*) FROM app.orders GROUP BY ()

-- Joins

SELECT u.id, o.total FROM app.users u LEFT OUTER JOIN app.orders o ON o.user_id = u.id

SELECT u.id, o.id FROM app.users u RIGHT JOIN app.orders o ON o.user_id = u.id AND u.active

SELECT u.id, o.id FROM app.users u FULL JOIN app.orders o ON o.id = u.id + 2

SELECT count(*) FROM app.users CROSS JOIN app.orders

SELECT count(*) FROM app.users, app.orders WHERE users.id = orders.user_id

SELECT * FROM (SELECT id AS user_id, plan FROM app.users) AS u NATURAL JOIN app.orders

SELECT u.id, r.id AS referrer FROM app.users u JOIN app.users r ON u.referrer = r.id

SELECT user_id, e.name, o.status FROM app.events e INNER JOIN app.orders o USING (user_id)

SELECT u.id FROM (app.users u JOIN app.orders o ON u.id = o.user_id) JOIN app.events e ON e.user_id = u.id

SELECT u.id, o.n FROM app.users u LEFT JOIN (app.orders AS a JOIN (SELECT 1 AS n) AS b ON true) AS o ON o.user_id = u.id

SELECT u.id, x.total FROM app.users u, LATERAL (SELECT max(total) AS total FROM app.orders o WHERE o.user_id = u.id) x

SELECT u.id, x.* FROM app.users u LEFT JOIN LATERAL (
  SELECT o.id AS order_id, o.total FROM app.orders o WHERE o.user_id = u.id ORDER BY o.placed DESC LIMIT 1) AS x ON true

SELECT u.id, k.label, k.amount FROM app.users u CROSS JOIN LATERAL (VALUES ('balance', u.balance), ('twice', u.balance * 2)) AS k (label, amount)

SELECT u.id, v.n, w.m FROM app.users u, LATERAL (SELECT u.id + 1 AS n) v, LATERAL (SELECT v.n * 2 AS m) w

SELECT t.id, t."Total Amount" FROM (SELECT "Id" AS id, "Total Amount", "select", "order" FROM app."Mixed Case") t

SELECT "Mixed Case"."Id", m."order" FROM app."Mixed Case", app."Mixed Case" AS m WHERE m."Id" = "Mixed Case"."select" - 1

-- Operators and their precedence

SELECT 1 + 2 * 3 - 4 / 2 % 3, -2 ^ 2, 2 ^ 3 ^ 2, - (- 3), +4, 7 / 2, 7.0 / 2, 7 % -3

SELECT id & 1, id | 4, id # 5, ~id, id << 2, id >> 1, 1 << 2 + 1, 5 & 3 | 4 FROM app.users

SELECT |/ 25.0, ||/ 27.0, 2 ^ 3, sqrt(4), cbrt(8), power(2, 3), email ^@ 'Ann' FROM app.users

SELECT NOT true AND false, NOT (true AND false), true OR false AND false, NOT 1 = 2

SELECT id FROM app.users WHERE NOT active IS TRUE OR active IS UNKNOWN

SELECT active IS NOT TRUE, active IS FALSE, active IS NOT UNKNOWN, email ISNULL, email NOTNULL FROM app.users

SELECT ROW(1, NULL) IS NULL, ROW(1, NULL) IS NOT NULL, NOT ROW(1, NULL) IS NULL, ROW(NULL, NULL) IS NULL

SELECT id, referrer IS DISTINCT FROM 1, referrer IS NOT DISTINCT FROM NULL FROM app.users

SELECT id FROM app.users WHERE id BETWEEN 2 AND 3 AND balance NOT BETWEEN 0 AND 1

SELECT id BETWEEN SYMMETRIC 3 AND 2 FROM app.users

SELECT email LIKE '%shop%', email NOT LIKE 'A%', email ILIKE 'ANN%', email LIKE 'a!%%' ESCAPE '!' FROM app.users

SELECT email ~ '^[A-Z]', email !~ 'shop', email ~* '^ANN', email !~* 'BOB' FROM app.users

SELECT email ~~ 'A%', email !~~ 'A%', email ~~* 'a%', email !~~* 'a%', email ^@ 'Ann' FROM app.users

SELECT email SIMILAR TO '(Ann|bob)%', email NOT SIMILAR TO '%other%' FROM app.users

SELECT 'a' || 1 || NULL, 'a' || 'b' = 'ab', 'a' || email FROM app.users

SELECT id <> 1, id != 2, id >= 2 AND id <= 3, (id = 1) = active FROM app.users

SELECT email COLLATE "C" < 'b', email FROM app.users
ORDER BY email COLLATE "C" DESC NULLS FIRST

SELECT id FROM app.users WHERE id = ANY (ARRAY[1, 3]) OR id > ALL (SELECT user_id FROM app.orders)

SELECT id = ANY ('{1,2}'::int[]), plan = SOME (ARRAY['pro', 'team']::app.plan[]), email LIKE ANY (ARRAY['A%', '%x']) FROM app.users

SELECT id FROM app.users u WHERE EXISTS (SELECT 1 FROM app.orders o WHERE o.user_id = u.id) AND NOT EXISTS (SELECT FROM_.id FROM app.events FROM_ WHERE FROM_.user_id = u.id AND name = 'buy')

SELECT id FROM app.users WHERE id NOT IN (SELECT user_id FROM app.orders WHERE status = 'open')

SELECT (id, active) = (1, true), (id, balance) < (2, 5), ROW(id, email) IS DISTINCT FROM ROW(1, NULL) FROM app.users

SELECT CASE WHEN id = 1 THEN 'one' WHEN id < 3 THEN 'few' END, CASE plan WHEN 'pro' THEN 1 ELSE 0 END FROM app.users

SELECT coalesce(email, code, 'none'), nullif(plan, 'free'), greatest(id, 2, NULL), least(balance, 0) FROM app.users

SELECT (SELECT max(total) FROM app.orders) - balance AS left_over, (SELECT count(*) FROM app.orders o WHERE o.user_id = u.id) FROM app.users u

-- Literals, names and casts

SELECT 'it''s', $$it's$$, $tag$a $$ b$tag$, E'a\tb\\c', '', 'back\slash'

SELECT E'\x41\101\u00e9', E'\'', 'q' || E'\n' || 'r', chr(8364), 'ü'

SELECT 1.5, .5, 1e3, 1.5e-3, 100000000000, -0.0, 1::smallint, 10::bigint, 2.50::numeric(5, 1)

SELECT true, FALSE, NULL, NULL::int, 't'::boolean, 'off'::bool, 1::bool, 0::boolean

SELECT DATE '2026-01-05', TIME '10:30', TIMESTAMP '2026-01-05 10:00', TIMESTAMPTZ '2026-01-05 10:00+02', TIMESTAMP WITH TIME ZONE '2026-01-05 10:00+02'

SELECT CAST('5' AS integer), CAST(id AS text), '1.5'::numeric, '1e3'::float8, 1.5::real, 1.9::int, -1.5::int FROM app.users

SELECT CAST(email AS varchar(3)), email::char(3), email::varchar, id::text || '!', plan::text FROM app.users

SELECT '2026-01-05'::date + 1, '2026-01-05'::date - '2025-12-25'::date, '10:00'::time + interval '90 minutes'

SELECT 'pro'::app.plan > 'free', plan, 'x'::app.code FROM app.users
ORDER BY plan DESC, id

SELECT '{1,2}'::int[], ARRAY['a', NULL]::text[], '{{1,2},{3,4}}'::int[][], ARRAY[]::date[]

SELECT '12.345'::money::numeric, '1 day 02:03'::interval, 'a1b2c3d4-0000-0000-0000-000000000000'::uuid

SELECT '\x4142'::bytea, 'a'::bytea, secret, octet_length(secret) FROM app.users

SELECT "u"."id", U.email, "e-mail" FROM app.users U, (SELECT 1 AS "e-mail") x

SELECT users.id, users FROM app.users WHERE users.id = 1

SELECT app.users.id FROM app.users WHERE app.users.plan = 'pro'

SELECT u FROM (SELECT id, plan FROM app.users) AS u

-- Texts

SELECT upper(email), lower(email), initcap('a bC'), length(email), char_length(email), bit_length('é'), octet_length('é') FROM app.users

SELECT substring(email FROM 2 FOR 3), substring(email, 2), substr(email, 1, 3), substring(email FROM '@(.*)$'), substring(email FROM 2) FROM app.users

SELECT left(email, 3), right(email, -3), reverse(email), position('@' IN email), strpos(email, '@') FROM app.users

SELECT trim(' a '), trim(both 'x' from 'xax'), trim(leading 'x' from 'xax'), trim(trailing from 'a '), btrim('xax', 'x'), ltrim('xa', 'x'), rtrim(' a ')

SELECT replace(email, '@', ' at '), translate('abc', 'ab', 'x'), overlay('abcd' PLACING 'XY' FROM 2 FOR 1), lpad('7', 3, '0'), rpad('a', 3, '-'), lpad('7', 3) FROM app.users

SELECT repeat('ab', 3), repeat(email, 2) FROM app.users

SELECT split_part(email, '@', 2), split_part('a,b,c', ',', -1), string_to_array('a,b,,c', ','), string_to_array('a-b', '-', 'b') FROM app.users

SELECT concat('a', NULL, id), concat_ws('-', 'a', NULL, id), format('%s is %L or %I, 100%%', email, plan, 'Id') FROM app.users

SELECT regexp_replace('a1b22', '[0-9]+', '#'), regexp_replace('a1b22', '\d', '', 'g'), regexp_replace('Abc', 'B', 'x', 'i'), regexp_replace('aaa', 'a', 'b', 2, 1)

SELECT regexp_match('ab12', '([a-z]+)(\d+)'), (regexp_match(email, '@(\w+)'))[1], regexp_split_to_array('a b  c', '\s+') FROM app.users

SELECT regexp_count('aXbX', 'X'), regexp_like('abc', 'B', 'i'), regexp_substr('a12b', '\d+'), regexp_instr('a12b', '\d')

SELECT m[1], m[2] FROM regexp_matches('a1b2', '([a-z])(\d)', 'g') AS m

SELECT word FROM regexp_split_to_table('the quick fox', ' ') AS word

SELECT ascii('A'), chr(65), to_hex(255), md5(email), encode(sha256('a'::bytea), 'hex'), encode('a'::bytea, 'base64'), decode('YQ==', 'base64') FROM app.users

SELECT starts_with(email, 'Ann'), email || '' = email, char_length(''), quote_literal(code), unistr('\0041') FROM app.users

SELECT string_agg(email, ', ' ORDER BY id DESC), string_agg(DISTINCT plan::text, '|'), string_agg(code, '') FILTER (WHERE id > 1) FROM app.users

-- Times

SELECT date_trunc('month', at), date_trunc('day', at, 'Europe/Berlin'), date_trunc('week', local_at), date_trunc('quarter', placed) FROM app.events, app.orders WHERE orders.id = events.id

SELECT extract(year FROM at), extract(epoch FROM at), extract(dow FROM at), extract(isodow FROM local_at), date_part('hour', at), extract(week FROM at)::int FROM app.events

SELECT at AT TIME ZONE 'Europe/Berlin', local_at AT TIME ZONE 'UTC', timezone('America/New_York', at), (at AT TIME ZONE 'UTC')::date FROM app.events

SELECT at + interval '1 day', at - INTERVAL '90' MINUTE, at + 2 * interval '1 hour', interval '1 month 2 days' * 2, interval '1 year' / 2 FROM app.events

SELECT at - lag(at) OVER (ORDER BY id), age(at, '2026-01-01'), age(timestamp '2026-03-01', timestamp '2026-01-15'), justify_days(interval '40 days'), justify_hours(interval '30 h') FROM app.events

SELECT INTERVAL '1' YEAR, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3 04:05:06' DAY TO SECOND, INTERVAL '1 week', '2 days'::interval, make_interval(days => 10, hours => 2), make_interval(0, 1, 2)

SELECT to_char(at, 'YYYY-MM-DD HH24:MI:SS.MS'), to_char(at, 'Dy, DD Mon YYYY'), to_char(at, 'FMDay FMDDth "of" FMMonth'), to_char(at, 'IYYY-IW'), to_char(at, 'Q'), to_char(at, 'HH12:MI am') FROM app.events

SELECT to_char(1234567.891, '9,999,999.99'), to_char(0.5, 'FM990.0%'), to_char(7, '000'), to_char(-5, 'S99'), to_char(interval '3 h', 'HH24:MI'), to_char(12, 'RN')

SELECT to_date('05 Jan 2026', 'DD Mon YYYY'), to_timestamp('2026-01-05 10:20', 'YYYY-MM-DD HH24:MI'), to_timestamp(1767606030.5), to_number('1,234.5', '9G999D9'), to_date('20260105', 'YYYYMMDD')

SELECT make_date(2026, 1, 5), make_time(8, 15, 23.5), make_timestamp(2026, 1, 5, 10, 0, 0), make_timestamptz(2026, 1, 5, 10, 0, 0, 'Europe/Berlin')

SELECT date_bin('15 minutes', at, TIMESTAMPTZ '2026-01-01 00:00+00'), (at, interval '1 h') OVERLAPS (at, at), isfinite(at) FROM app.events

SELECT now() = current_timestamp, now()::date = current_date, localtimestamp = now()::timestamp, now() > at, current_time IS NOT NULL, localtime IS NOT NULL FROM app.events

SELECT id, at::date, at::time, at::timestamp, placed::timestamptz, at::text FROM app.events JOIN app.orders USING (id)

SELECT id FROM app.events WHERE at >= @start_date AND at < @start_date + interval '1 month'

SELECT extract(days FROM at - local_at), extract(epoch FROM interval '1 h')::bigint, date(at), birthday + 7, wakes - interval '1 h' FROM app.events JOIN app.users ON users.id = user_id

SELECT placed + interval '1 month' AS due, (placed + interval '1 month')::date - placed AS days FROM app.orders

SELECT d::date AS day, count(o.id) FROM generate_series('2026-01-05'::date, '2026-01-08', interval '1 day') AS d LEFT JOIN app.orders o ON o.placed = d GROUP BY d
ORDER BY d

SELECT generate_series(1, 3) AS n, id FROM app.users

SELECT generate_series(min(placed), max(placed), '1 month')::date AS month FROM app.orders

SELECT s.month FROM (SELECT min(placed) AS a, max(placed) AS b FROM app.orders) AS r, generate_series(r.a, r.b, interval '1 month') AS s (month)

SELECT n, t FROM generate_series(10, 1, -3) WITH ORDINALITY AS s (n, t)

SELECT date '2026-01-01' + n AS day FROM generate_series(0, 6) AS n

-- Numbers

SELECT abs(-5), ceil(1.2), ceiling(-1.2), floor(-1.2), round(2.5), round(1.2345, 2), trunc(1.99), trunc(-1.2345, 2), sign(-3.5), mod(-7, 3), div(7, 2)

SELECT power(2, 10), pow(2.0, 3), sqrt(2), cbrt(27), exp(1), ln(10), log(100), log(2, 8), log10(1000), pi(), degrees(pi()), radians(180)

SELECT sin(1), cos(1), tan(1), asin(1), acos(1), atan(1), atan2(1, 2), cot(1), sinh(1), cosh(1), tanh(1)

SELECT round(balance / 3, 4), balance::float / 3, round((ratio * 100)::numeric, 1), ratio = 'NaN' FROM app.users

SELECT width_bucket(balance, -10, 20, 3), width_bucket(balance, ARRAY[0, 5, 10]), gcd(12, 18), lcm(4, 6), scale(1.50), trim_scale(1.50), factorial(5) FROM app.users

SELECT total / nullif(user_id - 1, 0), 100.0 * total / sum(total) OVER () FROM app.orders

-- Aggregates and windows

SELECT count(*), count(email), count(DISTINCT plan), sum(balance), avg(balance), min(email), max(joined) FROM app.users

SELECT count(*) FILTER (WHERE active), sum(id) FILTER (WHERE id > 1 AND active IS NOT NULL), bool_and(active), bool_or(active), every(active) FROM app.users

SELECT array_agg(id ORDER BY id DESC), array_agg(DISTINCT plan), (array_agg(email ORDER BY id))[1], array_agg(tags) FILTER (WHERE cardinality(tags) = 3) FROM app.users

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY balance), percentile_disc(0.9) WITHIN GROUP (ORDER BY balance DESC), mode() WITHIN GROUP (ORDER BY plan), percentile_cont(ARRAY[0.25, 0.75]) WITHIN GROUP (ORDER BY id) FROM app.users

SELECT stddev(id), stddev_pop(id), stddev_samp(id), variance(id), var_pop(id), var_samp(id), corr(id, balance), covar_pop(id, balance), covar_samp(id, balance) FROM app.users

SELECT regr_slope(balance, id), regr_intercept(balance, id), regr_r2(balance, id), regr_count(balance, id), bit_and(id), bit_or(id), bit_xor(id) FROM app.users

SELECT rank(3) WITHIN GROUP (ORDER BY id), dense_rank(3) WITHIN GROUP (ORDER BY id) FROM app.users

SELECT plan, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS share FROM app.users GROUP BY plan
ORDER BY n DESC, plan

SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY at, id), rank() OVER (ORDER BY name), dense_rank() OVER (ORDER BY name), percent_rank() OVER (ORDER BY name), cume_dist() OVER (ORDER BY name), ntile(2) OVER (ORDER BY id) FROM app.events

SELECT id, lag(name) OVER w, lead(name, 2, 'none') OVER w, first_value(name) OVER w, last_value(name) OVER w, nth_value(id, 2) OVER w FROM app.events WINDOW w AS (PARTITION BY user_id ORDER BY at)

SELECT id, sum(amount) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), avg(amount) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING), max(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM app.events

SELECT id, count(*) OVER (ORDER BY at RANGE BETWEEN interval '1 day' PRECEDING AND CURRENT ROW), sum(id) OVER (ORDER BY user_id GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM app.events

SELECT id, sum(id) OVER (w ORDER BY id), count(*) OVER w FROM app.events WINDOW w AS (PARTITION BY name)

SELECT user_id, count(*) FILTER (WHERE name = 'buy') OVER (PARTITION BY user_id) FROM app.events

SELECT user_id, sum(sum(total)) OVER (ORDER BY user_id) FROM app.orders GROUP BY user_id

-- JSON

SELECT profile -> 'cart', profile -> 'cart' ->> 'total', profile #> '{cart,items}', profile #>> '{cart,items,0}', profile ->> 'lang' = 'de' FROM app.users

SELECT (profile -> 'cart' ->> 'total')::numeric * 2, coalesce(profile ->> 'note', 'none'), lower(profile ->> 'lang') || '!' FROM app.users

SELECT settings -> 'theme', settings ->> 'n', (settings ->> 'n')::int + 1, json_typeof(settings), json_extract_path_text(settings, 'theme') FROM app.users

SELECT profile ->> 'cart' IS NULL, (profile ->> 'vip')::boolean, profile -> 'cart' -> 'items' -> -1, items -> 0 ->> 'sku' FROM app.users JOIN app.events ON events.user_id = users.id

SELECT id FROM app.users WHERE profile ? 'cart' AND profile -> 'cart' ? 'total' AND NOT profile ? 'none'

SELECT id FROM app.users WHERE profile ? lower('LANG') AND profile ? (profile ->> 'lang') IS FALSE AND (profile) ? code IS NOT TRUE

SELECT profile ?| ARRAY['cart', 'x'], profile ?& ARRAY['cart', 'lang'], profile @> '{"lang": "de"}', '{"lang": "de"}' <@ profile FROM app.users

SELECT profile @? '$.cart.items[*] ? (@ > 1)', profile @@ '$.lang == "de"', jsonb_path_exists(profile, '$.vip'), jsonb_path_query_first(profile, '$.cart.items[0]') FROM app.users

SELECT profile['cart']['total'], profile['lang'], (profile -> 'cart')['items'][0] FROM app.users

SELECT profile || '{"a": 1}', profile - 'cart', profile - ARRAY['cart', 'lang'], profile #- '{cart,total}', jsonb_set(profile, '{lang}', '"en"'), jsonb_insert(profile, '{a}', '1') FROM app.users

SELECT jsonb_build_object('id', id, 'tags', tags), json_build_array(id, plan, NULL), to_jsonb(u), row_to_json(u)::text, json_build_object('a', 1)::text FROM app.users u

SELECT jsonb_agg(id ORDER BY id), jsonb_object_agg(id, email), json_agg(email ORDER BY id)::text, json_object_agg(id, plan)::text, jsonb_agg(DISTINCT plan) FROM app.users

SELECT jsonb_typeof(profile -> 'cart'), jsonb_array_length(profile -> 'cart' -> 'items'), jsonb_pretty(profile), jsonb_strip_nulls('{"a": null}'), jsonb_exists(profile, 'vip') FROM app.users

SELECT e.id, i.value ->> 'sku' AS sku, (i.value ->> 'qty')::int AS qty, i.ordinality FROM app.events e, jsonb_array_elements(e.items) WITH ORDINALITY AS i

SELECT e.id, i ->> 'sku' FROM app.events e CROSS JOIN LATERAL jsonb_array_elements(e.items) AS i WHERE i ? 'gift'

SELECT u.id, k, v FROM app.users u, jsonb_each_text(u.profile) AS kv (k, v)

SELECT u.id, jsonb_object_keys(u.profile) AS key FROM app.users u

SELECT e.id, x.sku, x.qty FROM app.events e, jsonb_to_recordset(e.items) AS x (sku text, qty int)

SELECT sum((i ->> 'qty')::int) FROM app.events, LATERAL jsonb_path_query(items, '$[*]') AS i

SELECT x.* FROM jsonb_to_record('{"a": 1, "b": [1, 2]}') AS x (a int, b int[])

SELECT jsonb_array_elements_text('["a", "b"]') AS t, json_array_length('[1, 2]'), to_json('a"b'::text)::text, '{"a": {"b": 2}}'::json #>> '{a,b}'

SELECT js, js IS JSON, js IS JSON OBJECT, js IS NOT JSON ARRAY FROM (VALUES ('{}'), ('[1]'), ('x')) AS v (js)

-- Arrays

SELECT tags[1], scores[2:3], scores[:2], scores[2:], scores[:], grid[1][2], grid[1:1][2:2], tags[array_length(tags, 1)] FROM app.users

SELECT (ARRAY[1, 2, 3])[2], (string_to_array(email, '@'))[2], (ARRAY['a', 'b', 'c'])[2:3], scores[id], scores[id:id + 1], scores[1 : id] FROM app.users

SELECT array_length(tags, 1), cardinality(scores), array_ndims(grid), array_upper(scores, 1), array_lower(scores, 1), array_dims(grid) FROM app.users

SELECT tags || 'n'::text, 'o'::text || tags, tags || ARRAY['p'], array_append(scores, 4), array_prepend(0, scores), array_cat(scores, '{1}'), array_remove(scores, 5), array_replace(scores, 5, 6) FROM app.users

SELECT tags @> ARRAY['x'], ARRAY['y'] <@ tags, tags && ARRAY['y', 'q'], scores = '{10}', array_position(scores, 7), array_positions(scores, 5), trim_array(scores, 1) FROM app.users

SELECT array_to_string(tags, ','), array_to_string(ARRAY['a', NULL], '-', '?'), array_to_json(scores)::text, 'x' = ANY (tags), 3 <> ALL (scores) FROM app.users

SELECT ARRAY(SELECT id FROM app.orders o WHERE o.user_id = u.id ORDER BY id), ARRAY[u.id, u.id + 1], ARRAY[ARRAY[1], ARRAY[2]] FROM app.users u

SELECT u.id, tag, n FROM app.users u, unnest(u.tags) WITH ORDINALITY AS t (tag, n)

SELECT id, unnest(scores) AS score FROM app.users

SELECT a, b FROM unnest(ARRAY[1, 2, 3], ARRAY['x', 'y']) AS t (a, b)

SELECT id FROM app.users WHERE EXISTS (SELECT FROM_.s FROM unnest(scores) AS FROM_ (s) WHERE FROM_.s > 6)

SELECT u.id, (SELECT sum(s) FROM unnest(u.scores) AS s) AS total FROM app.users u

-- Fields of composite types

SELECT (address).city, (u.address).street, ((u.address).place).lat, (u.address).place.lon FROM app.users u

SELECT (address).city, count(*) FROM app.users GROUP BY (address).city
ORDER BY count(*) DESC, (address).city

SELECT id FROM app.users WHERE (address).city = 'Berlin' AND (address).place IS NULL

SELECT o.id, l.sku, l.quantity * l.price AS amount FROM app.orders o, unnest(o.lines) AS l

SELECT id, (lines[1]).sku, lines[1].price, (lines)[2].quantity FROM app.orders

SELECT (u).email, (u.address).* FROM app.users u

SELECT ((array_agg(u ORDER BY u.id DESC))[1]).email, max((u.address).city) FROM app.users u

SELECT (address).city AS town, row_number() OVER (PARTITION BY (address).city ORDER BY id) FROM app.users

SELECT (e.x).key, (e.x).value FROM (SELECT jsonb_each(profile) AS x FROM app.users) AS e

-- Recursion

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i, i * i AS square FROM n

WITH RECURSIVE tree AS (
  SELECT id, parent, name, name AS path, 0 AS depth FROM app.folders WHERE parent IS NULL
  UNION ALL
  SELECT f.id, f.parent, f.name, t.path || '/' || f.name, t.depth + 1 FROM app.folders f JOIN tree t ON f.parent = t.id)
SELECT * FROM tree
ORDER BY path

WITH RECURSIVE days AS (SELECT date '2026-01-30' AS day UNION ALL SELECT (day + interval '1 day')::date FROM days WHERE day < '2026-02-02') SELECT day, extract(dow FROM day) FROM days

WITH RECURSIVE above (id, parent) AS (SELECT id, parent FROM app.folders WHERE id = 5 UNION SELECT f.id, f.parent FROM app.folders f, above a WHERE f.id = a.parent), named AS (SELECT name FROM app.folders JOIN above USING (id)) SELECT string_agg(name, '<' ORDER BY name) FROM named

WITH RECURSIVE walk AS (SELECT id, ARRAY[id] AS way FROM app.folders WHERE parent IS NULL UNION ALL SELECT f.id, w.way || f.id FROM app.folders f JOIN walk w ON f.parent = w.id WHERE NOT f.id = ANY (w.way)) SELECT id, way, cardinality(way) FROM walk

WITH RECURSIVE down (id) AS (SELECT 1 UNION ALL SELECT f.id FROM app.folders f JOIN down ON f.parent = down.id) SEARCH DEPTH FIRST BY id SET way SELECT id FROM down
ORDER BY way

WITH RECURSIVE round (id) AS (SELECT 1 UNION ALL SELECT id % 3 + 1 FROM round) CYCLE id SET seen USING way SELECT id, seen FROM round

WITH RECURSIVE plain AS (SELECT id FROM app.users) SELECT count(*) FROM plain

-- Ranges

SELECT id, lower(stay), upper(stay), isempty(stay), stay @> date '2026-01-06', lower_inc(stay), upper_inf(stay) FROM app.users

SELECT daterange('2026-01-01', '2026-02-01', '[]') && stay, stay * daterange('2026-01-04', NULL), tstzrange(joined, joined + interval '1 day') @> joined, '[1,5)'::int4range @> 3 FROM app.users

SELECT u.id, v.id FROM app.users u JOIN app.users v ON u.stay && v.stay AND u.id < v.id

-- As product analysts write them

WITH first_seen AS (SELECT user_id, min(date_trunc('week', at)) AS cohort FROM app.events WHERE user_id IS NOT NULL GROUP BY 1), weeks AS (SELECT DISTINCT user_id, date_trunc('week', at) AS week FROM app.events)
SELECT cohort::date, extract(day FROM week - cohort)::int / 7 AS week_number, count(DISTINCT f.user_id) AS users FROM first_seen f JOIN weeks USING (user_id) GROUP BY 1, 2
ORDER BY 1, 2

SELECT user_id, at, sum(is_new) OVER (PARTITION BY user_id ORDER BY at) AS session FROM (SELECT user_id, at, CASE WHEN at - lag(at) OVER (PARTITION BY user_id ORDER BY at) > interval '30 minutes' THEN 1 ELSE 0 END AS is_new FROM app.events) AS marked

SELECT count(DISTINCT user_id) AS viewers, count(DISTINCT user_id) FILTER (WHERE name = 'buy') AS buyers, round(100.0 * count(DISTINCT user_id) FILTER (WHERE name = 'buy') / nullif(count(DISTINCT user_id), 0), 2) AS rate FROM app.events

WITH steps AS (SELECT user_id, min(at) FILTER (WHERE name = 'view') AS viewed, min(at) FILTER (WHERE name = 'buy') AS bought FROM app.events GROUP BY user_id) SELECT count(viewed), count(bought) FILTER (WHERE bought >= viewed), percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM bought - viewed)) FROM steps

SELECT to_char(placed, 'YYYY-MM') AS month, sum(total) AS revenue, lag(sum(total)) OVER (ORDER BY to_char(placed, 'YYYY-MM')) AS before, sum(total) - lag(sum(total)) OVER (ORDER BY to_char(placed, 'YYYY-MM')) AS change FROM app.orders WHERE status <> 'refunded' GROUP BY 1
ORDER BY month

SELECT split_part(props ->> 'page', '?', 1) AS page, count(*) AS hits, avg((props ->> 'ms')::numeric)::numeric(10, 2) AS ms FROM app.events WHERE props ->> 'page' IS NOT NULL GROUP BY 1 HAVING count(*) >= 1
ORDER BY hits DESC, page

SELECT user_id::text AS anonymous_id, at AS timestamp, amount AS value FROM app.events WHERE name = 'buy' AND at >= @start_date;

SELECT d.day, count(DISTINCT e.user_id) AS active FROM generate_series(date_trunc('day', @start_date), @start_date + interval '6 days', '1 day') AS d (day) LEFT JOIN app.events e ON e.at >= d.day AND e.at < d.day + interval '7 days' GROUP BY d.day
ORDER BY d.day

SELECT status, sum(CASE WHEN extract(month FROM placed) = 1 THEN total ELSE 0 END) AS january, sum(total) FILTER (WHERE extract(month FROM placed) = 2) AS february FROM app.orders GROUP BY status

SELECT id, name FROM app.events TABLESAMPLE_ WHERE name IN ('view', 'buy') AND (amount IS NULL OR amount > 10)

-- Keys of JSON that look like a path

SELECT j -> 'a.b', j -> '$x', j ->> 'c d', j -> '[0]', j -> '*', j ->> '0', j -> 'it''s', j -> '', jsonb_exists(j, 'a.b'), j #>> '{a.b}' FROM (SELECT '{"a.b": 1, "$x": 2, "c d": 3, "[0]": 4, "*": 5, "0": 6, "it''s": 7, "": 8, "a": {"b": 9}}'::jsonb AS j) AS x

SELECT j -> 1, j ->> -1, j -> '1', j -> n, j -> (n + 1) FROM (SELECT '[1, 2, [3]]'::jsonb AS j, 0 AS n) AS x

-- What sqlglot reads otherwise

SELECT INTERVAL '1 month 04:01', INTERVAL '2 days -12:34:56', interval '@ 3 seconds ago', INTERVAL '1:20' HOUR TO MINUTE, interval 'P1Y2M3DT4H5M6S'

SELECT date_trunc(unit, at), date_trunc('Month', at), to_char(at, 'mon MON Mon month'), to_char(at, 'a.m. yyyy-mm-dd hh24:mi') FROM app.events, (VALUES ('day'), ('year')) AS u (unit)

SELECT current_timestamp(0) = now()::timestamptz(0), current_time(0) IS NOT NULL, localtimestamp(2) IS NOT NULL, localtime(1) IS NOT NULL

SELECT 'abc'::bpchar, 'ab'::bpchar(4), 'abc'::character(2), 'abc'::character varying(2), 'x'::"char"

SELECT list[2:], map, struct FROM (SELECT ARRAY[1, 2, 3] AS list, 1 AS map, 2 AS struct) AS x

SELECT sum(id) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW), sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES) FROM app.users

SELECT id FROM app.users WHERE id <> ALL (ARRAY[3, 4]) AND id = SOME (ARRAY[1, 2]) AND scores <@ ARRAY[1, 2, 3]

SELECT m[1] AS host, p[1] AS page FROM app.users, LATERAL regexp_match(email, '@(.*)$') AS m, string_to_array(email, '@') AS p

SELECT any_value(plan ORDER BY id), round(2.5), round(avg(id), 1), to_number('12', '99'), concat(VARIADIC ARRAY['a', 'b']) FROM app.users

SELECT daterange('2026-01-01', '2026-01-05') -|- daterange('2026-01-05', NULL), int4range(1, 5) << int4range(7, 9), int4range(1, 5) &< int4range(2, 9)

SELECT to_tsvector('english', 'the quick foxes') @@ to_tsquery('english', 'fox & quick'), ts_rank(to_tsvector('fox'), plainto_tsquery('fox')) > 0

SELECT id, id NOT IN (2) < true AS a, id NOT BETWEEN 1 AND 2 >= false AS b, email !~ 'a' < true AS c, email !~* 'A' || 'x' AS d, email NOT SIMILAR TO '%a%' <= false AS e, - ~ id AS f, ~ - id AS g, 'ann' !~ ANY (tags) AS h, NOT 'ann' ~ ANY (tags) AS i, date_bin('1 hour', joined, '2026-01-01') AS j FROM app.users ORDER BY id

-- SQL/JSON constructors of Postgres 16, and aggregates of two values

SELECT JSON_OBJECT('h': 'A'), JSON_OBJECT('id': id, 'tags':tags, email: plan ABSENT ON NULL), json_object('lang' VALUE profile ->> 'lang', 'none': NULL RETURNING jsonb) AS o FROM app.users WHERE email IS NOT NULL

SELECT JSON_OBJECT(), JSON_OBJECT('a': 1, 'b': JSON_ARRAY(id, NULL NULL ON NULL) WITH UNIQUE KEYS), json_object('{a, 1}'), json_object(ARRAY['a', 'b'], ARRAY['1', NULL]), JSON_OBJECT('j': '{"a": 1}' FORMAT JSON) FROM app.users

SELECT JSON_ARRAY(), JSON_ARRAY(id, email, NULL, id > 1 AND active), JSON_ARRAY(id, email NULL ON NULL RETURNING jsonb), JSON_ARRAY(RETURNING jsonb), JSON_ARRAY('[1]' FORMAT JSON, plan || 'x') -> 1 AS second FROM app.users

SELECT id, JSON_OBJECT('a': id IS NULL OR active, 'b': CASE WHEN id > 1 THEN 'x' END, 'c': at AT TIME ZONE 'UTC', 'd' : (SELECT 1), 'e': ARRAY[id]::text) ->> 'a' AS a FROM (SELECT id, active, joined AS at FROM app.users) AS u WHERE JSON_OBJECT('a': id) ->> 'a' <> '2'

SELECT corr(DISTINCT scores[1], id), regr_count(DISTINCT id, 1), regr_count(ALL id, 1), covar_pop(DISTINCT id, id) FILTER (WHERE id > 1), regr_slope(id, scores[1]), corr(id, scores[1]) OVER () IS NULL AS w FROM app.users GROUP BY id, scores

SELECT count(DISTINCT (user_id, name)), count(DISTINCT ROW(name)), jsonb_object_agg(DISTINCT name, user_id), json_object_agg(name, user_id ORDER BY id)::text, string_agg(DISTINCT name, ',' ORDER BY name) FROM app.events WHERE id < 4 AND id <> 3
