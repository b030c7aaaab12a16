"""Admin pages: models, policy versions and training runs."""

from models_app.admin import bandit_models, policy_versions, training_runs

__all__ = ["bandit_models", "policy_versions", "training_runs"]
