"""All resources of the management API together.

Written by generate.py; do not change it by hand.
"""

from levered.management.api import AsyncApi
from levered.management_async.api_keys import AsyncAccount, AsyncApiKeys
from levered.management_async.models import AsyncModels
from levered.management_async.optimizations import AsyncOptimizations
from levered.management_async.results import AsyncResultReadings
from levered.management_async.warehouse import AsyncMetrics, AsyncWarehouse


class AsyncResources:
    """The attributes of a client that manage."""

    def __init__(self, api: AsyncApi) -> None:
        self.account = AsyncAccount(api)
        self.api_keys = AsyncApiKeys(api)
        self.metrics = AsyncMetrics(api)
        self.models = AsyncModels(api)
        self.optimizations = AsyncOptimizations(api)
        self.results = AsyncResultReadings(api)
        self.warehouse = AsyncWarehouse(api)
