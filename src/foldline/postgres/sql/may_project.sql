-- Whether this role may do what a worker does: move positions, and write history through a stage of its own.
SELECT has_function_privilege('foldline_open_stage()', 'EXECUTE')
       AND has_any_column_privilege('foldline_positions', 'UPDATE')
