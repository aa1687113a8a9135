-- Every version of every machine that was ever recorded.
SELECT fsm_type, version, digest FROM foldline_machine_versions
