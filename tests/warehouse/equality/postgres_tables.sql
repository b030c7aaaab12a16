-- A customer's tables on Postgres, with every kind of column that the statements read.
CREATE SCHEMA app;
CREATE TYPE app.plan AS ENUM ('free', 'pro', 'team');
CREATE DOMAIN app.code AS text CHECK (VALUE <> '');
CREATE TYPE app.place AS (lat double precision, lon double precision);
CREATE TYPE app.address AS (street text, city text, place app.place);
CREATE TYPE app.line AS (sku text, quantity int, price numeric(8, 2));

CREATE TABLE app.users (
  id int PRIMARY KEY, email text, plan app.plan, code app.code, address app.address,
  joined timestamptz, birthday date, wakes time, tags text[], scores int[], grid int[][],
  profile jsonb, settings json, balance numeric(12, 2), ratio double precision,
  active boolean, referrer int, stay daterange, token uuid, secret bytea);
INSERT INTO app.users VALUES
  (1, 'Ann@shop.example', 'pro', 'A-1', ROW('Main St', 'Berlin', ROW(52.5, 13.4)),
   '2026-01-05 10:20:30.5+00', '1990-02-28', '06:30', '{x,y,z}', '{3,1,2}', '{{1,2},{3,4}}',
   '{"cart": {"total": "5.50", "items": [1, 2]}, "lang": "de", "vip": true}',
   '{"theme": "dark", "n": 1}', 10.50, 0.25, true, NULL, '[2026-01-01,2026-01-08)',
   '00000000-0000-0000-0000-000000000001', '\x0102'),
  (2, 'bob@shop.example', 'free', 'B-2', ROW('Side St', 'Paris', ROW(48.9, 2.4)),
   '2026-01-06 23:59:59+00', '1988-12-01', '07:00', '{}', '{10}', NULL,
   '{"cart": {}, "lang": "fr"}', '{"theme": "light", "n": 2}', 0, 'NaN', false, 1,
   '[2026-01-05,2026-02-01)', '00000000-0000-0000-0000-000000000002', '\x'),
  (3, 'cy@other.example', 'team', NULL, ROW('Main St', 'Berlin', NULL),
   '2026-02-28 22:00+00', NULL, NULL, '{y}', '{5,5,7,9}', '{{5,6},{7,8}}',
   '{"lang": "de", "note": "it''s"}', NULL, -3.25, 1e10, NULL, 1, NULL, NULL, NULL),
  (4, NULL, 'free', 'D-4', NULL, NULL, '2000-02-29', '23:59:59', NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, true, 2, 'empty', NULL, '\xff');

CREATE TABLE app.events (
  id bigint, user_id int, name text, at timestamptz, local_at timestamp, props jsonb,
  items jsonb, amount numeric(10, 4));
INSERT INTO app.events VALUES
  (1, 1, 'view', '2026-01-05 10:00+00', '2026-01-05 10:00', '{"page": "/a/b?x=1", "ms": 120}',
   '[{"sku": "k", "qty": 2}, {"sku": "l", "qty": 1}]', NULL),
  (2, 1, 'buy', '2026-01-05 10:30+00', '2026-01-05 11:30', '{"page": "/pay", "ms": 80}',
   '[{"sku": "k", "qty": 1}]', 19.9900),
  (3, 2, 'view', '2026-01-06 00:00+00', '2026-01-06 01:00', '{"page": "/a", "ms": null}',
   '[]', NULL),
  (4, 2, 'view', '2026-01-07 12:00+00', '2026-01-07 13:00', '{"page": "/a/c"}', NULL, NULL),
  (5, 3, 'buy', '2026-03-01 00:30+00', '2026-03-01 01:30', '{}',
   '[{"sku": "m", "qty": 5, "gift": true}]', 5.5),
  (6, 1, 'buy', '2026-03-29 01:30+00', '2026-03-29 03:30', NULL, NULL, 100),
  (7, NULL, 'view', '2026-03-29 01:30+00', NULL, '{"page": ""}', NULL, 0);

CREATE TABLE app.orders (
  id int, user_id int, placed date, total numeric(12, 2), status text, lines app.line[]);
INSERT INTO app.orders VALUES
  (1, 1, '2026-01-05', 19.99, 'paid', ARRAY[ROW('k', 1, 19.99)::app.line]),
  (2, 1, '2026-02-05', 100.00, 'paid',
   ARRAY[ROW('k', 2, 30)::app.line, ROW('l', 1, 40)::app.line]),
  (3, 2, '2026-02-06', 7.00, 'open', '{}'),
  (4, 3, '2026-03-01', NULL, 'paid', NULL),
  (5, 3, '2026-03-31', 55.50, 'refunded', ARRAY[ROW('m', 5, 11.10)::app.line]);

CREATE TABLE app.folders (id int, parent int, name text);
INSERT INTO app.folders VALUES
  (1, NULL, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'a1'), (5, 4, 'a11'), (6, 3, 'b1');

CREATE TABLE app."Mixed Case" ("Id" int, "order" text, "Total Amount" numeric, "select" int);
INSERT INTO app."Mixed Case" VALUES (1, 'a"b', 1.5, 2), (2, 'it''s', NULL, 3);
