//! `labelhook schema`: prints the schema of the API, as in `schema.graphql`, or that of payload queries, as in
//! `payload.graphql`.

use crate::graphql;
use clap::Args;

#[derive(Args, Debug)]
pub struct Schema {
    /// Print the schema of the payload queries of webhooks instead of that of the API.
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
