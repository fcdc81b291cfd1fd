//! From the settings as a shell writes them to the engine's own types; what cannot be meant is refused here, once.

use std::path::Path;

use ropeway_engine::{Limits, ServerPolicy};
use ropeway_model::{
    ByteRate, Connections, HostPatternError, ProxyParseError, Schedule, ScheduleEffect, ScheduleError, ScheduleRule,
    ServerRule, proxy_address,
};

use crate::{error::ApiError, settings};

/// Jobs that may run at once: more than this only makes all of them slow.
const MOST_RUNNING_JOBS: u8 = 64;

/// Rules in one list; more than a person can oversee.
const MOST_RULES: usize = 200;

/// The settings as the engine takes them.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// Limits of all jobs together.
    pub(crate) limits: Limits,
    /// Other limits at certain hours.
    pub(crate) schedule: Schedule,
    /// What holds for servers.
    pub(crate) servers: ServerPolicy,
}

/// Settings that cannot be meant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("the download folder must be an absolute path")]
    RelativeFolder,
    #[error("1 to {MOST_RUNNING_JOBS} jobs may run at once")]
    RunningJobs,
    #[error("a limit is at least one byte a second; leave it out for none")]
    ZeroLimit,
    #[error("at most {MOST_RULES} rules")]
    TooManyRules,
    #[error(transparent)]
    Connections(#[from] ropeway_model::ConnectionsError),
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Host(#[from] HostPatternError),
    #[error(transparent)]
    Proxy(#[from] ProxyParseError),
}

impl From<SettingsError> for ApiError {
    fn from(error: SettingsError) -> Self {
        Self::bad_params(error.to_string())
    }
}

/// Checks settings and makes the engine's part of them.
pub(crate) fn check(settings: &settings::Settings) -> Result<Checked, SettingsError> {
    if !Path::new(&settings.download_folder).is_absolute() || settings.download_folder.contains('\0') {
        return Err(SettingsError::RelativeFolder);
    }
    if settings.schedule.len() > MOST_RULES || settings.servers.len() > MOST_RULES {
        return Err(SettingsError::TooManyRules);
    }
    let limits = Limits {
        running_jobs: usize::from(running_jobs(settings.running_jobs)?),
        connections: settings.connections.given(),
        download: limit(settings.download_limit)?,
        upload: limit(settings.upload_limit)?,
    };
    let schedule: Result<Vec<_>, _> = settings.schedule.iter().map(schedule_rule).collect();
    let rules: Result<Vec<_>, _> = settings.servers.iter().map(server_rule).collect();
    // Each job that names none gets it when it is added.
    if let Some(named) = settings.proxy.as_deref().map(str::trim).filter(|proxy| !proxy.is_empty()) {
        proxy_address(named)?;
    }
    let servers = ServerPolicy { connections: Connections::new(settings.server_connections)?, rules: rules? };
    Ok(Checked { limits, schedule: Schedule::new(schedule?), servers })
}

fn schedule_rule(rule: &settings::ScheduleRule) -> Result<ScheduleRule, SettingsError> {
    let effect = if rule.pause {
        ScheduleEffect::Pause
    } else {
        ScheduleEffect::Limit { download: limit(rule.download_limit)?, upload: limit(rule.upload_limit)? }
    };
    Ok(ScheduleRule::new(&rule.days, rule.from_minute, rule.to_minute, effect)?)
}

fn server_rule(rule: &settings::ServerRule) -> Result<ServerRule, SettingsError> {
    Ok(ServerRule {
        host: rule.host.parse()?,
        connections: rule.connections.map(Connections::new).transpose()?,
        running_jobs: rule.running_jobs.map(running_jobs).transpose()?,
        limit: limit(rule.limit)?,
    })
}

fn running_jobs(count: u8) -> Result<u8, SettingsError> {
    if (1..=MOST_RUNNING_JOBS).contains(&count) { Ok(count) } else { Err(SettingsError::RunningJobs) }
}

fn limit(bytes: Option<u64>) -> Result<Option<ByteRate>, SettingsError> {
    bytes.map(|bytes| ByteRate::new(bytes).ok_or(SettingsError::ZeroLimit)).transpose()
}

#[cfg(test)]
mod tests {
    use ropeway_model::LocalTime;

    use super::*;

    fn settings() -> settings::Settings {
        settings::Settings { download_folder: "/downloads".to_owned(), ..settings::Settings::default() }
    }

    #[test]
    fn rules_become_the_engines() {
        let night = settings::ScheduleRule { days: vec![1], from_minute: 1320, to_minute: 360, ..Default::default() };
        let slow = settings::ServerRule { host: ".example.org".to_owned(), limit: Some(1024), ..Default::default() };
        let checked = check(&settings::Settings { schedule: vec![night], servers: vec![slow], ..settings() }).unwrap();
        let effect = checked.schedule.effect(LocalTime { weekday: 2, minute: 0 });
        assert_eq!(effect, Some(ScheduleEffect::Limit { download: None, upload: None }));
        assert!(checked.servers.rules.iter().all(|rule| rule.host.matches("a.example.org") && rule.limit.is_some()));
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused() {
        let no_day = settings::ScheduleRule::default();
        assert!(check(&settings::Settings { schedule: vec![no_day], ..settings() }).is_err());
        let no_host = settings::ServerRule::default();
        assert!(check(&settings::Settings { servers: vec![no_host], ..settings() }).is_err());
        let no_job = settings::ServerRule { host: "a".to_owned(), running_jobs: Some(0), ..Default::default() };
        assert!(check(&settings::Settings { servers: vec![no_job], ..settings() }).is_err());
        assert!(check(&settings::Settings { server_connections: 65, ..settings() }).is_err());
        for (proxy, fine) in [("http://proxy:3128", true), ("", true), ("ftp://proxy", false)] {
            let settings = settings::Settings { proxy: Some(proxy.to_owned()), ..settings() };
            assert_eq!(check(&settings).is_ok(), fine, "{proxy:?}");
        }
    }
}
