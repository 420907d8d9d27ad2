//! Lanes whose webhook's circuit breaker is open.

use super::*;

#[test]
fn a_lane_that_is_shut_gives_back_what_it_holds_and_takes_nothing_new() {
    let lanes = lanes(100, 100);
    let (failing, other) = (WebhookId::new(), WebhookId::new());
    births(&lanes, failing, 2, 6);
    assert_eq!(order(&lanes), [failing, failing]);
    lanes.shut(failing, Some(LATER));
    let back = lanes.take_released();
    assert_eq!((back.len(), lanes.take_released().len()), (4, 0));
    births(&lanes, failing, 2, 1);
    births(&lanes, other, 2, 1);
    assert_eq!(order(&lanes), [other], "others go on");
    back.iter().for_each(|job| lanes.done(job.webhook_id, Some(NOW)));
    assert_eq!(lanes.next_due(), None, "two are under way");
    for _ in 0..2 {
        lanes.request_ended(failing);
        lanes.done(failing, Some(NOW));
    }
    assert_eq!(lanes.claim_budgets(NOW), []);
    assert_eq!(lanes.next_due(), Some(LATER), "the dispatcher wakes for the probe");
}

#[test]
fn from_its_moment_on_one_job_at_a_time_is_claimed_and_sent() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    lanes.shut(webhook_id, Some(LATER));
    births(&lanes, webhook_id, 9, 5);
    let rooms = lanes.claim_budgets(LATER);
    assert_eq!(rooms, [ClaimBudget { webhook_id, count: 1 }]);
    let claim = Claim {
        jobs: vec![job(webhook_id, 9)],
        more: vec![(webhook_id, NOW)],
    };
    lanes.claimed(&rooms, claim);
    assert_eq!(lanes.claim_budgets(LATER), [], "not before this one is recorded");
    assert!(lanes.take(LATER).is_some());
    assert!(told(&lanes));
    lanes.request_ended(webhook_id);
    lanes.shut(webhook_id, None);
    assert_eq!(
        lanes.claim_budgets(LATER),
        [ClaimBudget { webhook_id, count: 49 }],
        "it is open"
    );
}

#[test]
fn what_was_claimed_before_the_breaker_opened_goes_back() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    lanes.note_due(webhook_id, at_once(9), NOW);
    let rooms = lanes.claim_budgets(NOW);
    lanes.shut(webhook_id, Some(LATER));
    let claim = Claim {
        jobs: repeat_with(|| job(webhook_id, 9)).take(3).collect(),
        more: vec![],
    };
    lanes.claimed(&rooms, claim);
    assert_eq!(order(&lanes), []);
    let back = lanes.take_released();
    assert_eq!(back.len(), 3);
    back.iter().for_each(|job| lanes.done(job.webhook_id, Some(NOW)));
    assert!(lanes.is_idle());
    assert_eq!(lanes.next_due(), Some(LATER));
}

#[test]
fn a_breaker_that_stays_open_is_remembered_when_its_lane_is_forgotten() {
    let lanes = lanes(100, 100);
    let webhook_id = WebhookId::new();
    let canceled = born(&lanes, webhook_id, 9).unwrap();
    lanes.cancel(webhook_id, canceled);
    lanes.shut(webhook_id, Some(LATER));
    assert!(born(&lanes, webhook_id, 9).is_none());
    assert_eq!(lanes.next_due(), Some(LATER));
    lanes.shut(webhook_id, None);
    assert_eq!(lanes.next_due(), Some(NOW));
    assert!(told(&lanes));
}
