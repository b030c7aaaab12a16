"""Staff pages: models, what they published, and how their trainings went."""

from models_app.admin import models, policies, trainings

__all__ = ["models", "policies", "trainings"]
