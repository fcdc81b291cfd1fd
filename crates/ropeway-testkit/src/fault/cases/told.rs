//! U and L: what no other client has, or has otherwise, and where it is shown.

use super::super::case::{Case, tested};

pub(super) fn cases() -> Vec<Case> {
    [sent(), named(), lists(), streams(), queue(), words()].concat()
}

fn sent() -> Vec<Case> {
    vec![
        tested(
            "U1",
            "a folder of more files than a batch of changes tells of",
            "it ends, and each failure among them is told",
            "tests/it/upload.rs::\
             heavy_a_folder_of_more_files_than_a_batch_tells_of_comes_to_its_end",
        ),
        tested(
            "U4 octets",
            "two names that are no UTF-8 and differ in an octet",
            "each at an address of its own",
            "tests/it/upload.rs::\
             names_that_are_no_utf_8_go_to_addresses_of_their_own",
        ),
        tested(
            "U8",
            "sent again after a kill, what had arrived is there already",
            "done, not refused",
            "tests/it/upload_crash.rs::\
             heavy_a_put_that_is_killed_again_and_again_and_started_again_brings_every_file_once",
        ),
        tested(
            "U9",
            "links, pipes, sockets and folders too deep in a folder that is sent",
            "left out, and said",
            "tests/it/upload.rs::\
             what_is_left_out_of_a_folder_is_said",
        ),
        tested(
            "U10 exact",
            "503 with `Retry-After: 1`: when it is sent again",
            "behind the second, and no later than without the field",
            "crates/ropeway-engine/tests/it/upload.rs::\
             an_upload_that_is_told_when_to_come_back_waits_so_long_and_no_longer",
        ),
    ]
}

fn named() -> Vec<Case> {
    vec![
        tested(
            "U12",
            "the file is not the one that the user gave the checksum of",
            "found before the first byte is sent",
            "crates/ropeway-engine/tests/it/upload.rs::\
             a_file_that_is_not_the_one_the_checksum_is_of_is_not_sent",
        ),
        tested(
            "U13",
            "standard input, a pipe, a file of `/proc`",
            "refused with a clear word, before a request",
            "tests/it/upload.rs::\
             what_has_no_length_is_refused_with_a_clear_word",
        ),
        tested(
            "U14",
            "quotes and line ends in the names of a form",
            "escaped as browsers do",
            "crates/ropeway-drivers/tests/behaviour/upload.rs::\
             a_forms_names_are_escaped_as_browsers_do",
        ),
        tested(
            "U15",
            "names that are too long, empty or no UTF-8, sent to the own service",
            "what is wrong with the name is said",
            "crates/ropeway-serve/tests/it/again.rs::\
             what_is_wrong_with_a_name_is_said",
        ),
        tested(
            "U15 composed",
            "one name in two forms of Unicode, by PUT and by form",
            "one file",
            "crates/ropeway-serve/tests/it/again.rs::\
             a_name_is_stored_composed_however_it_comes_and_found_either_way",
        ),
    ]
}

fn lists() -> Vec<Case> {
    vec![
        tested(
            "L1",
            "a list with a byte order mark, a letter in Latin-1, a blank without width",
            "read for what it means; a bad line costs itself alone",
            "tests/it/lists.rs::\
             a_list_in_any_encoding_is_read_and_one_bad_line_costs_itself_alone",
        ),
        tested(
            "L2",
            "names and options of a list, behind a TAB and indented",
            "followed; a TAB is no part of an address",
            "tests/it/lists.rs::\
             names_and_options_of_a_list_are_followed",
        ),
        tested(
            "L3",
            "a list is fetched a second time",
            "nothing comes twice",
            "tests/it/lists.rs::\
             a_list_that_is_run_again_fetches_nothing_again",
        ),
        tested(
            "L3 queue",
            "a list is added to the queue a second time",
            "nothing is queued twice",
            "tests/it/lists.rs::\
             a_list_is_added_to_the_queue_once",
        ),
        tested(
            "L4",
            "the name is taken, and the user wants no file replaced",
            "refused before a byte of the file is fetched",
            "crates/ropeway-engine/tests/it/existing.rs::\
             who_takes_any_file_and_who_wants_none_replaced_asks_for_nothing_in_vain",
        ),
        tested(
            "L5",
            "the date that the server names",
            "the file has it",
            "crates/ropeway-engine/tests/it/existing.rs::\
             a_file_gets_the_time_that_its_server_names_unless_the_user_wants_another",
        ),
        tested(
            "L6",
            "a pasted curl command for bash, the Windows prompt or PowerShell",
            "read as that shell reads it",
            "crates/ropeway-api/src/calls/curl/words.rs::\
             what_bash_is_given_is_read_as_bash_reads_it",
        ),
        tested(
            "L6 flags",
            "joined flags, and those that do not matter here",
            "taken; what cannot be done is refused by name",
            "crates/ropeway-api/src/calls/curl/mod.rs::\
             flags_may_be_joined_and_common_ones_are_taken",
        ),
    ]
}

fn streams() -> Vec<Case> {
    vec![
        tested(
            "L7",
            "`-o -`, a pipe, a device, a folder",
            "what each of them can take",
            "tests/it/stream.rs::\
             pipes_devices_and_folders_get_what_they_can_take",
        ),
        tested(
            "L7 broken",
            "the connection breaks while a pipe is served",
            "goes on where it was, and mixes nothing",
            "tests/it/stream.rs::\
             a_stream_that_breaks_goes_on_where_it_was_with_and_without_ranges",
        ),
        tested(
            "L8",
            "output that cannot be written (`/dev/full`)",
            "a failure",
            "tests/it/own_files.rs::\
             output_that_is_not_taken_is_a_failure",
        ),
        tested(
            "L9",
            "a number without a unit where a rate is meant",
            "refused, and nothing is limited to 62 B/s",
            "tests/it/change.rs::\
             a_number_without_a_unit_is_no_rate",
        ),
        tested(
            "L10",
            "a proxy in the environment that is misspelt",
            "an error, never the direct way",
            "tests/it/own_files.rs::\
             a_misspelt_proxy_is_an_error_and_never_the_direct_way",
        ),
        tested(
            "L11",
            "a setting that protects cannot be read",
            "nothing moves, and the file is kept",
            "tests/it/own_files.rs::\
             settings_that_protect_and_cannot_be_read_let_nothing_move_and_are_kept",
        ),
        tested(
            "L11 edited",
            "the settings are edited while the daemon runs",
            "not lost by the next change",
            "crates/ropeway-api/src/settings_file/tests.rs::\
             what_is_edited_meanwhile_is_not_lost",
        ),
        tested(
            "L12",
            "a home that can only be read",
            "a single command does without, and says what is lost",
            "tests/it/own_files.rs::\
             a_read_only_home_breaks_no_get_and_says_what_is_lost",
        ),
    ]
}

fn queue() -> Vec<Case> {
    vec![
        tested(
            "L13",
            "what earlier commands left unfinished",
            "can be listed and forgotten; no login is stored",
            "tests/it/own_files.rs::\
             what_gets_left_is_listed_and_forgotten_and_holds_no_login",
        ),
        tested(
            "L14",
            "a checksum is given for what is complete",
            "compared at once; a wrong one is a failure",
            "tests/it/change.rs::\
             a_checksum_that_is_given_behind_the_end_is_compared_at_once",
        ),
        tested(
            "L15",
            "a pause by the schedule",
            "called so, and not watched without end",
            "tests/it/own_files.rs::\
             a_pause_by_schedule_is_called_so_and_is_not_watched",
        ),
        tested(
            "L15 get",
            "a single command while the schedule pauses",
            "waits, unless it is told not to",
            "tests/it/download.rs::\
             a_get_follows_the_schedule_unless_it_is_told_not_to",
        ),
        tested(
            "L16",
            "a job of the daemon fails",
            "its log says so, without colours and secrets, and the list says why",
            "tests/it/own_files.rs::\
             the_log_tells_of_failed_jobs_without_colours_or_secrets",
        ),
    ]
}

fn words() -> Vec<Case> {
    vec![
        tested(
            "L17",
            "a transfer is watched from its middle on",
            "speed and seconds are those that were seen",
            "crates/ropeway-cli/src/run/run_state.rs::\
             who_begins_to_watch_in_the_middle_saw_only_the_rest",
        ),
        tested(
            "L18",
            "nobody says a word off a terminal",
            "every ten seconds how far it is and what it waits for",
            "crates/ropeway-cli/src/output/lines.rs::\
             now_and_then_a_run_says_how_far_it_is_and_what_it_waits_for",
        ),
        tested(
            "L18 tries",
            "tries and time-outs of the user",
            "hold for that command",
            "tests/it/download.rs::\
             the_user_chooses_how_often_is_tried_and_how_long_is_waited",
        ),
        tested(
            "L19",
            "a link is signed anew, and the command given again",
            "goes on with what the old one left",
            "tests/it/resume.rs::\
             a_link_that_was_signed_anew_goes_on_with_what_the_old_one_left",
        ),
        tested(
            "L20",
            "a handshake is refused",
            "said so, and not blamed on a certificate",
            "crates/ropeway-drivers/src/send/error.rs::\
             a_handshake_is_told_in_words",
        ),
        tested(
            "L20 magnet",
            "an address of another kind",
            "said so, and not that it names no host",
            "crates/ropeway-model/src/redact.rs::\
             an_address_of_another_kind_is_told_from_one_that_lacks_its_scheme",
        ),
    ]
}
