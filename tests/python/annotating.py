"""What an annotator does, and what the webhook hears of it."""

import json

from story import CREATE_DATA_ROW, CREATE_LABEL, notifications, unique
from support import SECRET

ANSWER = json.dumps({"objects": [], "classifications": [{"title": "Croissànt", "answer": "yes"}]})

LABEL_TOPICS = ["LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED"]
REVIEW_TOPICS = ["REVIEW_CREATED", "REVIEW_UPDATED"]


def data_row_by_text(client, dataset):
    """The SDKs after 2.x make data rows by file upload; the mutation is still there."""
    variables = {"rowData": "https://example.com/1.png", "externalId": unique("row"), "dataset": dataset.uid}
    return client.execute(CREATE_DATA_ROW, variables)["createDataRow"]["id"]


def label_by_text(client, project, data_row_id):
    """The SDKs after 2.x cannot create labels; the mutation of 2.x still can."""
    variables = {"dataRow": data_row_id, "label": ANSWER, "secondsToLabel": 9.581, "project": project.uid}
    return client.execute(CREATE_LABEL, variables)["createLabel"]["id"]


def labels(checks, client, Webhook, project, dataset, receiver, create_data_row, create_label, reviews):
    """Submit, save, review and delete; the receiver hears each of them in turn."""
    topics = LABEL_TOPICS + (REVIEW_TOPICS if reviews else [])
    webhook = Webhook.create(client, topics, receiver.url("labels"), SECRET, project)

    data_row = create_data_row()
    label = create_label(data_row)
    heard = receiver.next(checks, "LABEL_CREATED")
    checks.equal(heard["id"], label.uid, "the label's id")
    checks.equal(heard["label"], ANSWER, "the answer is the string that was sent")
    checks.equal(heard["project"]["id"], project.uid, "the project's id")
    checks.equal(heard["dataRow"]["id"], data_row.uid, "the data row's id")
    checks.equal(heard["dataRow"]["externalId"], data_row.external_id, "the external id")
    checks.equal(heard["dataset"]["id"], dataset.uid, "the dataset's id")
    checks.equal(heard["secondsToLabel"], 9.581, "seconds to label")
    checks.equal(heard["deleted"], False, "not deleted")

    checks.equal(list(project.labels()), [label], "project.labels()")
    checks.equal(list(project.labels(datasets=[dataset])), [label], "project.labels(datasets)")
    checks.equal(list(data_row.labels()), [label], "data_row.labels()")
    checks.equal(label.project(), project, "label.project()")
    checks.equal((label.label, label.seconds_to_label), (ANSWER, 9.581), "the label's own fields")

    label.update(label='{"saved": true}')
    checks.equal(label.label, '{"saved": true}', "label.update")
    checks.equal(receiver.next(checks, "LABEL_UPDATED")["label"], '{"saved": true}', "the saved answer")

    review(checks, label, receiver if reviews else None)

    label.delete()
    checks.equal(receiver.next(checks, "LABEL_DELETED")["id"], label.uid, "the deleted label")
    checks.equal(list(data_row.labels()), [], "a deleted label is not listed")

    deletions(checks, create_data_row, create_label, dataset, receiver)
    notifications(checks, client, webhook, 10 if reviews else 7)
    webhook.delete()


def review(checks, label, receiver):
    """Each step is heard before the next, since deliveries of one webhook may overtake each other."""
    made = label.create_review(score=1.0)
    checks.equal(made.score, 1.0, "create_review")
    checks.equal(list(label.reviews()), [made], "label.reviews()")
    if receiver:
        heard = receiver.next(checks, "REVIEW_CREATED")
        checks.equal((heard["id"], heard["score"], heard["label"]["id"]), (made.uid, 1.0, label.uid), "the review")
    made.update(score=-1.0)
    checks.equal(made.score, -1.0, "review.update")
    if receiver:
        checks.equal(receiver.next(checks, "REVIEW_UPDATED")["score"], -1.0, "the new score")
    made.delete()
    if receiver:
        checks.equal(receiver.next(checks, "REVIEW_UPDATED")["deleted"], True, "a removed review is an update")


def deletions(checks, create_data_row, create_label, dataset, receiver):
    """A data row, and then its dataset, takes its labels with it: one event a label."""
    row = create_data_row()
    label = create_label(row)
    receiver.next(checks, "LABEL_CREATED")
    row.delete()
    checks.equal(receiver.next(checks, "LABEL_DELETED")["id"], label.uid, "deleted with its data row")

    label = create_label(create_data_row())
    receiver.next(checks, "LABEL_CREATED")
    dataset.delete()
    checks.equal(receiver.next(checks, "LABEL_DELETED")["id"], label.uid, "deleted with its dataset")
