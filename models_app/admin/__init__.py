"""Staff pages: models, what they published, and how their trainings went."""

from models_app.admin import bandit_models, policy_versions, training_runs

__all__ = ["bandit_models", "policy_versions", "training_runs"]
