//! Features that servers have announced. Not each of many files asks again.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;
use ropeway_model::SafeUrl;
use ropeway_wire::tus::Features;
use tokio::time::Instant;

/// How long an answer is believed: servers are given other rules while uploads wait.
const BELIEVED: Duration = Duration::from_secs(10 * 60);
/// Addresses that are remembered; more exist only for jobs with an address each.
const MOST: usize = 256;

/// Answers to `OPTIONS`, by the address uploads are created at.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<SafeUrl, (Instant, Features)>>);

impl Known {
    /// Features of the server, if it announced them lately.
    pub(super) fn get(&self, endpoint: &SafeUrl) -> Option<Features> {
        let known = self.0.lock();
        known.get(endpoint).filter(|(since, _)| since.elapsed() < BELIEVED).map(|(_, features)| *features)
    }

    /// Remembers what the server offers.
    pub(super) fn put(&self, endpoint: &SafeUrl, features: Features) {
        let mut known = self.0.lock();
        known.retain(|_, (since, _)| since.elapsed() < BELIEVED);
        if known.len() < MOST {
            known.insert(endpoint.clone(), (Instant::now(), features));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_believed_for_ten_minutes_and_of_a_bounded_number_of_servers() {
        let known = Known::default();
        let endpoint = |number: usize| -> SafeUrl { format!("https://{number}.example/").parse().unwrap() };
        for number in 0..=MOST {
            known.put(&endpoint(number), Features::default());
        }
        assert_eq!([0, MOST].map(|number| known.get(&endpoint(number)).is_some()), [true, false]);
        tokio::time::advance(BELIEVED).await;
        assert_eq!(known.get(&endpoint(0)), None);
        known.put(&endpoint(MOST), Features::default());
        assert!(known.get(&endpoint(MOST)).is_some());
    }
}
