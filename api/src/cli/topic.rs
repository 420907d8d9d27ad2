//! The topics that the command line accepts: those that have a sample, by name.

use async_graphql::resolver_utils::EnumType;
use clap::builder::PossibleValuesParser;
use entity::WebhookTopic;

/// Returns a parser of topic names. Its error lists all of them.
pub fn parser() -> PossibleValuesParser {
    let topics = WebhookTopic::items().iter();
    let caused = topics.filter(|topic| topic.value != WebhookTopic::ReviewDeleted);
    PossibleValuesParser::new(caused.map(|topic| topic.name))
}
