"""All resources of the management API together."""

from levered.management.api import Api
from levered.management.api_keys import Account, ApiKeys
from levered.management.models import Models
from levered.management.optimizations import Optimizations
from levered.management.results import ResultReadings
from levered.management.warehouse import Metrics, Warehouse


class Resources:
    """The attributes of a client that manage."""

    def __init__(self, api: Api) -> None:
        self.account = Account(api)
        self.api_keys = ApiKeys(api)
        self.metrics = Metrics(api)
        self.models = Models(api)
        self.optimizations = Optimizations(api)
        self.results = ResultReadings(api)
        self.warehouse = Warehouse(api)
