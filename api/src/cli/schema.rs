//! `labelhook schema`: prints what `schema.graphql` holds, or `payload.graphql`.

use crate::graphql;
use clap::Args;

#[derive(Args, Debug)]
pub struct Schema {
    /// What the payload queries of webhooks may ask for, in place of the API.
    #[arg(long)]
    payload: bool,
}

impl Schema {
    pub fn run(self) {
        match self.payload {
            true => print!("{}", graphql::payload::sdl()),
            false => print!("{}", graphql::sdl()),
        }
    }
}
