"""What to write on Postgres instead of other dialects' functions of texts, by the form."""

LATER = (
    "CASE WHEN strpos(substr(text, begin), part) = 0 THEN 0"
    " ELSE strpos(substr(text, begin), part) + begin - 1 END"
)
PARTS = "string_to_array(text, part)"
OTHER_HASH = "encode(sha256(convert_to(text, 'UTF8')), 'hex') -- another hash"
NUMBER_HASH = "hashtextextended(text::text, 0) -- another hash"
LIST = "coalesce(string_agg({}), '')"
SHAS = {"224": "sha224", "256": "sha256", "384": "sha384", "512": "sha512"}
DISTANCE = "levenshtein(a, b) -- which the extension fuzzystrmatch has"
COUNTS_EMPTY = " -- which counts empty parts too"


def _build_hashes() -> dict[str, str]:
    call = "encode({}(convert_to(text, 'UTF8')), 'hex')"
    forms = {}
    for name in ("sha2", "sha2_hex"):
        forms[f"{name}(text)"] = call.format("sha256")
        for digits, function in SHAS.items():
            forms[f"{name}(text, {digits})"] = call.format(function)
    return forms


def _build_lists() -> dict[str, str]:
    """Return LISTAGG and GROUP_CONCAT with their separators, order and DISTINCT."""
    forms = {}
    for arguments, separator in (("value", "''"), ("value, part", "part")):
        plain = f"value::text, {separator}"
        call = f"listagg({arguments})"
        forms[call] = LIST.format(plain)
        forms[f"{call} OVER (spec)"] = f"coalesce(string_agg({plain}) OVER (spec), '')"
        group = "WITHIN GROUP (ORDER BY {})"
        unique = f"listagg(DISTINCT {arguments})"
        forms[unique] = LIST.format(f"DISTINCT {plain}")
        for order in ("", " DESC"):
            forms[f"{unique} {group.format(f'value{order}')}"] = LIST.format(
                f"DISTINCT {plain} ORDER BY value::text{order}"
            )
        forms[f"{call} {group.format('order')}"] = LIST.format(
            f"{plain} ORDER BY order"
        )
    return forms


GROUP_CONCAT = {
    "group_concat(value)": "string_agg(value::text, ',')",
    "group_concat(value, part)": "string_agg(value::text, part)",
    "group_concat(value ORDER BY order)": "string_agg(value::text, ',' ORDER BY order)",
    "group_concat(DISTINCT value)": "string_agg(DISTINCT value::text, ',')",
    "group_concat(DISTINCT value, part)": "string_agg(DISTINCT value::text, part)",
}
FORMS = {
    **_build_hashes(),
    **_build_lists(),
    **GROUP_CONCAT,
    "base64_encode(text)": "replace(encode(convert_to(text, 'UTF8'), 'base64'), chr(10), '')",
    "byte_length(text)": "octet_length",
    "char(n)": "chr",
    "charindex(part, text)": "strpos(text, part)",
    "charindex(part, text, begin)": LATER,
    "contains(text, part)": "strpos(text, part) > 0",
    "contains_substr(text, part)": "strpos(lower(text), lower(part)) > 0",
    "edit_distance(a, b)": DISTANCE,
    "editdistance(a, b)": DISTANCE,
    "ends_with(text, part)": "right(text, length(part)) = part",
    "endswith(text, part)": "right(text, length(part)) = part",
    "farm_fingerprint(text)": NUMBER_HASH,
    "from_base64(text)": "decode(text, 'base64')",
    "from_hex(text)": "decode(text, 'hex')",
    "hash(text)": NUMBER_HASH,
    "hex(bytes)": "upper(encode(bytes, 'hex'))",
    "ilike(text, pattern)": "text ILIKE pattern",
    "insert(text, m, n, part)": "overlay(text PLACING part FROM m FOR n)",
    "instr(text, part)": "strpos",
    "instr(text, part, begin)": LATER,
    "lcase(text)": "lower",
    "leftpad(text, n)": "lpad",
    "leftpad(text, n, part)": "lpad",
    "len(text)": "length",
    "locate(part, text)": "strpos(text, part)",
    "locate(part, text, begin)": LATER,
    "lower_hex(bytes)": "encode(bytes, 'hex')",
    "md5_digest(text)": "decode(md5(text), 'hex')",
    "md5_hex(text)": "md5",
    "position(part, text, begin)": LATER,
    "regexp_contains(text, pattern)": "text ~ pattern",
    "regexp_extract(text, pattern)": "substring(text FROM pattern)",
    "regexp_extract(text, pattern, begin)": "substring(substr(text, begin) FROM pattern)",
    "regexp_extract_all(text, pattern)": "regexp_matches(text, pattern, 'g') in FROM",
    "regexp_i_like(text, pattern)": "text ~* pattern",
    "rightpad(text, n)": "rpad",
    "rightpad(text, n, part)": "rpad",
    "rlike(text, pattern)": "text ~ ('^(' || pattern || ')$') -- which matches the whole text",
    "sha(text)": OTHER_HASH,
    "sha1(text)": OTHER_HASH,
    "sha1_hex(text)": OTHER_HASH,
    "space(count)": "repeat(' ', count)",
    "split(text)": "string_to_array(text, ',') -- where '' has no part",
    "split(text, part)": f"{PARTS} -- where '' has no part",
    "split_to_table(text, part)": "string_to_table(text, part) in FROM",
    "startswith(text, part)": "starts_with",
    "str_position(text, part)": "strpos",
    "string(value)": "value::jsonb #>> '{}' -- where the value is JSON",
    "strtok(text, part, m)": f"split_part(text, part, m){COUNTS_EMPTY}",
    "strtok_split_to_table(text, part)": "string_to_table(text, part) in FROM",
    "substring_index(text, part, -count)": f"array_to_string(({PARTS})[cardinality({PARTS}) - count + 1:], part)",
    "substring_index(text, part, m)": f"array_to_string(({PARTS})[1:m], part)",
    "to_base64(bytes)": "replace(encode(bytes, 'base64'), chr(10), '')",
    "to_varchar(value)": "value::text",
    "to_varchar(time, literal)": "to_char(time, literal)",
    "ucase(text)": "upper",
    "unhex(text)": "decode(text, 'hex')",
    "unicode(text)": "ascii",
    "xmlagg(text)": "string_agg(text, '')",
}
