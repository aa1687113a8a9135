-- Every machine version that ever judged, whole.
SELECT fsm_type, version, definition::text FROM foldline_machine_versions
