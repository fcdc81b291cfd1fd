//! Mirrors whose bytes were not the file's, remembered from one try to the next.

use ropeway_model::{Digest, JobSpec, SafeUrl, Validation, Validator};

use super::Mirrors;

/// A mirror that sent a whole file which does not have the digest that was given.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    /// Its address, as the user or a document gave it.
    given: SafeUrl,
    /// The version that it sent.
    valid: Validator,
    /// What the file was to have.
    digest: Digest,
}

impl Wrong {
    /// Whether it says that it still has that version.
    fn is_still(valid: &Validator, now: &Validator) -> bool {
        matches!(valid.compare(now), Validation::StrongTag | Validation::LengthAndDate)
    }
}

impl Mirrors {
    /// Those of `had` that the job still has and whose file was held against the same digest are asked last, and read only
    /// where they have another version now.
    pub(in crate::download) fn remember(&self, spec: &JobSpec, had: &[Wrong]) {
        let mut state = self.state.lock();
        for wrong in had.iter().filter(|wrong| spec.checksum.as_ref() == Some(&wrong.digest)) {
            for mirror in state.all.iter_mut().filter(|mirror| mirror.is_at(&wrong.given)) {
                mirror.wrong = Some(wrong.valid.clone());
                mirror.is_excluded = true;
            }
        }
    }

    /// The mirror that alone sent the file of `spec`, which does not have its digest; `None` where several did, or where
    /// the job has a single address: what comes from that may be right the next time.
    pub(in crate::download) fn wrong_one(&self, spec: &JobSpec) -> Option<Wrong> {
        let state = self.state.lock();
        let digest = spec.checksum.clone()?;
        let is_alone = state.is_from_start && state.served.iter().all(|(_, at)| *at == state.lead);
        let mirror = state.all.get(state.lead).filter(|_| is_alone && state.all.len() > 1)?;
        Some(Wrong { given: mirror.given.clone(), valid: mirror.valid.clone()?, digest })
    }

    /// Addresses that sent something else before, the last to be asked for the file.
    pub(in crate::download) fn wrong_before(&self) -> Vec<SafeUrl> {
        let state = self.state.lock();
        let wrong = state.all.iter().filter(|mirror| mirror.wrong.is_some() && mirror.is_excluded);
        wrong.map(|mirror| mirror.given.clone()).collect()
    }

    /// Whether the mirror at `given` sent something else before and has the same version now, as it says.
    pub(in crate::download) fn is_still_wrong(&self, given: &SafeUrl, now: &Validator) -> bool {
        let state = self.state.lock();
        let mirror = state.all.iter().find(|mirror| mirror.is_at(given));
        mirror.and_then(|mirror| mirror.wrong.as_ref()).is_some_and(|had| Wrong::is_still(had, now))
    }
}
