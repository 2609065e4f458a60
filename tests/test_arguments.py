"""What codecs take beside images."""

from __future__ import annotations

from pathlib import Path

import pytest

from kerasae_export.format.arguments import check_path


class Inbox:
    """A path as bytes, which the system's calls may give."""

    def __fspath__(self):
        return b"in/a"


@pytest.mark.parametrize("value", ["in/a", Path("in/a"), Inbox()])
def test_a_path_may_be_text_or_know_its_own(value):
    assert check_path("folder", value) == Path("in/a")


@pytest.mark.parametrize("value", [None, 3, b"in/a", ["in"], "in\0a"])
def test_what_is_no_path_is_refused_by_the_name_of_its_argument(value):
    with pytest.raises(ValueError, match=r"^`folder` must be a path\. Received: folder="):
        check_path("folder", value)
