//! A defect of ours in one try: that job fails as such, and nothing else notices.

use std::sync::Arc;

use ropeway_engine::{JobSnapshot, Scope, Seams};
use ropeway_flow::rng::Rng;
use ropeway_model::{FailureCode, Phase, PhaseKind};
use ropeway_testkit::{Peer, peer::Answer};

use crate::{
    rig::{Rig, failure},
    still::{Net, Still},
};

#[tokio::test(start_paused = true)]
async fn a_try_that_panics_fails_as_a_defect_and_gives_its_place_up() {
    let net = Net::new(|host| {
        assert_ne!(host, "defect.example", "on purpose");
        Ok((200, Vec::new()))
    });
    let still = Still::new(Scope::Queue, &net).await;
    // More than may run at once.
    let bad: Vec<_> = (0..20).map(|number| still.spec(&format!("https://defect.example/{number}"))).collect();
    let bad = still.add(bad).await;
    let good = still.add(vec![still.spec("https://good.example/file")]).await;
    let is_over = |job: &JobSnapshot| matches!(job.phase.kind(), PhaseKind::Failed | PhaseKind::Completed);
    still.until(|jobs| jobs.iter().all(is_over)).await;
    for id in &bad {
        let Phase::Failed { failure } = still.engine.job(*id).unwrap().phase else { panic!("{id} did not fail") };
        assert_eq!(failure.code, FailureCode::Internal);
    }
    assert_eq!(still.kind(good[0]), PhaseKind::Completed);
    still.engine.remove(&bad, true).await.unwrap();
}

#[derive(Debug)]
struct Defect;

impl Rng for Defect {
    fn uniform(&self) -> f64 {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_panic_while_a_try_is_settled_loses_no_job() {
    let peer = Peer::start(|_| Answer::status(503)).await;
    let rig = Rig::with_seams(Seams { rng: Arc::new(Defect), ..Seams::default() }, |_| {}).await;
    let job = rig.run(rig.download(&peer.url("a.bin"))).await;
    assert_eq!(failure(&job).code, FailureCode::Internal);
    rig.engine.remove(&[job.id], true).await.unwrap();
    assert!(rig.engine.jobs().is_empty());
}
