//! New uploads from the paths that a user named or dropped. Each file becomes a job or a refusal that says why.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use ropeway_engine::{DiskError, Files, Found, LeftOut, LeftOutKind, NewJobs, files_at};
use ropeway_model::{FailureCode, Transfer, UploadName, UploadProtocol, UploadTarget};

use super::{
    add::{add, has_nul, refusal},
    options::Options,
};
use crate::{
    command::{LEFT_OUT, Refusal, UploadAdd},
    core::Core,
    error::{ApiCode, ApiError},
    reply::Reply,
};

/// What is left out of one path is named up to this number; the rest is counted.
const MOST_NAMED: usize = 20;

/// Adds uploads of files, and of all files below folders.
///
/// Where each file goes is settled here, before the first byte of any: no two of one call go to one place.
pub(super) async fn uploads(core: &Core, params: UploadAdd) -> Result<Reply, ApiError> {
    let settings = core.settings.current();
    let options = Options::check(&params.options, &settings)?;
    let target = target(core, &params).await?;
    let paused = params.options.paused;
    let paths: Vec<PathBuf> = params.paths.iter().map(PathBuf::from).collect();
    let count = paths.len();
    let found =
        tokio::task::spawn_blocking(move || paths.into_iter().map(|path| (files_at(&path), path)).collect::<Vec<_>>());
    let found = found.await.map_err(|panic| ApiError::bad_params(panic.to_string()))?;
    let has_folder = found.iter().any(|(files, _)| files.as_ref().is_ok_and(|files| files.is_folder));
    if *target.protocol() == UploadProtocol::Put && !target.is_folder() && (count > 1 || has_folder) {
        return Err(one_address(&target));
    }
    let mut jobs = NewJobs::default();
    let mut refused = Vec::new();
    let mut places = Places { target: &target, taken: HashMap::new() };
    for (files, path) in found {
        let files = match files {
            _ if !path.is_absolute() || has_nul(&path) => Err(refusal(
                &path.display(),
                FailureCode::SourceMissing,
                format!("{} is no absolute path", path.display()),
            )),
            Ok(files) => Ok(files),
            Err(error) => Err(unreadable(&path, &error)),
        };
        let Files { found, left_out, .. } = match files {
            Ok(files) => files,
            Err(unreadable) => {
                refused.push(unreadable);
                continue;
            }
        };
        for file in found {
            match places.take(&file) {
                Ok(to) => jobs.push(&options.spec(Transfer::Upload { from: file.path, to })),
                Err(collision) => refused.push(collision),
            }
        }
        refused.extend(told(&path, &left_out));
    }
    if jobs.len() > 1 && options.is_for_one_file() {
        return Err(ApiError::bad_params("a checksum goes with a single file only"));
    }
    add(core, jobs, refused, paused).await
}

/// Where the files of one call go.
struct Places<'a> {
    target: &'a UploadTarget,
    /// The file that each place belongs to.
    taken: HashMap<Vec<String>, PathBuf>,
}

impl Places<'_> {
    /// The target of a file, in whose place no other one goes.
    fn take(&mut self, file: &Found) -> Result<UploadTarget, Refusal> {
        // Each upload gets an address of its own, whatever its file is called.
        if *self.target.protocol() == UploadProtocol::Tus {
            return Ok(self.target.clone());
        }
        let name = UploadName::of(&file.path);
        let is_form = matches!(self.target.protocol(), UploadProtocol::Form { .. });
        // A form tells its file's name and nothing of its folders.
        let folders = if is_form { &[][..] } else { &file.folders[..] };
        let place = folders.iter().chain([&name]).map(|name| self.key(name)).collect();
        if let Some(first) = self.taken.get(&place) {
            let message = format!(
                "{} would go where {} goes: {}",
                file.path.display(),
                first.display(),
                self.target.below(folders).url_for(&name),
            );
            return Err(refusal(&file.path.display(), FailureCode::NamesCollide, message));
        }
        self.taken.insert(place, file.path.clone());
        Ok(self.target.below(folders))
    }

    /// What names of one place have in common: unless the user knows better, the server may be one that folds names.
    fn key(&self, name: &UploadName) -> String {
        if self.target.options().exact_case { name.segment() } else { name.folded() }
    }
}

fn one_address(target: &UploadTarget) -> ApiError {
    let message = format!("{target} is the address of one file, where each one would replace the one before");
    ApiError::new(ApiCode::BadParams, message, "End the target in / to send them into a folder of that name.")
}

fn unreadable(path: &Path, error: &DiskError) -> Refusal {
    match error {
        DiskError::Missing { .. } => {
            let message = format!("{} does not exist", path.display());
            refusal(&path.display(), FailureCode::SourceMissing, message)
        }
        DiskError::NotAFile { .. } => {
            let message = format!("{} is a pipe, a socket or a device, whose length nobody knows", path.display());
            refusal(&path.display(), FailureCode::NotAFile, message)
        }
        error => refusal(&path.display(), error.code(), error.to_string()),
    }
}

/// What is not sent of a folder. A folder that is too deep may hold files and is a failure; a link, a pipe, a socket or a
/// device holds none of its own, and is only told of.
fn told(folder: &Path, left_out: &[LeftOut]) -> Vec<Refusal> {
    let (missed, passed_over): (Vec<_>, Vec<_>) = left_out.iter().partition(|left| left.kind == LeftOutKind::TooDeep);
    let failed = |input: &Path, message| refusal(&input.display(), FailureCode::NotAFile, message);
    let noted = |input: &Path, message| Refusal {
        input: input.display().to_string(),
        code: LEFT_OUT.to_owned(),
        message,
        hint: "Name what a link leads to, to have it sent.".to_owned(),
    };
    let mut told = told_of(folder, &missed, &failed);
    told.extend(told_of(folder, &passed_over, &noted));
    told
}

/// The first of them by name, the rest by number.
fn told_of(folder: &Path, left_out: &[&LeftOut], refuse: &dyn Fn(&Path, String) -> Refusal) -> Vec<Refusal> {
    let (named, counted) = left_out.split_at(left_out.len().min(MOST_NAMED));
    let of_one =
        |left: &&LeftOut| refuse(&left.path, format!("{} is left out: it is {}", left.path.display(), left.kind));
    let mut told: Vec<_> = named.iter().map(of_one).collect();
    if !counted.is_empty() {
        let are = if counted.len() == 1 { "is" } else { "are" };
        let message = format!("{} more below {} {are} left out", counted.len(), folder.display());
        told.push(refuse(folder, message));
    }
    told
}

async fn target(core: &Core, params: &UploadAdd) -> Result<UploadTarget, ApiError> {
    if let Some(id) = params.target_id {
        let saved = core.engine.targets().await?.into_iter().find(|saved| saved.id.row() == id);
        let hint = "Choose another target.";
        return saved
            // Also one that was saved before this was seen to.
            .map(|saved| saved.target.as_folder())
            .ok_or_else(|| ApiError::new(ApiCode::NotFound, format!("there is no target {id}"), hint));
    }
    let address = params.target.as_deref().unwrap_or_default();
    address.parse().map_err(|error: ropeway_model::TargetParseError| {
        ApiError::new(
            ApiCode::BadParams,
            error.to_string(),
            "Write https://host/folder/, tus+https://host/files/ or form+https://…#field=file.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, folders: &[&str]) -> Found {
        Found { path: path.into(), folders: folders.iter().map(|folder| UploadName::from(*folder)).collect() }
    }

    #[test]
    fn files_of_one_name_are_uploads_of_their_own_to_tus() {
        let files = [file("/a/x.bin", &["a"]), file("/b/x.bin", &["b"]), file("/x.bin", &[])];
        assert_eq!(refused("tus+https://tus.example/files/", &files), Vec::<String>::new());
        assert_eq!(refused("form+https://nas.example/up#field=file", &files).len(), 2);
    }

    fn refused(target: &str, files: &[Found]) -> Vec<String> {
        let target = target.parse().unwrap();
        let mut places = Places { target: &target, taken: HashMap::new() };
        files.iter().filter_map(|file| places.take(file).err()).map(|refusal| refusal.input).collect()
    }

    #[test]
    fn no_two_files_of_one_call_go_to_one_place() {
        let put = "https://nas.example/in/";
        let form = "form+https://nas.example/up#field=file";
        for (target, files, expected) in [
            (put, [file("/x/a.txt", &[]), file("/y/a.txt", &[])], Some("/y/a.txt")),
            (put, [file("/x/a.txt", &[]), file("/x/A.TXT", &[])], Some("/x/A.TXT")),
            (put, [file("/x/e\u{301}", &[]), file("/x/é", &[])], Some("/x/é")),
            (put, [file("/x/d/a.txt", &["d"]), file("/x/D/a.txt", &["D"])], Some("/x/D/a.txt")),
            (put, [file("/x/a.txt", &[]), file("/x/d/a.txt", &["d"])], None),
            (put, [file("/x/a\\b.txt", &[]), file("/x/b.txt", &[])], None),
            ("https://nas.example/in/#case=exact", [file("/x/a", &[]), file("/x/A", &[])], None),
            ("https://nas.example/in/#case=exact", [file("/x/a", &[]), file("/y/a", &[])], Some("/y/a")),
            (form, [file("/x/a.txt", &["x"]), file("/y/a.txt", &["y"])], Some("/y/a.txt")),
            (form, [file("/x/a.txt", &[]), file("/x/b.txt", &[])], None),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(refused(target, &files), expected, "{target} {files:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_named_and_the_rest_counted() {
        let left = |number: usize| LeftOut { path: format!("/x/{number}").into(), kind: LeftOutKind::Link };
        let deep = LeftOut { path: "/x/deep".into(), kind: LeftOutKind::TooDeep };
        let mut told = told(Path::new("/x"), &(0..25).map(left).chain([deep]).collect::<Vec<_>>());
        let missed = told.remove(0);
        assert_eq!((&*missed.input, &*missed.code), ("/x/deep", "SOURCE_NOT_A_FILE"), "files may be in there");
        assert_eq!(told.len(), MOST_NAMED + 1);
        assert!(told.iter().all(|told| told.code == LEFT_OUT), "nothing of these is missed");
        assert!(told[0].message.contains("/x/0") && told[0].message.contains("link"), "{:?}", told[0]);
        assert!(told[MOST_NAMED].message.starts_with("5 more"), "{:?}", told[MOST_NAMED]);
    }
}
