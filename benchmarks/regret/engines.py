"""The engines, and the version of the code behind each."""

import hashlib
import importlib
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.regret.problem import Engine

OURS = "benchmarks.regret.ours"
OUR_CODE = "models_app.bandit"

LIBRARIES = {
    "benchmarks.regret.baselines": "numpy",
    "benchmarks.regret.regression": "scikit-learn",
    "benchmarks.regret.peers.mabwiser": "mabwiser",
    "benchmarks.regret.peers.contextualbandits": "contextualbandits",
    "benchmarks.regret.peers.obp": "obp",
    "benchmarks.regret.peers.vowpalwabbit": "vowpalwabbit",
}


@dataclass(frozen=True, slots=True)
class Entrant:
    """An engine and the version of its code, "mabwiser 2.7.4" or "learner 3f2a…"."""

    engine: type[Engine]
    version: str


def load_engines() -> dict[str, Entrant]:
    """Return the engines by name, without those of libraries that are not installed.

    Names the missing libraries on standard error.
    """
    our_engines = importlib.import_module(OURS).OUR_ENGINES
    our_version = f"learner {compute_fingerprint()}"
    entrants = {
        name: Entrant(engine, our_version) for name, engine in our_engines.items()
    }
    for module, library in LIBRARIES.items():
        try:
            engines = importlib.import_module(module).ENGINES
        except ImportError as error:
            sys.stderr.write(f"skipped {library}: {error}\n")
            continue
        version = f"{library} {metadata.version(library)}"
        entrants |= {name: Entrant(engine, version) for name, engine in engines.items()}
    return entrants


def compute_fingerprint() -> str:
    """Return eight characters that change with the loaded code of our engine."""
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if name == OURS or name.startswith(OUR_CODE):
            digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:8]
