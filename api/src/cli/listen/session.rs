//! A session: listens over one connection until it ends. It receives deliveries, posts them concurrently and returns
//! their responses.

use super::{
    super::{
        client::Fault,
        socket::{Lost, Received, Socket},
    },
    forward::{Forward, Posted},
};
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;

const DELIVERIES: &str = "subscription($id: ID!) {deliveries(where: {id: $id}) {
    id notificationId topic attempt headers {name value} body bodyIsBase64 timeoutMs}}";
const ANSWER: &str = "mutation($data: DeliveryAnswerInput!) {answerDelivery(data: $data)}";
/// The pause after a request that the rate limit refused.
const RATE_LIMIT_DELAY: Duration = Duration::from_secs(1);

/// The end of a session.
pub enum End {
    /// The user stopped the command.
    Stopped,
    /// The connection was lost.
    Lost(Lost),
    /// The server ended the subscription, or refused to start it.
    Refused(Fault),
}

/// A session over one connection.
pub struct Session<'a> {
    socket: &'a mut Socket,
    forward: &'a Forward,
    webhook: &'a str,
    /// Deliveries that are being posted, or whose responses wait to be sent again.
    posts: JoinSet<Posted>,
    /// Answers that the server has not acknowledged, by the number of their operation.
    answers: HashMap<u64, Value>,
}

impl<'a> Session<'a> {
    pub fn new(socket: &'a mut Socket, forward: &'a Forward, webhook: &'a str) -> Self {
        Self {
            socket,
            forward,
            webhook,
            posts: JoinSet::new(),
            answers: HashMap::new(),
        }
    }

    pub async fn run(mut self, stop: &CancellationToken) -> End {
        match self.listen(stop).await {
            Ok(end) => end,
            Err(lost) => End::Lost(lost),
        }
    }

    async fn listen(&mut self, stop: &CancellationToken) -> Result<End, Lost> {
        let of = self.socket.start(DELIVERIES, &json!({ "id": self.webhook })).await?;
        loop {
            tokio::select! {
                told = self.socket.hear() => match told? {
                    Received::Next(id, mut data) if id == of => {
                        self.posts.spawn(self.forward.clone().post(data["deliveries"].take()));
                    }
                    Received::Failed(id, fault) if id == of => return Ok(End::Refused(fault)),
                    Received::Over(id) if id == of => return Err(Lost::Broken("the server hands nothing over any more".into())),
                    Received::Failed(id, fault) => self.refused(id, &fault),
                    Received::Next(id, _) | Received::Over(id) => drop(self.answers.remove(&id)),
                },
                Some(Ok(posted)) = self.posts.join_next() => self.answer(posted).await?,
                () = stop.cancelled() => return Ok(End::Stopped),
            }
        }
    }

    async fn answer(&mut self, posted: Posted) -> Result<(), Lost> {
        if !posted.line.is_empty() {
            println!("{}", posted.line);
        }
        let id = self.socket.start(ANSWER, &json!({ "data": posted.answer })).await?;
        self.answers.insert(id, posted.answer);
        Ok(())
    }

    /// Handles an answer that the server refused. If the rate limit refused it, it is sent again; otherwise it came too
    /// late, and is dropped.
    fn refused(&mut self, id: u64, fault: &Fault) {
        let Some(answer) = self.answers.remove(&id) else { return };
        if fault.code == "RATE_LIMITED" {
            let again = async {
                interval_at(Instant::now() + RATE_LIMIT_DELAY, RATE_LIMIT_DELAY)
                    .tick()
                    .await;
                let line = String::new();
                Posted { answer, line }
            };
            self.posts.spawn(again);
            return;
        }
        println!("          the answer was not recorded: {}", fault.message);
    }
}
