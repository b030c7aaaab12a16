"""The soak's checks find what they are for."""

import pytest

from benchmarks.soak import checks
from benchmarks.soak.checks import Decided
from benchmarks.soak.journal import Answer, Bar, Journal

FIRST = Decided("ann", 1, variant_number=2, policy_version=0, decided_at=10.0)
SECOND = Decided("ann", 2, variant_number=3, policy_version=1, decided_at=20.0)
FIRST_ANSWER = Answer("ann", 10.0, 10.1, 2, 0, "1970-01-01T00:00:10Z")
SECOND_ANSWER = Answer("ann", 20.0, 20.1, 3, 1, "1970-01-01T00:00:20Z")
BAR = Bar(2, requested_at=15.0, confirmed_at=15.1, lifted_at=25.0)


def test_one_receipt_and_its_assignment_are_no_violation() -> None:
    receipts = {"ann": [FIRST]}

    assert checks.check_assignments([FIRST], receipts, [FIRST_ANSWER]) == []
    assert checks.check_answers(receipts, [FIRST_ANSWER]) == []


def test_a_lost_assignment_is_found() -> None:
    found = checks.check_assignments([], {"ann": [FIRST]}, [FIRST_ANSWER])

    assert len(found) == 2  # the answer and the receipt have none


def test_an_assignment_that_is_not_the_last_receipt_is_found() -> None:
    assert checks.check_assignments([FIRST], {"ann": [FIRST, SECOND]}, [])


@pytest.mark.parametrize(("bars", "count"), [([BAR], 0), ([], 1), ([Bar(3, 15.0)], 1)])
def test_a_second_receipt_needs_a_bar_of_the_first_variant(
    bars: list[Bar], count: int
) -> None:
    assert len(checks.check_redraws({"ann": [FIRST, SECOND]}, bars)) == count


def test_an_answer_without_a_receipt_is_found() -> None:
    assert len(checks.check_answers({"ann": [FIRST]}, [SECOND_ANSWER])) == 1


def test_the_old_variant_after_the_new_one_is_found() -> None:
    receipts = {"ann": [FIRST, SECOND]}
    late = Answer("ann", 30.0, 30.1, 2, 0, "1970-01-01T00:00:10Z")

    assert checks.check_answers(receipts, [FIRST_ANSWER, SECOND_ANSWER]) == []
    assert len(checks.check_answers(receipts, [SECOND_ANSWER, late])) == 1


def test_the_old_variant_in_flight_with_the_new_one_is_none() -> None:
    receipts = {"ann": [FIRST, SECOND]}
    in_flight = Answer("ann", 20.05, 20.2, 2, 0, "1970-01-01T00:00:10Z")

    assert checks.check_answers(receipts, [SECOND_ANSWER, in_flight]) == []


def test_a_barred_variant_that_is_still_served_is_timed() -> None:
    served = Answer("bob", 17.1, 17.2, 2, 0, "1970-01-01T00:00:17Z")
    journal = Journal(answers=[FIRST_ANSWER, served], bars=[BAR])

    assert checks.find_longest_barred_serve(journal) == pytest.approx(2.0)


def test_a_receipt_against_the_wish_is_found() -> None:
    assert len(checks.check_unrecorded(["ann", "bob"], {"ann": [FIRST]})) == 1


def test_lost_and_doubled_events_are_found() -> None:
    found = checks.check_events("reward", [1, 2], [2, 2, 3])

    assert found == [
        "reward 1 was acknowledged and is lost",
        "reward 2 is stored 2 times",
    ]


def test_a_status_that_no_client_can_repeat_is_kept() -> None:
    journal = Journal()
    for status in (200, 503, 429, 500):
        journal.note_status(status, "POST /serve", b"")

    assert journal.wrong_answers == ["500 for POST /serve: b''"]
