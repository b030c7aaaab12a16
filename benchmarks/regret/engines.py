"""Which engines there are, and by which version of their code a run was made."""

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
    """Every engine by name; libraries that are not installed are named and skipped."""
    found: dict[str, Entrant] = {}
    ours = importlib.import_module(OURS).OUR_ENGINES
    for name, engine in ours.items():
        found[name] = Entrant(engine, f"learner {compute_fingerprint()}")
    for module, library in LIBRARIES.items():
        try:
            engines = importlib.import_module(module).ENGINES
        except ImportError as why:
            sys.stderr.write(f"skipped {library}: {why}\n")
            continue
        version = f"{library} {metadata.version(library)}"
        found |= {name: Entrant(each, version) for name, each in engines.items()}
    return found


def compute_fingerprint() -> str:
    """Eight characters that change with the code our engine is made of, once loaded."""
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        if name == OURS or name.startswith(OUR_CODE):
            digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:8]
