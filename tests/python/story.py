"""The story that every SDK version can tell. Each function takes the SDK's own classes where versions differ."""

from datetime import datetime, timedelta, timezone
from uuid import uuid4

from support import SECRET

UNKNOWN = "00000000-0000-7000-8000-000000000000"

NOTIFICATIONS = """query GetWebhookNotificationsPyApi($param_0: ID!){webhook(where: {id: $param_0}){
    notifications(skip: 0 first: 100){webhookNotificationPayload {requestBody} createdAt requestHeaders responseBody
    responseCode responseHeaders id updatedAt}}}"""

CREATE_LABEL = """mutation CreateLabelPyApi($dataRow: ID!, $label: String!, $secondsToLabel: Float!, $project: ID!){
    createLabel(data: {type: {connect: {name: "Any"}} dataRow: {connect: {id: $dataRow}} label: $label
    secondsToLabel: $secondsToLabel project: {connect: {id: $project}}}) {id}}"""

CREATE_DATA_ROW = """mutation CreateDataRowPyApi($rowData: String!, $externalId: String!, $dataset: ID!){
    createDataRow(data: {rowData: $rowData externalId: $externalId dataset: {connect: {id: $dataset}}}) {id}}"""


def unique(what):
    return f"{what} {uuid4().hex[:12]}"


def people(checks, client):
    organization = client.get_organization()
    checks.true(isinstance(organization.created_at, datetime), "organization.created_at is a time")
    checks.true(bool(organization.name), "the organization has a name")
    user = client.get_user()
    checks.true("@" in user.email, "the user has an e-mail address")
    checks.equal(user.organization(), organization, "user.organization()")
    checks.true(user in list(organization.users()), "the caller is among the organization's users")
    return organization, user


def projects(checks, client, Project, create, not_found):
    """Create, read, list, filter, rename and delete projects. Returns one that stays."""
    name, description = unique("project"), unique("description")
    project = create(name=name, description=description)
    checks.equal((project.name, project.description), (name, description), "a project is as it was asked for")
    checks.true(isinstance(project.created_at, datetime), "project.created_at is a time")
    checks.equal(client.get_project(project.uid), project, "get_project")
    checks.true(project in list(client.get_projects()), "get_projects lists it")
    checks.true(project in list(client.get_organization().projects()), "organization.projects() lists it")

    both = (Project.name == name) & (Project.description == description)
    checks.equal(list(client.get_projects(where=both)), [project], "name and description")
    neither = (Project.name == name) & (Project.description == "another")
    checks.equal(list(client.get_projects(where=neither)), [], "one of two conditions is not enough")
    hour = timedelta(hours=1)
    since = Project.created_at >= datetime.now(timezone.utc) - hour
    checks.true(project in list(client.get_projects(where=since)), "created within the hour")
    later = Project.created_at >= datetime.now(timezone.utc) + hour
    checks.true(project not in list(client.get_projects(where=later)), "not created in the future")

    renamed = unique("renamed")
    project.update(name=renamed)
    checks.equal(project.name, renamed, "update shows the new name")
    checks.equal(client.get_project(project.uid).name, renamed, "the new name stays")

    doomed = create(name=unique("doomed"), description="")
    doomed.delete()
    checks.true(doomed not in list(client.get_projects()), "a deleted project is not listed")
    checks.raises(not_found, lambda: client.get_project(UNKNOWN))
    return project


def many_projects(checks, client, Project, create):
    """More than one page of 100, so that the SDK asks with `skip: 100`."""
    description = unique("page")
    made = {create(name=f"{index}", description=description).uid for index in range(103)}
    found = [project.uid for project in client.get_projects(where=Project.description == description)]
    checks.equal(len(found), 103, "every project is listed once")
    checks.equal(set(found), made, "and they are those that were made")


def webhooks(checks, client, Webhook, project, organization, user, url, descending):
    """What Labelbox's own test of webhooks expects, and the rest of the webhook calls."""
    topics = [Webhook.LABEL_CREATED, Webhook.LABEL_DELETED]
    webhook = Webhook.create(client, topics, url, SECRET, project)
    checks.equal(webhook.project(), project, "webhook.project()")
    checks.equal(webhook.organization(), organization, "webhook.organization()")
    checks.equal(webhook.created_by(), user, "webhook.created_by()")
    checks.equal(webhook.url, url, "url")
    checks.equal(webhook.topics, topics, "topics, in the order given")
    checks.equal(webhook.status, "ACTIVE", "status")
    checks.true(isinstance(webhook.created_at, datetime), "created_at is a time")
    checks.equal(list(project.webhooks()), [webhook], "project.webhooks()")
    checks.true(webhook in list(organization.webhooks()), "organization.webhooks()")

    webhook.update(status=Webhook.REVOKED, topics=[Webhook.LABEL_UPDATED])
    checks.equal(webhook.topics, [Webhook.LABEL_UPDATED], "topics after update")
    checks.equal(webhook.status, "REVOKED", "status after update")
    webhook.update(url=url + "/moved")
    checks.equal((webhook.url, webhook.status), (url + "/moved", "REVOKED"), "only the url changed")
    webhook.update()
    checks.equal(webhook.url, url + "/moved", "an empty update changes nothing")
    webhook.delete()
    checks.equal(webhook.status, "INACTIVE", "delete() makes it inactive")

    wide = Webhook.create(client, [Webhook.LABEL_UPDATED], url, SECRET, None)
    checks.equal(wide.project(), None, "an organization-wide webhook has no project")
    checks.true(wide in list(organization.webhooks()), "it is the organization's")
    checks.true(wide not in list(project.webhooks()), "it is not the project's")
    wide.delete()

    second = Webhook.create(client, topics, url, SECRET, project)
    order = (Webhook.created_at, descending)
    checks.equal(list(project.webhooks(order_by=order)), [second, webhook], "newest first")
    second.delete()


def webhook_mistakes(checks, client, Webhook, project, url, invalid_query):
    class Nowhere:
        uid = UNKNOWN

    # The SDK reads RESOURCE_NOT_FOUND as None here and indexes it.
    checks.raises(TypeError, lambda: Webhook.create(client, [Webhook.LABEL_CREATED], url, SECRET, Nowhere))
    checks.raises(ValueError, lambda: Webhook.create(client, ["NO_SUCH_TOPIC"], url, SECRET, project))
    # url and secret are pasted into the document, so a quote breaks the syntax.
    quoted = lambda: Webhook.create(client, [Webhook.LABEL_CREATED], url + '"', SECRET, project)
    checks.raises(invalid_query, quoted, starts="Syntax Error")


def refused_by_client(checks, client, Webhook, project, url):
    """Newer SDKs refuse empty values themselves."""
    checks.raises(ValueError, lambda: Webhook.create(client, [], url, SECRET, project))
    checks.raises(ValueError, lambda: Webhook.create(client, [Webhook.LABEL_CREATED], "", SECRET, project))
    checks.raises(ValueError, lambda: Webhook.create(client, [Webhook.LABEL_CREATED], url, "", project))


def errors(checks, client, stranger, exceptions):
    checks.raises(exceptions.InvalidQueryError, lambda: client.execute("asda"), starts="Syntax Error:")
    checks.raises(
        exceptions.InvalidQueryError, lambda: client.execute("query {bbb {id}}"), starts='Cannot query field "bbb"'
    )
    checks.raises(
        exceptions.ValidationFailedError,
        lambda: client.execute("{projects {datasets {dataRows {labels {id}}}}}"),
        starts="Query complexity limit exceeded",
    )
    checks.raises(exceptions.ResourceNotFoundError, lambda: client.get_project("invalid project ID"))
    checks.raises(exceptions.ResourceNotFoundError, lambda: client.get_dataset(UNKNOWN))
    checks.raises(exceptions.AuthenticationError, stranger.get_organization)
    checks.raises(exceptions.AuthenticationError, stranger.get_user)


def notifications(checks, client, webhook, expected):
    """Labelbox's own query for the record of deliveries. Newest or oldest first is not said, so count and look inside."""
    found = client.execute(NOTIFICATIONS, {"param_0": webhook.uid})["webhook"]["notifications"]
    checks.equal(len(found), expected, "one notification an event")
    for notification in found:
        checks.true(
            notification["webhookNotificationPayload"]["requestBody"].startswith("{"), "the request's body is kept"
        )
        checks.true("secret" not in str(notification["requestHeaders"]).lower(), "no secret in the record")
