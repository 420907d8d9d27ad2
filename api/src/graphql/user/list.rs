//! Conditions and sort orders for lists of users.

use super::super::{
    filter::order_by,
    where_input::{Conditions, Listed, WhereInput},
};
use labelhook_core::user::Field;

/// The `where` input of a list of users.
pub type UserWhereInput = WhereInput<UserConditions>;

/// The conditions of `UserWhereInput`.
pub enum UserConditions {}

impl Listed for UserConditions {
    type Field = Field;
    const NAME: &'static str = "UserWhereInput";
    const DESCRIPTION: &'static str = "Selects users. All given conditions must hold.";

    fn conditions(on: &mut impl Conditions<Self>) {
        on.id("id", "The id", Field::Id);
        on.text("email", "The e-mail address", Field::Email);
        on.text("name", "The name", Field::Name);
        on.created(Field::CreatedAt);
        on.updated(Field::UpdatedAt);
    }
}

order_by! {
    /// The sort order of a list of users.
    UserOrderByInput of Field {
        /// Oldest first.
        CreatedAtAsc "createdAt_ASC" => CreatedAt false;
        /// Newest first.
        CreatedAtDesc "createdAt_DESC" => CreatedAt true;
        /// Least recently changed first.
        UpdatedAtAsc "updatedAt_ASC" => UpdatedAt false;
        /// Most recently changed first.
        UpdatedAtDesc "updatedAt_DESC" => UpdatedAt true;
        /// By name, A to Z.
        NameAsc "name_ASC" => Name false;
        /// By name, Z to A.
        NameDesc "name_DESC" => Name true;
        /// By e-mail address, A to Z.
        EmailAsc "email_ASC" => Email false;
        /// By e-mail address, Z to A.
        EmailDesc "email_DESC" => Email true;
    }
}
