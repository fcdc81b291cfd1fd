//! What each call does: parameters are checked once, here, and become the engine's types.

mod add;
mod curl;
mod find;
mod jobs;
mod list;
mod metalink;
mod options;
mod servers;
mod targets;
mod uploads;
mod verify;

use ropeway_engine::EngineError;
use ropeway_model::PhaseKind;
use serde::Serialize;

use crate::{
    command::{Call, Done, Picked},
    convert,
    core::Core,
    error::{ApiCode, ApiError},
    reply::Reply,
    settings::Settings,
    settings_watch,
    view::Snapshot,
};

pub(crate) use add::pipe;

/// Carries out a call.
pub(crate) async fn dispatch(core: &Core, call: Call) -> Result<Reply, ApiError> {
    if is_traffic(&call) {
        core.refuse_blocked()?;
    }
    match call {
        Call::Snapshot(_) => snapshot(core).await,
        Call::JobAdd(params) => add::downloads(core, params).await,
        Call::UploadAdd(params) => uploads::uploads(core, params).await,
        Call::JobPause(jobs) => done(core.engine.pause(&jobs::ids(&jobs.ids)).await),
        Call::JobResume(jobs) => done(core.engine.resume(&jobs::ids(&jobs.ids)).await),
        Call::JobCancel(jobs) => done(core.engine.cancel(&jobs::ids(&jobs.ids)).await),
        Call::JobRemove(params) => reply(&jobs::remove(core, &params).await?),
        Call::PauseAll(_) => done(core.engine.pause_all().await),
        Call::ResumeAll(_) => done(core.engine.resume_all().await),
        Call::JobChange(params) => done(core.engine.change(&jobs::ids(&params.ids), jobs::change(&params)?).await),
        Call::JobMove(params) => {
            let before = params.before.map(ropeway_model::JobId::from_row);
            done(core.engine.move_jobs(&jobs::ids(&params.ids), before).await)
        }
        Call::JobRenew(params) => reply(&jobs::renew(core, params).await?),
        Call::JobAnswer(params) => reply(&jobs::answer(core, params).await?),
        Call::JobVerify(job) => reply(&verify::verify(core, job.id).await?),
        Call::JobRepair(job) => reply(&verify::repair(core, job.id).await?),
        Call::ChecksumSearch(job) => reply(&verify::checksum_search(core, job.id).await?),
        Call::ServerList(_) => reply(&servers::list(core)),
        Call::ClearFinished(_) => done(core.engine.clear_finished().await),
        Call::JobAgain(jobs) => jobs::again(core, &jobs.ids).await,
        Call::JobAddress(job) => reply(&jobs::address(core, job.id)?),
        Call::JobFind(params) => reply(&find::find(core, &params)?),
        Call::JobDetail(job) => {
            let id = ropeway_model::JobId::from_row(job.id);
            reply(&convert::detail(&core.engine.detail(id).await.map_err(ApiError::from)?))
        }
        Call::SettingsSet(settings) => reply(&set_settings(core, settings)?),
        Call::TargetSave(params) => reply(&targets::save(core, params).await?),
        Call::TargetRemove(target) => reply(&targets::remove(core, target.id).await?),
        Call::HostPick(params) => {
            let paths = core.host.pick(params.kind).await?;
            reply(&Picked { paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect() })
        }
        Call::HostOpen(job) => reply(&jobs::open(core, job.id).await?),
        Call::HostReveal(job) => reply(&jobs::reveal(core, job.id).await?),
    }
}

/// Whether the call would reach the network, or has jobs do so: none of that while the settings that protect the user are
/// not known. Every call is named, so that a new one is thought of.
const fn is_traffic(call: &Call) -> bool {
    match call {
        Call::JobAdd(_)
        | Call::UploadAdd(_)
        | Call::JobAgain(_)
        | Call::JobResume(_)
        | Call::ResumeAll(_)
        | Call::JobRenew(_)
        | Call::JobAnswer(_)
        | Call::JobRepair(_)
        | Call::ChecksumSearch(_) => true,
        Call::Snapshot(_)
        | Call::JobPause(_)
        | Call::JobCancel(_)
        | Call::JobRemove(_)
        | Call::PauseAll(_)
        | Call::JobChange(_)
        | Call::JobMove(_)
        | Call::JobVerify(_)
        | Call::ServerList(_)
        | Call::ClearFinished(_)
        | Call::JobAddress(_)
        | Call::JobFind(_)
        | Call::JobDetail(_)
        | Call::SettingsSet(_)
        | Call::TargetSave(_)
        | Call::TargetRemove(_)
        | Call::HostPick(_)
        | Call::HostOpen(_)
        | Call::HostReveal(_) => false,
    }
}

fn reply(value: &impl Serialize) -> Result<Reply, ApiError> {
    Reply::of(value)
}

fn done(changed: Result<u32, EngineError>) -> Result<Reply, ApiError> {
    reply(&Done { changed: changed? })
}

async fn snapshot(core: &Core) -> Result<Reply, ApiError> {
    let targets = targets::all(core).await?;
    let (ids, snapshot) = core.publisher.consistent(|seq, totals| {
        let snapshot = Snapshot {
            seq,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            jobs: Vec::new(),
            totals: totals.clone(),
            settings: core.settings.current().shown(),
            targets,
            host: core.host.capability(),
            notices: core.notices(),
        };
        (core.engine.order(), snapshot)
    });
    // A row may be read later than the number was: what changed meanwhile comes again in a batch behind that number.
    Reply::with_jobs(&core.engine, &snapshot, ids)
}

fn set_settings(core: &Core, settings: Settings) -> Result<Settings, ApiError> {
    let settings = settings.with_password_of(&core.settings.current());
    core.settings.replace(settings.map_err(|error| ApiError::bad_params(error.to_string()))?)?;
    Ok(settings_watch::put_in_force(core))
}

/// What to do about a job that is in a phase which a call does not fit.
const fn next_step(phase: PhaseKind) -> &'static str {
    match phase {
        PhaseKind::Completed | PhaseKind::Canceled => "It is at its end: add the download again to have it anew.",
        PhaseKind::Probing | PhaseKind::Running | PhaseKind::Verifying => {
            "Pause it first, or wait until it has come to its end."
        }
        _ => "Look at what it waits for: this call is for another state of a job.",
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let (code, hint) = match &error {
            EngineError::NoSuchJob(_) => (ApiCode::NotFound, "It may have been removed: look at the list again."),
            EngineError::WrongPhase { phase, .. } => (ApiCode::WrongPhase, next_step(*phase)),
            EngineError::NotADownload(_) => (ApiCode::BadParams, "Only a download can get another link."),
            EngineError::Store(_) | EngineError::NotDurable(_) => {
                (ApiCode::StateFailed, "Check the volume of Ropeway's data folder and the room on it, then try again.")
            }
            EngineError::NothingRecorded(_) => (
                ApiCode::NotFound,
                "Block digests are recorded as a queue downloads a file; fetch it again to have them.",
            ),
            EngineError::Disk(error) => (ApiCode::StateFailed, error.code().hint().text()),
            EngineError::Remote(error) => (ApiCode::StateFailed, error.code().hint().text()),
            EngineError::Held => {
                (ApiCode::StateFailed, "Mend the settings' file, or set the setting anew, then try again.")
            }
            EngineError::Stopping => (ApiCode::ShuttingDown, "Start Ropeway again."),
        };
        Self::new(code, error.to_string(), hint)
    }
}
