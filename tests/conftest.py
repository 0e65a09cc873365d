"""What several test files share."""

import book
import pytest


@pytest.fixture(scope="session")
def built_book(tmp_path_factory):
    """The folder of the finished book, built once."""
    return book.build(tmp_path_factory.mktemp("the book")).parent
