"""Two tasks that a linear head learns from float32 embeddings: to tell all topics apart, and to tell apart a few that are
unlike. Many sentences of the first lie near a border, where any change of an embedding, however small, changes labels."""

import dataclasses

import numpy
import texts

CLEAR_TOPICS = 4


@dataclasses.dataclass
class Task:
    """Sentences with their float32 embeddings, and the head that is trained on some of them."""

    rows: list[dict]
    vectors: numpy.ndarray

    def __post_init__(self) -> None:
        training = numpy.array([row["training"] for row in self.rows])
        topics = numpy.array([row["topic"] for row in self.rows])
        self.judged = [row for row in self.rows if not row["training"]]
        self.reference, self.topics = self.vectors[~training], topics[~training]
        self.head = train_head(self.vectors[training], topics[training])
        self.labels = self.head.predict(self.reference)

    def judge(self, vectors: numpy.ndarray) -> dict:
        labels = self.head.predict(vectors)
        return {
            "sentences": len(self.topics),
            "label_agreement": float((self.labels == labels).mean()),
            "right_labels": float((labels == self.topics).mean()),
        }


def train_head(vectors: numpy.ndarray, topics: numpy.ndarray):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=30, max_iter=500, random_state=0).fit(vectors, topics)


def candidates(found: dict[str, list[str]], count: int) -> list[str]:
    """The topics with text enough for a task of `count` sentences; the largest, when they are too few."""
    largest = texts.largest(found)
    ample = [topic for topic in largest if len(found[topic]) >= count / CLEAR_TOPICS]
    return ample if len(ample) > CLEAR_TOPICS else largest[: 2 * CLEAR_TOPICS]


def clear_topics(vectors: numpy.ndarray, topics: numpy.ndarray, among: list[str]) -> list[str]:
    """CLEAR_TOPICS of these that float32 embeddings tell apart best. A head is trained on half of the sentences; of the
    other half, the topic with the largest share of mistakes that it has a part in is left out, again and again."""
    half = len(topics) // 2
    head = train_head(vectors[:half], topics[:half])
    scores, expected, left = head.decision_function(vectors[half:]), topics[half:], sorted(set(among) & set(head.classes_))
    while len(left) > CLEAR_TOPICS:
        columns = numpy.flatnonzero(numpy.isin(head.classes_, left))
        ours = numpy.isin(expected, left)
        found, wanted = head.classes_[columns][scores[ours][:, columns].argmax(1)], expected[ours]

        def mistakes(topic: str) -> float:
            part = (found == topic) | (wanted == topic)
            return (found != wanted)[part].mean()

        left.remove(max(left, key=mistakes))
    return left
