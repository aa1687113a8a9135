-- Whether this role may say what became of dead letters.
SELECT has_column_privilege('foldline_dead_letters', 'redrives', 'UPDATE')
