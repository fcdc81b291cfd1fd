//! The options of a new job, checked once.

use ropeway_model::{HeaderField, JobSpec, Network, OnConflict, SafeUrl, Secrets, Timestamp, Transfer, proxy_address};

use super::{jobs, list::Entry};
use crate::{command::JobOptions, error::ApiError, settings::Settings};

/// A request with more headers than this is refused by servers anyway.
const MOST_HEADERS: usize = 64;

/// A job's options, ready for any number of jobs.
#[derive(Clone, Debug)]
pub(super) struct Options {
    template: JobSpec,
    /// Bound to an address as each job gets one.
    headers: Vec<HeaderField>,
}

impl Options {
    /// Checks what a request asks for; what it leaves open follows the settings.
    ///
    /// # Errors
    /// [`crate::error::ApiCode::BadParams`] naming the first option that cannot be used.
    pub(super) fn check(asked: &JobOptions, settings: &Settings) -> Result<Self, ApiError> {
        let refused = |error: &dyn std::fmt::Display| ApiError::bad_params(error.to_string());
        if asked.headers.len() > MOST_HEADERS {
            return Err(ApiError::bad_params(format!("at most {MOST_HEADERS} headers")));
        }
        let parsed: Result<Vec<HeaderField>, _> = asked.headers.iter().map(|header| header.parse()).collect();
        let mut headers = parsed.map_err(|error| refused(&error))?;
        if let Some(login) = asked.login.as_deref().filter(|login| !login.is_empty()) {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            headers.push(HeaderField::basic_login(user, password));
        }
        let checksum = asked.checksum.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let digest = asked.digest.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let named = asked.proxy.as_deref().or(settings.proxy.as_deref());
        let proxy = named.map(str::trim).filter(|text| !text.is_empty());
        let ca_file = asked.ca_file.as_ref().filter(|path| !path.is_empty()).map(std::path::PathBuf::from);
        let mirrors: Result<Vec<SafeUrl>, _> = asked.mirrors.iter().map(|mirror| mirror.trim().parse()).collect();
        // Only from and to differ between the jobs of one request.
        let nowhere = Transfer::Upload { from: std::path::PathBuf::new(), to: placeholder() };
        let mut template = JobSpec {
            transfer: nowhere,
            rate_limit: asked.rate_limit.map(jobs::rate).transpose()?,
            connections: asked.connections,
            checksum: None,
            further_checksums: Vec::new(),
            digest: digest.map(str::parse).transpose().map_err(|error| refused(&error))?,
            secrets: Secrets::default(),
            priority: asked.priority.into(),
            on_conflict: asked.on_conflict.map_or_else(|| OnConflict::from(settings.on_conflict), OnConflict::from),
            reuse: asked.reuse.into(),
            no_times: asked.no_times,
            network: Network {
                ca_file,
                proxy: proxy.map(proxy_address).transpose().map_err(|error| refused(&error))?,
                cookie_file: asked.cookie_file.as_ref().filter(|path| !path.is_empty()).map(std::path::PathBuf::from),
                netrc: asked.netrc,
                allow_downgrade: asked.allow_downgrade,
            },
            mirrors: mirrors.map_err(|error| refused(&error))?,
            pieces: None,
            length: None,
            start_at: asked.start_at_ms.map(Timestamp::from_unix_ms),
            named_folders: 0,
        };
        template.set_checksums(checksum.map(jobs::checksums).transpose()?.unwrap_or_default());
        Ok(Self { template, headers })
    }

    /// Whether these options make sense for one file only.
    pub(super) const fn is_for_one_file(&self) -> bool {
        self.template.checksum.is_some() || !self.template.mirrors.is_empty()
    }

    /// How its jobs reach the network.
    pub(super) const fn network(&self) -> &Network {
        &self.template.network
    }

    /// The headers that go to the address the user typed.
    pub(super) fn headers(&self) -> Vec<HeaderField> {
        self.headers.clone()
    }

    /// A job with these options, for an address that the user typed.
    pub(super) fn spec(&self, transfer: Transfer) -> JobSpec {
        JobSpec { secrets: Secrets::of(transfer.address(), self.headers()), transfer, ..self.template.clone() }
    }

    /// A job with these options, for an address that stands in the document behind `typed`; in one of this machine
    /// without it.
    pub(super) fn spec_of_document(&self, transfer: Transfer, typed: Option<&SafeUrl>) -> JobSpec {
        let secrets = match typed {
            Some(typed) => Secrets::of(typed, self.headers()),
            None => Secrets::of_nobody(self.headers()),
        };
        JobSpec { secrets, transfer, ..self.template.clone() }
    }

    /// Whether something of the user would have to be kept from whatever a document names.
    pub(super) fn hold_secrets(&self) -> bool {
        self.template.network.netrc || self.headers.iter().any(HeaderField::may_be_secret)
    }
}

impl Entry {
    /// Whether it says anything but an address and a name.
    pub(super) fn has_options(&self) -> bool {
        let plain = Self {
            addresses: self.addresses.clone(),
            name: self.name.clone(),
            folder: self.folder.clone(),
            ..Self::default()
        };
        self.addresses.len() > 1 || *self != plain
    }

    /// The options of all, with those that stand in the list for it alone.
    pub(super) fn options(&self, all: &JobOptions) -> JobOptions {
        let own = |own: &Option<String>, all: &Option<String>| own.clone().or_else(|| all.clone());
        JobOptions {
            headers: all.headers.iter().chain(&self.headers).cloned().collect(),
            login: own(&all.login, &self.login),
            proxy: own(&all.proxy, &self.proxy),
            checksum: own(&self.checksum, &all.checksum),
            connections: self.connections.or(all.connections),
            rate_limit: self.rate_limit.or(all.rate_limit),
            on_conflict: self.on_conflict.or(all.on_conflict),
            netrc: self.netrc || all.netrc,
            cookie_file: own(&self.cookie_file, &all.cookie_file),
            ca_file: own(&self.ca_file, &all.ca_file),
            mirrors: self.addresses.iter().skip(1).chain(&all.mirrors).cloned().collect(),
            ..all.clone()
        }
    }
}

fn placeholder() -> ropeway_model::UploadTarget {
    "https://localhost/".parse().expect("a constant that is a target")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::OnConflictView;

    #[test]
    fn what_a_list_says_of_one_address_joins_what_is_said_of_all() {
        let text = |text: &str| Some(text.to_owned());
        let all = JobOptions {
            headers: vec!["X-All: 1".to_owned()],
            login: text("all:1"),
            proxy: text("http://all.example"),
            rate_limit: Some(1),
            on_conflict: Some(OnConflictView::Fail),
            mirrors: vec!["https://all.example/a".to_owned()],
            ..JobOptions::default()
        };
        let own = Entry {
            addresses: vec!["https://h/a".to_owned(), "https://mirror.example/a".to_owned()],
            headers: vec!["X-Own: 1".to_owned()],
            login: text("own:1"),
            proxy: text("http://own.example"),
            rate_limit: Some(2),
            on_conflict: Some(OnConflictView::Overwrite),
            netrc: true,
            ..Entry::default()
        };
        let both = own.options(&all);
        assert_eq!(both.headers, ["X-All: 1", "X-Own: 1"]);
        assert_eq!(
            (&both.login, &both.proxy),
            (&text("all:1"), &text("http://all.example")),
            "what is said now counts"
        );
        assert_eq!((both.rate_limit, both.on_conflict, both.netrc), (Some(2), Some(OnConflictView::Overwrite), true));
        assert_eq!(both.mirrors, ["https://mirror.example/a", "https://all.example/a"]);
        let alone = own.options(&JobOptions::default());
        assert_eq!((alone.login, alone.proxy), (text("own:1"), text("http://own.example")));
        let none = Entry::default().options(&all);
        assert_eq!((none.on_conflict, none.rate_limit, none.netrc), (all.on_conflict, Some(1), false));
    }
}
