"""The servers, databases and topics of the tests, for suites that need more than Python on the machine."""

pytest_plugins = ["conftest"]  # tests/conftest.py
