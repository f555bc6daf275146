"""One thin program per recipe stage: parse, call, count, write."""
