"""Rules of a configuration that its serializer does not check."""

from optimizations.configuration import validation
from tests.support import optimization_factories


def test_a_context_factor_named_like_a_design_factor_is_refused() -> None:
    config = optimization_factories.make_config(
        context_factors=[
            optimization_factories.make_factor("device", "mobile"),
            optimization_factories.make_factor("cta", "x"),
        ]
    )

    problems = validation.find_config_problems(
        optimization_factories.complete_config(config), "cmab"
    )

    assert [(problem.field, problem.message) for problem in problems] == [
        (
            "training_data_config.context_factors[1].name",
            "is already the name of a design factor",
        )
    ]
