"""Odd maps and fixations: scores of the older MIT benchmark's MATLAB code."""

from pathlib import Path

import golden
import numpy as np
import pytest

ARRAYS, RECORDS = golden.load(Path(__file__).parent.parent / "data" / "mit_metrics_edge")
CASES = golden.edge_cases(RECORDS)


def test_enough_rows_are_compared():
    assert len(CASES) >= 150
    assert {metric for _, _, metric, _ in CASES} == {
        "AUC_Borji_isnan",
        "AUC_Judd_jitter0",
        "AUC_shuffled_isnan",
        "CC",
        "InfoGain",
        "KLdiv",
        "NSS",
        "similarity",
    }


@pytest.mark.parametrize(("name", "against", "metric", "score"), CASES)
def test_edge_case(name, against, metric, score):
    ours = golden.edge_score(ARRAYS, name, against, metric)
    np.testing.assert_allclose(ours, score, rtol=1e-9, atol=1e-9)
