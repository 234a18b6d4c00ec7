"""Splicing puts definitions of one text into another and does not change the rest."""

import pytest

from grader.splice import splice

SOURCE = '''"""Doc."""

import math

LIMIT = 3  # of patience


# about f
def f(x):
    return "\\f"  # a form feed


@property
def g():
    return 2


class A(Base):
    """Doc of A."""

    size = 1

    def one(self):
        return 1

    def two(self):
        return 2


if __name__ == "__main__":
    f(1)
'''


def test_a_function_is_replaced_and_all_else_stays() -> None:
    got = splice(SOURCE, "def f(x, y):\n    # new\n    return x\n")
    assert got == SOURCE.replace('def f(x):\n    return "\\f"  # a form feed', "def f(x, y):\n    # new\n    return x")


def test_decorators_belong_to_a_function() -> None:
    got = splice(SOURCE, "@cache\ndef g():\n    return 3\n")
    assert got == SOURCE.replace("@property\ndef g():\n    return 2", "@cache\ndef g():\n    return 3")


def test_a_class_with_some_methods_replaces_these() -> None:
    got = splice(SOURCE, "class A:\n    def two(self):\n        return 22\n\n    def three(self):\n        return 3\n")
    expected = SOURCE.replace("return 2\n\n\nif", "return 22\n\n    def three(self):\n        return 3\n\n\nif")
    assert got == expected


def test_of_a_class_the_named_methods_alone_are_taken() -> None:
    one = "    def one(self):\n        return 11\n"
    both = f"def g():\n    return 0\nclass A:\n    size = 2\n{one}    @x\n    def two(self):\n        return 22\n"
    assert splice(SOURCE, both, only=["A.two"]) == SOURCE.replace(
        "    def two(self):\n        return 2\n", "    @x\n    def two(self):\n        return 22\n"
    )
    assert "size = 1" in splice(SOURCE, both, only=["A.one", "A.two"])


def test_a_class_with_all_methods_replaces_the_class() -> None:
    got = splice(SOURCE, "class A:\n    def one(self): ...\n    def two(self): ...\n")
    assert "class A:\n    def one(self): ...\n    def two(self): ...\n\n\nif" in got
    assert "Doc of A" not in got


def test_a_constant_is_replaced() -> None:
    assert splice(SOURCE, "LIMIT = 4\n") == SOURCE.replace("LIMIT = 3  # of patience", "LIMIT = 4")


def test_new_definitions_go_above() -> None:
    got = splice(
        SOURCE, '"""Dropped."""\nfrom __future__ import annotations\nimport os\n\ndef helper():\n    return os\n'
    )
    assert got.startswith('"""Doc."""\nfrom __future__ import annotations\n\nimport math\nimport os\n')
    assert got.index("def helper") < got.index("def f")
    assert "Dropped" not in got
    compile(got, "spliced", "exec")


def test_many_edits_at_once_do_not_disturb_each_other() -> None:
    got = splice(
        SOURCE, "import os\nclass A:\n    def one(self):\n        return os\ndef f(x): return 1\ndef g(): return 2\n"
    )
    namespace = {"Base": object}
    exec(compile(got.replace("f(1)", "pass"), "spliced", "exec"), namespace)
    assert (namespace["f"](0), namespace["g"]()) == (1, 2)
    assert namespace["A"]().one().__name__ == "os"
    assert namespace["A"]().two() == 2


def test_a_source_without_imports_gets_them_first() -> None:
    assert (
        splice("def f():\n    return 1\n", "import os\ndef f():\n    return os\n")
        == "import os\ndef f():\n    return os\n"
    )


@pytest.mark.parametrize("text", ["def f(:\n", "x = (\n"])
def test_invalid_python_is_refused(text: str) -> None:
    with pytest.raises(SyntaxError):
        splice(text, "def f(): ...\n")
    with pytest.raises(SyntaxError):
        splice(SOURCE, text)


def test_code_that_shares_a_line_is_refused() -> None:
    with pytest.raises(ValueError, match="expected line 1 to hold one statement"):
        splice("def f(): pass\n", "x = 1; y = 2\n")


def test_another_indentation_is_refused() -> None:
    with pytest.raises(ValueError, match="at column 4, got column 2"):
        splice(SOURCE, "class A:\n  def one(self):\n    return 1\n")
