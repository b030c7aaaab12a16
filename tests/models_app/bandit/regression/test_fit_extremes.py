"""The posterior of few, extreme or no counts, and the errors of impossible counts."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models_app.bandit.data.cells import TrainingCells
from models_app.bandit.design.design import Floats
from models_app.bandit.regression import newton
from models_app.bandit.regression.fit import PosteriorFit, fit_posterior
from tests.support import bandit_worlds


def compute_rates(fit: PosteriorFit) -> tuple[Floats, Floats, Floats]:
    """Return each variant's median rate and 95% interval [V] in context 0."""
    design = fit.posterior.design
    rows = design.rows(np.arange(design.variants), np.zeros(design.variants, int))
    rows = np.concatenate([np.ones((len(rows), 1)), rows], axis=1)
    mean = rows @ fit.posterior.mean
    variance = np.einsum("ij,ij->i", rows @ fit.posterior.covariance, rows)
    half = 1.96 * np.sqrt(variance)
    low, middle, high = (1 / (1 + np.exp(-x)) for x in (mean - half, mean, mean + half))
    return middle, low, high


def test_with_little_data_the_prior_scales_stay_at_their_medians() -> None:
    few = bandit_worlds.build_one_day_cells([(0, 12, 1), (1, 9, 0)])

    fit = fit_posterior(bandit_worlds.make_design((2, 2)), few)

    assert fit.info.prior_scales["f0"] == pytest.approx(0.15, rel=0.05)
    middle, low, high = compute_rates(fit)
    assert (high - low > 0.1).all()
    assert ((middle > 0.01) & (middle < 0.2)).all()


@pytest.mark.parametrize(
    ("counts", "minimum", "maximum"),
    [
        pytest.param([(0, 500, 0), (1, 500, 0)], 0, 0.01, id="zero conversions"),
        pytest.param([(0, 500, 500), (1, 500, 500)], 0.97, 1, id="all conversions"),
        pytest.param([(0, 400, 0), (1, 400, 400)], 0, 1, id="separation"),
        pytest.param([(0, 10**9, 10**7), (1, 10**9, 10**7)], 0.0099, 0.0101, id="1e9"),
        pytest.param([(0, 10**9, 0), (1, 10**9, 0)], 0, 1e-6, id="1e9 without success"),
        pytest.param([(0, 800, 40)], 0.03, 0.08, id="one variant seen"),
        pytest.param([(0, 0, 0), (1, 90, 9)], 0.02, 0.3, id="an empty cell"),
        pytest.param([(0, 0.25, 0.25), (1, 0.5, 0.1)], 0, 1, id="fractional users"),
    ],
)
def test_extreme_counts_give_finite_plausible_posteriors(
    counts: list[tuple[int, float, float]], minimum: float, maximum: float
) -> None:
    fit = fit_posterior(
        bandit_worlds.make_design((2,)), bandit_worlds.build_one_day_cells(counts)
    )

    middle, low, high = compute_rates(fit)
    assert np.isfinite(fit.posterior.covariance).all()
    assert (np.diag(fit.posterior.covariance) > 0).all()
    assert ((middle >= minimum) & (middle <= maximum)).all()
    assert (low < high).all()


@pytest.mark.parametrize(
    ("strata", "reason"), [(1, "no mode within"), (2, "no step raises")]
)
def test_a_fit_without_a_mode_raises(strata: int, reason: str) -> None:
    stratum = np.repeat(np.arange(strata), 2)
    users = np.full(2 * strata, 1e30)
    cells = TrainingCells(
        stratum=stratum,
        stratum_time=np.arange(strata, dtype=float),
        variant=np.tile([0, 1], strata),
        context=np.zeros(2 * strata, int),
        users=users,
        successes=np.linspace(0.3, 0.6, 2 * strata) * users,
    )

    with pytest.raises(newton.NotConvergedError, match=reason):
        fit_posterior(bandit_worlds.make_design((2,)), cells)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_any_counts_of_any_shape_give_a_proper_posterior(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, contexts = rng.integers(1, 5, 2), rng.integers(1, 4, rng.integers(0, 3))
    design = bandit_worlds.make_design(tuple(sizes), tuple(contexts))
    n, strata = rng.integers(1, 60), rng.integers(1, 40)
    users = rng.poisson(10 ** rng.uniform(0, 4), n).astype(float)
    cells = TrainingCells(
        stratum=np.sort(rng.integers(0, strata, n)),
        stratum_time=np.sort(rng.uniform(0, 30, strata)),
        variant=rng.integers(0, design.variants, n),
        context=rng.integers(0, design.context_cells, n),
        users=users,
        successes=np.floor(users * rng.beta(0.5, 5, n)),
        maturity=rng.uniform(0, 1, n),
    )

    fit = fit_posterior(design, cells)

    assert np.isfinite(fit.posterior.mean).all()
    assert np.linalg.eigvalsh(fit.posterior.covariance).min() > 0


def test_separated_variants_are_distinguished() -> None:
    fit = fit_posterior(
        bandit_worlds.make_design((2,)),
        bandit_worlds.build_one_day_cells([(0, 400, 0), (1, 400, 400)]),
    )

    middle, _, _ = compute_rates(fit)

    assert middle[0] < 0.05
    assert middle[1] > 0.95


@pytest.mark.parametrize("sizes", [(), (1,), (2, 3)])
def test_without_data_the_posterior_is_the_prior(sizes: tuple[int, ...]) -> None:
    no_users = bandit_worlds.build_one_day_cells([(0, 0, 0)])

    fit = fit_posterior(bandit_worlds.make_design(sizes), no_users)

    assert fit.posterior.mean == pytest.approx(
        [-2, *[0] * (len(fit.posterior.mean) - 1)]
    )
    assert np.sqrt(fit.posterior.covariance[0, 0]) == pytest.approx(3, rel=0.01)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("users", np.array([np.nan, 5.0])),
        ("users", np.array([-1.0, 5.0])),
        ("users", np.array([np.inf, 5.0])),
        ("successes", np.array([11.0, 0.0])),
        ("successes", np.array([1.0])),
        ("variant", np.array([0, 2])),
        ("context", np.array([0, 1])),
        ("stratum", np.array([0, -1])),
        ("stratum_time", np.array([np.nan])),
        ("stratum_time", np.array([1.0, 0.0])),
        ("maturity", np.array([-0.5, 1.0])),
    ],
)
def test_impossible_cells_are_rejected_by_field(field: str, value: Floats) -> None:
    cells = bandit_worlds.build_one_day_cells([(0, 10, 1), (1, 5, 0)])

    columns = {f.name: getattr(cells, f.name) for f in dataclasses.fields(cells)}
    wrong = TrainingCells(**{**columns, field: value})

    with pytest.raises(ValueError, match=f"^{field}:"):
        fit_posterior(bandit_worlds.make_design((2,)), wrong)
