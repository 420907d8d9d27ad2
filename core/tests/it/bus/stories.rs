//! Tests of the properties that hold for every transport.

use super::{TEST_TIMEOUT, TestBus, over_nats, says, test_buses};
use entity::{OrganizationId, WebhookId};
use labelhook_core::bus::{Bus, Choice, Ids, Message, memory::Hub};
use sea_orm::{ConnectionTrait, Database};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};

#[tokio::test]
async fn what_one_tells_the_others_hear_and_it_does_not_hear_itself() {
    for test_bus in test_buses().await {
        let (one, other) = test_bus.two(1).await;
        let third = test_bus.end(1).await;
        one.reaches(&third).await;
        let mut said = Message::due([WebhookId::new()]);
        said.append(Message::feed([OrganizationId::new()]));
        said.append(Message::nodes());
        one.bus.tell(said.clone());
        other.hears(&said).await;
        third.hears(&said).await;
        other.bus.tell(Message::keys());
        let own = one.hears(&Message::keys()).await;
        assert!(
            own.due.is_empty() && own.feed.is_empty() && !own.nodes,
            "{}",
            test_bus.choice
        );
    }
}

#[tokio::test]
async fn what_is_told_one_by_one_is_heard_together() {
    for test_bus in test_buses().await {
        let (one, other) = test_bus.two(1).await;
        let ids: Vec<WebhookId> = (0..300).map(|_| WebhookId::new()).collect();
        for id in &ids {
            one.bus.tell(Message::due([*id]));
        }
        other.hears(&Message::due(ids)).await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_for_one_comes_whole_and_more_than_can_be_named_is_all() {
    for test_bus in test_buses().await {
        let (one, other) = test_bus.two(1).await;
        let ids = |count: usize| (0..count).map(|_| WebhookId::new()).collect::<Vec<_>>();
        let mut long = Message::due(ids(490));
        long.append(Message::webhooks(ids(490)));
        one.bus.tell(long.clone());
        other.hears(&long).await;
        let many = Message::due(ids(600));
        assert_eq!(many.due, Ids::All);
        one.bus.tell(many.clone());
        let heard = other.hears(&many).await;
        assert!(!heard.keys, "one kind alone says all");
    }
}

#[tokio::test]
async fn two_installations_on_one_server_do_not_hear_each_other() {
    for test_bus in test_buses().await {
        let apart = TestBus {
            choice: match &test_bus.choice {
                Choice::Memory(_) => Choice::Memory(Hub::default()),
                shared => shared.clone(),
            },
            database: None,
            nats: None,
        };
        let elsewhere = if test_bus.database.is_some() { &test_bus } else { &apart };
        let (one, other) = test_bus.two(1).await;
        let (here, there) = elsewhere.two(2).await;
        let said = Message::due([WebhookId::new()]);
        one.bus.tell(said.clone());
        other.hears(&said).await;
        here.bus.tell(Message::keys());
        let heard = there.hears(&Message::keys()).await;
        assert!(!says(&heard, &said), "{}", test_bus.choice);
    }
}

#[tokio::test]
async fn ends_that_postgresql_cuts_off_connect_again_and_look_at_everything() {
    for test_bus in test_buses().await.iter().filter(|test_bus| test_bus.database.is_some()) {
        let (one, other) = test_bus.two(1).await;
        let url = test_bus.database.as_ref().unwrap().url();
        let server = Database::connect(url).await.unwrap();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'labelhook bus' AND datname = current_database()";
        server.execute_unprepared(cut).await.unwrap();
        one.hears(&Message::everything()).await;
        other.hears(&Message::everything()).await;
        let said = Message::due([WebhookId::new()]);
        one.bus.tell(said.clone());
        other.hears(&said).await;
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn ends_whose_nats_server_is_restarted_connect_again_and_look_at_everything() {
    let Some(test_bus) = over_nats().await else { return };
    let (one, other) = test_bus.two(1).await;
    let server = test_bus.nats.as_ref().unwrap();
    server.stop();
    one.bus.tell(Message::keys());
    server.run().await;
    one.hears(&Message::everything()).await;
    other.hears(&Message::everything()).await;
    one.reaches(&other).await;
}

#[tokio::test]
async fn a_nats_server_that_is_not_there_yet_is_waited_for() {
    let Some(test_bus) = over_nats().await else { return };
    let server = test_bus.nats.as_ref().unwrap();
    server.stop();
    let (one, other) = (test_bus.end(1).await, test_bus.end(1).await);
    server.run().await;
    one.reaches(&other).await;
}

#[tokio::test]
async fn a_nats_server_that_is_too_old_is_refused_by_the_name_of_the_setting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let info = "INFO {\"server_id\":\"old\",\"version\":\"2.9.10\",\"proto\":1,\"headers\":true,\"max_payload\":1048576}\r\n";
        stream.write_all(info.as_bytes()).await.unwrap();
        let mut said = [0; 4096];
        while stream.read(&mut said).await.unwrap() > 0 {
            stream.write_all(b"PONG\r\n").await.ok();
        }
    };
    let choice: Choice = format!("nats://{address}").parse().unwrap();
    let bus = Bus::new(super::alone());
    let connecting = timeout(TEST_TIMEOUT, bus.connect(&choice, "", 1));
    let refused = tokio::select! {
        refused = connecting => refused.unwrap().unwrap_err(),
        () = server => panic!("the client went away"),
    };
    let error = labelhook_core::Error::from(refused).to_string();
    assert!(
        error.starts_with("bus: ") && error.contains("2.9.10") && error.contains("2.10"),
        "{error}"
    );
}
