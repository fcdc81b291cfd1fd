//! Calls on saved upload targets.

use ropeway_engine::SavedTarget;
use ropeway_model::SavedTargetId;

use crate::{
    command::{Done, TargetSave},
    core::Core,
    error::{ApiCode, ApiError},
    event::Event,
    view::TargetView,
};

/// Longer names do not fit anywhere they are shown.
const LONGEST_NAME: usize = 80;

pub(super) async fn all(core: &Core) -> Result<Vec<TargetView>, ApiError> {
    let mut targets: Vec<_> = core.engine.targets().await?.iter().map(view).collect();
    targets.sort_by_key(|target| target.name.to_lowercase());
    Ok(targets)
}

pub(super) async fn save(core: &Core, params: TargetSave) -> Result<TargetView, ApiError> {
    let name = params.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(ApiError::bad_params(format!("a target's name has 1 to {LONGEST_NAME} characters")));
    }
    let all = core.engine.targets().await?;
    let had = match params.id {
        Some(id) => Some(all.iter().find(|saved| saved.id.row() == id).ok_or_else(|| gone(id))?),
        None => None,
    };
    let target = match (had, params.address.trim()) {
        (Some(had), "") => had.target.clone(),
        (_, address) => address.parse().map_err(|error: ropeway_model::TargetParseError| {
            let hint = "Write https://host/folder/, tus+https://host/files/ or form+https://…#field=file.";
            ApiError::new(ApiCode::BadParams, error.to_string(), hint)
        })?,
    };
    // Many files will go to it, each under its own name.
    let target = target.as_folder();
    let renamed = had.filter(|had| had.name != name);
    if renamed.is_some() && all.iter().any(|saved| saved.name == name) {
        return Err(ApiError::bad_params(format!("there is another target with the name {name}")));
    }
    let saved = core.engine.save_target(name.to_owned(), target).await?;
    // Last, so that a crash in between leaves one too many and not one too few.
    if let Some(had) = renamed {
        core.engine.remove_target(had.id).await?;
    }
    publish(core).await?;
    Ok(view(&saved))
}

pub(super) async fn remove(core: &Core, id: i64) -> Result<Done, ApiError> {
    if !core.engine.remove_target(SavedTargetId::from_row(id)).await? {
        return Err(gone(id));
    }
    publish(core).await?;
    Ok(Done { changed: 1 })
}

fn gone(id: i64) -> ApiError {
    let hint = "It may have been removed: look at the list again.";
    ApiError::new(ApiCode::NotFound, format!("there is no target {id}"), hint)
}

async fn publish(core: &Core) -> Result<(), ApiError> {
    let targets = all(core).await?;
    core.publisher.publish(vec![Event::Targets { targets }]);
    Ok(())
}

fn view(saved: &SavedTarget) -> TargetView {
    TargetView { id: saved.id.row(), name: saved.name.clone(), address: saved.target.to_string() }
}
