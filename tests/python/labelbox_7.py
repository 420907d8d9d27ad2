"""The unmodified Labelbox SDK 7.17.0 against our server; only the endpoint is changed."""

from labelbox import Client, DataRow, Dataset, Project, Webhook
from labelbox.orm.model import Field
from labelbox.schema.media_type import MediaType
from lbox import exceptions

import annotating
import story
from support import SECRET, Checks, Receiver, settings


def main():
    endpoint, key = settings()
    checks, receiver = Checks(), Receiver()
    client = Client(api_key=key, endpoint=endpoint)
    stranger = Client(api_key="not a key of this server", endpoint=endpoint)
    descending = Field.Order.Desc

    def create(**fields):
        return client.create_project(media_type=MediaType.Image, **fields)

    organization, user = story.people(checks, client)
    project = story.projects(checks, client, Project, create, exceptions.ResourceNotFoundError)
    checks.equal(project.media_type, MediaType.Image, "media type")
    story.many_projects(checks, client, Project, create)
    url = receiver.url("unused")
    story.webhooks(checks, client, Webhook, project, organization, user, url, descending)
    story.webhook_mistakes(checks, client, Webhook, project, url, exceptions.InvalidQueryError)
    story.refused_by_client(checks, client, Webhook, project, url)
    # The topics are strings: the client refuses the members of its own enumeration.
    member = [Webhook.Topic.LABEL_CREATED]
    checks.raises(ValueError, lambda: Webhook.create(client, member, url, SECRET, project))
    story.errors(checks, client, stranger, exceptions)

    dataset = client.create_dataset(name=story.unique("dataset"), iam_integration=None)
    checks.equal(client.get_dataset(dataset.uid), dataset, "get_dataset")
    checks.true(dataset in list(client.get_datasets()), "get_datasets")
    checks.equal(list(client.get_datasets(where=Dataset.name == dataset.name)), [dataset], "get_datasets(where)")

    def create_data_row():
        row = client.get_data_row(annotating.data_row_by_text(client, dataset))
        checks.true(isinstance(row, DataRow), "get_data_row")
        return row

    def create_label(row):
        uid = annotating.label_by_text(client, project, row.uid)
        return next(label for label in project.labels(created_by=user) if label.uid == uid)

    annotating.labels(checks, client, Webhook, project, dataset, receiver, create_data_row, create_label, reviews=False)
    checks.done()


main()
