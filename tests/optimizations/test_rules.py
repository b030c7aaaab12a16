"""What a configuration must satisfy, beyond the shapes of its fields."""

from optimizations import rules
from tests.optimizations import factories


def test_a_context_factor_named_like_a_design_factor_is_refused() -> None:
    config = factories.config(
        context_factors=[
            factories.factor("device", "mobile"),
            factories.factor("cta", "x"),
        ]
    )

    problems = rules.configuration(factories.complete(config), "cmab")

    assert [(problem.field, problem.message) for problem in problems] == [
        (
            "training_data_config.context_factors[1].name",
            "is the name of a design factor already",
        )
    ]
