//! Statistics of deliveries: how many, how they ended, how long their requests took. Read from [`tally`]'s rows, so their
//! cost follows the time that is asked for and not the log; a notification counts in the hour in which it was made.

use crate::{
    App, Error, Result,
    auth::{Action, Actor},
    notification::{self, Filter},
    queue::outbox::{counters, histogram::Histogram},
};
use entity::{StatsBucket, TallyKind, Timestamp, tally as tallies, webhook};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use std::collections::BTreeMap;

/// Points of a series at most.
const POINTS: i64 = 1_000;
/// Up to so many hours are shown hour by hour unless it is said otherwise.
const SHORT: i64 = 48;

/// What happened to notifications of some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// From when on.
    pub at: Timestamp,
    /// Made.
    pub total: i64,
    /// Delivered.
    pub succeeded: i64,
    /// Given up.
    pub failed: i64,
    /// Stopped by a person.
    pub canceled: i64,
    /// Not over.
    pub pending: i64,
    /// Milliseconds that half, 95 and 99 of a hundred requests did not exceed.
    pub percentiles: Option<[f64; 3]>,
}

/// Counts of a time as a whole, and piece by piece.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// As a whole.
    pub whole: Counts,
    /// Hour by hour, or day by day, without a gap.
    pub series: Vec<Counts>,
}

/// What happened to the notifications that a filter matches: by webhook, project, topic, and time in whole pieces.
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

/// The first field of a filter by which nothing is counted.
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

/// A time in pieces of some hours each, by their numbers since 1970.
#[derive(Debug)]
struct Time {
    hours: i64,
    first: i64,
    end: i64,
}

impl Time {
    /// A day until now unless the filter says otherwise; thirty when it is shown by the day. Pieces are whole.
    fn of(filter: &Filter, bucket: Option<StatsBucket>, now: Timestamp) -> Result<Self> {
        let last = |time: Timestamp| counters::hour(Timestamp(time.0.saturating_sub(1)));
        let end = filter.created_before.map_or_else(|| counters::hour(now), last) + 1;
        let first = filter.created_from.map(counters::hour);
        let hours = match (bucket, first) {
            (Some(StatsBucket::Hour), _) | (None, None) => 1,
            (Some(StatsBucket::Day), _) => 24,
            (None, Some(first)) => {
                if end - first <= SHORT {
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

/// Place, kind, bin and their sum.
fn select(actor: &Actor, filter: &Filter, time: &Time) -> Select<tallies::Entity> {
    use tallies::Column as Is;
    let webhooks = webhook::Entity::find()
        .select_only()
        .column(webhook::Column::Id)
        .filter(
            Condition::all()
                .add(webhook::Column::OrganizationId.eq(actor.organization_id))
                .add_option(filter.webhook_ids.clone().map(|ids| webhook::Column::Id.is_in(ids)))
                .add_option(actor.projects.clone().map(|ids| webhook::Column::ProjectId.is_in(ids))),
        )
        .into_query();
    let projects = notification::seen(actor, filter).project_ids;
    let condition = Condition::all()
        .add(Is::OrganizationId.eq(actor.organization_id))
        .add(Is::WebhookId.in_subquery(webhooks))
        .add(Is::Hour.gte(time.first * time.hours))
        .add(Is::Hour.lt(time.end * time.hours))
        .add_option(projects.map(|ids| Is::ProjectId.is_in(ids)))
        .add_option(filter.topics.clone().map(|topics| Is::Topic.is_in(topics)));
    // Written out: PostgreSQL takes two binds of one value for two expressions.
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

/// Counts that grow.
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
