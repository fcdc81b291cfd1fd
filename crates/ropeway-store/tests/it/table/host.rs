//! What was learned of servers is there for as long as it is asked for.

use ropeway_model::Timestamp;
use ropeway_store::{HostProfile, HostRow, Store};

fn row(host: &str, seen: i64, cap: u16) -> HostRow {
    let profile = HostProfile { connection_cap: Some(cap), reliability: Some(0.75), ..HostProfile::default() };
    HostRow { host: host.to_owned(), seen: Timestamp::from_unix_ms(seen), profile }
}

#[tokio::test]
async fn a_server_has_one_row_and_old_ones_are_forgotten() {
    let store = Store::in_memory().await.unwrap();
    let epoch = Timestamp::from_unix_ms(0);
    store.save_hosts(vec![row("a", 10, 4), row("b:8080", 20, 8)], epoch).await.unwrap();
    store.save_hosts(vec![row("a", 30, 6)], Timestamp::from_unix_ms(15)).await.unwrap();
    assert_eq!(store.hosts(epoch).await.unwrap(), [row("a", 30, 6), row("b:8080", 20, 8)]);
    assert_eq!(store.hosts(Timestamp::from_unix_ms(25)).await.unwrap(), [row("a", 30, 6)]);
    store.save_hosts(Vec::new(), Timestamp::from_unix_ms(25)).await.unwrap();
    assert_eq!(store.hosts(epoch).await.unwrap(), [row("a", 30, 6)]);
}
