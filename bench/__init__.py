"""`make bench`: one worker on full duty beside the loop that a good team writes by hand, and beside the limit."""
