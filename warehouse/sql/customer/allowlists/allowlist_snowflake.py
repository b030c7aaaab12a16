"""What a customer's query may use on Snowflake beyond the shared allow-lists.

All of it reads its arguments and the clock alone. Left out are functions that draw at
random, that tell about the account, the session or a file, and those of the customer.
"""

from sqlglot import exp

from warehouse.sql.customer.allowlists import allowlist, allowlist_engines

# Functions that sqlglot writes as another function, with more arguments or with another
# format. The text that runs keeps the customer's: a synonym may have another type
# (TO_TIMESTAMP_NTZ as TO_TIMESTAMP, whose type is a setting of the account).
KEPT_FUNCTIONS = frozenset(
    {
        # conversions, whose formats sqlglot translates and translates back
        "to_char", "to_date", "to_decimal", "to_decfloat", "to_number", "to_numeric",
        "to_time", "to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz",
        "to_timestamp_tz", "to_varchar", "try_to_date", "try_to_decfloat",
        "try_to_decimal", "try_to_number", "try_to_numeric", "try_to_time",
        "try_to_timestamp", "try_to_timestamp_ltz", "try_to_timestamp_ntz",
        "try_to_timestamp_tz", "datefromparts", "timefromparts", "timestampfromparts",
        "timestampltzfromparts", "timestampntzfromparts", "timestamptzfromparts",
        "timestamp_ltz_from_parts", "timestamp_ntz_from_parts",
        "timestamp_tz_from_parts",
        # the second argument, which sqlglot drops
        "parse_json", "try_parse_json",
        # synonyms
        "approximate_jaccard_index", "arrayagg", "bit_and", "bit_and_agg", "bit_andagg",
        "bit_not", "bit_or", "bit_or_agg", "bit_oragg", "bit_shiftleft",
        "bit_shiftright", "bit_xor", "bit_xor_agg", "bit_xoragg", "bitand_agg",
        "bitor_agg", "bitxor_agg", "char", "div0", "div0null", "ifnull", "initcap", "len",
        "md5_hex", "nullifzero", "nvl", "object_construct", "pow", "regexp_replace",
        "replace", "rlike", "sha1", "sha1_binary", "sha1_hex", "sha2_binary",
        "sha2_hex", "square", "stddev_samp", "strtok", "substr", "truncate",
        "try_base64_decode_binary", "try_hex_decode_binary", "var_pop", "var_samp",
        "variance_samp", "weekofyear", "zeroifnull",
        # numbers and places on the earth, which sqlglot knows in part
        "approx_percentile_accumulate", "approx_percentile_combine",
        "approx_percentile_estimate", "approx_top_k", "approx_top_k_accumulate",
        "approx_top_k_combine", "approx_top_k_estimate", "st_distance", "st_makepoint",
        "st_point", "to_geography", "to_geometry",
    }
)  # fmt: skip
# Functions of other dialects, which Snowflake has not: one of that name is the customer's.
FOREIGN_NODES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.ArrayContainsAll, exp.IsInf, exp.IsNan, exp.JSONBContains,
        exp.JSONBContainsTopKey, exp.JSONBExtract, exp.JSONBExtractScalar, exp.ToBase64,
        exp.Unnest,
    }
)  # fmt: skip
NODES: frozenset[type[exp.Expr]] = allowlist_engines.SHARED_NODES - FOREIGN_NODES | {
    # rows out of a value, and the shape of a query
    exp.Explode, exp.Generator, exp.Lambda, exp.Placeholder, exp.PivotAny,
    exp.SplitToTable, exp.StrtokSplitToTable, exp.TableFromRows,
    # times
    exp.AddMonths, exp.ConvertTimezone, exp.Day, exp.DayOfMonth, exp.DayOfWeek,
    exp.DayOfWeekIso, exp.Dayname, exp.Hour, exp.Localtime, exp.Minute, exp.Month,
    exp.Monthname, exp.MonthsBetween, exp.NextDay, exp.PreviousDay, exp.Quarter,
    exp.Second, exp.TimeAdd, exp.TimeFromParts, exp.TimeSlice, exp.Week,
    exp.WeekOfYear, exp.Year, exp.YearOfWeek, exp.YearOfWeekIso,
    # numbers
    exp.Acos, exp.Acosh, exp.Asin, exp.Asinh, exp.Atan, exp.Atan2, exp.Atanh, exp.Cos,
    exp.Cosh, exp.Cot, exp.Degrees, exp.Factorial, exp.Getbit, exp.Pi, exp.Radians,
    exp.Sin, exp.Sinh, exp.Tan, exp.Tanh, exp.ToDouble, exp.ToNumber,
    # text and bytes
    exp.Base64DecodeBinary, exp.Base64DecodeString, exp.Base64Encode, exp.BitLength,
    exp.ByteLength, exp.Collation, exp.Hex, exp.HexDecodeString,
    exp.JarowinklerSimilarity, exp.Levenshtein, exp.MD5Digest, exp.MD5NumberLower64,
    exp.MD5NumberUpper64, exp.ParseIp, exp.ParseUrl, exp.RegexpCount, exp.RegexpInstr,
    exp.Repeat, exp.RtrimmedLength, exp.SHA, exp.SHA2, exp.Search, exp.Soundex,
    exp.SoundexP123, exp.Space, exp.Strtok, exp.StrtokToArray, exp.Stuff, exp.ToChar,
    exp.TryBase64DecodeString, exp.TryHexDecodeString, exp.Unicode, exp.XMLGet,
    # conditions
    exp.Booland, exp.Boolnot, exp.Boolor, exp.DecodeCase, exp.EqualNull, exp.Nvl2,
    exp.ToBoolean, exp.Xor,
    # arrays, objects and other semi-structured values
    exp.ArrayAppend, exp.ArrayCompact, exp.ArrayConstructCompact, exp.ArrayContains,
    exp.ArrayDistinct, exp.ArrayExcept, exp.ArrayFilter, exp.ArrayInsert,
    exp.ArrayIntersect, exp.ArrayMax, exp.ArrayMin, exp.ArrayOverlaps,
    exp.ArrayPosition, exp.ArrayPrepend, exp.ArrayRemove, exp.ArrayRemoveAt,
    exp.ArraySlice, exp.ArraySort, exp.ArraysZip, exp.CheckJson,
    exp.CheckXml, exp.Flatten, exp.GenerateSeries, exp.GetExtract, exp.GetIgnoreCase,
    exp.IsArray, exp.IsNullValue, exp.JSONKeys, exp.ObjectInsert, exp.Reduce,
    exp.StripNullValue, exp.ToArray, exp.ToVariant, exp.Transform, exp.Typeof,
    # aggregates
    exp.ApproxQuantile, exp.ApproximateSimilarity, exp.ArgMax, exp.ArgMin,
    exp.ArrayUnionAgg, exp.ArrayUniqueAgg, exp.BitmapBitPosition,
    exp.BitmapBucketNumber, exp.BitmapConstructAgg, exp.BitmapCount, exp.BitmapOrAgg,
    exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg, exp.BoolxorAgg,
    exp.GroupingId, exp.HashAgg, exp.Hll, exp.Kurtosis, exp.Median, exp.Minhash,
    exp.MinhashCombine, exp.ObjectAgg, exp.RegrAvgx, exp.RegrAvgy, exp.RegrCount,
    exp.RegrIntercept, exp.RegrR2, exp.RegrSlope, exp.RegrSxx, exp.RegrSxy,
    exp.RegrSyy, exp.Skewness,
    # numbers of rows, beside GENERATOR alone
    exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8,
    # a name-based UUID, with both arguments alone
    exp.Uuid,
}  # fmt: skip

# Functions that sqlglot passes on by name: those that it does not know, and those whose
# text is kept. Each is Snowflake's own: a name that is not could be the customer's.
FUNCTIONS = (
    KEPT_FUNCTIONS
    | {
        # semi-structured values
        "arrays_to_object", "as_array", "as_boolean", "as_char",
        "as_date", "as_decimal", "as_double", "as_integer", "as_number", "as_object",
        "as_real", "as_time", "as_timestamp_ltz", "as_timestamp_ntz", "as_timestamp_tz",
        "as_varchar", "is_boolean", "is_char", "is_date", "is_date_value",
        "is_decimal", "is_double", "is_integer", "is_object", "is_real", "is_time",
        "is_timestamp_ltz", "is_timestamp_ntz", "is_timestamp_tz", "is_varchar",
        "object_delete",
        "object_pick", "parse_xml", "to_object", "to_xml",
        # digits by column; sqlglot knows it with a number or a unit of time
        "trunc",
        # aggregates and windows
        "conditional_change_event", "conditional_true_event",
        "hll_accumulate", "hll_combine", "hll_estimate", "interpolate_bfill",
        "interpolate_ffill", "interpolate_linear", "ratio_to_report", # numbers and text
        "hash", "haversine", # places on the earth
        "h3_cell_to_boundary", "h3_cell_to_children", "h3_cell_to_children_string",
        "h3_cell_to_parent", "h3_cell_to_point", "h3_coverage", "h3_coverage_strings",
        "h3_get_resolution", "h3_grid_disk", "h3_grid_distance", "h3_grid_path",
        "h3_int_to_string", "h3_is_pentagon", "h3_is_valid_cell", "h3_latlng_to_cell",
        "h3_latlng_to_cell_string", "h3_point_to_cell", "h3_point_to_cell_string",
        "h3_polygon_to_cells", "h3_string_to_int", "st_area", "st_asewkb", "st_asewkt",
        "st_asgeojson", "st_aswkb", "st_aswkt", "st_astext", "st_azimuth", "st_buffer",
        "st_centroid", "st_collect", "st_contains", "st_covers", "st_coveredby",
        "st_difference", "st_dimension", "st_disjoint", "st_dwithin", "st_endpoint",
        "st_envelope", "st_geogfromtext", "st_geogfromwkt", "st_geogpointfromgeohash",
        "st_geographyfromwkt", "st_geohash", "st_geometryfromtext",
        "st_geometryfromwkt", "st_hausdorffdistance", "st_interpolate",
        "st_intersection", "st_intersection_agg", "st_intersects", "st_isvalid",
        "st_length", "st_makeline", "st_makepolygon", "st_makepolygonoriented",
        "st_npoints", "st_numpoints", "st_perimeter", "st_pointn", "st_polygon",
        "st_setsrid", "st_simplify", "st_srid", "st_startpoint", "st_symdifference",
        "st_transform", "st_union", "st_union_agg", "st_within", "st_x", "st_xmax",
        "st_xmin", "st_y", "st_ymax", "st_ymin", "try_to_geography", "try_to_geometry",
    }
)  # fmt: skip
FOREIGN_TYPES = frozenset({exp.DType.JSON, exp.DType.JSONB})
TYPES = allowlist.TYPES - FOREIGN_TYPES | {
    exp.DType.DATETIME, exp.DType.TIMESTAMPLTZ, exp.DType.TIMESTAMPNTZ,
    exp.DType.VARIANT, exp.DType.ARRAY, exp.DType.OBJECT, exp.DType.TIME,
    exp.DType.GEOGRAPHY, exp.DType.GEOMETRY, exp.DType.TINYINT,
}  # fmt: skip

# The account's system database, and system schemas in any database.
SYSTEM_SCHEMAS = frozenset(
    {
        "information_schema", "snowflake", "account_usage", "organization_usage",
        "reader_account_usage", "data_sharing_usage",
    }
)  # fmt: skip

# Reading a sequence advances it.
FORBIDDEN_NAMES = frozenset({"nextval"})

# What may stand in TABLE(…) or after LATERAL: no more rows than the argument has parts,
# or than GENERATOR's bound.
ROW_FUNCTIONS = (
    exp.Explode, exp.Generator, exp.SplitToTable, exp.StrtokSplitToTable,
)  # fmt: skip


def is_system(schema: str) -> bool:
    """Return whether a schema or database (in lower case) is Snowflake's own."""
    return schema in SYSTEM_SCHEMAS
