//! What each call does: parameters are checked once, here, and become the engine's types.

mod add;
mod curl;
mod jobs;
mod options;
mod targets;

use ropeway_engine::EngineError;
use serde::Serialize;
use serde_json::Value;

use crate::{
    api::Inner,
    command::{Call, Done, Picked},
    convert,
    error::{ApiCode, ApiError},
    event::Event,
    settings::Settings,
    view::Snapshot,
};

/// Carries out a call.
pub(crate) async fn dispatch(inner: &Inner, call: Call) -> Result<Value, ApiError> {
    match call {
        Call::Snapshot(_) => reply(&snapshot(inner).await?),
        Call::JobAdd(params) => reply(&add::downloads(inner, params).await?),
        Call::UploadAdd(params) => reply(&add::uploads(inner, params).await?),
        Call::JobPause(jobs) => done(inner.engine.pause(&jobs::ids(&jobs.ids)).await),
        Call::JobResume(jobs) => done(inner.engine.resume(&jobs::ids(&jobs.ids)).await),
        Call::JobCancel(jobs) => done(inner.engine.cancel(&jobs::ids(&jobs.ids)).await),
        Call::JobRemove(params) => done(inner.engine.remove(&jobs::ids(&params.ids), params.delete_files).await),
        Call::PauseAll(_) => done(inner.engine.pause_all().await),
        Call::ResumeAll(_) => done(inner.engine.resume_all().await),
        Call::JobChange(params) => done(inner.engine.change(&jobs::ids(&params.ids), jobs::change(&params)?).await),
        Call::JobMove(params) => {
            let before = params.before.map(ropeway_model::JobId::from_row);
            done(inner.engine.move_jobs(&jobs::ids(&params.ids), before).await)
        }
        Call::ClearFinished(_) => done(inner.engine.clear_finished().await),
        Call::JobDetail(job) => {
            let id = ropeway_model::JobId::from_row(job.id);
            reply(&convert::detail(&inner.engine.detail(id).await.map_err(ApiError::from)?))
        }
        Call::SettingsSet(settings) => reply(&set_settings(inner, settings)?),
        Call::TargetSave(params) => reply(&targets::save(inner, params).await?),
        Call::TargetRemove(target) => reply(&targets::remove(inner, target.id).await?),
        Call::HostPick(params) => {
            let paths = inner.host.pick(params.kind).await?;
            reply(&Picked { paths: paths.iter().map(|path| path.to_string_lossy().into_owned()).collect() })
        }
        Call::HostReveal(job) => reply(&jobs::reveal(inner, job.id).await?),
    }
}

fn reply(value: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(|error| {
        let hint = "This is a defect of Ropeway: please report it.";
        ApiError::new(ApiCode::StateFailed, format!("the reply cannot be written as JSON: {error}"), hint)
    })
}

fn done(changed: Result<u32, EngineError>) -> Result<Value, ApiError> {
    reply(&Done { changed: changed? })
}

async fn snapshot(inner: &Inner) -> Result<Snapshot, ApiError> {
    let targets = targets::all(inner).await?;
    Ok(inner.publisher.consistent(|seq, totals| Snapshot {
        seq,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        jobs: inner.engine.jobs().iter().map(convert::job).collect(),
        totals: totals.clone(),
        settings: inner.settings.current(),
        targets,
        host: inner.host.capability(),
    }))
}

fn set_settings(inner: &Inner, settings: Settings) -> Result<Settings, ApiError> {
    inner.settings.replace(settings)?;
    inner.engine.set_limits(inner.settings.limits());
    let settings = inner.settings.current();
    inner.publisher.publish(vec![Event::Settings { settings: settings.clone() }]);
    Ok(settings)
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let (code, hint) = match &error {
            EngineError::NoSuchJob(_) => (ApiCode::NotFound, "It may have been removed: look at the list again."),
            EngineError::WrongPhase { .. } => (ApiCode::WrongPhase, "Wait until the job has settled."),
            EngineError::Store(_) | EngineError::NotDurable(_) => {
                (ApiCode::StateFailed, "Check the volume of Ropeway's data folder, then try again.")
            }
            EngineError::Stopping => (ApiCode::ShuttingDown, "Start Ropeway again."),
        };
        Self::new(code, error.to_string(), hint)
    }
}
