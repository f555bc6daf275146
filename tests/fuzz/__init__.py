"""Every reader answers any bytes with a value or with InputError: few in the tests, many in `python -m tests.fuzz`."""
