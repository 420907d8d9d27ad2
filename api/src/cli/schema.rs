//! `labelhook schema`: prints what `schema.graphql` holds.

pub fn run() {
    print!("{}", crate::graphql::sdl());
}
