"""The policy as a document that is encoded, compressed and signed once per snapshot."""

import gzip
import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from levered_site.api import responses
from levered_site.errors import ConflictError, NotFoundError
from optimizations.serving import policy_export, policy_signature
from optimizations.serving.policy_signature import SigningKey
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Snapshot

PUBLIC_STATUSES = {"live", "paused", "shipped"}
# A table of 100 variants and 2,000 contexts is 4 MB of JSON.
MAX_CACHED_BYTES = 64 * 2**20
GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A policy as JSON, the same bytes compressed, their hash and their signature."""

    content: bytes
    compressed: bytes
    digest: str
    signature: str

    @property
    def size(self) -> int:
        """The bytes that it takes in memory."""
        return len(self.content) + len(self.compressed)


DocumentKey = tuple[str, int, str]


class _DocumentCache:
    """The newest documents of this process, bounded by their bytes."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything. A fork may have copied a locked lock."""
        self._lock = Lock()
        self._documents: OrderedDict[DocumentKey, PolicyDocument] = OrderedDict()
        self._size = 0

    def get(self, key: DocumentKey) -> PolicyDocument | None:
        return self._documents.get(key)

    def put(self, key: DocumentKey, document: PolicyDocument) -> None:
        with self._lock:
            if key not in self._documents:
                self._documents[key] = document
                self._size += document.size
            while self._size > MAX_CACHED_BYTES and len(self._documents) > 1:
                _, oldest = self._documents.popitem(last=False)
                self._size -= oldest.size


_cache = _DocumentCache()
os.register_at_fork(after_in_child=_cache.reset)


def is_public(snapshot: Snapshot) -> bool:
    """Return whether anybody may read the policy of this optimization."""
    return snapshot.public_policy and snapshot.status in PUBLIC_STATUSES


def load_document(snapshot: Snapshot) -> PolicyDocument:
    """Return the signed policy of a snapshot.

    Raises ConflictError for a draft, NotFoundError for an ended optimization.
    """
    if snapshot.status == "draft":
        raise ConflictError(policy_export.NO_POLICY_MESSAGE)
    if snapshot.status not in PUBLIC_STATUSES:
        raise NotFoundError(NOT_FOUND_MESSAGE)
    signing_key = policy_signature.get_current_key()
    key = snapshot.optimization_id, snapshot.version, signing_key.key_id
    document = _cache.get(key)
    if document is None:
        document = _build_document(snapshot, signing_key)
        _cache.put(key, document)
    return document


def _build_document(snapshot: Snapshot, signing_key: SigningKey) -> PolicyDocument:
    content = responses.to_json(policy_export.export_policy(snapshot))
    return PolicyDocument(
        content=content,
        compressed=gzip.compress(content, GZIP_LEVEL, mtime=0),
        digest=hashlib.sha256(content).hexdigest()[:32],
        signature=policy_signature.sign_content(content, signing_key),
    )
