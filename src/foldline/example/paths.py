"""What the stories know of the three shipped machines: the usual way through each, and the words of its trade.

Written down by hand and not read from the definitions, so that a change of those does not change the expectation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Path:
    """One machine: from `initial` along `way`, a pair (action, state entered) for each step; round again, or retried.

    `notes` are the metadata of an action, for each key the values to pick from; `pace` is the seconds a step takes.
    """

    fsm_type: str
    prefix: str
    initial: str
    way: tuple[tuple[str, str], ...]
    again: tuple[str, str]
    retry_to: str
    pace: tuple[int, int]
    troubles: tuple[str, ...]
    notes: Mapping[str, Mapping[str, Sequence[object]]]

    @property
    def states(self) -> tuple[str, ...]:
        """The states along the way, the initial one first."""
        return (self.initial, *(state for _, state in self.way))


INGESTION = Path(
    fsm_type="INGESTION",
    prefix="doc",
    initial="RECEIVED",
    way=(("START_PROCESSING", "PROCESSING"), ("COMPLETE_INDEXING", "INDEXED")),
    again=("REINDEX", "PROCESSING"),
    retry_to="PROCESSING",
    pace=(2, 150),
    troubles=(
        "OCR found no text on page 3",
        "the PDF is encrypted",
        "embedding service answered 503 after 3 attempts",
        "checksum of the upload does not match",
        "unsupported media type image/jxl",
    ),
    notes={
        "START_PROCESSING": {
            "source": ("s3://archive-inbox/invoices", "s3://archive-inbox/contracts", "sftp://partner/Verträge"),
            "bytes": range(18_000, 9_400_000),
            "pages": range(1, 240),
            "worker": ("ingest-1", "ingest-2", "ingest-3"),
        },
        "COMPLETE_INDEXING": {
            "chunks": range(3, 900),
            "tokens": range(900, 260_000),
            "language": ("en", "de", "fr", "pl"),
        },
        "REINDEX": {"requested_by": ("search-team", "nightly"), "cause": ("new embedding model", "chunk size changed")},
        "RETRY": {"requested_by": ("orchestrator", "on-call")},
        FAILED: {"stage": ("fetch", "ocr", "embed"), "worker": ("ingest-1", "ingest-2", "ingest-3")},
    },
)

PATTERN_LEARNING = Path(
    fsm_type="PATTERN_LEARNING",
    prefix="pattern",
    initial="FOUNDATION",
    way=(
        ("ADVANCE_TO_MATCHING", "MATCHING"),
        ("ADVANCE_TO_VALIDATION", "VALIDATION"),
        ("ADVANCE_TO_TRACEABILITY", "TRACEABILITY"),
        ("COMPLETE_LEARNING", "COMPLETED"),
    ),
    again=("RELEARN", "FOUNDATION"),
    retry_to="FOUNDATION",
    pace=(20, 280),
    troubles=(
        "fewer than 30 samples match",
        "validation precision 0.61 is below 0.80",
        "no source document for sample 12",
    ),
    notes={
        "ADVANCE_TO_MATCHING": {"samples": range(30, 4_000), "features": ({"vendor": True}, {"vendor": False})},
        "ADVANCE_TO_VALIDATION": {"matches": range(12, 2_500), "threshold": (0.8, 0.85, 0.9)},
        "ADVANCE_TO_TRACEABILITY": {"precision": (0.83, 0.88, 0.91, 0.97), "recall": (0.71, 0.8, 0.86)},
        "COMPLETE_LEARNING": {
            "pattern": ("invoice-total", "due-date", "contract-party", "iban"),
            "rules": range(1, 14),
        },
        "RELEARN": {"requested_by": ("drift-monitor", "analyst")},
        "RETRY": {"requested_by": ("orchestrator",)},
        FAILED: {"samples": range(3, 30)},
    },
)

QUALITY_ASSESSMENT = Path(
    fsm_type="QUALITY_ASSESSMENT",
    prefix="review",
    initial="RAW",
    way=(("START_ASSESSMENT", "ASSESSING"), ("COMPLETE_SCORING", "SCORED"), ("STORE_RESULTS", "STORED")),
    again=("REASSESS", "ASSESSING"),
    retry_to="ASSESSING",
    pace=(5, 100),
    troubles=(
        "scoring model quality-v4 timed out",
        "the text is empty after normalisation",
        "score store refused the write: quota",
    ),
    notes={
        "START_ASSESSMENT": {"model": ("quality-v3", "quality-v4"), "sampled_pages": range(1, 20)},
        "COMPLETE_SCORING": {"score": range(35, 101), "flags": ([], ["low_contrast"], ["skewed", "handwriting"])},
        "STORE_RESULTS": {"table": ("scores_2026_01",)},
        "REASSESS": {"requested_by": ("audit", "model-rollout")},
        "RETRY": {"requested_by": ("orchestrator", "on-call")},
        FAILED: {"model": ("quality-v3", "quality-v4")},
    },
)
