def pytest_runtest_makereport(item, call):
    raise SystemExit("own conftest")
