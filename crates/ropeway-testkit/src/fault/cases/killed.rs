//! Kills and power cuts, and where each is shown.

use super::super::case::{Case, tested};

pub(super) fn cases() -> Vec<Case> {
    [kills(), crash()].concat()
}

fn kills() -> Vec<Case> {
    vec![
        tested(
            "K1",
            "a hundred kills at random moments, many of them during recovery",
            "every acknowledged job ends once and whole; at most a window of a segment is fetched twice",
            "tests/it/crash.rs::heavy_a_hundred_kills_lose_nothing_and_refetch_no_more_than_a_window",
        ),
        tested(
            "K1 often",
            "killed every half second, by `get` and by the daemon",
            "gets to the end; a kill costs what came in the last 300 ms",
            "tests/it/killed_often.rs::heavy_a_get_that_is_killed_every_half_second_gets_to_its_end",
        ),
    ]
}

fn crash() -> Vec<Case> {
    vec![
        tested(
            "K7",
            "killed between the rename and the row that says it is done",
            "recognised as done: no second download, no second name",
            "crates/ropeway-engine/tests/it/crash.rs::a_file_published_before_the_crash_is_recognised_as_done",
        ),
        tested(
            "K8",
            "killed while damaged blocks are fetched again into a file aside",
            "nothing of it is left beside the file, and the next repair mends it",
            "tests/it/verify.rs::a_repair_that_is_killed_leaves_nothing_behind_and_the_next_one_mends_the_file",
        ),
        tested(
            "K11",
            "killed at any step of saving the settings",
            "the old ones or the new ones, never half of them",
            "tests/it/settings.rs::settings_are_the_old_ones_or_the_new_ones_wherever_saving_them_was_killed",
        ),
        tested(
            "K12",
            "power cuts and kills at any step of a simulated job, what was not synced lost",
            "every invariant holds, whatever the seed",
            "crates/ropeway-sim/tests/seeds.rs::every_invariant_holds_whatever_the_seed",
        ),
        tested(
            "K14",
            "a second daemon on one queue",
            "refused with a reason; the first one lives on",
            "tests/it/queue.rs::a_second_daemon_is_refused_and_the_first_one_lives_on",
        ),
        tested(
            "K16",
            "the upload service is killed between the bytes and the note of how many there are",
            "cannot be: it takes an upload whole or not at all; what a killed one left is removed",
            "crates/ropeway-serve/tests/it/stop.rs::what_a_killed_server_left_is_removed_at_the_next_start",
        ),
        tested(
            "K17",
            "an upload of a folder is killed again and again, and started again",
            "what has its name there is whole, nothing has two names, and what was told is so",
            "tests/it/upload_crash.rs::\
             heavy_a_put_that_is_killed_again_and_again_and_started_again_brings_every_file_once",
        ),
        tested(
            "K17 service",
            "the service that a folder is sent to is killed again and again meanwhile",
            "it costs the upload only time",
            "tests/it/upload_crash.rs::\
             heavy_a_service_that_is_killed_again_and_again_meanwhile_costs_a_put_only_time",
        ),
        tested(
            "K17 both",
            "both are killed at once",
            "the next upload mends it",
            "tests/it/upload_crash.rs::\
             heavy_both_ends_that_are_killed_at_once_leave_nothing_that_the_next_put_does_not_mend",
        ),
    ]
}
