//! The checks that every form of the bus passes. A form calls [`bus_contract`] in its tests with how to make one.

use std::sync::Arc;

use protocol::{Seq, UserId};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Bus, NOTICES_MAX, Notice};

/// Makes one test of each check. `$make` makes an `Arc<impl Bus>`.
macro_rules! bus_contract {
    ($make:expr) => {
        $crate::bus::contract::bus_contract!($make;
            every_subscriber_hears_everything_in_order
            nothing_from_before_a_subscription_is_heard
            publishing_to_nobody_is_no_error
            one_who_left_is_forgotten
            a_full_queue_delays_and_loses_nothing
        );
    };
    ($make:expr; $($check:ident)*) => {$(
        #[tokio::test]
        async fn $check() {
            $crate::bus::contract::$check($make()).await;
        }
    )*};
}
pub(crate) use bus_contract;

fn notice(n: usize) -> Notice {
    Notice::Read {
        slug: "general".parse().unwrap(),
        user: UserId(Uuid::nil()),
        seq: Seq::new(n.try_into().unwrap()).unwrap(),
    }
}

async fn hear(notices: &mut mpsc::Receiver<Notice>, expected: std::ops::Range<usize>) {
    for n in expected {
        assert_eq!(notices.recv().await, Some(notice(n)));
    }
}

pub(crate) async fn every_subscriber_hears_everything_in_order(bus: Arc<impl Bus>) {
    let (mut first, mut second) = (bus.subscribe().await, bus.subscribe().await);
    for n in 0..100 {
        bus.publish(notice(n)).await;
    }
    hear(&mut first, 0..100).await;
    hear(&mut second, 0..100).await;
}

pub(crate) async fn nothing_from_before_a_subscription_is_heard(bus: Arc<impl Bus>) {
    let mut early = bus.subscribe().await;
    bus.publish(notice(0)).await;
    hear(&mut early, 0..1).await;
    let mut late = bus.subscribe().await;
    bus.publish(notice(1)).await;
    hear(&mut late, 1..2).await;
}

pub(crate) async fn publishing_to_nobody_is_no_error(bus: Arc<impl Bus>) {
    bus.publish(notice(0)).await;
}

pub(crate) async fn one_who_left_is_forgotten(bus: Arc<impl Bus>) {
    let left = bus.subscribe().await;
    let mut stays = bus.subscribe().await;
    drop(left);
    for n in 0..10 {
        bus.publish(notice(n)).await;
    }
    hear(&mut stays, 0..10).await;
}

pub(crate) async fn a_full_queue_delays_and_loses_nothing(bus: Arc<impl Bus>) {
    let mut slow = bus.subscribe().await;
    let publisher = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move {
            for n in 0..3 * NOTICES_MAX {
                bus.publish(notice(n)).await;
            }
        }
    });
    hear(&mut slow, 0..3 * NOTICES_MAX).await;
    publisher.await.unwrap();
}
