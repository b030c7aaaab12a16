"""SQL for Postgres that counts ids which match an exposure once they are spelled alike."""

from warehouse.sql.cube.slots import fill_slots

# The escapes of a regular expression, unlike those of a text, are valid in any encoding.
PLAIN_SPELLING = (
    r"lower(regexp_replace({id}, E'^[\\s\\u00a0\\u200b\\ufeff\"''`]+"
    r"|[\\s\\u00a0\\u200b\\ufeff\"''`]+$', '', 'g'))"
)
# A WITH query for all counts: some exposures are enough to tell how ids are spelled.
SOME_EXPOSED = """some_exposed AS MATERIALIZED (
  SELECT anonymous_id FROM {exposed} LIMIT 100000
),"""
ALIKE_USERS = """(SELECT count(*) FROM people AS p
        WHERE NOT {is_matched} AND {plain_id} IN (
          SELECT {plain_exposed_id}
          FROM some_exposed AS e))"""
# What systems make of an id, in lower case. Converted to its own encoding, no text fails.
# Postgres has no SHA-1 of its own.
SHA256 = "(encode(sha256(convert_to({id}, getdatabaseencoding())), 'hex'))"
HASHES = ", ".join(
    expression.replace("{id}", spelling)
    for spelling in ("{id}", "lower({id})")
    for expression in ("(md5({id}))", SHA256)
)
NO_HYPHENS = "(CASE WHEN {id} LIKE '%-%' THEN lower(replace({id}, '-', '')) END)"
MAY_BE_HASH = "length({id}) IN (32, 64)"
# {made} are the ids made of an exposure's, then those made of the metric's.
MADE_OF_EXPOSED = """(SELECT count(*) FROM people AS p
        WHERE {may_be_made} AND NOT {is_matched}
          AND lower(p.anonymous_id) IN (
            SELECT m.id FROM some_exposed AS e, LATERAL (VALUES {made}) AS m (id)))"""
# IS TRUE keeps the planner from a nested loop; it hashes as many ids as fit in its memory.
MADE_INTO_EXPOSED = """(CASE WHEN EXISTS (SELECT FROM some_exposed AS e WHERE {may_be_made}) THEN (
        SELECT count(DISTINCT p.anonymous_id)
        FROM (SELECT anonymous_id FROM people LIMIT 100000) AS p,
          LATERAL (VALUES {made}) AS m (id)
        WHERE NOT {is_matched} AND (m.id IN (
          SELECT lower(e.anonymous_id) FROM some_exposed AS e WHERE {may_be_made}
          LIMIT 20000)) IS TRUE) ELSE 0 END)"""
# Those of SHA-1, SHA-256 and SHA-512, salted ones too.
HASH_LIKE = "{id} ~ '^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128})$'"
HASH_LIKE_USERS = """(SELECT count(*) FROM people AS p
        WHERE {is_hash_like} AND NOT {is_matched})"""
HASH_LIKE_EXPOSED = "(SELECT count(*) FROM some_exposed AS e WHERE {is_hash_like})"
METRIC_ID, EXPOSED_ID = "p.anonymous_id", "e.anonymous_id"


def build_spelling_slots(exposed: str, is_matched: str) -> dict[str, str]:
    """Return the slots that count ids without a match which another spelling would match.

    `exposed` is what follows FROM for the exposures; `is_matched` is the condition under
    which an id `p.anonymous_id` has one.
    """
    slots = {
        "is_matched": is_matched,
        "plain_id": PLAIN_SPELLING.replace("{id}", METRIC_ID),
        "plain_exposed_id": PLAIN_SPELLING.replace("{id}", EXPOSED_ID),
    }
    of_exposed, into_exposed = (
        _count_made_ids(template, slots, HASHES, MAY_BE_HASH)
        for template in (MADE_OF_EXPOSED, MADE_INTO_EXPOSED)
    )
    hyphens = (
        _count_made_ids(template, slots, NO_HYPHENS, "{id} NOT LIKE '%-%'")
        for template in (MADE_OF_EXPOSED, MADE_INTO_EXPOSED)
    )
    like_users, like_exposed = (
        fill_slots(template, slots | {"is_hash_like": HASH_LIKE.replace("{id}", id_)})
        for template, id_ in (
            (HASH_LIKE_USERS, METRIC_ID),
            (HASH_LIKE_EXPOSED, EXPOSED_ID),
        )
    )
    return {
        "some_exposed_cte": SOME_EXPOSED.replace("{exposed}", exposed),
        "alike_users": fill_slots(ALIKE_USERS, slots),
        "hashed_users": of_exposed,
        "hashed_exposed_users": into_exposed,
        "hyphen_users": " + ".join(hyphens),
        "hash_like_users": like_users,
        "hash_like_exposures": like_exposed,
    }


def _count_made_ids(
    template: str, slots: dict[str, str], made: str, may_be_made: str
) -> str:
    """Fill a template: one side's ids are made into the other's, which meet `may_be_made`."""
    sides = (METRIC_ID, EXPOSED_ID)
    other, source = sides if template is MADE_OF_EXPOSED else sides[::-1]
    return fill_slots(
        template,
        slots
        | {
            "made": made.replace("{id}", source),
            "may_be_made": may_be_made.replace("{id}", other),
        },
    )
