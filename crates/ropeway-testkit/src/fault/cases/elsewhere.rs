//! What cannot be provoked from outside, or not in the time of a suite, and where it is shown instead.

use super::{
    super::case::{Case, open, tested},
    killed,
};

pub(super) fn cases() -> Vec<Case> {
    [network(), servers(), versions(), disk(), killed::cases(), clocks(), names(), exhaustion()].concat()
}

fn network() -> Vec<Case> {
    vec![
        tested(
            "N19",
            "a server packs a folder for whoever asks, and is silent meanwhile",
            "waited for, and asked for once",
            "crates/ropeway-engine/tests/it/packing.rs::\
             a_file_that_is_made_for_whoever_asks_is_waited_for_and_asked_for_once",
        ),
        tested(
            "N3",
            "one address of a host swallows everything, another one is healthy",
            "it costs a moment only (Happy Eyeballs)",
            "crates/ropeway-drivers/tests/behaviour/families.rs::\
             an_address_that_swallows_everything_holds_a_healthy_one_up_for_a_moment_only",
        ),
        tested(
            "N3 both",
            "all addresses of a host swallow everything",
            "given up within 30 s, whatever their number",
            "crates/ropeway-drivers/tests/behaviour/families.rs::\
             a_host_whose_addresses_all_swallow_everything_is_given_up_within_thirty_seconds",
        ),
        tested(
            "N13",
            "the network is gone for a while",
            "jobs wait without spending attempts, and run again within seconds",
            "crates/ropeway-engine/tests/it/blockers.rs::\
             jobs_wait_for_the_network_without_spending_tries_and_go_on_within_seconds",
        ),
        tested(
            "N14",
            "the machine sleeps for hours",
            "dead connections are found soon",
            "crates/ropeway-engine/tests/it/blockers.rs::\
             after_a_sleep_of_the_machine_dead_connections_are_not_waited_for",
        ),
        tested(
            "N17",
            "a limit on one job, changed while it runs",
            "never more than it over ten seconds, counted at the server",
            "tests/it/limit.rs::heavy_a_download_limit_holds_follows_a_change_and_survives_a_restart",
        ),
        tested(
            "N18",
            "the server dies midway, refuses for a while, and comes back",
            "it costs only time",
            "tests/it/download.rs::a_nginx_that_dies_midway_and_comes_back_costs_only_time",
        ),
    ]
}

fn servers() -> Vec<Case> {
    vec![
        tested(
            "S23",
            "a server that fails job after job",
            "a rest for all its jobs, then one probe at a time",
            "crates/ropeway-engine/src/hosts/breaker.rs::\
             one_probe_at_a_time_and_each_failed_one_doubles_the_rest_up_to_five_minutes",
        ),
        tested(
            "S23 few",
            "a few addresses of a server answer 503 for good, with and without Retry-After",
            "its other files come all the same",
            "crates/ropeway-engine/tests/it/hosts.rs::\
             a_few_addresses_that_cannot_be_had_keep_none_that_can_from_being_fetched",
        ),
        tested(
            "S23 restart",
            "a server is restarted and refuses connections meanwhile, a thousand jobs wait for it",
            "in use again within two seconds, one probe at a time",
            "crates/ropeway-engine/tests/it/hosts.rs::\
             a_server_that_restarts_is_in_use_again_within_two_seconds_and_a_thousand_jobs_ask_no_more_than_one",
        ),
        tested(
            "S23 list",
            "503 to each of a hundred queued jobs",
            "far fewer requests than jobs in the first seconds",
            "tests/it/fault/ground.rs::a_server_that_fails_every_job_of_a_long_list_is_asked_less_and_less",
        ),
    ]
}

fn versions() -> Vec<Case> {
    vec![
        tested(
            "V10 blocks",
            "a block of the part was overwritten meanwhile",
            "only that block is fetched again",
            "crates/ropeway-engine/tests/it/blocks.rs::\
             of_a_part_file_that_was_edited_only_the_damaged_block_and_the_unproved_end_are_fetched_again",
        ),
        tested(
            "V14",
            "the link has expired, and the user gives a new one",
            "length and bytes are compared, and every byte is kept",
            "crates/ropeway-engine/tests/it/expired.rs::a_new_link_to_the_same_file_keeps_every_byte",
        ),
        tested(
            "V15 pieces",
            "the same, and a Metalink has the digests of the pieces",
            "the mirror with other bytes is found and left; the file is whole",
            "crates/ropeway-engine/tests/it/mirrors.rs::\
             the_digests_of_pieces_isolate_a_mirror_with_other_bytes",
        ),
        tested(
            "A6",
            "a server of the internet leads to 127.0.0.1, 2130706433, localhost, ::ffff:127.0.0.1 or 10.0.0.1, by a \
             redirect or in a Metalink",
            "refused before a request is sent there",
            "tests/it/nearer.rs::\
             a_server_of_the_internet_leads_neither_to_this_machine_nor_to_its_network",
        ),
        tested(
            "A8",
            "cookies imported from a browser",
            "sent only where their domain, path and security allow",
            "crates/ropeway-drivers/src/credential/cookies.rs::\
             a_cookie_goes_only_where_its_domain_path_and_security_allow",
        ),
        tested(
            "A12 socks",
            "a SOCKS proxy that resolves names",
            "the name goes to the proxy; nobody else is asked for it",
            "crates/ropeway-drivers/tests/behaviour/proxy.rs::\
             a_socks_proxy_gets_the_name_where_it_is_to_resolve_it_and_the_address_otherwise",
        ),
    ]
}

fn disk() -> Vec<Case> {
    vec![
        tested(
            "D16 taken",
            "the same, and the name is taken",
            "what has it keeps its bytes",
            "crates/ropeway-flow/src/disk/rename.rs::\
             a_name_that_is_taken_is_never_touched_on_any_kind_of_volume",
        ),
        tested(
            "D16",
            "the volume has neither a rename that replaces nothing nor hard links",
            "found out before the first byte; the file gets its name all the same, over no other",
            "crates/ropeway-flow/src/disk/rename.rs::\
             a_file_gets_a_free_name_on_every_kind_of_volume",
        ),
        tested(
            "D2 resumed",
            "the volume is full in the middle, and gets room",
            "goes on; nothing durable is fetched again",
            "tests/it/faults.rs::a_full_disk_keeps_what_it_has_and_goes_on_when_there_is_room",
        ),
        tested(
            "D5",
            "the folder is no folder (any more)",
            "its own job stops, with a reason; the others go on",
            "tests/it/faults.rs::a_folder_that_cannot_be_written_stops_its_own_job_only",
        ),
        tested(
            "D7",
            "the temporary place and the target are on different volumes",
            "cannot be: the part lies beside its file",
            "tests/it/resume.rs::a_get_that_is_asked_to_stop_says_how_to_resume_and_resumes",
        ),
        tested(
            "D2 parked",
            "the volume is full, and other jobs have room",
            "parked without a try until there is room, and then goes on",
            "crates/ropeway-engine/tests/it/blockers.rs::\
             a_full_volume_parks_the_job_with_its_bytes_and_room_lets_it_go_on",
        ),
        tested(
            "D13",
            "other users look into the folder of the queue",
            "queue, log and address of the daemon are readable by their user only",
            "tests/it/fault/ground.rs::what_is_stored_can_be_read_by_its_user_only",
        ),
        tested(
            "D14 queue",
            "a sync of one file that does not end",
            "its bytes go on to arrive and count for nothing; other jobs end meanwhile",
            "crates/ropeway-engine/tests/it/slow_disk.rs::\
             a_sync_that_takes_long_holds_up_neither_its_transfer_nor_the_engine",
        ),
        tested(
            "D15",
            "the volume of the queue is full",
            "a single command says so, and its transfer goes on",
            "tests/it/faults.rs::a_full_volume_under_the_queue_of_a_single_command_is_told_and_breaks_nothing",
        ),
    ]
}

fn clocks() -> Vec<Case> {
    vec![
        tested(
            "T1",
            "the wall clock jumps by a year while a job waits",
            "it waits as long as it was to",
            "crates/ropeway-engine/tests/it/wall_clock.rs::\
             a_wait_is_as_long_as_it_was_to_be_when_the_clock_jumps_by_a_year",
        ),
        tested(
            "T1 running",
            "the wall clock jumps by a year while bytes come",
            "speed and limit do not notice",
            "crates/ropeway-engine/tests/it/wall_clock.rs::\
             speed_and_limit_of_a_running_download_do_not_notice_a_jump_of_the_clock",
        ),
        tested(
            "T1 restart",
            "the wall clock is a year behind after a restart",
            "nobody waits longer than the longest wait there is",
            "crates/ropeway-engine/tests/it/wall_clock.rs::\
             a_clock_that_was_set_back_by_a_year_between_two_starts_delays_nothing_by_more_than_the_longest_wait",
        ),
        tested(
            "T2",
            "summer time begins and ends; the 29th of February",
            "a rule of the schedule begins once a day",
            "crates/ropeway-flow/src/clock.rs::\
             a_rule_begins_once_a_day_also_where_the_clock_is_set_and_on_a_leap_day",
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        tested(
            "R1",
            "a thousand changes of mind: pause, resume, cancel",
            "one terminal state, no deadlock",
            "crates/ropeway-engine/tests/it/control.rs::a_thousand_changes_of_mind_end_in_one_terminal_state",
        ),
        tested(
            "R2",
            "canceled during the last sync, or during the rename",
            "done, or no file is left",
            "crates/ropeway-engine/tests/it/slow_disk.rs::\
             a_job_canceled_during_its_last_sync_or_its_rename_is_done_or_leaves_no_file",
        ),
        tested(
            "R5",
            "the window, the command line and the tray edit one job at once",
            "one after the other; what is stored is what is shown",
            "crates/ropeway-engine/tests/it/many_hands.rs::\
             edits_from_many_hands_happen_one_after_the_other_and_the_row_is_what_is_shown",
        ),
        tested(
            "R6",
            "another program has the queue's file locked",
            "waited for; no change is lost, and none acknowledged before",
            "crates/ropeway-store/tests/it/shared_file.rs::\
             a_queue_that_somebody_else_has_locked_is_waited_for_and_no_change_is_lost",
        ),
        tested(
            "R8",
            "the file changes while it is uploaded",
            "noticed; the new version is sent, and never a mixture acknowledged",
            "crates/ropeway-engine/tests/it/upload.rs::\
             a_source_that_changes_while_it_is_sent_is_never_reported_as_sent",
        ),
        tested(
            "R3",
            "the same file fetched twice at once",
            "two names or one owner, never mixed bytes",
            "tests/it/download.rs::two_gets_of_the_same_file_at_once_never_mix_their_bytes",
        ),
        tested(
            "F1",
            "187 known forms of Content-Disposition",
            "an accepted name or none, never an unsafe one",
            "crates/ropeway-wire/src/content_disposition/tests.rs::\
             every_known_header_gives_an_accepted_name_or_none",
        ),
        tested(
            "F5",
            "names that Windows reserves, trailing dots and spaces",
            "harmless names",
            "crates/ropeway-model/src/file_name.rs::hostile_names_become_harmless",
        ),
        tested(
            "F6 others",
            "streams, and the other kinds of files that act when a folder is opened",
            "harmless names",
            "crates/ropeway-model/src/file_name.rs::files_that_act_when_a_folder_is_opened_get_an_ending_that_does_not",
        ),
        tested(
            "F10 folder",
            "the folder is swapped for a link to another one while bytes come",
            "nothing is written through the link; the job stops with a reason",
            "crates/ropeway-engine/tests/it/names.rs::\
             a_folder_that_is_swapped_for_a_link_midway_is_not_written_through",
        ),
    ]
}

fn exhaustion() -> Vec<Case> {
    vec![
        tested(
            "X1",
            "a hundred thousand queued jobs",
            "35 MB of memory for all of them, counted by the job when they are added, shown and read again",
            "tests/it/memory.rs::heavy_a_queued_job_takes_few_bytes_when_added_when_shown_and_after_a_restart",
        ),
        tested(
            "X2 list",
            "256 descriptors for 60 files on up to 512 connections",
            "fewer connections; every file is whole",
            "tests/it/fault/ground.rs::with_256_descriptors_a_long_list_on_many_connections_is_fetched_whole",
        ),
        open("X6", "200 jobs for a day", "no growth of memory or descriptors", "no test has a day"),
    ]
}
