"""Events as Python publishers build them: whatever validates here, every worker can decode.

>>> from foldline.events import TransitionEvent
>>> event = TransitionEvent.new("INGESTION", "doc-123", "START_PROCESSING", correlation_id="order-1001")
>>> key, value, headers = event.to_record()
"""

from foldline.core.events import Kind
from foldline.events.fields import Lease
from foldline.events.fresh import Circumstances
from foldline.events.record import Record
from foldline.events.transition import TransitionEvent
from foldline.events.workflow import WorkflowEvent

__all__ = ["Circumstances", "Kind", "Lease", "Record", "TransitionEvent", "WorkflowEvent"]
