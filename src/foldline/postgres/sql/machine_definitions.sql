-- Every machine version that ever judged, whole, with what its digest was then.
SELECT fsm_type, version, definition::text, digest FROM foldline_machine_versions
