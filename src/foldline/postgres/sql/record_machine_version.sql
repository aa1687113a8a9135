-- A machine version is recorded once, whole; recorded again it must say the same.
INSERT INTO foldline_machine_versions (fsm_type, version, digest, definition)
VALUES (%(fsm_type)s, %(version)s, %(digest)s, %(definition)s::jsonb)
ON CONFLICT (fsm_type, version) DO NOTHING
