//! Topics as the command line takes them: those that have a sample, by their words.

use async_graphql::resolver_utils::EnumType;
use clap::builder::PossibleValuesParser;
use entity::WebhookTopic;

/// Takes the word of a topic; the error for any other lists them all.
pub fn parser() -> PossibleValuesParser {
    let topics = WebhookTopic::items().iter();
    let caused = topics.filter(|topic| topic.value != WebhookTopic::ReviewDeleted);
    PossibleValuesParser::new(caused.map(|topic| topic.name))
}
