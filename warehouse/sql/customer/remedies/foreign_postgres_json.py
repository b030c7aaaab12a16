"""What to write on Postgres instead of other dialects' functions of JSON and arrays."""

ELEMENTS = "ARRAY(SELECT jsonb_array_elements(value::jsonb))"
TEXTS = "ARRAY(SELECT jsonb_array_elements_text(value::jsonb))"
OF_PATH = "value::jsonb #> path"
SCALAR = (
    "CASE WHEN jsonb_typeof(value::jsonb #> path) NOT IN ('object', 'array')"
    " THEN value::jsonb #>> path END"
)
KEYS = "ARRAY(SELECT jsonb_object_keys(value::jsonb))"
ONCE = " -- which keeps each value once"


def _build_paths() -> dict[str, str]:
    """Return the functions of a path by their two names."""
    forms = {}
    for first in ("json_extract", "json_query"):
        forms[f"{first}(value, path)"] = OF_PATH
        forms[f"{first}_array(value)"] = ELEMENTS
        forms[f"{first}_array(value, path)"] = ELEMENTS.replace("value::jsonb", OF_PATH)
    for scalar in ("json_extract_scalar", "json_value"):
        forms[f"{scalar}(value, path)"] = SCALAR
    for texts in ("json_extract_string_array", "json_value_array"):
        forms[f"{texts}(value)"] = TEXTS
        forms[f"{texts}(value, path)"] = TEXTS.replace("value::jsonb", OF_PATH)
    return forms


FORMS = {
    **_build_paths(),
    "array_compact(array)": "array_remove(array, NULL)",
    "array_concat(a, b)": "array_cat",
    "array_construct(rest)": "ARRAY[rest]",
    "array_contains(array, literal)": "literal = ANY (array)",
    "array_contains(value, array)": "value = ANY (array)",
    "array_distinct(array)": "ARRAY(SELECT DISTINCT unnest(array))",
    "array_except(a, b)": f"ARRAY(SELECT unnest(a) EXCEPT SELECT unnest(b)){ONCE}",
    "array_filter(array, x -> condition)": "ARRAY(SELECT x FROM unnest(array) AS x WHERE condition)",
    "array_first(array)": "(array)[1]",
    "array_insert(array, m, value)": "(array)[:m] || value || (array)[m + 1:]",
    "array_intersection(a, b)": f"ARRAY(SELECT unnest(a) INTERSECT SELECT unnest(b)){ONCE}",
    "array_join(array, part)": "array_to_string",
    "array_join(array, part, text)": "array_to_string",
    "array_last(array)": "(array)[cardinality(array)]",
    "array_max(array)": "(SELECT max(item) FROM unnest(array) AS item)",
    "array_min(array)": "(SELECT min(item) FROM unnest(array) AS item)",
    "array_overlaps(a, b)": "a && b",
    "array_reverse(array)": "ARRAY(SELECT item FROM unnest(array) WITH ORDINALITY AS u (item, position) ORDER BY position DESC)",
    "array_size(array)": "cardinality",
    "array_slice(array, m, n)": "(array)[m + 1:n] -- where the end is left out",
    "array_sort(array)": "ARRAY(SELECT unnest(array) ORDER BY 1)",
    "array_sort(array, FALSE)": "ARRAY(SELECT unnest(array) ORDER BY 1 DESC)",
    "array_sort(array, TRUE)": "ARRAY(SELECT unnest(array) ORDER BY 1)",
    "array_sum(array)": "(SELECT sum(item) FROM unnest(array) AS item)",
    "arrays_overlap(a, b)": "a && b",
    "explode(array)": "unnest(array) in FROM",
    "flatten(INPUT => value)": "jsonb_array_elements(value::jsonb) in FROM",
    "flatten(value)": "jsonb_array_elements(value::jsonb) in FROM",
    "generate_array(a, b)": "ARRAY(SELECT item FROM generate_series(a, b) AS item)",
    "generate_array(a, b, c)": "ARRAY(SELECT item FROM generate_series(a, b, c) AS item)",
    "get(value, part)": "value::jsonb -> part",
    "get_path(value, dotted)": "value::jsonb #> dotted",
    "is_array(value)": "jsonb_typeof(value::jsonb) = 'array'",
    "is_null_value(value)": "jsonb_typeof(value::jsonb) = 'null'",
    "is_object(value)": "jsonb_typeof(value::jsonb) = 'object'",
    "json(text)": "text::json",
    "json_format(value)": "value::text",
    "json_keys(value)": KEYS,
    "json_type(value)": "jsonb_typeof(value::jsonb)",
    "object_agg(a, b)": "coalesce(jsonb_object_agg(a, b) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL), '{}')",
    "object_construct(rest)": "jsonb_strip_nulls(jsonb_build_object(rest)) -- which leaves out NULLs inside of values too",
    "object_construct_keep_null(rest)": "jsonb_build_object(rest)",
    "object_delete(value, part)": "value::jsonb - part",
    "object_delete(value, part, rest)": "value::jsonb - ARRAY[part, rest]",
    "object_keys(value)": KEYS,
    "parse_json(text)": "text::jsonb",
    "to_json_string(value)": "to_json(value)::text",
    "to_variant(value)": "to_jsonb",
    "try_parse_json(text)": "CASE WHEN text IS JSON THEN text::jsonb END -- which needs Postgres 16",
}
