//! Delivery statistics: the number of notifications, how they ended, and percentiles of request durations.
//!
//! GraphQL enters it with [`stats`]; commits add to its counters through `Tallies`. It must never read the log: its
//! cost follows the requested period and not the traffic, because it reads the rows of [`tally`](entity::tally). A
//! notification counts in the hour in which it was created.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    lookup,
    notification::Filter,
    queue::outbox::{counters, histogram::Histogram},
};
use entity::{StatsBucket, TallyKind, Timestamp, tally as tallies, webhook};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use std::collections::BTreeMap;

/// The most points of a series.
const POINTS: i64 = 1_000;
/// The longest period, in hours, that is shown by the hour by default.
const MAX_HOURLY_HOURS: i64 = 48;

/// The counts of the notifications of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// The start of the period.
    pub at: Timestamp,
    /// Notifications created.
    pub total: i64,
    /// Notifications delivered.
    pub succeeded: i64,
    /// Notifications that failed for good.
    pub failed: i64,
    /// Notifications canceled by a user.
    pub canceled: i64,
    /// Notifications that have not ended.
    pub pending: i64,
    /// The 50th, 95th and 99th percentile of request durations, in milliseconds.
    pub percentiles: Option<[f64; 3]>,
}

/// The statistics of a period, as a whole and as a time series.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// The whole period.
    pub whole: Counts,
    /// By the hour or by the day, without a gap.
    pub series: Vec<Counts>,
}

/// Returns the statistics of the notifications that a filter matches: by webhook, project, topic, and time in whole
/// periods.
pub async fn stats(app: &App, actor: &Actor, filter: &Filter, bucket: Option<StatsBucket>) -> Result<Stats> {
    actor.require(Action::ReadWebhooks)?;
    if let Some(field) = unkept(filter) {
        return Err(Error::invalid(
            field,
            "must be left out: statistics are kept by webhook, project, topic and time",
        ));
    }
    let time = Time::of(filter, bucket, app.clock.now())?;
    let rows: Vec<(i64, TallyKind, i16, i64)> = select(actor, filter, &time).into_tuple().all(app.db.read()).await?;
    let mut whole = Sum::default();
    let mut points: BTreeMap<i64, Sum> = (time.first..time.end).map(|place| (place, Sum::default())).collect();
    for (place, kind, bin, count) in rows {
        whole.add(kind, bin, count);
        points.entry(place).or_default().add(kind, bin, count);
    }
    Ok(Stats {
        whole: whole.counts(time.at(time.first)),
        series: points.iter().map(|(place, sum)| sum.counts(time.at(*place))).collect(),
    })
}

/// Returns the first field of a filter that tallies are not kept by.
fn unkept(filter: &Filter) -> Option<&'static str> {
    let given = [
        ("where.ids", filter.ids.is_some()),
        ("where.stageIds", filter.stage_ids.is_some()),
        ("where.taskIds", filter.task_ids.is_some()),
        ("where.eventIds", filter.event_ids.is_some()),
        ("where.statuses", filter.statuses.is_some()),
        ("where.responseCodes", filter.response_codes.is_some()),
        ("where.externalId", filter.external_id.is_some()),
    ];
    given.into_iter().find_map(|(field, given)| given.then_some(field))
}

/// A period divided into pieces of `hours` hours, which are numbered from 1970.
#[derive(Debug)]
struct Time {
    hours: i64,
    first: i64,
    end: i64,
}

impl Time {
    /// Makes the period of a filter. By default it is the last day, or the last thirty days when shown by the day.
    /// Pieces are whole.
    fn of(filter: &Filter, bucket: Option<StatsBucket>, now: Timestamp) -> Result<Self> {
        let last = |time: Timestamp| counters::hour(Timestamp(time.0.saturating_sub(1)));
        let end = filter.created_before.map_or_else(|| counters::hour(now), last) + 1;
        let first = filter.created_from.map(counters::hour);
        let hours = match (bucket, first) {
            (Some(StatsBucket::Hour), _) | (None, None) => 1,
            (Some(StatsBucket::Day), _) => 24,
            (None, Some(first)) => {
                if end - first <= MAX_HOURLY_HOURS {
                    1
                } else {
                    24
                }
            }
        };
        let first = first.unwrap_or(end - if hours == 1 { 24 } else { 30 * 24 });
        let time = Self {
            hours,
            first: first.div_euclid(hours),
            end: (end + hours - 1).div_euclid(hours),
        };
        match time.end - time.first <= POINTS {
            true => Ok(time),
            false => Err(Error::invalid(
                "bucket",
                format!("makes a series of more than {POINTS} points; ask for DAY or for less time"),
            )),
        }
    }

    fn at(&self, place: i64) -> Timestamp {
        Timestamp(place.saturating_mul(self.hours * counters::HOUR))
    }
}

/// Selects piece, kind, bin and the sum of their counts.
fn select(actor: &Actor, filter: &Filter, time: &Time) -> Select<tallies::Entity> {
    use tallies::Column as Is;
    let webhooks = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::Id)
        .filter(
            Condition::all()
                .add(webhook::Column::OrganizationId.eq(actor.organization_id))
                .add_option(filter.webhook_ids.clone().map(|ids| webhook::Column::Id.is_in(ids)))
                .add(lookup::within(actor, webhook::Column::ProjectId)),
        )
        .into_query();
    let projects = actor.visible_projects(filter.project_ids.as_deref());
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add(Is::WebhookId.in_subquery(webhooks))
        .add(Is::Hour.gte(time.first * time.hours))
        .add(Is::Hour.lt(time.end * time.hours))
        .add_option(projects.map(|ids| Is::ProjectId.is_in(ids)))
        .add_option(filter.topics.clone().map(|topics| Is::Topic.is_in(topics)));
    // Written out as text: PostgreSQL treats two binds of one value as two different expressions.
    let place = || Expr::cust(format!("hour / {}", time.hours));
    tallies::Entity::find()
        .select_only()
        .column_as(place(), "place")
        .columns([Is::Kind, Is::Bin])
        .column_as(Expr::col(Is::Count).sum().cast_as("bigint"), "sum")
        .filter(condition)
        .group_by(place())
        .group_by(Is::Kind)
        .group_by(Is::Bin)
}

/// Running sums of counts.
#[derive(Debug, Default)]
struct Sum {
    made: i64,
    canceled: i64,
    succeeded: i64,
    failed: i64,
    durations: Histogram,
}

impl Sum {
    fn add(&mut self, kind: TallyKind, bin: i16, count: i64) {
        match kind {
            TallyKind::Made => self.made += count,
            TallyKind::Canceled => self.canceled += count,
            TallyKind::Succeeded => self.succeeded += count,
            TallyKind::Failed => self.failed += count,
            TallyKind::Tried => {}
        }
        self.durations.add(bin, count);
    }

    fn counts(&self, at: Timestamp) -> Counts {
        let percentile = |hundredths| self.durations.percentile(hundredths);
        Counts {
            at,
            total: self.made,
            succeeded: self.succeeded,
            failed: self.failed,
            canceled: self.canceled,
            pending: self.made - self.canceled - self.succeeded - self.failed,
            percentiles: percentile(50)
                .zip(percentile(95))
                .zip(percentile(99))
                .map(|((half, most), nearly)| [half, most, nearly]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{queue::outbox::counters, sql::plan};
    use entity::{ApiKeyId, OrganizationId, ProjectId, Role, UserId};
    use sea_orm::DbBackend;

    #[tokio::test]
    async fn only_the_hours_asked_for_are_read_of_each_webhook() {
        for projects in [None, Some(vec![ProjectId::new()])] {
            let actor = Actor {
                organization_id: OrganizationId::new(),
                user_id: UserId::new(),
                role: Role::Owner,
                key_id: ApiKeyId::new(),
                projects,
            };
            let time = Time {
                hours: 1,
                first: 1,
                end: 25,
            };
            let sql = select(&actor, &Filter::default(), &time)
                .build(DbBackend::Sqlite)
                .to_string();
            let plan = plan(&sql).await;
            let search = "tally USING PRIMARY KEY (organization_id=? AND webhook_id=? AND hour>? AND hour<?";
            assert!(plan.iter().any(|line| line.contains(search)), "{plan:#?}");
            assert!(!plan.iter().any(|line| line.contains("SCAN")), "{plan:#?}");
        }
    }

    #[test]
    fn a_time_is_cut_into_whole_pieces() {
        let hours = |count: i64| Some(Timestamp(count * counters::HOUR + 1));
        let now = Timestamp(1_000 * counters::HOUR + 5);
        let check = |from, before, bucket, expected: (i64, i64, i64)| {
            let filter = Filter {
                created_from: from,
                created_before: before,
                ..Filter::default()
            };
            let time = Time::of(&filter, bucket, now).unwrap();
            assert_eq!((time.hours, time.first, time.end), expected);
        };
        check(None, None, None, (1, 977, 1_001));
        check(None, None, Some(StatsBucket::Day), (24, 11, 42));
        check(hours(990), None, None, (1, 990, 1_001));
        check(hours(900), None, None, (24, 37, 42));
        check(hours(10), hours(12), None, (1, 10, 13));
        check(hours(10), Some(Timestamp(12 * counters::HOUR)), None, (1, 10, 12));
        check(hours(10), hours(12), Some(StatsBucket::Day), (24, 0, 1));
        let long = Filter {
            created_from: Some(Timestamp(0)),
            ..Filter::default()
        };
        let far = Timestamp(1_001 * counters::HOUR);
        let refused = Time::of(&long, Some(StatsBucket::Hour), far).unwrap_err();
        assert!(matches!(refused, Error::Invalid { field, .. } if field == "bucket"));
    }
}
