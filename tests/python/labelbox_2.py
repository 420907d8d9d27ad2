"""The unmodified Labelbox SDK 2.7.0 against our server: the last one that can cause every event by itself."""

from labelbox import Client, Dataset, Project, Review, Webhook, exceptions
from labelbox.orm.model import Field

import annotating
import story
from support import SECRET, Checks, Receiver, settings


def main():
    endpoint, key = settings()
    checks, receiver = Checks(), Receiver()
    client = Client(api_key=key, endpoint=endpoint)
    stranger = Client(api_key="not a key of this server", endpoint=endpoint)

    organization, user = story.people(checks, client)
    project = story.projects(checks, client, Project, client.create_project, exceptions.ResourceNotFoundError)
    story.many_projects(checks, client, Project, client.create_project)
    url = receiver.url("unused")
    story.webhooks(checks, client, Webhook, project, organization, user, url, Field.Order.Desc)
    story.webhook_mistakes(checks, client, Webhook, project, url, exceptions.InvalidQueryError)
    refused_by_server(checks, client, project, url)
    story.errors(checks, client, stranger, exceptions)

    dataset = datasets(checks, client, project)

    def create_data_row():
        return dataset.create_data_row(row_data="https://example.com/1.png", external_id=story.unique("row"))

    def create_label(row):
        return project.create_label(data_row=row, label=annotating.ANSWER, seconds_to_label=9.581)

    reviews_of_a_project(checks, project, create_data_row, create_label)
    annotating.labels(checks, client, Webhook, project, dataset, receiver, create_data_row, create_label, reviews=True)
    checks.done()


def refused_by_server(checks, client, project, url):
    """This SDK sends empty values, so the server has to name what is wrong."""
    topics = [Webhook.LABEL_CREATED]
    refusal = exceptions.LabelboxError
    before = list(project.webhooks())
    checks.raises(refusal, lambda: Webhook.create(client, [], url, SECRET, project), contains="topics")
    checks.raises(refusal, lambda: Webhook.create(client, topics, "", SECRET, project), contains="url")
    checks.raises(refusal, lambda: Webhook.create(client, topics, "ftp://example.com", SECRET, project), contains="url")
    checks.raises(refusal, lambda: Webhook.create(client, topics, url, "", project), contains="secret")
    checks.equal(list(project.webhooks()), before, "a refused webhook leaves nothing behind")


def datasets(checks, client, project):
    dataset = client.create_dataset(name=story.unique("dataset"), projects=project, description="")
    checks.equal(dataset.description, "", "an empty description stays empty")
    checks.equal(client.get_dataset(dataset.uid), dataset, "get_dataset")
    checks.true(dataset in list(client.get_datasets()), "get_datasets")
    checks.equal(list(client.get_datasets(where=Dataset.name == dataset.name)), [dataset], "get_datasets(where)")
    checks.equal(list(project.datasets()), [dataset], "project.datasets()")
    checks.equal(list(dataset.projects()), [project], "dataset.projects()")
    other = client.create_dataset(name=story.unique("other"))
    project.datasets.connect(other)
    checks.equal(set(project.datasets()), {dataset, other}, "a connected dataset is listed")
    other.delete()
    checks.raises(exceptions.ResourceNotFoundError, lambda: client.get_dataset(other.uid))
    return dataset


def reviews_of_a_project(checks, project, create_data_row, create_label):
    """Runs before the webhook of the label story exists, so nothing of this is sent."""
    row = create_data_row()
    checks.equal(list(row.dataset().data_rows()), [row], "dataset.data_rows()")
    label = create_label(row)
    checks.equal(list(project.labels(order_by=(type(label).created_at, Field.Order.Asc))), [label], "ordered labels")
    good, bad = label.create_review(score=1.0), label.create_review(score=-1.0)
    checks.equal(list(project.reviews(where=Review.score > 0.0)), [good], "reviews above zero")
    checks.equal(set(project.reviews()), {good, bad}, "all reviews of the project")
    bad.delete()
    checks.equal(list(project.reviews()), [good], "a deleted review is not listed")
    label.delete()
    row.delete()


main()
