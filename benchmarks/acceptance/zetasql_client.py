"""Google's engine for BigQuery's SQL in this process (PyPI `zetasql`, WebAssembly)."""

import tzdata
from wasmtime import Config, Engine, Linker, Module, Store, WasiConfig
from zetasql.core.wasm_client import WasmClient
from zetasql.wasi import get_wasm_path

TIME_ZONES = f"{tzdata.__path__[0]}/zoneinfo"


class CachedClient(WasmClient):
    """The package's client, but compiled once a machine: that takes 20 s of processor.

    wasmtime keeps the compiled module in its own cache, below ~/.cache.
    """

    def __init__(self) -> None:
        config = Config()
        config.cache = True
        config.shared_memory = True
        wasi = WasiConfig()
        wasi.inherit_stderr()
        wasi.preopen_dir(TIME_ZONES, "/usr/share/zoneinfo")
        self.store = Store(Engine(config))
        self.store.set_wasi(wasi)
        self.module = Module.from_file(self.store.engine, str(get_wasm_path()))
        linker = Linker(self.store.engine)
        linker.define_wasi()
        self.instance = linker.instantiate(self.store, self.module)
        self.exports = self.instance.exports(self.store)
        self.exports["_initialize"](self.store)
        self.memory = self.exports["memory"]
