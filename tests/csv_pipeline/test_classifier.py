"""The local classifier, on texts that it has not seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from examples.csv_pipeline.analysis import SENTIMENTS
from examples.csv_pipeline.classifier import labelled, measured
from examples.csv_pipeline.lexicon import TOPICS

ROOT = Path(__file__).parents[2]
README = ROOT / "examples/csv_pipeline/README.md"


def test_it_is_as_good_as_its_document_says() -> None:
    said = README.read_text()

    for what, score in measured().items():
        assert score >= 0.75
        assert f"{what} {score:.2f}" in said


def test_no_text_is_both_learnt_from_and_held_out() -> None:
    known, unseen = labelled("train"), labelled("held_out")

    assert not {x.lower() for x in known.texts} & {x.lower() for x in unseen.texts}
    assert set(known.categories) == set(unseen.categories) == set(TOPICS)
    assert set(known.sentiments) == set(unseen.sentiments) == set(SENTIMENTS)


def test_without_scikit_learn_it_says_what_to_do() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from examples.csv_pipeline.classifier import trained\n"
        "trained()"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert "ClassifierMissing: the local classifier needs scikit-learn: pip install" in ran.stderr
    assert "or set AI_URL" in ran.stderr
