//! Links that lead to signed ones, which expire.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ropeway_model::{ByteRate, ConnectionChoice, Phase};
use ropeway_testkit::{
    Peer,
    peer::{Answer, Request, ServedFile},
};

use crate::rig::Rig;

const MIB: u64 = 1 << 20;
/// Requests that a signed link answers before it has expired.
const LASTS: usize = 12;

fn asked<'a>(requests: &'a [Request], path: &'a str) -> impl Iterator<Item = &'a Request> {
    requests.iter().filter(move |request| request.path.starts_with(path))
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_limit_the_users_address_is_asked_once_for_each_link_that_expires() {
    let file = ServedFile::new(90, 3 * MIB);
    let (served, signed, used) = (file.clone(), AtomicUsize::new(0), AtomicUsize::new(0));
    let peer = Peer::start(move |request| {
        if request.path == "/a.bin" {
            used.store(0, SeqCst);
            return Answer::redirect(302, &format!("/signed?link={}", signed.fetch_add(1, SeqCst)));
        }
        let is_current = request.path == format!("/signed?link={}", signed.load(SeqCst) - 1);
        let is_alive = is_current && used.fetch_add(1, SeqCst) < LASTS;
        if is_alive { served.answer(request) } else { Answer::status(403) }
    })
    .await;
    let rig = Rig::new().await;
    let mut spec = rig.download(&peer.url("a.bin"));
    spec.rate_limit = ByteRate::new(2 * MIB);
    spec.connections = ConnectionChoice::number(1).ok();
    let job = rig.run(spec).await;
    assert_eq!(job.phase, Phase::Completed);
    file.pattern().assert_file(job.final_path.as_ref().unwrap(), file.length());
    let requests = peer.requests();
    let served = asked(&requests, "/signed").filter(|request| request.bytes_sent > 0).count();
    let led = asked(&requests, "/a.bin").count();
    assert!(served > 2 * LASTS, "{served} portions");
    assert_eq!(led, served.div_ceil(LASTS), "{served} portions");
}
