import io

import pytest

from salmetrics.progress import progress_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_iterates_and_shows_what_it_was_told():
    screen = Terminal()
    bar = progress_bar(range(3), description="fits", unit="fit", delay=0, file=screen)
    assert list(bar) == [0, 1, 2]
    assert "fits: 100%" in screen.getvalue()
    assert "fit/s" in screen.getvalue()


@pytest.mark.parametrize(("screen", "show"), [(io.StringIO(), True), (Terminal(), False)])
def test_nothing_in_a_log_file_or_when_not_wanted(screen, show):
    assert list(progress_bar(range(3), show=show, delay=0, file=screen)) == [0, 1, 2]
    assert screen.getvalue() == ""


def test_nothing_before_the_delay():
    screen = Terminal()
    assert sum(progress_bar(range(3), delay=60, file=screen)) == 3
    assert screen.getvalue() == ""


def test_counts_without_items():
    screen = Terminal()
    with progress_bar(total=2, unit="B", unit_scale=True, delay=0, file=screen) as bar:
        bar.update(2)
    assert "2.00/2.00" in screen.getvalue()
