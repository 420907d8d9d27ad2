//! Arguments of lists: their limits, their cursors, and the complexity of a list. There are two forms: plain lists with
//! `skip` and `first`, and connections with `first`, `after`, `last`, `before`. A page that is too large is an error,
//! not a smaller page.
//!
//! A list field must declare its complexity, or nested pages would count as one field each:
//! `#[graphql(complexity = "list::cost(first, child_complexity)")]`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use labelhook_core::page::{End, PageRequest};
use uuid::Uuid;

use super::error::{ApiError, Result};

/// The maximum number of rows of a page, and the default of a plain list.
pub const MAX_PAGE: i32 = 100;
/// The default number of rows of a connection's page.
pub const DEFAULT_PAGE: i32 = 20;
/// The maximum complexity of one field: far above any limit, and low enough that a document full of them cannot
/// overflow a sum.
const MAX_COST: usize = u32::MAX as usize;

/// A part of a plain list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetPage {
    /// The number of rows to skip.
    pub skip: u64,
    /// The number of rows to return.
    pub first: u64,
}

impl OffsetPage {
    /// Checks the arguments of a plain list.
    pub fn new(skip: Option<i32>, first: Option<i32>) -> Result<Self> {
        let skip = u64::try_from(skip.unwrap_or(0)).map_err(|_| ApiError::invalid("skip", "must not be negative"))?;
        Ok(Self {
            skip,
            first: rows("first", first.unwrap_or(MAX_PAGE), 0)?,
        })
    }
}

/// A page of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageArguments {
    /// The number of rows to return.
    pub limit: u64,
    /// The end of the range between the cursors from which the rows are taken: the newest or the oldest.
    pub from: End,
    /// Only rows after this one.
    pub after: Option<Cursor>,
    /// Only rows before this one.
    pub before: Option<Cursor>,
}

impl PageArguments {
    /// Checks the arguments of a connection.
    pub fn new(first: Option<i32>, after: Option<&str>, last: Option<i32>, before: Option<&str>) -> Result<Self> {
        let (limit, from) = match (first, last) {
            (Some(_), Some(_)) => return Err(ApiError::invalid("last", "cannot be combined with first")),
            (None, Some(last)) => (rows("last", last, 1)?, End::Last),
            (first, None) => (rows("first", first.unwrap_or(DEFAULT_PAGE), 1)?, End::First),
        };
        let cursor = |field, text: Option<&str>| text.map(|text| Cursor::decode(field, text)).transpose();
        Ok(Self {
            limit,
            from,
            after: cursor("after", after)?,
            before: cursor("before", before)?,
        })
    }

    /// Converts the page into core's request, for a list that is ordered by the cursors' keys.
    pub fn keyed(self) -> PageRequest<i64> {
        PageRequest {
            count: self.limit,
            from: self.from,
            after: self.after.map(|cursor| cursor.key),
            before: self.before.map(|cursor| cursor.key),
        }
    }

    /// Converts the page into core's request, in which a cursor's row is found by its id.
    pub fn span<K: From<Uuid>>(self) -> PageRequest<K> {
        PageRequest {
            count: self.limit,
            from: self.from,
            after: self.after.map(|cursor| cursor.id.into()),
            before: self.before.map(|cursor| cursor.id.into()),
        }
    }
}

fn rows(field: &str, rows: i32, at_least: i32) -> Result<u64> {
    let reason = || format!("must be between {at_least} and {MAX_PAGE}");
    let fits = (at_least..=MAX_PAGE).contains(&rows);
    u64::try_from(rows)
        .ok()
        .filter(|_| fits)
        .ok_or_else(|| ApiError::invalid(field, reason()))
}

/// The position of a row in a list: the sort key and the row's id. It stays valid while rows are added, and is opaque
/// to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The sort key of the list: a time in microseconds or a sequence number.
    pub key: i64,
    /// The id that distinguishes rows of the same key.
    pub id: Uuid,
}

/// The version of the cursor format, its first byte. A new format gets another version.
const VERSION: u8 = 1;

impl Cursor {
    /// Encodes the cursor into its opaque text.
    pub fn encode(self) -> String {
        let mut bytes = [VERSION; 25];
        bytes[1..9].copy_from_slice(&self.key.to_be_bytes());
        bytes[9..].copy_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Decodes a text of [`Cursor::encode`]; an error names the argument `field`.
    pub fn decode(field: &str, text: &str) -> Result<Self> {
        Self::read(text).ok_or_else(|| ApiError::invalid(field, "is not a cursor of this API"))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (key, id) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        Some(Self {
            key: i64::from_be_bytes(*key),
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

/// Returns the complexity of a plain list: its rows, each with its fields.
pub fn cost(first: Option<i32>, child: usize) -> usize {
    pages(first.unwrap_or(MAX_PAGE), child)
}

/// Returns the complexity of a connection.
pub fn connection_cost(first: Option<i32>, last: Option<i32>, child: usize) -> usize {
    pages(first.or(last).unwrap_or(DEFAULT_PAGE), child)
}

/// Clamps the number of rows; values out of bounds are refused by the resolver, with a better message.
fn pages(rows: i32, child: usize) -> usize {
    let rows = usize::try_from(rows.clamp(0, MAX_PAGE)).unwrap_or(0);
    rows.saturating_mul(child.saturating_add(1))
        .saturating_add(1)
        .min(MAX_COST)
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::super::limited;
    use super::*;

    fn refused<T: std::fmt::Debug>(found: Result<T>, expected: &str) {
        assert_eq!(found.expect_err("refused").into_server_error().message, expected);
    }

    #[test]
    fn a_plain_list_has_bounds() {
        assert_eq!(
            OffsetPage::new(None, None).expect("fits"),
            OffsetPage { skip: 0, first: 100 }
        );
        assert_eq!(
            OffsetPage::new(Some(200), Some(0)).expect("fits"),
            OffsetPage { skip: 200, first: 0 }
        );
        refused(OffsetPage::new(Some(-1), None), "skip: must not be negative");
        refused(OffsetPage::new(None, Some(101)), "first: must be between 0 and 100");
        refused(OffsetPage::new(None, Some(-1)), "first: must be between 0 and 100");
    }

    #[test]
    fn a_connection_has_bounds() {
        let page = PageArguments {
            limit: 20,
            from: End::First,
            after: None,
            before: None,
        };
        assert_eq!(PageArguments::new(None, None, None, None).expect("fits"), page);
        assert_eq!(
            PageArguments::new(None, None, Some(5), None).expect("fits"),
            PageArguments {
                limit: 5,
                from: End::Last,
                ..page
            }
        );
        refused(
            PageArguments::new(Some(0), None, None, None),
            "first: must be between 1 and 100",
        );
        refused(
            PageArguments::new(Some(101), None, None, None),
            "first: must be between 1 and 100",
        );
        refused(
            PageArguments::new(None, None, Some(i32::MIN), None),
            "last: must be between 1 and 100",
        );
        refused(
            PageArguments::new(Some(1), None, Some(1), None),
            "last: cannot be combined with first",
        );
        refused(
            PageArguments::new(None, Some("x"), None, None),
            "after: is not a cursor of this API",
        );
        refused(
            PageArguments::new(None, None, None, Some("")),
            "before: is not a cursor of this API",
        );
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        for key in [0, 1, -1, i64::MAX, i64::MIN] {
            let cursor = Cursor {
                key,
                id: Uuid::now_v7(),
            };
            assert_eq!(Cursor::decode("after", &cursor.encode()).expect("a cursor"), cursor);
        }
        let other_version = URL_SAFE_NO_PAD.encode([2; 25]);
        refused(
            Cursor::decode("after", &other_version),
            "after: is not a cursor of this API",
        );
    }

    #[test]
    fn a_cost_is_bounded_on_both_sides() {
        assert_eq!(cost(Some(10), 3), 41);
        assert_eq!(cost(None, 1), 201);
        assert_eq!(cost(Some(-5), 3), 1);
        assert_eq!(cost(Some(i32::MAX), 1), 201);
        assert_eq!(connection_cost(None, Some(5), 1), 11);
        assert_eq!(cost(None, usize::MAX), MAX_COST);
    }

    struct Row;

    #[Object]
    impl Row {
        async fn id(&self) -> i32 {
            1
        }

        #[graphql(complexity = "cost(first, child_complexity)")]
        async fn rows(&self, first: Option<i32>) -> Result<Vec<Row>> {
            let first = OffsetPage::new(None, first)?.first;
            Ok((0..first.min(2)).map(|_| Row).collect())
        }
    }

    #[tokio::test]
    async fn nested_lists_multiply() {
        let schema = limited(Schema::build(Row, EmptyMutation, EmptySubscription)).finish();
        let message = async |text: &str| {
            schema
                .execute(text)
                .await
                .errors
                .first()
                .map(|error| error.message.clone())
        };
        assert_eq!(message("{ rows { rows(first: 50) { id } } }").await, None);
        let too_complex = Some("Query is too complex.".to_owned());
        assert_eq!(message("{ rows { rows { rows { id } } } }").await, too_complex);
        assert_eq!(
            message("{ rows(first: 50) { rows(first: 50) { rows(first: 50) { id } } } }").await,
            too_complex
        );
        let deep = format!("{}id{}", "{ rows ".repeat(14) + "{ ", " }".repeat(15));
        assert_eq!(message(&deep).await, too_complex);
        assert_eq!(
            message("{ rows(first: -1) { id } }").await,
            Some("first: must be between 0 and 100".to_owned())
        );
    }
}
