//! The cases of the fault server against the program: every one must end as `docs/faults.md` says.

mod ground;
mod page;

use std::sync::Arc;

use ropeway_testkit::{
    fault::{self, Case, Client, Play, Proof, Report, Verdict},
    machine,
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::support::program;

/// Cases under way at once: they wait more than they work.
const AT_ONCE: usize = 8;
/// A test for each group of the table.
macro_rules! groups {
    ($($name:ident: $letter:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                expect_group($letter).await;
            }
        )*
    };
}

groups! {
    broken_networks: 'N';
    odd_and_lying_servers: 'S';
    changed_content: 'V';
    content_codings: 'C';
    redirects_logins_proxies_and_certificates: 'A';
    full_sealed_and_failing_disks: 'D';
    kills: 'K';
    hostile_names_and_planted_links: 'F';
    skewed_clocks: 'T';
    exhaustion: 'X';
    uploads_as_they_are: 'U';
}

/// Plays the cases of a group and fails the test with all that did not end well.
async fn expect_group(letter: char) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    for case in fault::all().into_iter().filter(|case| case.id.starts_with(letter)) {
        let Proof::Play(play) = &case.proof else { continue };
        if play.is_slow() {
            continue;
        }
        let (play, room) = (play.clone(), Arc::clone(&room));
        under_way.spawn(async move {
            let _place = room.acquire().await.unwrap();
            (report(&play).await, case)
        });
    }
    assert!(!under_way.is_empty(), "no case of {letter} is played");
    let mut wrong = Vec::new();
    while let Some(played) = under_way.join_next().await {
        let (report, case) = played.unwrap();
        wrong.extend(complaint(&case, &report));
    }
    assert!(wrong.is_empty(), "{} cases did not end as they must:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

async fn report(play: &Play) -> Report {
    fault::try_out(play, Client::Ropeway, &program()).await
}

/// What a failed case has to tell.
fn complaint(case: &Case, report: &Report) -> Option<String> {
    let Report { verdict, note, trace } = report;
    if *verdict == Verdict::NotApplicable {
        machine::excuse(machine::NAMESPACES);
        return None;
    }
    let told = format!("{} ({}; must be: {}): {verdict} {note}\n{trace}", case.id, case.title, case.must);
    (*verdict != Verdict::Right).then_some(told)
}
