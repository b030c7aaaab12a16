"""Google's engine for BigQuery's SQL in this process (PyPI `zetasql`, WebAssembly)."""

from importlib.util import find_spec
from typing import Any

from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig
from zetasql.core.wasm_client import WasmClient
from zetasql.wasi import get_wasm_path


def build_client() -> Any:
    """Return the package's client, which compiles for 20 s, but once a machine.

    wasmtime keeps the compiled module in its own cache, below ~/.cache. The package's
    constructor leaves no way to say so.
    """
    config = Config()
    config.cache = True
    config.shared_memory = True
    client: Any = WasmClient.__new__(WasmClient)
    client.store = Store(Engine(config))
    client.store.set_wasi(_build_system_interface())
    client.module = Module.from_file(client.store.engine, str(get_wasm_path()))
    linker = Linker(client.store.engine)
    linker.define_wasi()
    client.instance = linker.instantiate(client.store, client.module)
    client.exports = client.instance.exports(client.store)
    client.exports["_initialize"](client.store)
    client.memory = client.exports["memory"]
    return client


def _build_system_interface() -> WasiConfig:
    """Return what the engine sees of this machine: the time zones, and where to warn."""
    interface = WasiConfig()
    interface.inherit_stderr()
    package = find_spec("tzdata")
    if package and package.submodule_search_locations:
        folder = package.submodule_search_locations[0]
        interface.preopen_dir(f"{folder}/zoneinfo", "/usr/share/zoneinfo")
    return interface
