"""The Bayesian regression: likelihood, priors, Newton steps, Laplace posterior."""
