use ropeway_model::ConnectionChoice;

use super::*;
use crate::settings::{OnConflictView, ScheduleRule, Theme};

fn written(folder: &Path, text: &str) {
    ropeway_files::replace(&folder.join("settings.toml"), &folder.join("draft"), text.as_bytes()).unwrap();
}

fn opened(text: &str) -> (tempfile::TempDir, SettingsFile) {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), text);
    let file = SettingsFile::open(folder.path(), Keeping::Saved);
    (folder, file)
}

fn text(folder: &tempfile::TempDir) -> String {
    fs::read_to_string(folder.path().join("settings.toml")).unwrap()
}

#[test]
fn settings_survive_and_missing_ones_have_their_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = SettingsFile::open(folder.path(), Keeping::Saved);
    let night = ScheduleRule { days: vec![1], from_minute: 1, to_minute: 2, pause: true, ..ScheduleRule::default() };
    let wanted = Settings {
        running_jobs: 7,
        download_limit: Some(1 << 20),
        proxy: Some("http://u:p@proxy:1".to_owned()),
        schedule: vec![night],
        ..file.current()
    };
    file.replace(wanted.clone()).unwrap();
    let again = SettingsFile::open(folder.path(), Keeping::Saved);
    assert_eq!((again.current(), again.notices()), (wanted.clone(), Vec::new()));
    again.replace(Settings { proxy: None, schedule: Vec::new(), ..wanted.clone() }).unwrap();
    let last = SettingsFile::open(folder.path(), Keeping::Saved).current();
    assert_eq!(last, Settings { proxy: None, schedule: Vec::new(), ..wanted });
}

#[test]
fn the_settings_of_one_process_are_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let file = SettingsFile::open(folder.path(), Keeping::ThisProcess);
    file.replace(Settings { running_jobs: 16, ..file.current() }).unwrap();
    assert_eq!(file.current().running_jobs, 16);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn settings_out_of_range_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = SettingsFile::open(folder.path(), Keeping::Saved);
    for wrong in [
        Settings { running_jobs: 0, ..file.current() },
        Settings { server_connections: 65, ..file.current() },
        Settings { upload_limit: Some(0), ..file.current() },
        Settings { upload_limit: Some(u64::MAX), ..file.current() },
        Settings { download_folder: "relative".to_owned(), ..file.current() },
    ] {
        assert_eq!(file.replace(wrong).unwrap_err().code, ApiCode::BadParams);
    }
}

/// One thing in the file that cannot be used, and whether nothing moves for it.
const FLAWS: [(&str, bool); 29] = [
    ("proxy = \"htp://user:secret@proxy:1\"", true),
    ("proxy = \"http://user:secret@proxy:1", true),
    ("proxy = 7", true),
    ("proxy \"http://user:secret@proxy:1\"", true),
    ("download_limit = \"fast\"", true),
    ("download_limit = 0", true),
    ("download_limit = 1.5", true),
    ("upload_limit = -1", true),
    ("upload_limit = [", true),
    ("schedule = [{ days = [9], from_minute = 0, to_minute = 1, pause = true }]", true),
    ("schedule = [{ days = [1], of_a_newer_version = 1 }]", true),
    ("[[schedule]]\ndays = [", true),
    ("[[schedule\npause = true", true),
    ("servers = 3", true),
    ("[[servers]]\nhost = \"\"", true),
    ("theme = \"secret of a newer version\"", false),
    ("on_conflict = \"skip\"", false),
    ("running_jobs = 200", false),
    ("connections = [", false),
    ("download_folder = \"relative\"", false),
    ("of_a_newer_version = \"secret\"", false),
    ("nothing at all", false),
    ("prxy = \"http://secret:1\"", true),
    ("download-limit = 1000", true),
    ("https_proxy = \"http://secret:1\"", true),
    ("them = \"secret\"", false),
    ("server_conections = 5", false),
    ("[[servers]]\nhost = \"a.example\"\nlimitt = 1000", true),
    ("[[schedule]]\ndays = [1]\nfrom_minute = 0\nto_minute = 1\npause = false\ndownload_limits = 5", true),
];

#[test]
fn what_protects_fails_closed_and_what_can_be_read_holds() {
    for (flaw, is_blocking) in FLAWS {
        let (_folder, file) = opened(&format!("server_connections = 3\n# end of the good part\n{flaw}\n"));
        assert_eq!(file.current().server_connections, 3, "{flaw}");
        let notices = file.notices();
        assert_eq!(notices.iter().any(|notice| notice.is_blocking), is_blocking, "{flaw}: {notices:?}");
        assert!(!notices.is_empty() && notices.iter().all(|notice| notice.message.contains("line ")), "{notices:?}");
        assert!(notices.iter().all(|notice| !notice.message.contains("secret")), "{notices:?}");
        assert_eq!(file.blocking().is_some(), is_blocking, "{flaw}");
        file.checked();
    }
}

#[test]
fn a_proxy_and_limits_hold_beside_a_line_that_cannot_be_read() {
    let good = "proxy = \"http://proxy:3128\"\ndownload_limit = 1000\n";
    for (flaw, is_blocking) in
        FLAWS.into_iter().filter(|(flaw, _)| !flaw.starts_with("proxy") && !flaw.starts_with("download_limit"))
    {
        let (folder, file) = opened(&format!("{good}# and then\n{flaw}\n"));
        let current = file.current();
        assert_eq!(
            (current.proxy.as_deref(), current.download_limit),
            (Some("http://proxy:3128"), Some(1000)),
            "{flaw}"
        );
        // A change keeps what is there, the odd line at least as a comment, and the old file beside it.
        let before = text(&folder);
        file.replace(Settings { theme: Theme::Dark, ..current }).unwrap();
        let after = text(&folder);
        assert!(after.starts_with(good) && after.contains("theme = \"dark\""), "{after}");
        assert_eq!(fs::read_to_string(folder.path().join("settings.toml.old")).unwrap(), before, "{flaw}");
        assert_eq!(file.blocking().is_some(), is_blocking, "{flaw}: what was not set anew is as unknown as before");
        if !flaw.starts_with("theme") {
            let kept = after.replace("# ", "");
            assert!(flaw.lines().all(|line| kept.contains(line)), "{flaw}: {after}");
        }
    }
}

#[test]
fn a_setting_that_is_set_anew_is_known_again() {
    let (folder, file) = opened("proxy = \"htp://proxy\"\n");
    assert!(file.blocking().is_some());
    file.replace(Settings { proxy: Some("http://proxy:1".to_owned()), ..file.current() }).unwrap();
    assert!(file.blocking().is_none());
    assert_eq!(text(&folder), "proxy = \"http://proxy:1\"\n");
    assert!(SettingsFile::open(folder.path(), Keeping::Saved).notices().is_empty());
}

#[test]
fn what_is_edited_meanwhile_is_not_lost() {
    let (folder, file) = opened("# my limits\ndownload_limit = 1000 # a second\nrunning_jobs = 3\n");
    written(folder.path(), "# my limits\ndownload_limit = 2000 # a second\nupload_limit = 500\nnew_key = 1\n");
    file.replace(Settings { connections: ConnectionChoice::number(5).unwrap(), ..file.current() }).unwrap();
    let current = file.current();
    assert_eq!(
        (current.download_limit, current.upload_limit, current.connections),
        (Some(2000), Some(500), ConnectionChoice::number(5).unwrap())
    );
    assert_eq!(current.running_jobs, Settings::default().running_jobs, "what was taken out has its default");
    let expected = "# my limits\ndownload_limit = 2000 # a second\nupload_limit = 500\nnew_key = 1\nconnections = 5\n";
    assert_eq!(text(&folder), expected);
    // What cannot be used of the edit leaves what was in force.
    written(folder.path(), "download_limit = \"x\"\non_conflict = \"ask\"\n");
    file.replace(Settings { connections: ConnectionChoice::number(6).unwrap(), ..file.current() }).unwrap();
    let current = file.current();
    assert_eq!((current.download_limit, current.on_conflict), (Some(2000), OnConflictView::Ask));
    assert_eq!(file.notices().len(), 1);
}

#[test]
fn a_line_that_sets_nothing_has_no_default() {
    let (_folder, file) = opened("download_limit = 1000\nhello there\nrunning_jobs = 0\n");
    assert_eq!(file.current().download_limit, Some(1000));
    let messages: Vec<_> = file.notices().into_iter().map(|notice| notice.message).collect();
    assert!(messages[0].contains("line 2: ") && messages[0].ends_with("nothing of it is used"), "{messages:?}");
    assert!(messages[1].contains("line 3: running_jobs") && messages[1].ends_with("default is used"), "{messages:?}");
}

#[test]
fn unknown_keys_get_a_word() {
    let (_folder, file) = opened("proxxy = \"http://proxy\"\nquota = 3\n");
    let messages: Vec<_> = file.notices().into_iter().map(|notice| notice.message).collect();
    assert!(messages[0].contains("line 1: proxxy") && messages[0].contains("'proxy' may be meant"), "{messages:?}");
    assert!(messages[1].contains("line 2: quota") && !messages[1].contains("may be meant"), "{messages:?}");
}

#[test]
fn a_file_that_cannot_be_read_at_all_holds_everything_and_is_moved_away_by_a_change() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    symlink("/dev/zero", folder.path().join("settings.toml")).unwrap();
    let file = SettingsFile::open(folder.path(), Keeping::Saved);
    assert!(file.blocking().is_some());
    file.replace(Settings { connections: ConnectionChoice::number(6).unwrap(), ..file.current() }).unwrap();
    assert!(file.blocking().is_none());
    assert_eq!(text(&folder), "connections = 6\n");
    assert!(folder.path().join("settings.toml.old").is_symlink());
    for nothing in ["/dev/null", "/nonexistent/folder"] {
        assert!(SettingsFile::open(Path::new(nothing), Keeping::Saved).notices().is_empty(), "{nothing}");
    }
}

#[test]
fn a_file_that_is_no_utf_8_holds_everything_and_its_bytes_are_kept() {
    const LATIN_1: &[u8] = b"# caf\xe9\nproxy = \"http://proxy:1\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.toml");
    ropeway_files::replace(&path, &folder.path().join("draft"), LATIN_1).unwrap();
    let file = SettingsFile::open(folder.path(), Keeping::Saved);
    assert!(file.blocking().is_some(), "{:?}", file.notices());
    file.replace(Settings { running_jobs: 6, ..file.current() }).unwrap();
    assert_eq!(text(&folder), "running_jobs = 6\n");
    assert_eq!(fs::read(folder.path().join("settings.toml.old")).unwrap(), LATIN_1);
}

#[test]
fn a_number_of_connections_is_automatic_where_the_file_says_so_or_nothing() {
    let eight = ConnectionChoice::number(8).unwrap();
    for (text, expected) in [
        ("connections = \"auto\"\n", ConnectionChoice::Automatic),
        ("# nothing", ConnectionChoice::Automatic),
        ("connections = 8\n", eight),
    ] {
        let (_folder, file) = opened(text);
        assert_eq!(file.current().connections, expected, "{text}");
    }
    let (folder, file) = opened("connections = 8\n");
    file.replace(Settings { connections: ConnectionChoice::Automatic, ..file.current() }).unwrap();
    assert_eq!(text(&folder), "connections = \"auto\"\n");
}

#[test]
fn what_is_edited_while_the_queue_runs_is_taken_up_once_the_editor_is_done() {
    let (folder, file) = opened("running_jobs = 7\n");
    assert!(!file.look_again(), "nothing was edited");
    written(folder.path(), "");
    assert!(!file.look_again(), "the editor may still write");
    written(folder.path(), "running_jobs = 9\ndownload_limit = 5000\n");
    assert!(!file.look_again(), "it does");
    assert!(file.look_again());
    assert_eq!((file.current().running_jobs, file.current().download_limit), (9, Some(5000)));
    assert!(!file.look_again(), "that is old news");
    file.replace(Settings { running_jobs: 3, download_limit: None, ..file.current() }).unwrap();
    assert!(!file.look_again() && !file.look_again(), "what the program writes is no edit");
    fs::remove_file(folder.path().join("settings.toml")).unwrap();
    assert!(!file.look_again() && file.look_again());
    assert_eq!(file.current(), defaults());
}

#[test]
fn what_is_edited_into_nonsense_is_told_and_what_held_holds() {
    let (folder, file) = opened("running_jobs = 7\n");
    written(folder.path(), "running_jobs = \"many\"\n");
    assert!(!file.look_again() && file.look_again());
    assert_eq!(file.current().running_jobs, 7);
    assert_eq!(file.notices().len(), 1);
    written(folder.path(), "running_jobs = 8\n");
    assert!(!file.look_again() && file.look_again());
    assert_eq!((file.current().running_jobs, file.notices().len()), (8, 0));
}

#[test]
fn what_protects_outlives_its_file() {
    let protecting = "proxy = \"http://proxy:1\"\nrunning_jobs = 7\n";
    for (blank, is_there) in [("", true), (" \n\t\n", true), ("\0\0\0", true), ("\u{feff}", true), ("", false)] {
        let (folder, file) = opened(protecting);
        let before = file.current();
        if is_there {
            written(folder.path(), blank);
        } else {
            fs::remove_file(folder.path().join("settings.toml")).unwrap();
        }
        assert!(!file.look_again() && file.look_again());
        assert_eq!(file.current(), before, "{blank:?}");
        let notices = file.notices();
        assert!(notices[0].message.contains("stay as they were") && !notices[0].is_blocking, "{notices:?}");
        // Any change writes them all again.
        file.replace(Settings { theme: Theme::Dark, ..before.clone() }).unwrap();
        assert_eq!(file.notices(), Vec::new());
        let again = SettingsFile::open(folder.path(), Keeping::Saved).current();
        assert_eq!(again, Settings { theme: Theme::Dark, ..before }, "{blank:?}");
    }
}

#[test]
fn what_protects_is_taken_out_by_name_or_by_its_line() {
    let (folder, file) = opened("proxy = \"http://proxy:1\"\nrunning_jobs = 7\n");
    written(folder.path(), "running_jobs = 7\n");
    assert!(!file.look_again() && file.look_again());
    assert_eq!((file.current().proxy, file.notices()), (None, Vec::new()));
    let (folder, file) = opened("proxy = \"http://proxy:1\"\n");
    fs::remove_file(folder.path().join("settings.toml")).unwrap();
    assert!(!file.look_again() && file.look_again());
    file.replace(Settings { proxy: None, ..file.current() }).unwrap();
    assert_eq!((file.current().proxy, file.notices()), (None, Vec::new()));
}

#[test]
fn a_blank_file_says_that_nothing_protects() {
    for blank in ["", "\n\n", "\0\0"] {
        let (folder, file) = opened(blank);
        let notices = file.notices();
        assert!(notices[0].message.contains("it is blank") && !notices[0].is_blocking, "{notices:?}");
        file.replace(Settings { running_jobs: 7, ..file.current() }).unwrap();
        assert_eq!((file.notices(), text(&folder)), (Vec::new(), "running_jobs = 7\n".to_owned()));
    }
}
