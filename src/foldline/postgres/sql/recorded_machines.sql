-- Every version of every machine that has ever judged, whole.
SELECT fsm_type, version, digest, definition::text FROM foldline_machine_versions
