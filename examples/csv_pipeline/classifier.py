"""What a message is about and how it is meant: a small model that is trained in a second or two.

Words and pieces of words (TF-IDF) beside counts of telling words, and a logistic regression.
`python -m examples.csv_pipeline.classifier` says how good it is on what it has not seen.
"""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from examples.csv_pipeline.lexicon import POLARITY, TOPICS
from onbeat import Permanent

LABELLED = Path(__file__).with_name("labelled")
MISSING = (
    "the local classifier needs scikit-learn: pip install scikit-learn; "
    "or set AI_URL to an OpenAI-compatible endpoint"
)
STRENGTH = 5.0
"""How closely it follows the texts; chosen by cross-validation on the training set alone."""

WORDS = tuple(
    re.compile(
        r"(?<!\w)(?:" + "|".join(re.escape(x).replace(r"\-", "[ -]") for x in listed.split()) + ")",
        re.I,
    )
    for listed in (*TOPICS.values(), *POLARITY.values())
)
_training = threading.Lock()


class ClassifierMissing(Permanent):
    """What it needs is not installed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts that people have read."""

    texts: list[str]
    categories: list[str]
    sentiments: list[str]


@dataclass(frozen=True, slots=True)
class Models:
    """The two that are trained."""

    category: Any
    sentiment: Any

    def judge(self, texts: Sequence[str]) -> list[tuple[str, str]]:
        """Category and sentiment of each."""
        categories, sentiments = self.category.predict(texts), self.sentiment.predict(texts)
        return list(zip(map(str, categories), map(str, sentiments), strict=True))


def labelled(name: str) -> Labelled:
    """`train` or `held_out`."""
    with (LABELLED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return Labelled(
        [each["text"] for each in found],
        [each["category"] for each in found],
        [each["sentiment"] for each in found],
    )


def trained() -> Models:
    """The models, trained once in a process. Raises ClassifierMissing."""
    with _training:
        return _trained()


@cache
def _trained() -> Models:
    known, category, sentiment = labelled("train"), _model(), _model()
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

    with threadpool_limits(limits=1):  # 0.7 s of processor time; with two threads, which spin, 5.4
        category.fit(known.texts, known.categories)
        sentiment.fit(known.texts, known.sentiments)
    return Models(category, sentiment)


def _model() -> Any:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - optional
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline, make_union  # noqa: PLC0415
        from sklearn.preprocessing import FunctionTransformer  # noqa: PLC0415
    except ImportError:
        raise ClassifierMissing(MISSING) from None
    features = make_union(
        TfidfVectorizer(sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        FunctionTransformer(counted),
    )
    return make_pipeline(
        features, LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    )


def counted(texts: Sequence[str]) -> Any:
    """How many telling words of each kind, and how loud and how long it is."""
    from numpy import array, log1p  # noqa: PLC0415 - with scikit-learn

    found = [
        [*(len(words.findall(each)) for words in WORDS), each.count("!"), each.count("?"),
         len(each) / 100]
        for each in texts
    ]  # fmt: skip
    return 0.5 * log1p(array(found, float))


def measured() -> dict[str, float]:
    """Macro-F1 on the held-out part."""
    from sklearn.metrics import f1_score  # noqa: PLC0415 - as above

    unseen = labelled("held_out")
    said = trained().judge(unseen.texts)
    truth = {"category": unseen.categories, "sentiment": unseen.sentiments}
    return {
        what: float(f1_score(truth[what], [each[place] for each in said], average="macro"))
        for place, what in enumerate(truth)
    }


if __name__ == "__main__":
    for what, score in measured().items():
        print(f"{what}: macro-F1 {score:.3f} on {len(labelled('held_out').texts)} texts")
