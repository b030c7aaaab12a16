"""HTTP conventions of the API. Nothing here imports a Django model."""
