//! The harness's own receiver does what its script says; otherwise no other test here means anything.

use std::time::Duration;

use harness::{Answer, Gate, TestReceiver, post};
use tokio::time::timeout;

/// Only ever waited out by an answer that must not come, after its request has.
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_script_is_used_up_before_the_standing_answer() {
    let receiver = TestReceiver::start().await;
    receiver.answer(Answer::status(204));
    receiver.then([Answer::status(500), Answer::status(429).header("retry-after", "7")]);
    let mut statuses = Vec::new();
    for number in 0..4 {
        let body = format!("{{\"number\": {number}}}");
        statuses.push(
            post(&receiver.url("hook?x=1"), &[("x-one", "two")], body)
                .await
                .expect("it answers")
                .as_u16(),
        );
    }
    assert_eq!(statuses, [500, 429, 204, 204]);
    let received = receiver.wait_for(4).await;
    assert_eq!(received[3].json()["number"], 3);
    assert_eq!(
        (received[3].path.as_str(), received[3].header("x-one")),
        ("/hook?x=1", "two")
    );
}

#[tokio::test]
async fn a_gate_holds_answers_until_it_is_opened() {
    let receiver = TestReceiver::start().await;
    let gate = Gate::default();
    receiver.answer(Answer::status(200).behind(&gate));
    let url = receiver.url("hook");
    let waiting = [tokio::spawn(ask(url.clone())), tokio::spawn(ask(url))];
    receiver.wait_for(2).await;
    assert_eq!(receiver.most_in_flight(), 2);
    gate.open();
    for task in waiting {
        assert_eq!(task.await.expect("the task does not panic"), Some(200));
    }
}

#[tokio::test]
async fn a_reset_connection_gives_no_answer() {
    let receiver = TestReceiver::start().await;
    receiver.answer(Answer::reset());
    assert_eq!(ask(receiver.url("hook")).await, None);
    assert_eq!(receiver.received().len(), 1, "the request itself came whole");
}

#[tokio::test]
async fn silence_and_bodies_without_end_do_not_end() {
    let receiver = TestReceiver::start().await;
    let worse = [
        Answer::hang(),
        Answer::status(200).stalling_body("{"),
        Answer::status(200).endless_body("no end "),
    ];
    for (number, answer) in worse.into_iter().enumerate() {
        receiver.answer(answer);
        let asking = tokio::spawn(ask(receiver.url("hook")));
        receiver.wait_for(number + 1).await;
        assert!(timeout(A_MOMENT, asking).await.is_err());
    }
}

async fn ask(url: String) -> Option<u16> {
    post(&url, &[], "{}").await.ok().map(|status| status.as_u16())
}
