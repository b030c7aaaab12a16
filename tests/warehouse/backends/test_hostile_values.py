"""A connected Postgres that sends values and codes of no Postgres is to blame: a 502."""

from typing import Any

import pytest

from levered_site.errors import WarehouseError
from tests.support import factories, hostile_postgres
from tests.support.factories import read_error
from tests.support.hostile_postgres import (
    BLAME,
    NO_BLAME,
    TypedValue,
    run_hostile_server,
)
from warehouse import encryption
from warehouse.backends import postgres
from warehouse.backends.errors import QueryFailedError
from warehouse.models import Connection
from warehouse.sql.cube.row_columns import CELL_COLUMNS, require_cell_types

pytestmark = pytest.mark.usefixtures("private_allowed")

SQL = "SELECT a FROM public.t"
BOOL, INT2, OID = 16, 21, 26
INT4, INT8, TEXT, BYTEA, FLOAT8, DATE = 23, 20, 25, 17, 701, 1082
TIMESTAMP, TIMESTAMPTZ, TIME, TIMETZ = 1114, 1184, 1083, 1266
NUMERIC, JSON, UUID, INTERVAL, INT4RANGE = 1700, 114, 2950, 1186, 3904
INT4_ARRAY, TIMESTAMPTZ_ARRAY, TEXT_ARRAY, BOX_ARRAY = 1007, 1185, 1009, 1020
RECORD, RECORD_ARRAY = 2249, 2287
SIZE = TypedValue("size", INT4, b"1")  # the last column of our own statement
MALFORMED = (
    *((TIMESTAMPTZ, b"rubbish"), (TIMESTAMP, b""), (TIMESTAMP, b"99999-01-01")),
    *(
        (TIMESTAMPTZ, b"2026-01-01 24:00:61+00"),
        (TIME, b"24:00:61"),
        (TIME, b"25:00:00"),
    ),
    *((DATE, b"99999-99-99"), (TIMETZ, b"24:00:61+00"), (INT4, b"1.5"), (INT4, b"")),
    *((INT8, b"9" * 5000), (FLOAT8, b"one"), (JSON, b"{"), (JSON, b"\xff")),
    *((INT4_ARRAY, b"{a}"), (INT4_ARRAY, b"1,2"), (TIMESTAMPTZ_ARRAY, b"{a}")),
    *((TEXT, b"\xff\xfe\x00"), (DATE, b"\xff"), (BYTEA, b"\xff"), (UUID, b"\xff")),
    *((BOOL, b"maybe"), (BOOL, b""), (BOOL, b"true"), (INT2, b"32768")),
    *((INT4, b"99999999999999999999999"), (INT4, b"-2147483649"), (OID, b"-1")),
    *((INT8, b"9223372036854775808"), (INT4_ARRAY, b"{2147483648}")),
    *((JSON, b"1e99999"), (JSON, b'{"a": [-1e999]}'), (JSON, b"NaN")),
    # Arrays: an open one, a missing, an empty or a second item, ragged or mixed levels,
    # bounds that are none or not those of the items, white space, and what follows.
    *(
        (INT4_ARRAY, data)
        for data in (b"", b"{", b"}", b"{1", b"{1,}", b"{,1}", b"{1,,2}")
    ),
    *(
        (INT4_ARRAY, data)
        for data in (b"{1}{2}", b"{1},{2}", b"{1}x", b"x{1}", b"{1} ")
    ),
    *((INT4_ARRAY, data) for data in (b"{{1},2}", b"{1,{2}}", b"{{1},{2,3}}", b"{{}}")),
    *((INT4_ARRAY, data) for data in (b"[0:1]={1}", b"[1]={1}", b"=1", b"[a:b]={1}")),
    *(
        (INT4_ARRAY, data)
        for data in (b"{ 1}", b"{1;2}", b"{{{{{{{1}}}}}}}", b"[0:0]={}")
    ),
    *(
        (TEXT_ARRAY, data)
        for data in (b'{"a}', b'{"a"b}', b'{a"b"}', b"{a\\}", b'{"a\\"}')
    ),
    *((TIMESTAMPTZ_ARRAY, data) for data in (b"{2026-02-30 10:00:00+00}", b'{"x"}')),
    # Records: without a bracket, with an open or a second text, with what must be quoted.
    *((RECORD, data) for data in (b"", b"(", b"1,2", b"(1", b"1)", b"(1)x", b"x(1)")),
    *(
        (RECORD, data)
        for data in (b'("a)', b'("a"b)', b"(a b)", b"((1))", b'("a\\"b")')
    ),
    *((RECORD_ARRAY, data) for data in (b'{"(1"}', b"{(1)", b'{"(1)",}')),
    # Times: no such zone, no such day, a zone too many or too few, another time of day.
    *((TIMESTAMPTZ, b"2026-01-01 10:00:00" + zone) for zone in (b"", b"+16", b"+99")),
    *(
        (TIMESTAMPTZ, b"2026-01-01 10:00:00" + zone)
        for zone in (b"+00:60", b"+0", b" UTC")
    ),
    *((TIMESTAMPTZ, day + b" 10:00:00+00") for day in (b"2026-02-29", b"0000-01-01")),
    *((TIMESTAMP, b"2026-01-01 10:00:00+00"), (TIMESTAMP, b"2026-01-01T10:00:00")),
    *((TIMESTAMP, b"2026-04-31 10:00:00"), (TIMESTAMP, b"2026-01-01 24:00:00")),
    *((DATE, b"2026-02-30"), (DATE, b"0002-02-29 BC"), (DATE, b"12026-02-29")),
    *((TIME, b"10:00:00+00"), (TIMETZ, b"10:00:00"), (TIMETZ, b"10:00:00+16")),
    *((INT4RANGE, b"\xff"), (INTERVAL, b"\xff"), (NUMERIC, b"\xff"), (TIME, b"\xff")),
)
# As the server prints them; their types hold more than Python's.
PRINTED = (
    *((TIMESTAMPTZ, b"99999-01-01 00:00:00+00"), (TIMESTAMP, b"infinity")),
    *((TIMESTAMP, b"0044-03-15 12:00:00 BC"), (TIMESTAMPTZ, b"-infinity")),
    *((DATE, b"99999-01-01"), (DATE, b"0044-03-15 BC"), (TIME, b"24:00:00")),
    *((DATE, b"0001-02-29 BC"), (DATE, b"12024-02-29")),
    *((TIME, b"23:59:59.999999"), (TIMETZ, b"12:00:00+05:30"), (DATE, b"infinity")),
)


@pytest.mark.parametrize(("oid", "data"), MALFORMED)
def test_a_malformed_value_in_a_result_is_the_servers_fault(
    oid: int, data: bytes
) -> None:
    answers = hostile_postgres.fetch_values(TypedValue("a", oid, data), SIZE)
    with run_hostile_server(hostile_postgres.send_settings, *answers) as credentials:
        error = _get_error(credentials)

    assert not isinstance(error, QueryFailedError), error.message
    assert error.status == 502
    assert "127.0.0.1" in error.message


def _get_error(credentials: dict[str, Any]) -> WarehouseError:
    with pytest.raises(WarehouseError) as raised:
        postgres.build_backend("org_a", credentials).query(SQL, 10)
    return raised.value


@pytest.mark.parametrize(
    ("oid", "data", "value"),
    [
        *((BOOL, b"t", True), (BOOL, b"f", False), (INT2, b"-32768", -32768)),
        *(
            (INT4, b"2147483647", 2**31 - 1),
            (INT8, b"-9223372036854775808", "-" + str(2**63)),
        ),
        *((OID, b"4294967295", 2**32 - 1), (INT4_ARRAY, b"{1,NULL}", [1, None])),
        *((INT4_ARRAY, b"{}", []), (INT4_ARRAY, b"[0:1]={1,2}", [1, 2])),
        *(
            (INT4_ARRAY, b"{{1,2},{3,4}}", [[1, 2], [3, 4]]),
            (BOX_ARRAY, b"{a;b}", ["a", "b"]),
        ),
        *(
            (TEXT_ARRAY, b'{"a \\"b\\" {","",nil}', ['a "b" {', "", "nil"]),
            (RECORD, b"()", []),
        ),
        *((RECORD, b'(1,,"a ""b"" \\\\","")', ["1", None, 'a "b" \\', ""]),),
        *((RECORD_ARRAY, b'{"(1,\\"a b\\")","(2,)"}', [["1", "a b"], ["2", None]]),),
        *((TIMESTAMPTZ, b"2024-02-29 10:00:00-15:59:59", "2024-03-01T01:59:59Z"),),
    ],
)
def test_the_greatest_and_least_values_of_a_type_are_read(
    oid: int, data: bytes, value: object
) -> None:
    answers = hostile_postgres.fetch_values(TypedValue("a", oid, data), SIZE)
    with run_hostile_server(hostile_postgres.send_settings, *answers) as credentials:
        result = postgres.build_backend("org_a", credentials).query(SQL, 10)

    assert result.rows == ((value,),)


@pytest.mark.parametrize(("oid", "data"), PRINTED)
def test_a_time_that_python_does_not_have_is_shown_as_the_server_prints_it(
    oid: int, data: bytes
) -> None:
    answers = hostile_postgres.fetch_values(TypedValue("a", oid, data), SIZE)
    with run_hostile_server(hostile_postgres.send_settings, *answers) as credentials:
        result = postgres.build_backend("org_a", credentials).query(SQL, 10)

    assert result.rows == ((data.decode(),),)


@pytest.mark.parametrize("state", NO_BLAME)
def test_a_code_that_blames_no_statement_is_the_servers_fault(state: bytes) -> None:
    answer = hostile_postgres.fail_with(state)
    with run_hostile_server(hostile_postgres.send_settings, answer) as credentials:
        error = _get_error(credentials)

    assert not isinstance(error, QueryFailedError)
    assert error.message == "127.0.0.1: no"


@pytest.mark.parametrize(
    "state", [b"4", b"", b"\xff\xff\xff", b"42P0\xc3\xa9", b"x" * 99]
)
def test_a_code_that_is_none_is_a_breach_of_the_protocol(state: bytes) -> None:
    answer = hostile_postgres.fail_with(state, b"\xff\xfe no")
    with run_hostile_server(hostile_postgres.send_settings, answer) as credentials:
        error = _get_error(credentials)

    assert not isinstance(error, QueryFailedError)
    assert "127.0.0.1" in error.message


@pytest.mark.parametrize("state", BLAME)
def test_a_code_that_blames_the_statement_is_an_error_of_the_query(
    state: bytes,
) -> None:
    answer = hostile_postgres.fail_with(state)
    with run_hostile_server(hostile_postgres.send_settings, answer) as credentials:
        assert isinstance(_get_error(credentials), QueryFailedError)


@pytest.mark.django_db
@pytest.mark.parametrize(("oid", "data"), [*MALFORMED[:4], (TEXT, b"\xff")])
def test_the_api_answers_502_and_names_the_server(oid: int, data: bytes) -> None:
    acme = factories.make_organization()
    answers = hostile_postgres.fetch_values(TypedValue("a", oid, data), SIZE)
    with run_hostile_server(hostile_postgres.send_settings, *answers) as credentials:
        Connection.objects.create(
            organization=acme,
            provider=Connection.Provider.POSTGRES,
            credentials=encryption.encrypt_credentials(credentials),
        )
        response = factories.make_admin_api(acme).post("/warehouse/query", {"sql": SQL})

    assert response.status_code == 502
    assert read_error(response)["code"] == "warehouse_error"
    assert "127.0.0.1" in read_error(response)["message"]


GOOD_CELL: dict[str, Any] = dict.fromkeys(CELL_COLUMNS, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("day", "2026-01-01"), ("users", "5"), ("users", True), ("users", 1.5)),
        *(("holdout", 1), ("hour", "soon"), ("value_sum", "5"), ("outcome", 5)),
        *(("users", None), ("variant", None), ("policy_version", "1")),
    ],
)
def test_a_cell_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=r"returned"):
        require_cell_types(GOOD_CELL | {name: value})
