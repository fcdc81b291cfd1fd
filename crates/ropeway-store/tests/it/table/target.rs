//! Saved upload targets.

use ropeway_store::{Store, StoreError};

#[tokio::test]
async fn targets_are_listed_by_name_and_a_name_is_unique() {
    let store = Store::in_memory().await.unwrap();
    let save =
        async |name: &str, address: &str| store.save_target(name.to_owned(), address.parse().unwrap()).await.unwrap();
    let nas = save("nas", "https://nas.example/in/").await;
    let backup = save("Backup", "form+https://backup.example/up#field=file").await;
    assert_eq!(store.targets().await.unwrap(), [backup.clone(), nas.clone()]);
    let moved = save("nas", "https://new.example/in/").await;
    assert_eq!(moved.id, nas.id, "the same name is the same target");
    assert_eq!(store.targets().await.unwrap(), [backup.clone(), moved]);
    assert!(store.remove_target(nas.id).await.unwrap());
    assert!(!store.remove_target(nas.id).await.unwrap());
    assert_eq!(store.targets().await.unwrap(), [backup]);
    assert!(save("nas", "https://nas.example/").await.id > nas.id, "a number is never given twice");
}

#[tokio::test]
async fn a_damaged_target_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("queue.db");
    let store = Store::open(&queue).await.unwrap();
    let sql = "INSERT INTO target (name, address) VALUES ('nas', 'gopher://host/')";
    rusqlite::Connection::open(&queue).unwrap().execute(sql, []).unwrap();
    assert!(matches!(store.targets().await.unwrap_err(), StoreError::Corrupt { .. }));
}
