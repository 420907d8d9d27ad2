//! Inputs that several nouns share.

use async_graphql::{ID, InputObject};

/// One object, by its id.
#[derive(InputObject)]
pub struct WhereUniqueInput {
    /// Its id.
    pub id: ID,
}

/// An object that exists and is to be connected.
#[derive(InputObject)]
pub struct ConnectInput {
    /// Which one.
    pub connect: WhereUniqueInput,
}
